//! The watchdog of a shared server: it runs while there are users, and leaves nothing behind.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::fs::{FlockOperation, flock};

use crate::processes_naming;

#[test]
fn a_shared_server_ends_after_its_last_user_and_its_files_are_removed() {
    let place = tempfile::tempdir().unwrap();
    let (users, state) = (place.path().join("users"), place.path().join("address"));
    let directory = place.path().join("server");
    fs::create_dir(&directory).unwrap();
    fs::write(&state, "somewhere").unwrap();
    let user = File::create(&users).unwrap();
    flock(&user, FlockOperation::LockShared).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/watchdog.sh");
    let mut watchdog = Command::new("bash");
    watchdog.arg(script).arg(&state).arg(&directory).args(["TERM", "1"]);
    // Two processes, like LocalStack and its Kinesis; the directory identifies them.
    watchdog.args(["bash", "-c", "sleep 600 & wait; : $0"]).arg(&directory);
    watchdog.process_group(0).stdin(File::open(&users).unwrap());
    let mut watchdog = watchdog.spawn().unwrap();
    let own = directory.to_str().unwrap().to_owned();
    while processes_naming(&own).len() < 2 {}
    // The watchdog has tried to lock the file, and failed, before the user can be gone.
    assert!(watchdog.try_wait().unwrap().is_none());
    assert!(state.exists() && directory.exists());
    drop(user);
    watchdog.wait().unwrap();
    assert!(!state.exists() && !directory.exists());
    assert_eq!(processes_naming(&own), Vec::<u32>::new());
}
