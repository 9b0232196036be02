//! Text in which nothing may be found: the contents of media files that are no personal data.

use reelgate_privacy::{Finding, Severity};
use serde_json::Value;

use crate::captions::Numbers;
use crate::{CLASSIFIER, ids, line};

/// Files of the corpus that state where they were filmed.
const WITH_LOCATION: &[&str] = &[
    "androidx-media__dolbyVision-hdr.MOV",
    "androidx-media__sample_with_chapters.mp4",
    "forensics-samples__VID_20191220_170832.mp4",
    "metadata-extractor-images__with-gps.mov",
    "nom-exif__meta.mov",
    "tika__testMP4_QuickTimeMetadata.mov",
];

/// Element names of containers, probes and subtitle formats; some contain a keyword.
const FIELDS: &[&str] = &[
    "streams.tags.creation_time",
    "format.tags.major_brand",
    "streams.id",
    "streams.codec_tag",
    "format.bit_rate",
    "format.size",
    "streams.start_time",
    "streams.duration_ts",
    "streams.tags.timecode",
    "streams.tags.handler_name",
    "streams.tags.encoder",
    "chapters.tags.title",
    "format.tags.comment",
    "format.tags.com.apple.quicktime.creationdate",
    "media.track.UniqueID",
    "media.track.Encoded_Library_Settings",
    "media.track.FrameCount",
    "streams.extradata_hash",
    "streams.side_data_list.displaymatrix",
    "cue.settings",
];

#[test]
fn generated_log_lines_and_listings_have_no_finding_above_low() {
    let mut numbers = Numbers(4);
    for _ in 0..10_000 {
        let mut n = |bound: u64| numbers.below(bound);
        let time = format!(
            "2024-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
            1 + n(12),
            1 + n(28),
            n(24),
            n(60),
            n(60),
            n(1_000_000)
        );
        let texts = [
            format!(
                "{time}  INFO worker{{id={}}}: chunk encoded frames={} elapsed_ms={}",
                n(1 << 20),
                n(100_000),
                n(100_000)
            ),
            format!(
                "{time} WARN retry attempt={} after {}.{:03}s status=503 request={:016x}",
                n(9),
                n(60),
                n(1000),
                n(1 << 60)
            ),
            format!(
                "[{}] kernel: [{:5}.{:06}] usb {}-{}: new device number {}",
                n(99_999),
                n(99_999),
                n(1_000_000),
                n(9),
                n(9),
                n(127)
            ),
            format!(
                "10.0.0.{} - - [{:02}/Mar/2024:{:02}:{:02}:{:02} +0000] \"GET /hls/{}/seg_{:05}.m4s HTTP/1.1\" 206 {}",
                n(256),
                1 + n(28),
                n(24),
                n(60),
                n(60),
                n(9999),
                n(99_999),
                n(1 << 24)
            ),
            format!("#EXTINF:{}.{:06},\n#EXT-X-BYTERANGE:{}@{}", n(10), n(1_000_000), n(1 << 24), n(1 << 34)),
            format!(
                "video_{}_{}x{}_{}k_{:08x}.mp4 {} bytes",
                n(99_999),
                640 + n(3200),
                360 + n(1800),
                n(20_000),
                n(1 << 32),
                n(1 << 34)
            ),
            format!(
                "pid {} tid {} addr 0x{:012x} size {} align {}",
                n(99_999),
                n(99_999),
                n(1 << 48),
                n(1 << 40),
                n(4096)
            ),
            format!(
                "x264 - core {} r{} {:07x} - options: crf={}.0 keyint={} rc_lookahead={} qpmax={}",
                n(200),
                n(4000),
                n(1 << 28),
                n(51),
                n(250),
                n(60),
                n(69)
            ),
            format!(
                "{{\"pts\": {}, \"dts\": {}, \"pos\": \"{}\", \"stream_index\": {}}}",
                n(1 << 40),
                n(1 << 40),
                n(1 << 40),
                n(9)
            ),
            format!(
                "episode {} season {} scene {} take {} reel {:03} card {}",
                n(99),
                n(20),
                n(200),
                n(30),
                n(999),
                n(99)
            ),
            format!(
                "order {} invoice {} ticket {} sku {}-{:04}",
                n(1 << 30),
                n(1 << 34),
                n(1 << 24),
                n(999),
                n(9999)
            ),
            format!("scores {}-{} {}-{} {}-{} total {}", n(9), n(9), n(9), n(9), n(9), n(9), n(200)),
        ];
        for text in &texts {
            let findings = CLASSIFIER.scan([line(text, "text", "")].into_iter());
            let loud: Vec<&Finding> = findings.iter().filter(|f| f.severity > Severity::Low).collect();
            assert!(loud.is_empty(), "{text}: {loud:?}");
        }
    }
}

#[test]
fn generated_times_hashes_and_versions_have_no_finding() {
    let mut numbers = Numbers(3);
    for _ in 0..20_000 {
        let mut n = |bound: u64| numbers.below(bound);
        let (h, m, s, ms) = (n(24), n(60), n(60), n(1000));
        let (year, month, day) = (1950 + n(120), 1 + n(12), 1 + n(28));
        let hex = |n: &mut dyn FnMut(u64) -> u64, digits: u64| -> String {
            (0..digits).map(|_| char::from_digit(n(16) as u32, 16).unwrap()).collect()
        };
        let texts = [
            format!(
                "{h:02}:{m:02}:{s:02}.{ms:03} --> {h:02}:{m:02}:{:02}.{ms:03} align:start position:0%",
                (s + 2) % 60
            ),
            format!("{}\n{h:02}:{m:02}:{s:02},{ms:03} --> {h:02}:{m:02}:{s:02},{:03}", n(5000), n(1000)),
            format!("{h:02}:{m:02}:{s:02}:{:02} {h:02}:{m:02}:{s:02};{:02}", n(30), n(30)),
            format!("{year}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.{ms:03}000Z"),
            format!("{year}-{month:02}-{day:02} {h:02}:{m:02}:{s:02}+{:02}{:02}", n(14), n(2) * 30),
            format!("VID_{year}{month:02}{day:02}_{h:02}{m:02}{s:02}.mp4"),
            format!("PXL_{year}{month:02}{day:02}_{h:02}{m:02}{s:02}{ms:03}.TS.mp4"),
            format!(
                "{}-{}-4{}-a{}-{}",
                hex(&mut n, 8),
                hex(&mut n, 4),
                hex(&mut n, 3),
                hex(&mut n, 3),
                hex(&mut n, 12)
            ),
            hex(&mut n, 32),
            hex(&mut n, 40),
            hex(&mut n, 64),
            format!("sha256:{} md5={}", hex(&mut n, 64), hex(&mut n, 32)),
            format!("v{}.{}.{}.{} Lavf{}.{}.{}", n(99), n(99), n(999), n(99), 50 + n(20), n(100), n(200)),
            format!("version {}.{}.{}.{}-rc{}", n(20), n(20), n(20), n(20), n(9)),
            format!("\"duration\": \"{}.{:06}\", \"duration_ts\": {}", n(9999), n(1_000_000), n(1 << 40)),
            format!("\"bit_rate\": \"{}\", \"size\": \"{}\", \"probe_score\": 100", n(1 << 27), n(1 << 40)),
            format!(
                "[{}.{:06}] frame={} fps={}.{} q={}.0 size={}kB speed={}.{:02}x",
                n(9999),
                n(1_000_000),
                n(99999),
                n(99),
                n(9),
                n(51),
                n(999_999),
                n(99),
                n(99)
            ),
            format!("{} 0x{} {}/{}", 1_500_000_000 + n(400_000_000), hex(&mut n, 12), 24_000 + n(6000), 1001),
        ];
        for text in &texts {
            assert_eq!(ids(text), [""; 0], "{text}");
            let field = FIELDS[n(FIELDS.len() as u64) as usize];
            assert_quiet(field, &CLASSIFIER.scan([line(text, "tag", field)].into_iter()));
        }
    }
}

#[test]
fn shared_probe_reports_hold_nothing_but_real_places() {
    for folder in ["media/ffprobe", "media/mediainfo"] {
        let root = reelgate_test_media::shared(folder);
        let mut entries: Vec<_> =
            std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        assert!(entries.len() > 70, "{folder}");
        for path in entries {
            let report = std::fs::read(&path).unwrap();
            let report = String::from_utf8_lossy(&report);
            let name = path.file_name().and_then(|name| name.to_str()).unwrap();
            let lines = report.lines().map(|text| line(text, "probe", ""));
            assert_quiet(name, &CLASSIFIER.scan(lines));
            if let Ok(json) = serde_json::from_str(&report) {
                let mut leaves = Vec::new();
                gather(&json, "", &mut leaves);
                let lines = leaves.iter().map(|(field, text)| line(text, "tag", field));
                assert_quiet(name, &CLASSIFIER.scan(lines));
            }
        }
    }
}

fn assert_quiet(name: &str, findings: &[Finding]) {
    for finding in findings {
        let real_place =
            finding.kind.id == "LATITUDE_LONGITUDE" && WITH_LOCATION.iter().any(|w| name.starts_with(w));
        assert!(real_place, "{name}: {finding:?}");
        assert!(finding.severity <= Severity::Medium);
    }
}

/// The leaves of a report, with the names on their path as element names.
fn gather(value: &Value, path: &str, leaves: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(key, member)| gather(member, &format!("{path}.{key}"), leaves))
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, path, leaves)),
        Value::String(text) => leaves.push((path.to_owned(), text.clone())),
        other => leaves.push((path.to_owned(), other.to_string())),
    }
}

#[test]
fn captions_about_numbers_have_no_finding() {
    for text in [
        "In 1969, 600,000,000 people watched.",
        "Flight 815 leaves at 12:45.",
        "The score was 3-2-1.",
        "Room 4-12, floor 3.",
        "Call me in 5 minutes.",
        "It cost $1,234,567.89.",
        "ISBN 978-3-16-148410-0",
        "Chapter 12: 1984-2001",
        "He scored 100 98 97 in 2010 2011 2012.",
        "Dial M for Murder (1954)",
        "1920x1080 @ 29.97 fps",
        "H.264/AVC level 4.1",
        "-0.5 +0.25 1.0e-10",
        "rgba(255, 255, 255, 0.5)",
        "matrix 1.0000, 0.0000, 0.7071, 0.7071",
        "score 145-82-6719",
        "clone git@host:org/repo",
        "git@github.com:org/repo.git",
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
        "2024/03/12/10/15/33/0042",
        "10.20.30.40.50.60.70.80",
        "ten – nine – eight – 7 – 6 – 5",
        "x² + y² = 10² · 2³",
        "100%25 of <b>12</b> AT&amp;T",
    ] {
        assert_eq!(ids(text), [""; 0], "{text}");
    }
}

#[test]
fn shared_probe_reports_with_a_place_are_found_to_have_one() {
    let root = reelgate_test_media::shared("media/ffprobe");
    for name in WITH_LOCATION {
        let report = std::fs::read(root.join(format!("{name}.json"))).unwrap();
        let report = String::from_utf8_lossy(&report);
        let findings = CLASSIFIER.scan(report.lines().map(|text| line(text, "probe", "")));
        let kinds: Vec<&str> = findings.iter().map(|finding| finding.kind.id).collect();
        assert_eq!(kinds, ["LATITUDE_LONGITUDE"], "{name}");
    }
}
