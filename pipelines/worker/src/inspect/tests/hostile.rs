//! Bytes meant to harm. Playlists in disguise never get this far: sniffing refuses them.

use super::*;

fn refused(bytes: &[u8], container: Container) -> Code {
    gst::init().unwrap();
    let source = corpus::source(bytes);
    let size_bytes = source.size_bytes();
    let job = InspectJob { container, size_bytes, segment_ns: 4_000_000_000, limits: limits() };
    run(&job, source, Arc::new(Silent)).unwrap_err().code
}

const CONTAINERS: [Container; 12] = [
    Container::IsoBmff,
    Container::Matroska,
    Container::MpegTs,
    Container::MpegPs,
    Container::Avi,
    Container::Flv,
    Container::Ogg,
    Container::Mxf,
    Container::Wav,
    Container::Mp3,
    Container::Flac,
    Container::Adts,
];

#[test]
fn nothing_rubbish_and_text_are_refused_in_every_container_without_a_fault_of_ours() {
    let noise: Vec<u8> = (0..60_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let playlist = b"#EXTM3U\n#EXTINF:4,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n";
    for container in CONTAINERS {
        assert_eq!(refused(b"", container), Code::EmptyUpload);
        for bytes in [noise.as_slice(), playlist, &[0; 4_096], b"\0"] {
            let code = refused(bytes, container);
            assert_eq!(code.class().as_str(), "bad_media", "{container:?}: {}", code.as_str());
        }
    }
}

/// Cuts and flips of intact files: whatever comes out, it is a verdict on the file.
fn assert_verdicts_on_mutilations(path: &Path) {
    let (bytes, container) = (corpus::bytes(path), corpus::container(path));
    for part in 1..8usize {
        verdict_on(corpus::source(&bytes[..bytes.len() * part / 8]), container, path);
        let mut flipped = bytes.clone();
        for at in (part..flipped.len()).step_by(997) {
            flipped[at] ^= 0x55;
        }
        verdict_on(corpus::source(&flipped), container, path);
    }
}

#[test]
fn mutilated_files_of_every_container_end_in_a_verdict() {
    for name in [
        "card-in-subtitle.mp4",
        "subtitles-chapters.mkv",
        "vp9-opus.webm",
        "h264-aac.ts",
        "mpeg2-mp2.mpg",
        "mpeg4-mp3.avi",
        "h264-aac.flv",
        "theora-vorbis.ogv",
        "mpeg2-pcm.mxf",
        "pcm.wav",
        "lame.mp3",
        "flac.flac",
        "adts.aac",
    ] {
        assert_verdicts_on_mutilations(&corpus::small(name));
    }
}

#[test]
fn shared_files_mutilated_end_in_a_verdict() {
    for path in [
        "auto-editor/mov_text.mp4",
        "auto-editor/webvtt.mkv",
        "shaka-packager/bear.ogv",
        "firefox-esr/resolution-change.webm",
    ] {
        assert_verdicts_on_mutilations(&corpus::shared(path));
    }
}

fn verdict_on(source: Source, container: Container, path: &Path) {
    gst::init().unwrap();
    let size_bytes = source.size_bytes();
    let job = InspectJob { container, size_bytes, segment_ns: 4_000_000_000, limits: limits() };
    if let Err(fault) = run(&job, source, Arc::new(Silent)) {
        assert_eq!(fault.code.class().as_str(), "bad_media", "{}: {fault}", path.display());
    }
}

/// A script outside of the repository writes playlists in disguise, redirects, bombs and nonsense.
#[test]
fn shared_script_writes_files_to_harm_and_every_one_is_refused() {
    let script = reelgate_test_media::shared("media/hostile/make.py");
    let out = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("python3").arg(script).arg(out.path()).output();
    assert!(made.expect("python3 is installed").status.success());
    let mut files = 0;
    for file in std::fs::read_dir(out.path()).unwrap() {
        let path = file.unwrap().path();
        let fault = inspect(&path).unwrap_err();
        assert_eq!(fault.code.class().as_str(), "bad_media", "{}: {fault}", path.display());
        println!("{}: {}", path.file_name().unwrap().display(), fault.code.as_str());
        files += 1;
    }
    assert!(files >= 24, "{files} files");
}

#[test]
fn a_cut_film_with_its_index_in_front_is_truncated() {
    let bytes = corpus::bytes(&corpus::small("h264-aac.mp4"));
    assert_eq!(refused(&bytes[..bytes.len() * 9 / 10], Container::IsoBmff), Code::Truncated);
}
