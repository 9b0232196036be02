//! What happens when the filter refuses a system call: the kernel raises `SIGSYS`, and the handler here says the
//! call's number on standard error and ends the process. A worker that has been taken over can replace the handler,
//! but not the refusal: the report is for honest mistakes, such as a library that learned a new call.

use std::io;

use crate::exit::JAIL_VIOLATION;

const BEFORE: &str = "reelgate-jail: system call ";
const AFTER: &str = " refused";

/// Finds the refused call's number in what a worker wrote to standard error.
pub fn refused_call(said: &[u8]) -> Option<u32> {
    let said = String::from_utf8_lossy(said);
    let number = said.lines().find_map(|line| line.strip_prefix(BEFORE)?.strip_suffix(AFTER))?;
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

/// Formats without allocating. The line begins with a line break, in case another one was being written.
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
    fn the_line_that_is_written_is_the_line_that_is_read() {
        for number in [0, 9, 41, 4_294_967_295] {
            let mut line = [0; 64];
            let length = write_line(&mut line, number);
            let said = [b"half a word", &line[..length]].concat();
            assert_eq!(refused_call(&said), Some(number));
        }
    }

    #[test]
    fn other_words_are_not_taken_for_a_refusal() {
        for said in [
            "",
            "system call 41 refused",
            "reelgate-jail: system call x refused",
            "reelgate-jail: system call 41",
        ] {
            assert_eq!(refused_call(said.as_bytes()), None, "{said}");
        }
    }
}
