//! The kernel's account of one worker's memory, read from `/proc/PID/status` (proc_pid_status(5)).
//!
//! The child opens the file about itself before it becomes the worker, and passes it to the engine. So it does not matter
//! what the engine may see of other processes: a `/proc` with `hidepid` (systemd's `ProtectProc=`) hides a worker that cannot
//! be traced even from its own user, but an open file stays readable.

use std::fs::File;
use std::io::{Error, ErrorKind};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixDatagram;

use reelgate_flow::reason::{Code, Fault};

/// Kernel memory of one thread that no line of the file counts: its stack of 16 KiB and its descriptions.
const THREAD_BYTES: u64 = 32 << 10;
/// The file has about 1.5 KB, and more if the user is in many groups.
const STATUS_BYTES_MAX: usize = 64 << 10;

/// The open file of one process.
pub struct MemoryStatus {
    file: File,
    buffer: Vec<u8>,
}

/// The memory of a process at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemoryUse {
    /// Highest resident size so far, bytes.
    pub resident_max_bytes: u64,
    /// What counts against the budget, bytes: resident and swapped memory, and the kernel's memory for page tables and
    /// threads.
    pub charged_bytes: u64,
}

/// The way by which a child passes its file to the engine: a pair of sockets, closed when the child becomes the worker.
pub struct StatusPassage {
    engine: UnixDatagram,
    child: UnixDatagram,
}

impl StatusPassage {
    pub fn new() -> std::io::Result<Self> {
        let (engine, child) = UnixDatagram::pair()?;
        Ok(Self { engine, child })
    }

    /// The end of the child, for [`pass_own_status`].
    pub fn child(&self) -> RawFd {
        self.child.as_raw_fd()
    }

    /// Takes the file of the child, which has passed it by now.
    ///
    /// # Errors
    /// `worker_unavailable` if it passed none: without it nobody would notice that a worker exceeds its memory.
    pub fn receive(self) -> Result<MemoryStatus, Fault> {
        // SAFETY: the message points to buffers that outlive the call. What `CMSG_FIRSTHDR` returns lies in `passed`, and
        // holds one descriptor if level and type say so; the kernel has opened it for this process, and nobody else knows it.
        unsafe {
            let mut byte = 0_u8;
            let mut part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
            let mut passed = OneDescriptor::default();
            let mut message = passed.message(&mut part);
            let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
            if libc::recvmsg(self.engine.as_raw_fd(), &raw mut message, flags) != 1 {
                return Err(unreadable(&ErrorKind::NotFound.into()));
            }
            let header = libc::CMSG_FIRSTHDR(&raw const message);
            if header.is_null()
                || ((*header).cmsg_level, (*header).cmsg_type) != (libc::SOL_SOCKET, libc::SCM_RIGHTS)
            {
                return Err(unreadable(&ErrorKind::NotFound.into()));
            }
            let file = libc::CMSG_DATA(header).cast::<RawFd>().read_unaligned();
            Ok(MemoryStatus::new(File::from_raw_fd(file)))
        }
    }
}

/// Room for the control message that carries one descriptor (cmsg(3)), aligned as its header must be.
#[derive(Default)]
#[repr(C, align(8))]
struct OneDescriptor([u8; 24]);

impl OneDescriptor {
    fn message(&mut self, part: &mut libc::iovec) -> libc::msghdr {
        // SAFETY: all-zero is a valid `msghdr`.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_iov = part;
        message.msg_iovlen = 1;
        message.msg_control = self.0.as_mut_ptr().cast();
        message.msg_controllen = self.0.len();
        message
    }
}

/// Passes the file about this process to the engine. Runs between fork and exec: it allocates nothing and makes
/// only async-signal-safe calls. Where it fails the engine receives no file, and says so.
pub fn pass_own_status(passage: RawFd) {
    // SAFETY: the path is a C string; the message points to buffers that outlive the call, and its one header fits into
    // `passed` (the length of `CMSG_SPACE` of a descriptor).
    unsafe {
        let status = libc::open(c"/proc/self/status".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        if status < 0 {
            return;
        }
        let mut byte = 0_u8;
        let mut part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
        let mut passed = OneDescriptor::default();
        let message = passed.message(&mut part);
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<RawFd>() as u32) as usize;
        libc::CMSG_DATA(header).cast::<RawFd>().write_unaligned(status);
        libc::sendmsg(passage, &raw const message, libc::MSG_NOSIGNAL);
        libc::close(status);
    }
}

impl MemoryStatus {
    fn new(file: File) -> Self {
        Self { file, buffer: vec![0; STATUS_BYTES_MAX] }
    }

    /// The file of this process.
    #[cfg(test)]
    pub fn of_this_process() -> Self {
        Self::new(File::open("/proc/self/status").unwrap())
    }

    /// The memory of the process now; `None` if it has ended. A process keeps these lines until it gives up its memory.
    pub fn read(&mut self) -> Result<Option<MemoryUse>, Fault> {
        let mut filled = 0;
        loop {
            match self.file.read_at(&mut self.buffer[filled..], filled as u64) {
                Ok(0) if filled == STATUS_BYTES_MAX => {
                    return Err(unreadable(&ErrorKind::FileTooLarge.into()));
                }
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(&error)),
            }
        }
        Ok(parse(&String::from_utf8_lossy(&self.buffer[..filled])))
    }
}

fn parse(status: &str) -> Option<MemoryUse> {
    let value = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
    let bytes =
        |name: &str| value(name)?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024);
    let peak = bytes("VmHWM:")?;
    let held = bytes("VmRSS:").unwrap_or(0).saturating_add(bytes("VmSwap:").unwrap_or(0));
    let threads = value("Threads:")?.trim().parse::<u64>().ok()?;
    let kernel = bytes("VmPTE:").unwrap_or(0).saturating_add(threads.saturating_mul(THREAD_BYTES));
    Some(MemoryUse { resident_max_bytes: peak, charged_bytes: peak.max(held).saturating_add(kernel) })
}

fn unreadable(error: &Error) -> Fault {
    let detail = format!(
        "expected to read a worker's memory in /proc/PID/status, found: {error}; mount /proc where the service runs"
    );
    Fault::new(Code::WorkerUnavailable, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_and_swapped_memory_page_tables_and_threads_are_charged() {
        let status = "VmPeak:\t 99 kB\nVmHWM:\t    1000 kB\nVmRSS:\t     900 kB\nVmPTE:\t 40 kB\nVmSwap:\t 300 kB\nThreads:\t2\n";
        let charged_bytes = (1200 + 40 + 2 * 32) * 1024;
        assert_eq!(parse(status), Some(MemoryUse { resident_max_bytes: 1000 * 1024, charged_bytes }));
        let without_swap = status.replace("300 kB", "0 kB");
        assert_eq!(parse(&without_swap).unwrap().charged_bytes, (1000 + 40 + 2 * 32) * 1024);
    }

    #[test]
    fn a_process_without_memory_has_ended() {
        assert_eq!(parse("Name:\tdead\nState:\tZ (zombie)\nThreads:\t1\n"), None);
        assert_eq!(parse("VmHWM:\t99999999999999999999 kB\nThreads:\t1\n"), None);
    }

    #[test]
    fn the_kernel_writes_these_lines() {
        let own = MemoryStatus::of_this_process().read().unwrap().unwrap();
        assert!(own.resident_max_bytes > 0 && own.charged_bytes > own.resident_max_bytes, "{own:?}");
    }

    #[test]
    fn the_room_for_a_descriptor_is_what_the_kernel_expects() {
        // SAFETY: only computes.
        let space = unsafe { libc::CMSG_SPACE(size_of::<RawFd>() as u32) };
        assert_eq!(size_of::<OneDescriptor>(), space as usize);
    }

    #[test]
    fn the_file_that_is_passed_is_that_of_the_one_who_passes_it() {
        let passage = StatusPassage::new().unwrap();
        pass_own_status(passage.child());
        let passed = passage.receive().unwrap().read().unwrap().unwrap();
        assert!(passed.resident_max_bytes > 0, "{passed:?}");
    }

    #[test]
    fn a_child_that_passes_no_file_is_a_refusal_that_says_what_to_do() {
        let fault = StatusPassage::new().unwrap().receive().map(drop).unwrap_err();
        assert_eq!(fault.code, Code::WorkerUnavailable);
        assert!(fault.detail.contains("not found") && fault.detail.contains("mount /proc"), "{fault}");
    }
}
