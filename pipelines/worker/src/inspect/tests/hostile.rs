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

/// Cuts and flips of real files: whatever comes out, it is a verdict on the file.
#[test]
fn mutilated_files_end_in_a_verdict() {
    let files = [
        ("auto-editor/mov_text.mp4", Container::IsoBmff),
        ("auto-editor/webvtt.mkv", Container::Matroska),
        ("shaka-packager/bear.ogv", Container::Ogg),
        ("firefox-esr/resolution-change.webm", Container::Matroska),
    ];
    for (path, container) in files {
        let Some(source) = corpus::open(path) else { return };
        let mut bytes = vec![0; source.size_bytes() as usize];
        source.read_at(0, &mut bytes).unwrap();
        for part in 1..8usize {
            let cut = corpus::source(&bytes[..bytes.len() * part / 8]);
            verdict_on(cut, container, path);
            let mut flipped = bytes.clone();
            for at in (part..flipped.len()).step_by(997) {
                flipped[at] ^= 0x55;
            }
            verdict_on(corpus::source(&flipped), container, path);
        }
    }
}

fn verdict_on(source: Source, container: Container, path: &str) {
    gst::init().unwrap();
    let size_bytes = source.size_bytes();
    let job = InspectJob { container, size_bytes, segment_ns: 4_000_000_000, limits: limits() };
    if let Err(fault) = run(&job, source, Arc::new(Silent)) {
        assert_eq!(fault.code.class().as_str(), "bad_media", "{path}: {fault}");
    }
}

/// The corpus brings a script that writes playlists in disguise, redirects, bombs and nonsense.
#[test]
fn every_file_made_to_harm_is_refused() {
    let Some(folder) = corpus::folder() else { return };
    let out = tempfile::tempdir().unwrap();
    let script = folder.join("hostile/make.py");
    let Ok(made) = std::process::Command::new("python3").arg(script).arg(out.path()).output() else {
        println!("skipped: no python3 to write the hostile files with");
        return;
    };
    assert!(made.status.success());
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
    let Some(source) = corpus::open("shaka-packager/bear-640x360-hevc.mp4") else { return };
    let mut bytes = vec![0; source.size_bytes() as usize];
    source.read_at(0, &mut bytes).unwrap();
    assert_eq!(refused(&bytes[..bytes.len() * 9 / 10], Container::IsoBmff), Code::Truncated);
}
