//! Where set-up put the servers, and where this checkout keeps what its test processes share.

use std::path::{Path, PathBuf};

/// Where `deploy/local/stand-ins/setup.sh` unpacks: `$REELGATE_STAND_INS`, or the user's cache.
fn installed() -> PathBuf {
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = || from("XDG_CACHE_HOME").or_else(|| from("HOME").map(|home| home.join(".cache")));
    from("REELGATE_STAND_INS")
        .or_else(|| cache().map(|cache| cache.join("reelgate-stand-ins")))
        .expect("$HOME, $XDG_CACHE_HOME or $REELGATE_STAND_INS says where the stand-ins are")
}

/// The directory of one installed server.
///
/// # Panics
/// Where it is not installed.
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

/// Where the processes of this checkout meet to share a server.
pub(crate) fn meeting_place() -> PathBuf {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/stand-ins");
    std::fs::create_dir_all(&place).expect("the target directory is ours to write to");
    place
}
