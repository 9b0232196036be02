//! The watchdog of a shared server: it stays while there are users and leaves nothing behind.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::fs::{FlockOperation, flock};

use crate::processes_naming;

#[test]
fn a_kept_server_ends_after_its_last_user_with_its_directory_and_address() {
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
    // Two processes, as LocalStack and its Kinesis are; told apart from others' by the directory.
    watchdog.args(["bash", "-c", "sleep 600 & wait; : $0"]).arg(&directory);
    watchdog.process_group(0).stdin(File::open(&users).unwrap());
    let mut watchdog = watchdog.spawn().unwrap();
    let own = directory.to_str().unwrap().to_owned();
    while processes_naming(&own).len() < 2 {}
    // The watchdog has asked for the lock and not got it before it can find the user gone.
    assert!(watchdog.try_wait().unwrap().is_none());
    assert!(state.exists() && directory.exists());
    drop(user);
    watchdog.wait().unwrap();
    assert!(!state.exists() && !directory.exists());
    assert_eq!(processes_naming(&own), Vec::<u32>::new());
}
