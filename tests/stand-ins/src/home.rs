//! Where the set-up script installed the servers, and where the test processes of this checkout share files.

use std::path::{Path, PathBuf};

/// The directory into which `deploy/local/stand-ins/setup.sh` installs: `$REELGATE_STAND_INS`, or the user's cache.
fn installed() -> PathBuf {
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || from("XDG_CACHE_HOME").or_else(|| from("HOME").map(|home| home.join(".cache")));
    from("REELGATE_STAND_INS")
        .or_else(|| cache().map(|cache| cache.join("reelgate-stand-ins")))
        .expect("$HOME, $XDG_CACHE_HOME or $REELGATE_STAND_INS is set")
}

/// The directory of one installed server.
///
/// # Panics
/// If the server is not installed.
pub(crate) fn of(name: &str, option: &str) -> PathBuf {
    let home = installed();
    let done = home.join(format!("{name}.made-from"));
    assert!(
        done.is_file(),
        "expected {name} under {}, found none: run deploy/local/setup.sh {option}",
        home.display()
    );
    home.join(name)
}

/// The directory through which the test processes of this checkout share servers.
pub(crate) fn shared_directory() -> PathBuf {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/stand-ins");
    std::fs::create_dir_all(&place).expect("the target directory is writable");
    place
}
