//! Memory use of the engine with a large upload: a real video, padded to 4 GiB as a sparse file.
//!
//! `memory [GIB]`; prints the largest resident size of the engine process, without its media workers.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let gib: u64 = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(4);
    let dir = tempfile::tempdir().expect("create a temporary directory");
    let video = dir.path().join("padded.mp4");
    let sample = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples/big-buck-bunny-5s.mp4");
    std::fs::copy(sample, &video).expect("copy the sample");
    let mut file = OpenOptions::new().write(true).open(&video).expect("open the copy");
    // A `free` box with a 64-bit size (ISO/IEC 14496-12, 4.2): players skip it, hashing must read it.
    let end = file.seek(SeekFrom::End(0)).expect("seek");
    let length = (gib << 30) - end;
    file.write_all(&[0, 0, 0, 1]).expect("write");
    file.write_all(b"free").expect("write");
    file.write_all(&length.to_be_bytes()).expect("write");
    file.set_len(gib << 30).expect("extend the file");
    let mut reelgate = Command::new(env!("CARGO_BIN_EXE_reelgate"));
    reelgate.args(["run", "--json", "--home"]).arg(dir.path().join("home")).arg(&video).stdout(Stdio::null());
    let mut child = reelgate.spawn().expect("start reelgate");
    let mut peak_kib = 0;
    let status = loop {
        peak_kib = peak_kib.max(resident_peak_kib(child.id()));
        match child.try_wait().expect("wait") {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    assert!(status.success(), "the padded video is published: {status}");
    println!("{gib} GiB upload: engine peaked at {} MiB resident (bar: below 200 MB)", peak_kib / 1024);
}

/// `VmHWM` of a process, KiB; 0 after it has ended.
fn resident_peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_whitespace().nth(1)).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}
