//! Ways to break the protocol with the engine, by name. None of them closes the jail.

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::surface::{NotSearched, Surface, SurfaceReport};
use reelgate_pipelines::messages::{
    AudioEncoded, AudioEnding, AudioResult, Enrichment, Finished, Loudness, Reply, Sample, ScreenTextCost,
    SegmentResult, TrackResult, WIRE_VERSION,
};
use reelgate_pipelines::wire;

use crate::media;
use crate::replies::{greet, pretend, report, say, take_job};

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
        "writes-without-end" => write_without_end(),
        "writes-in-small-pieces" => {
            open_output("audio/00000.m4s");
            for piece in media::SEGMENT.chunks(64) {
                wire::write_data(io::stdout(), piece).expect("the engine reads the replies");
            }
            io::stdout().flush().expect("the engine reads the replies");
            sleep();
        }
        "sends-empty-frames" => {
            pretend();
            // A frame of kind 2 (data) without a body, again and again.
            loop {
                raw(&[2, 0, 0, 0, 0]);
            }
        }
        "complains-much" => {
            complain(2_000);
            pretend();
            report("the engine read everything");
        }
        "complains-without-end" => {
            pretend();
            complain(usize::MAX);
        }
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
        "writes-the-index-itself" => open_output("storyboard.vtt"),
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
            take_job();
            send_output(0, "audio/init.mp4", media::HEADER);
            send_output(1, "audio/00000.m4s", media::SEGMENT);
            say(&finished(media::SEGMENT.len() as u64));
        }
        "is-honest-about-pictures" => {
            take_job();
            send_output(0, "storyboard-000.jpg", media::SHEET);
            say(&Reply::Finished(Box::new(Finished::Enriched(sampled()))));
        }
        other => match media::wrong_form(other) {
            Some((name, bytes)) => {
                pretend();
                send_output(0, name, &bytes);
                sleep();
            }
            None => report(&format!("unknown misbehaviour {other}")),
        },
    }
}

fn open_output(name: &str) {
    pretend();
    say(&Reply::OutputOpened { output: 0, name: name.to_owned() });
}

/// Sends a whole output as the real worker does.
fn send_output(output: u32, name: &str, bytes: &[u8]) {
    say(&Reply::OutputOpened { output, name: name.to_owned() });
    wire::write_data(io::stdout(), bytes).expect("the engine reads the replies");
    say(&Reply::OutputClosed { output, bytes: bytes.len() as u64 });
}

/// Begins a segment whose header announces 2 GiB of media, and sends them.
fn write_without_end() {
    open_output("audio/00000.m4s");
    let mut piece = media::endless_segment();
    loop {
        piece.resize(wire::DATA_BYTES_MAX, 0);
        wire::write_data(io::stdout(), &piece).expect("the engine reads the replies");
        piece.clear();
    }
}

fn finished(bytes: u64) -> Reply {
    // As in the stored segment, whose first frame is the priming.
    let segment = SegmentResult {
        number: 0,
        start_ticks: 0,
        duration_ticks: 12 * 1024,
        samples: 13,
        bytes,
        starts_with_idr: true,
        first_picture_end: 0,
    };
    let track = TrackResult {
        name: "audio".to_owned(),
        codecs: "mp4a.40.2".to_owned(),
        timescale: 48_000,
        segments: vec![segment],
    };
    let loudness = Loudness { integrated_lufs: None, range_lu: 0.0, true_peak_dbtp: None };
    let encoded =
        AudioEncoded { track, samples_in: 1024, samples_filled: 0, samples_cut: 0, loudness: Some(loudness) };
    let encodes = vec![AudioEnding::Encoded(encoded)];
    Reply::Finished(Box::new(Finished::Audio(AudioResult { encodes })))
}

/// Two samples, whose tiles are on [`media::SHEET`].
fn sampled() -> Enrichment {
    let sample = |time_ns: u64| Sample {
        time_ns,
        luma: 100.0,
        sharpness: 1.0,
        fingerprint: 0,
        scene_score: 0.0,
        tile_width: 28,
        tile_height: 16,
    };
    Enrichment {
        samples: vec![sample(0), sample(1_000_000_000)],
        poster_ns: None,
        storyboard_sheets: 1,
        text_lines: 0,
        screen_text: ScreenTextCost::default(),
        surfaces: surfaces(),
    }
}

/// Every surface of a job that reads nothing in pictures.
fn surfaces() -> Vec<SurfaceReport> {
    let report = |surface: &Surface| match surface {
        Surface::OnScreenText | Surface::Codes => {
            SurfaceReport::not_analysed(*surface, NotSearched::SwitchedOff)
        }
        other if other.is_analysable() => SurfaceReport::analysed(*other),
        other => SurfaceReport::not_analysed(*other, NotSearched::NoAnalysis),
    };
    Surface::ALL.iter().filter(|surface| !surface.is_of_upload()).map(report).collect()
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

fn complain(lines: usize) {
    let line = [b'!'; 4096];
    for _ in 0..lines {
        io::stderr().write_all(&line).expect("the engine drains it");
    }
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
