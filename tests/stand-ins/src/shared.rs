//! One server for all test processes of this checkout. The first process starts it, and it ends after the last one.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::path::Path;
use std::process::Stdio;

use rustix::fs::{FlockOperation, flock};

use crate::home;
use crate::server::{Recipe, await_ready};

/// How long a server runs without users, half seconds: longer than the pause between two tests.
const IDLE_HALF_SECONDS: &str = "20";

/// Membership in the users of a server, until this value is dropped.
pub(crate) struct Use {
    /// The server's address, as the process that started it has written it.
    pub address: String,
    _users: File,
}

/// Joins the users of the server `name`. If no server answers, starts one with the recipe and address from `prepare`.
/// `ready` returns whether an address answers.
pub(crate) fn join(
    name: &str,
    prepare: impl FnOnce() -> (Recipe, String),
    ready: impl Fn(&str) -> bool,
) -> Use {
    let place = home::shared_directory();
    let state = place.join(format!("{name}.address"));
    let starting = lock_file(&place.join(format!("{name}.starting")));
    flock(&starting, FlockOperation::LockExclusive).expect("lock the start of a shared server");
    let users = lock_file(&place.join(format!("{name}.users")));
    flock(&users, FlockOperation::LockShared).expect("lock a shared server as a user");
    if let Ok(address) = std::fs::read_to_string(&state)
        && ready(&address)
    {
        return Use { address, _users: users };
    }
    let (recipe, address) = prepare();
    start_watchdog(&recipe, &state, &place.join(format!("{name}.users")), || ready(&address));
    std::fs::write(&state, &address).expect("the target directory is writable");
    Use { address, _users: users }
}

fn start_watchdog(recipe: &Recipe, state: &Path, users: &Path, ready: impl Fn() -> bool) {
    let mut line: Vec<OsString> =
        ["bash", "-c", include_str!("watchdog.sh"), "watchdog"].map(Into::into).into();
    line.extend([
        state.into(),
        recipe.dir.clone().into(),
        recipe.stop.name().into(),
        IDLE_HALF_SECONDS.into(),
    ]);
    line.extend(recipe.command_line());
    let mut command = recipe.command(&line);
    // Opened again: a lock belongs to an open file description, and the watchdog must not share ours.
    command.stdin(Stdio::from(lock_file(users)));
    let mut watchdog = command.spawn().unwrap_or_else(|error| panic!("start {}: {error}", recipe.name));
    await_ready(recipe, ready, || watchdog.try_wait().is_ok_and(|status| status.is_none()));
}

fn lock_file(path: &Path) -> File {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path)
        .unwrap_or_else(|error| panic!("open {}: {error}", path.display()))
}
