//! Ways to break the protocol with the engine, by name. None of them closes the jail.

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::{AudioResult, Finished, Reply, SegmentResult, TrackResult, WIRE_VERSION};
use reelgate_pipelines::wire;

use crate::replies::{greet, pretend, report, say};

/// Misbehaves in the way of this name. Returns if the way is to exit.
pub fn misbehave(name: &str) {
    match name {
        "ends-at-once" => {}
        "speaks-another-version" => {
            say(&Reply::Hello { version: WIRE_VERSION + 1, gstreamer: String::new() })
        }
        "works-before-its-jail-is-closed" => {
            greet();
            say(&Reply::Progress { done_ns: 0, frames: 0 });
        }
        "talks-garbage" => raw(&[0x7f; 4096]),
        "announces-too-much" => raw(&[1, 0xff, 0xff, 0xff, 0xff]),
        "stops-within-a-frame" => raw(&[1, 100, 0, 0, 0, b'{']),
        "ends-without-a-word" => pretend(),
        "crashes" => {
            pretend();
            // SAFETY: this write is unsound on purpose: it must crash the process.
            unsafe { std::ptr::null_mut::<u8>().wrapping_add(8).write_volatile(1) };
        }
        "aborts" => {
            pretend();
            std::process::abort();
        }
        "spins" => {
            pretend();
            spin();
        }
        "spins-and-ignores-the-signal" => {
            // SAFETY: replaces the handling of one signal; no other thread runs.
            unsafe { libc::signal(libc::SIGXCPU, libc::SIG_IGN) };
            pretend();
            spin();
        }
        "eats-memory" => eat_memory(),
        "asks-for-too-much-memory" => {
            pretend();
            drop(std::hint::black_box(Vec::<u8>::with_capacity(1 << 40)));
        }
        "hangs" => {
            pretend();
            sleep();
        }
        "closes-its-pipe-and-stays" => {
            pretend();
            // SAFETY: nothing writes to standard output after this.
            unsafe { libc::close(libc::STDOUT_FILENO) };
            sleep();
        }
        "writes-without-end" => {
            pretend();
            say(&Reply::OutputOpened { output: 0, name: "audio/init.mp4".to_owned() });
            loop {
                wire::write_data(io::stdout(), &[0; 65_536]).expect("the engine reads the replies");
            }
        }
        "complains-without-end" => complain(),
        "leaves-a-child" => leave_a_child(),
        _ => send_wrong_replies(name),
    }
}

/// Well-formed conversations with one wrong statement each, and one that is correct.
fn send_wrong_replies(name: &str) {
    match name {
        "says-what-it-has" => {
            let mut descriptors: Vec<String> = std::fs::read_dir("/proc/self/fd")
                .expect("there is no jail")
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
                .collect();
            descriptors.sort();
            let variables: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
            pretend();
            report(&format!("{} {}", descriptors.join(","), variables.join(",")));
        }
        "names-a-path-outside" => open_output("../escaped"),
        "names-what-is-not-its-own" => open_output("poster.jpg"),
        "sends-data-unasked" => {
            pretend();
            wire::write_data(io::stdout(), b"x").expect("the engine reads the replies");
        }
        "counts-wrong" => {
            open_output("audio/init.mp4");
            say(&Reply::OutputClosed { output: 0, bytes: 1 });
        }
        "lists-what-it-did-not-send" => {
            pretend();
            say(&finished(64));
        }
        "blames-the-checksum" => {
            pretend();
            say(&Reply::Faulted(Fault::new(Code::ChecksumMismatch, "")));
        }
        "is-honest" => {
            pretend();
            for (output, name) in (0..).zip(["audio/init.mp4", "audio/00000.m4s"]) {
                say(&Reply::OutputOpened { output, name: name.to_owned() });
                wire::write_data(io::stdout(), &[1; 300_000]).expect("the engine reads the replies");
                say(&Reply::OutputClosed { output, bytes: 300_000 });
            }
            say(&finished(300_000));
        }
        other => report(&format!("unknown misbehaviour {other}")),
    }
}

fn open_output(name: &str) {
    pretend();
    say(&Reply::OutputOpened { output: 0, name: name.to_owned() });
}

fn finished(bytes: u64) -> Reply {
    let segment = SegmentResult {
        number: 0,
        start_ticks: 0,
        duration_ticks: 1024,
        samples: 1,
        bytes,
        starts_with_idr: true,
    };
    let track = TrackResult {
        name: "audio".to_owned(),
        codecs: "mp4a.40.2".to_owned(),
        timescale: 48_000,
        segments: vec![segment],
    };
    Reply::Finished(Box::new(Finished::Audio(AudioResult {
        track,
        samples_in: 1024,
        samples_filled: 0,
        samples_cut: 0,
    })))
}

fn raw(bytes: &[u8]) {
    io::stdout().write_all(bytes).expect("the engine reads the replies");
    io::stdout().flush().expect("the engine reads the replies");
}

fn spin() {
    loop {
        std::hint::spin_loop();
    }
}

fn sleep() {
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}

/// Takes memory slowly enough that the watchdog ends the job before a limit of the kernel does.
fn eat_memory() {
    pretend();
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    loop {
        eaten.push(vec![1; 4 << 20]);
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn complain() {
    let line = [b'!'; 4096];
    for _ in 0..2_000 {
        io::stderr().write_all(&line).expect("the engine drains it");
    }
    pretend();
    report("the engine read everything");
}

/// Reports the id of a child process, which stays and keeps the pipes open.
fn leave_a_child() {
    let _pipe: OwnedFd = io::stdout().as_fd().try_clone_to_owned().expect("a descriptor is free");
    // SAFETY: one thread, and the child only sleeps.
    match unsafe { libc::fork() } {
        0 => sleep(),
        child => {
            pretend();
            report(&child.to_string());
        }
    }
}
