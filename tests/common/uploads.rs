//! Small uploads for every outcome, made by an independent encoder.

use std::path::Path;
use std::process::Command;

/// Runs a tool that must succeed.
pub fn tool(program: &str, arguments: &[&str]) {
    let output =
        Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Whether an upload with this number holds nothing that is found, is a film and no copy of another.
#[allow(dead_code, reason = "not every test that makes uploads asks")]
pub fn is_published(number: usize) -> bool {
    number % 7 != 3 && number % 10 < 7
}

/// Many small uploads for every outcome: published, linked, quarantined, rejected in three ways, one in chunks.
pub fn uploads(dir: &Path, count: usize) {
    std::fs::create_dir_all(dir).unwrap();
    for number in 0..count {
        let path = dir.join(format!("{number:03}.mp4"));
        let size = format!("testsrc2=s=160x120:r=10:d={}", 1 + number % 3);
        let tag = if number % 7 == 3 { "comment=credit card 4539 5787 6362 1486" } else { "comment=nothing" };
        match number % 10 {
            8 => std::fs::write(&path, format!("not a video {number}")).unwrap(),
            9 => std::fs::write(&path, format!("#EXTM3U\nfile:///etc/passwd\n#{number}\n")).unwrap(),
            7 => drop(std::fs::copy(dir.join(format!("{:03}.mp4", number - 7)), &path).unwrap()),
            _ => tool(
                "ffmpeg",
                &[
                    "-v",
                    "error",
                    "-f",
                    "lavfi",
                    "-i",
                    &format!("{size},hue=h={number}"),
                    "-c:v",
                    "libx264",
                    "-preset",
                    "ultrafast",
                    "-metadata",
                    tag,
                    path.to_str().unwrap(),
                ],
            ),
        }
    }
    let long = dir.join("long.mp4");
    let picture = "testsrc2=s=160x120:r=10:d=65";
    tool(
        "ffmpeg",
        &[
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            picture,
            "-f",
            "lavfi",
            "-i",
            "sine=d=65",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "20",
            "-c:a",
            "aac",
            long.to_str().unwrap(),
        ],
    );
}
