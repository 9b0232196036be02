//! Attempts to hold memory of the kernel that no resident size shows, by name.

use std::thread;

/// Tables of one page each for the page and for its gigabyte: 8 KiB of tables for a page that is never written.
const GIGABYTES: usize = 60_000;
/// An address far from everything that is mapped.
const FIRST_ADDRESS: usize = 0x1000_0000_0000;
const THREADS: usize = 2_500;

/// Makes one attempt; `None` if it has another name. An attempt that is counted against the budget stays until the
/// engine ends it. The others return how many bytes they hold.
pub fn hold(name: &str) -> Option<String> {
    Some(match name {
        "hold-page-tables" => hold_page_tables(),
        "hold-threads" => hold_threads(),
        "hold-sockets" => {
            // SAFETY: `pair` has room for two descriptors.
            hold_in_descriptors(|pair| unsafe {
                libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, pair.as_mut_ptr())
            })
        }
        // SAFETY: `pair` has room for two descriptors.
        "hold-pipes" => hold_in_descriptors(|pair| unsafe { libc::pipe2(pair.as_mut_ptr(), 0) }),
        _ => return None,
    })
}

fn hold_page_tables() -> String {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
    for number in 0..GIGABYTES {
        let address = (FIRST_ADDRESS + (number << 30)) as *mut libc::c_void;
        // SAFETY: nothing of this process is mapped there; the page is only read.
        let page = unsafe { libc::mmap(address, 4096, libc::PROT_READ, flags, -1, 0) };
        if page == libc::MAP_FAILED {
            return format!("mapped only {number} pages");
        }
        // SAFETY: the page is mapped and readable.
        unsafe { page.cast::<u8>().read_volatile() };
    }
    stay()
}

fn hold_threads() -> String {
    for number in 0..THREADS {
        let started = thread::Builder::new().stack_size(16 << 10).spawn(stay);
        if started.is_err() {
            return format!("started only {number} threads");
        }
    }
    stay()
}

/// Fills every pair of descriptors that it can make.
fn hold_in_descriptors(make: impl Fn(&mut [i32; 2]) -> i32) -> String {
    let (mut held, mut pair) = (0, [0; 2]);
    while make(&mut pair) == 0 {
        held += pair.iter().map(|fd| fill(*fd)).sum::<u64>();
    }
    held.to_string()
}

/// Writes until the descriptor takes no more. The end of a pipe that is read takes nothing.
fn fill(fd: i32) -> u64 {
    let bytes = [1_u8; 4096];
    let mut held = 0;
    // SAFETY: the descriptor is open, and `bytes` is as long as the call says.
    unsafe {
        libc::fcntl(fd, libc::F_SETFL, libc::O_NONBLOCK);
        while let Ok(count) = u64::try_from(libc::write(fd, bytes.as_ptr().cast(), bytes.len())) {
            held += count;
        }
    }
    held
}

fn stay() -> String {
    loop {
        thread::park();
    }
}
