//! Control groups (cgroup v2): where the service manager has delegated a group to the service, each worker gets one of its
//! own below it. The kernel then counts everything that the worker makes it hold, page tables and sockets included, stops the
//! worker at its memory budget without waiting for the watchdog, and limits its threads.
//!
//! A group is used only if nobody else can be disturbed: it belongs to the user of the service, who is not root, and no other
//! process is in it. systemd makes such a group for a unit with `Delegate=memory pids`. Elsewhere the other limits stay, and
//! [`worker_groups`] says why.

use std::fmt::Display;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where every distribution with systemd mounts the hierarchy.
const MOUNT: &str = "/sys/fs/cgroup";
/// Name of the group of the engine itself: a group that passes controllers on holds no process.
const ENGINE: &str = "engine";
/// Most threads of one worker: its decoders and encoders start some for each core.
const THREADS: u64 = 256;
const THREADS_PER_CORE: u64 = 32;

/// The group that was delegated to this process, below which workers get theirs.
#[derive(Debug)]
struct DelegatedGroup {
    folder: PathBuf,
    made: AtomicU64,
}

/// The group of one worker. Dropping it ends whatever is in it and removes it.
pub struct WorkerGroup {
    folder: PathBuf,
    processes: File,
}

/// What keeps workers apart: a sentence for `reelgate check` and the log. `Err` holds why they have no groups.
pub fn worker_groups() -> Result<String, String> {
    let group = delegated().as_ref().map_err(Clone::clone)?;
    Ok(format!("each worker gets its own below {}", group.folder.display()))
}

/// Makes a group for a worker with this much memory; `None` where none was delegated.
pub fn for_worker(memory_bytes: u64) -> io::Result<Option<WorkerGroup>> {
    delegated().as_ref().ok().map(|group| group.make(memory_bytes)).transpose()
}

/// Moves the calling process into the group of this `cgroup.procs`. Runs between fork and exec.
pub fn enter(processes: BorrowedFd<'_>) -> io::Result<()> {
    rustix::io::write(processes, b"0")?;
    Ok(())
}

/// Looks once, and moves this process into a group beside those of the workers.
fn delegated() -> &'static Result<DelegatedGroup, String> {
    static DELEGATED: OnceLock<Result<DelegatedGroup, String>> = OnceLock::new();
    DELEGATED.get_or_init(|| {
        let own = fs::read_to_string("/proc/self/cgroup").map_err(|error| no("/proc/self/cgroup", error))?;
        DelegatedGroup::take(Path::new(MOUNT), &own, rustix::process::getuid().as_raw(), std::process::id())
    })
}

impl DelegatedGroup {
    /// `own` is the text of `/proc/self/cgroup`.
    fn take(mount: &Path, own: &str, user: u32, process: u32) -> Result<Self, String> {
        let path = own.lines().find_map(|line| line.strip_prefix("0::/"));
        let path = path.ok_or_else(|| no("a group of cgroup v2", "only those of version 1"))?;
        let mut folder = mount.join(path);
        // A service manager can do this itself (systemd from 254 on, `DelegateSubgroup=engine`).
        let is_moved = folder.file_name().is_some_and(|name| name == ENGINE);
        if is_moved {
            folder.pop();
        }
        let read = |name: &str| {
            fs::read_to_string(folder.join(name)).map_err(|error| no(folder.join(name).display(), error))
        };
        let controllers = read("cgroup.controllers")?;
        let missing =
            ["memory", "pids"].iter().find(|name| !controllers.split_whitespace().any(|c| c == **name));
        if let Some(name) = missing {
            return Err(no(format!("the controller `{name}` in {}", folder.display()), "none"));
        }
        let owner = fs::metadata(&folder).map_err(|error| no(folder.display(), error))?.uid();
        if user == 0 || owner != user {
            return Err(no(
                format!("a group of user {user}, who is not root, at {}", folder.display()),
                format!("one of user {owner}"),
            ));
        }
        let others = read("cgroup.procs")?;
        if others.lines().any(|line| line.parse() != Ok(process)) {
            return Err(no(format!("no other process in {}", folder.display()), "some"));
        }
        if !is_moved {
            let engine = folder.join(ENGINE);
            make(&engine).map_err(|error| no(format!("to make {}", engine.display()), error))?;
            fs::write(engine.join("cgroup.procs"), process.to_string())
                .map_err(|error| no(format!("to move into {}", engine.display()), error))?;
        }
        let passed_on = folder.join("cgroup.subtree_control");
        fs::write(&passed_on, "+memory +pids")
            .map_err(|error| no(format!("to write {}", passed_on.display()), error))?;
        Ok(Self { folder, made: AtomicU64::new(0) })
    }

    fn make(&self, memory_bytes: u64) -> io::Result<WorkerGroup> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.join(format!("worker-{number}"));
        make(&folder)?;
        fs::write(folder.join("memory.max"), memory_bytes.to_string())?;
        // Swapped memory counts against the budget, see the watchdog. A kernel without swap accounting has no such file.
        match fs::write(folder.join("memory.swap.max"), "0") {
            Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {
                return Err(error);
            }
            _ => {}
        }
        fs::write(folder.join("memory.oom.group"), "1")?;
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
        fs::write(folder.join("pids.max"), (THREADS + THREADS_PER_CORE * cores).to_string())?;
        let processes = OpenOptions::new().write(true).open(folder.join("cgroup.procs"))?;
        Ok(WorkerGroup { folder, processes })
    }
}

impl WorkerGroup {
    /// Its `cgroup.procs`, for [`enter`].
    pub fn processes(&self) -> BorrowedFd<'_> {
        self.processes.as_fd()
    }

    /// Whether the kernel has killed something in it because the memory was used up.
    pub fn is_out_of_memory(&self) -> bool {
        let events = fs::read_to_string(self.folder.join("memory.events")).unwrap_or_default();
        let killed = events.lines().find_map(|line| line.strip_prefix("oom_kill "));
        killed.is_some_and(|count| count.trim() != "0")
    }
}

impl Drop for WorkerGroup {
    fn drop(&mut self) {
        // Nothing is left to do where either fails: an empty group costs a few kilobytes and ends with the service.
        let _ = fs::write(self.folder.join("cgroup.kill"), "1");
        let _ = fs::remove_dir(&self.folder);
    }
}

/// Makes a group; one of this name that a killed engine left is used again.
fn make(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

fn no(expected: impl Display, found: impl Display) -> String {
    format!("expected {expected}, found: {found}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: u32 = 1_000;

    /// A folder that looks like a delegated group of whoever runs the test.
    fn mounted(name: &str) -> PathBuf {
        let mount = std::env::temp_dir().join(format!("reelgate-groups-{}-{name}", std::process::id()));
        fs::create_dir_all(mount.join("unit")).unwrap();
        fs::write(mount.join("unit/cgroup.controllers"), "cpu memory pids\n").unwrap();
        fs::write(mount.join("unit/cgroup.procs"), "7\n").unwrap();
        if rustix::process::getuid().is_root() {
            std::os::unix::fs::chown(mount.join("unit"), Some(USER), None).unwrap();
        }
        mount
    }

    fn user() -> u32 {
        let user = rustix::process::getuid();
        if user.is_root() { USER } else { user.as_raw() }
    }

    #[test]
    fn each_worker_has_a_group_with_its_own_limits() {
        let mount = mounted("limits");
        let group = DelegatedGroup::take(&mount, "1:pids:/x\n0::/unit\n", user(), 7).unwrap();
        let unit = mount.join("unit");
        let read = |name: &str| fs::read_to_string(unit.join(name)).unwrap();
        assert_eq!(read("engine/cgroup.procs"), "7");
        assert_eq!(read("cgroup.subtree_control"), "+memory +pids");
        for number in 0..2 {
            let folder = format!("worker-{number}");
            fs::create_dir(unit.join(&folder)).unwrap();
            fs::write(unit.join(&folder).join("cgroup.procs"), "").unwrap();
            let worker = group.make(64 << 20).unwrap();
            assert_eq!(read(&format!("{folder}/memory.max")), (64 << 20).to_string());
            assert_eq!(read(&format!("{folder}/memory.swap.max")), "0");
            assert_eq!(read(&format!("{folder}/memory.oom.group")), "1");
            assert!(read(&format!("{folder}/pids.max")).parse::<u64>().unwrap() > THREADS);
            enter(worker.processes()).unwrap();
            assert_eq!(read(&format!("{folder}/cgroup.procs")), "0");
            assert!(!worker.is_out_of_memory());
            fs::write(unit.join(&folder).join("memory.events"), "oom 1\noom_kill 1\n").unwrap();
            assert!(worker.is_out_of_memory());
            drop(worker);
            assert_eq!(read(&format!("{folder}/cgroup.kill")), "1");
        }
        fs::remove_dir_all(mount).unwrap();
    }

    #[test]
    fn a_group_that_the_service_manager_made_for_the_engine_is_used() {
        let mount = mounted("moved");
        fs::create_dir(mount.join("unit/engine")).unwrap();
        fs::write(mount.join("unit/cgroup.procs"), "").unwrap();
        let group = DelegatedGroup::take(&mount, "0::/unit/engine\n", user(), 7).unwrap();
        assert_eq!(group.folder, mount.join("unit"));
        assert!(!mount.join("unit/engine/cgroup.procs").exists(), "the engine stays where it is");
        fs::remove_dir_all(mount).unwrap();
    }

    #[test]
    fn a_group_that_is_not_delegated_is_left_alone_and_the_reason_is_said() {
        let mount = mounted("refused");
        let refused = |own: &str, user: u32, process: u32| {
            DelegatedGroup::take(&mount, own, user, process).map(drop).unwrap_err()
        };
        assert!(refused("5:memory:/x\n", user(), 7).contains("only those of version 1"));
        assert!(refused("0::/elsewhere\n", user(), 7).contains("No such file"));
        assert!(refused("0::/unit\n", 0, 7).contains("who is not root"));
        assert!(refused("0::/unit\n", user() + 1, 7).contains("one of user"));
        assert!(refused("0::/unit\n", user(), 8).contains("no other process"));
        fs::write(mount.join("unit/cgroup.controllers"), "cpu pids\n").unwrap();
        assert!(refused("0::/unit\n", user(), 7).contains("the controller `memory`"));
        assert!(!mount.join("unit/engine").exists());
        fs::remove_dir_all(mount).unwrap();
    }
}
