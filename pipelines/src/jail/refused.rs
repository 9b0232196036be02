//! What happens when the filter refuses a system call. The kernel raises `SIGSYS`; the handler here writes the call's
//! number to standard error and ends the process. A worker under an attacker's control can replace the handler, but the
//! call stays refused. The report is for honest mistakes, such as a new version of a library that makes a new call.

use std::io;

use crate::exit::JAIL_VIOLATION;

const BEFORE: &str = "reelgate-jail: system call ";
const AFTER: &str = " refused";

/// The number of the refused call in a worker's standard error.
pub fn refused_call(stderr: &[u8]) -> Option<u32> {
    let text = String::from_utf8_lossy(stderr);
    let number = text.lines().find_map(|line| line.strip_prefix(BEFORE)?.strip_suffix(AFTER))?;
    number.parse().ok()
}

pub(super) fn report_on_stderr() -> io::Result<()> {
    // SAFETY: all-zero is a valid `sigaction`; the handler has the signature that `SA_SIGINFO` asks for and
    // makes only async-signal-safe calls.
    let result = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = report as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO;
        libc::sigaction(libc::SIGSYS, &action, std::ptr::null_mut())
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The beginning of `siginfo_t` for `SIGSYS` on 64-bit Linux (sigaction(2), `_sigsys`), which libc leaves opaque.
#[repr(C)]
struct RefusedCall {
    signal: i32,
    errno: i32,
    code: i32,
    padding: i32,
    address: usize,
    number: i32,
    architecture: u32,
}

extern "C" fn report(_signal: i32, info: *const RefusedCall, _context: *const libc::c_void) {
    // SAFETY: the kernel passes a `siginfo_t` that is larger than `RefusedCall` and laid out like it.
    let number = unsafe { (*info).number };
    let mut line = [0; 64];
    let length = write_line(&mut line, number.unsigned_abs());
    // SAFETY: `length` bytes of `line` are initialised; write and _exit are async-signal-safe.
    unsafe {
        libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), length);
        libc::_exit(JAIL_VIOLATION);
    }
}

/// Formats without allocating. The line begins with a line break, because another line may be unfinished.
fn write_line(line: &mut [u8; 64], number: u32) -> usize {
    let mut digits = [0; 10];
    let mut first = digits.len();
    let mut rest = number;
    loop {
        first -= 1;
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    let mut length = 0;
    for part in [b"\n", BEFORE.as_bytes(), &digits[first..], AFTER.as_bytes(), b"\n"] {
        line[length..length + part.len()].copy_from_slice(part);
        length += part.len();
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_written_line_parses_to_the_same_number() {
        for number in [0, 9, 41, 4_294_967_295] {
            let mut line = [0; 64];
            let length = write_line(&mut line, number);
            let stderr = [b"half a line", &line[..length]].concat();
            assert_eq!(refused_call(&stderr), Some(number));
        }
    }

    #[test]
    fn other_text_is_not_parsed_as_a_refusal() {
        for stderr in [
            "",
            "system call 41 refused",
            "reelgate-jail: system call x refused",
            "reelgate-jail: system call 41",
        ] {
            assert_eq!(refused_call(stderr.as_bytes()), None, "{stderr}");
        }
    }
}
