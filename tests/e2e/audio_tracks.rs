//! Every audio track of a film is published, with its own sound, language, role and loudness.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{TempHome, talk, tool, undocumented};

const SECONDS: usize = 6;
/// Tones of the channels of the track in 5.1: front left, right and centre, low frequencies, rear left and right.
const SURROUND_HZ: [u32; 6] = [200, 250, 300, LOW_HZ, 350, 400];
const LOW_HZ: u32 = 60;
const ENGLISH_HZ: u32 = 440;
const COMMENTARY_HZ: u32 = 880;
const FRENCH_HZ: u32 = 1_000;
/// Samples per second of what is decoded to find a tone.
const RATE: u32 = 8_000;

/// A film with sound in German (5.1), English, an English commentary, and French more than an hour behind the pictures.
fn film(path: &Path) {
    let tone = |hertz: u32| format!("sine=frequency={hertz}:sample_rate=48000:duration={SECONDS}");
    let channels: Vec<String> = SURROUND_HZ.iter().map(|hertz| format!("0.1*sin({hertz}*2*PI*t)")).collect();
    let surround = format!("aevalsrc={}:s=48000:d={SECONDS}:c=5.1", channels.join("|"));
    let pictures = format!("testsrc2=size=160x90:rate=25:duration={SECONDS}");
    let (english, commentary, french) = (tone(ENGLISH_HZ), tone(COMMENTARY_HZ), tone(FRENCH_HZ));
    let inputs = [
        ["-f", "lavfi", "-i", &pictures],
        ["-f", "lavfi", "-i", &surround],
        ["-f", "lavfi", "-i", &english],
        ["-f", "lavfi", "-i", &commentary],
    ];
    let late = ["-itsoffset", "4000", "-f", "lavfi", "-i", &french];
    let maps = ["-map", "0:v", "-map", "1:a", "-map", "2:a", "-map", "3:a", "-map", "4:a"];
    let codecs =
        ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-c:a:0", "flac", "-c:a:2", "libopus"];
    let languages = ["ger", "eng", "eng", "fre"].map(|code| format!("language={code}"));
    let mut arguments = vec!["-nostdin", "-v", "error", "-y"];
    arguments.extend(inputs.iter().flatten());
    arguments.extend(late);
    arguments.extend(maps);
    arguments.extend(codecs);
    let streams = ["-metadata:s:a:0", "-metadata:s:a:1", "-metadata:s:a:2", "-metadata:s:a:3"];
    arguments.extend(streams.into_iter().zip(&languages).flat_map(|(stream, code)| [stream, code.as_str()]));
    // A name in the file must not appear in playlists.
    arguments.extend(["-metadata:s:a:1", "title=Jane Doe speaks", "-disposition:a:2", "comment"]);
    tool("ffmpeg", &[&arguments[..], &[path.to_str().unwrap()]].concat());
}

/// The folder that holds the publication of the only asset of a run.
fn publication(line: &Value) -> PathBuf {
    let hls = line["outputs"]["hls"].as_str().unwrap_or_else(|| panic!("not published: {line:#}"));
    Path::new(hls).parent().unwrap().to_path_buf()
}

/// One channel of a rendition as ffmpeg decodes it.
fn decoded(playlist: &Path, channel: usize) -> Vec<f32> {
    let raw = playlist.with_file_name(format!("decoded-{channel}"));
    let pan = format!("pan=mono|c0=c{channel}");
    let head = ["-nostdin", "-v", "error", "-y", "-i", playlist.to_str().unwrap()];
    let rate = RATE.to_string();
    let tail = ["-af", &pan, "-ar", &rate, "-f", "f32le", raw.to_str().unwrap()];
    tool("ffmpeg", &[&head[..], &tail].concat());
    let bytes = std::fs::read(&raw).unwrap();
    std::fs::remove_file(&raw).unwrap();
    bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect()
}

/// The strongest of these tones, by Goertzel's algorithm.
fn strongest(samples: &[f32], tones: &[u32]) -> u32 {
    let power = |hertz: u32| {
        let step = 2.0 * (f64::from(hertz) * std::f64::consts::TAU / f64::from(RATE)).cos();
        let last = samples
            .iter()
            .fold((0.0, 0.0), |(one, two), sample| (f64::from(*sample) + step * one - two, one));
        last.0 * last.0 + last.1 * last.1 - step * last.0 * last.1
    };
    *tones.iter().max_by(|a, b| power(**a).total_cmp(&power(**b))).unwrap()
}

/// Language and title of each audio stream that ffprobe finds in a manifest.
fn streams(manifest: &Path) -> Vec<(String, String)> {
    let arguments = ["-v", "error", "-select_streams", "a", "-of", "json"];
    let entries = ["-show_entries", "stream=index:stream_tags=language,comment"];
    let text = tool("ffprobe", &[&arguments[..], &entries, &[manifest.to_str().unwrap()]].concat());
    let found: Value = serde_json::from_str(&text).unwrap();
    let tag = |stream: &Value, name: &str| stream["tags"][name].as_str().unwrap_or_default().to_owned();
    let list = found["streams"].as_array().unwrap().iter();
    list.map(|stream| (tag(stream, "language"), tag(stream, "comment"))).collect()
}

/// Integrated loudness, loudness range and true peak of one audio stream by ffmpeg's filter.
fn ffmpeg_loudness(file: &Path, stream: &str) -> [f64; 3] {
    let arguments = ["-nostdin", "-hide_banner", "-i", file.to_str().unwrap(), "-map", stream];
    let filter = ["-af", "ebur128=peak=true", "-f", "null", "-"];
    let output = std::process::Command::new("ffmpeg").args(arguments).args(filter).output().unwrap();
    let report = talk(&output);
    let summary = report.rsplit("Summary:").next().unwrap();
    ["I:", "LRA:", "Peak:"].map(|name| {
        let value = summary.split_whitespace().skip_while(|word| *word != name).nth(1);
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} in {report}"))
    })
}

fn rendition<'a>(line: &'a Value, name: &str) -> &'a Value {
    let all = line["renditions"].as_array().unwrap();
    all.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name} in {line:#}"))
}

fn loudness(line: &Value, name: &str) -> [f64; 3] {
    let loudness = &rendition(line, name)["loudness"];
    ["integrated_lufs", "range_lu", "true_peak_dbtp"].map(|field| loudness[field].as_f64().unwrap())
}

fn close(found: &[f64], expected: &[f64]) -> bool {
    found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() <= 0.5)
}

#[test]
fn every_audio_track_is_published_with_its_sound_and_language() {
    let home = TempHome::encoding_quickly();
    let source = home.file("film.mkv");
    film(&source);
    let mut command = home.command(&["run", "--json"]);
    command.env("REELGATE__MEDIA__AUDIO__SURROUND", "true");
    let output = command.arg(&source).output().unwrap();
    let line = crate::support::lines(&output.stdout, &talk(&output)).remove(0);
    assert_eq!(undocumented(&line), Vec::<String>::new());
    let folder = publication(&line);
    let all = [&SURROUND_HZ[..], &[ENGLISH_HZ, COMMENTARY_HZ, FRENCH_HZ]].concat();
    // In stereo, low frequencies are as loud as the front.
    let high: Vec<u32> = all.iter().copied().filter(|hertz| *hertz != LOW_HZ).collect();
    let surround = (0..6).map(|channel| ("audio-surround", channel, SURROUND_HZ[channel]));
    let others = [("audio", 0, SURROUND_HZ[0]), ("audio", 1, SURROUND_HZ[1])];
    let others = others.into_iter().chain([("audio-2", 0, ENGLISH_HZ), ("audio-3", 0, COMMENTARY_HZ)]);
    for (name, channel, hertz) in others.chain(surround) {
        let samples = decoded(&folder.join(name).join("playlist.m3u8"), channel);
        let tones = if name == "audio" { &high } else { &all };
        assert_eq!(strongest(&samples, tones), hertz, "{name}, channel {channel}");
        let expected = SECONDS * RATE as usize;
        // AAC pads what it encodes to whole frames, in the film and in the rendition.
        assert!(samples.len().abs_diff(expected) < RATE as usize / 10, "{name}: {} samples", samples.len());
    }
    let pair = |language: &str, name: &str| (language.to_owned(), name.to_owned());
    let three = [pair("de", "de"), pair("en", "en"), pair("en", "en commentary")];
    let master = std::fs::read_to_string(folder.join("master.m3u8")).unwrap();
    let found = streams(&folder.join("master.m3u8"));
    assert!(three.iter().all(|one| found.contains(one)), "{found:?}\n{master}");
    let languages: Vec<String> =
        streams(&folder.join("manifest.mpd")).into_iter().map(|(language, _)| language).collect();
    assert_eq!(languages, ["de", "de", "en", "en"]);
    let mpd = std::fs::read_to_string(folder.join("manifest.mpd")).unwrap();
    assert!(mpd.contains("value=\"commentary\""), "{mpd}");
    assert!(!master.contains("Jane") && !mpd.contains("Jane"), "{master}\n{mpd}");
    for name in ["audio", "audio-2", "audio-3", "audio-surround"] {
        let playlist = folder.join(name).join("playlist.m3u8");
        let (found, expected) = (loudness(&line, name), ffmpeg_loudness(&playlist, "0:a:0"));
        assert!(close(&found[..2], &expected[..2]), "{name}: {found:?}, ffmpeg says {expected:?}");
    }
    // The encoder changes peaks, so that of a track that is not mixed is compared in front of it.
    let (found, expected) = (loudness(&line, "audio-2"), ffmpeg_loudness(&source, "0:a:1"));
    assert!(close(&found, &expected), "{found:?}, ffmpeg says {expected:?} of the source");
    let left_out = &line["left_out"];
    assert_eq!(left_out.as_array().unwrap().len(), 1, "{left_out}");
    assert_eq!((&left_out[0]["track"], &left_out[0]["language"]), (&4.into(), &"fr".into()));
    assert_eq!(
        (&left_out[0]["why"], &left_out[0]["code"]),
        (&"encode_failed".into(), &"timestamps_broken".into())
    );
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(&manifest["left_out"], left_out);
    assert_eq!(&manifest["loudness"]["audio-2"], &rendition(&line, "audio-2")["loudness"]);
    let id = line["asset_id"].as_str().unwrap();
    let show = home.reelgate(&["show", id]);
    let show = String::from_utf8(show.stdout).unwrap();
    assert!(show.contains("could not be encoded (timestamps_broken)") && show.contains("LUFS"), "{show}");
    assert_eq!(home.reelgate(&["verify", id]).status.code(), Some(0));
    let failed_outputs = std::fs::read_dir(folder.join("audio-4"));
    assert!(failed_outputs.is_err(), "nothing of the track that failed is published");
}

#[test]
fn a_description_of_the_pictures_is_told_from_the_programme_in_every_container() {
    let home = TempHome::encoding_quickly();
    let tones = ["-f", "lavfi", "-i", "sine=440:duration=2", "-f", "lavfi", "-i", "sine=880:duration=2"];
    let tracks = ["-map", "0:a", "-map", "1:a", "-c:a", "aac", "-disposition:a:1", "visual_impaired"];
    let languages = ["-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=eng"];
    let files = ["two.mp4", "two.ts", "two.mkv"].map(|name| home.file(name));
    for path in &files {
        let head = ["-nostdin", "-v", "error", "-y"];
        let arguments = [&head[..], &tones, &tracks, &languages, &[path.to_str().unwrap()]].concat();
        tool("ffmpeg", &arguments);
    }
    let (status, run) = home.run(&files.each_ref().map(PathBuf::as_path));
    assert_eq!((status, run.len()), (0, 3), "{run:#?}");
    for line in &run {
        let folder = publication(line);
        let master = std::fs::read_to_string(folder.join("master.m3u8")).unwrap();
        let described: Vec<&str> = master.lines().filter(|line| line.contains("describes-video")).collect();
        assert_eq!(described.len(), 1, "{master}");
        assert!(described[0].contains("NAME=\"en description\""), "{master}");
        assert!(described[0].contains("audio-2/playlist.m3u8"), "{master}");
        let mpd = std::fs::read_to_string(folder.join("manifest.mpd")).unwrap();
        assert!(mpd.contains("value=\"description\"") && mpd.contains("value=\"main\""), "{mpd}");
    }
}

#[test]
fn a_target_loudness_is_met_up_to_the_peak() {
    let home = TempHome::encoding_quickly();
    let source = home.file("quiet.wav");
    let tone = "sine=frequency=997:sample_rate=48000:duration=6,volume=-20dB";
    let arguments = ["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", tone, "-ac", "2"];
    tool("ffmpeg", &[&arguments[..], &[source.to_str().unwrap()]].concat());
    let mut command = home.command(&["run", "--json"]);
    command.env("REELGATE__MEDIA__AUDIO__LOUDNESS_LUFS", "-16");
    let output = command.arg(&source).output().unwrap();
    let line = crate::support::lines(&output.stdout, &talk(&output)).remove(0);
    let found = loudness(&line, "audio");
    assert!((found[0] + 16.0).abs() < 0.1, "{found:?}");
    let [integrated, _, peak] = ffmpeg_loudness(&publication(&line).join("audio/playlist.m3u8"), "0:a:0");
    assert!((integrated + 16.0).abs() < 0.5 && peak <= -1.0 + 0.5, "{integrated} {peak}");
}
