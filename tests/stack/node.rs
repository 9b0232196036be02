//! The scripts that a node of the stack writes at its start, each run with programs in place of the machine's own.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::templates::stack;

/// The user data of a light node.
fn boot() -> String {
    let stacks = stack(&["PackageUri=reelgate.deb"]);
    let data =
        &stacks["Fleet/Light"]["Resources"]["Template"]["Properties"]["LaunchTemplateData"]["UserData"];
    data.as_str().unwrap().to_owned()
}

/// The scripts that it writes, by name.
fn written(boot: &str) -> Vec<(&str, &str)> {
    let pieces = boot.split("cat >/usr/local/lib/reelgate/").skip(1);
    pieces
        .map(|piece| {
            let (name, rest) = piece.split_once(" <<'END'\n").unwrap();
            (name, rest.split_once("\nEND\n").unwrap().0)
        })
        .collect()
}

/// A machine with some of the scripts, and programs that answer what a test wants.
struct Machine {
    dir: TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { dir: tempfile::tempdir().unwrap() };
        for folder in ["lib", "bin", "state"] {
            std::fs::create_dir(machine.path(folder)).unwrap();
        }
        let root = machine.dir.path().to_str().unwrap();
        for (name, text) in written(&boot()) {
            let text = text.replace("/usr/local/lib/reelgate", &format!("{root}/lib"));
            let text = text.replace("/var/lib/reelgate-node", &format!("{root}/state"));
            machine.program(
                &format!("lib/{name}"),
                &text.replace("/run/reelgate-node", &format!("{root}/state")),
            );
        }
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn program(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), format!("{text}\n")).unwrap();
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn run(&self, script: &str) -> Output {
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        let mut command = Command::new(self.path(&format!("lib/{script}")));
        command.env("PATH", path).current_dir(self.dir.path()).output().unwrap()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }
}

fn shellcheck(path: &Path) {
    let found = Command::new("shellcheck").args(["-s", "bash"]).arg(path).output().unwrap();
    assert!(found.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&found.stdout));
}

#[test]
fn shellcheck_finds_nothing_in_what_nodes_run_at_their_start() {
    let boot = boot();
    // EC2's limit of user data.
    assert!(boot.starts_with("#!/bin/bash\n") && boot.len() < 16_384, "{} bytes", boot.len());
    let dir = tempfile::tempdir().unwrap();
    let mut scripts = written(&boot);
    assert_eq!(
        scripts.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        ["signed", "password", "ship", "watch"]
    );
    scripts.push(("boot", &boot));
    for (name, text) in scripts {
        let path = dir.path().join(name);
        std::fs::write(&path, format!("{text}\n")).unwrap();
        shellcheck(&path);
    }
}

#[test]
fn a_log_that_was_not_accepted_is_shipped_again_and_then_goes_on() {
    let machine = Machine::new();
    machine.program("bin/journalctl", "#!/bin/bash\necho \"$*\" >>asked\ncat journal");
    let signed = "#!/bin/bash\nfor one in \"$@\"; do case $one in @*) cat \"${one#@}\" >>sent; echo >>sent ;; esac; done\n[ ! -e refuse ]";
    machine.program("lib/signed", signed);
    let line = |message: &str, cursor: u32| {
        format!(
            r#"{{"MESSAGE": {message}, "__CURSOR": "c{cursor}", "__REALTIME_TIMESTAMP": "17000000000000{cursor}0"}}"#
        )
    };
    // journald writes bytes that are no text as numbers.
    let journal = format!("{}\n{}\n", line("\"one\"", 10), line("[104, 105]", 11));
    std::fs::write(machine.path("journal"), journal).unwrap();
    std::fs::write(machine.path("refuse"), "").unwrap();
    assert!(!machine.run("ship").status.success());
    assert_eq!(machine.read("state/cursor"), "");
    std::fs::remove_file(machine.path("refuse")).unwrap();
    let shipped = machine.run("ship");
    assert!(shipped.status.success(), "{}", String::from_utf8_lossy(&shipped.stderr));
    assert_eq!(machine.read("state/cursor"), "c11");
    std::fs::write(machine.path("journal"), "").unwrap();
    assert!(machine.run("ship").status.success());
    let sent = machine.read("sent");
    let batches: Vec<&str> = sent.lines().filter(|line| line.contains("logEvents")).collect();
    assert_eq!(batches.len(), 2, "{sent}");
    assert_eq!(batches[0], batches[1]);
    assert!(
        batches[0].contains(r#""message": "one""#) && batches[0].contains(r#""message": "hi""#),
        "{sent}"
    );
    assert!(batches[0].contains(r#""/reelgate/test/nodes""#), "{sent}");
    assert!(machine.read("asked").ends_with("--after-cursor c11\n"), "{}", machine.read("asked"));
}

#[test]
fn a_password_is_written_for_the_unit_and_another_one_is_told() {
    let machine = Machine::new();
    let answer = |password: &str| {
        let secret = serde_json::json!({"username": "reelgate", "password": password}).to_string();
        std::fs::write(machine.path("answer"), serde_json::json!({"SecretString": secret}).to_string())
            .unwrap();
    };
    machine.program("lib/signed", "#!/bin/bash\ncat answer");
    answer("a\"b$c\\d`e");
    assert_eq!(machine.run("password").status.code(), Some(9), "there was none before");
    assert_eq!(machine.read("state/password.env"), "PGPASSWORD=\"a\\\"b\\$c\\\\d\\`e\"\n");
    let mode = std::fs::metadata(machine.path("state/password.env")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(machine.run("password").status.code(), Some(0), "it is the same");
    answer("another");
    assert_eq!(machine.run("password").status.code(), Some(9));
    std::fs::write(machine.path("answer"), "no JSON").unwrap();
    assert!(![Some(0), Some(9)].contains(&machine.run("password").status.code()));
    assert_eq!(machine.read("state/password.env"), "PGPASSWORD=\"another\"\n", "the old one stays");
}
