//! Sources that ffmpeg makes, each of another kind: container and edit, layout of tracks, clock, geometry, range.
//!
//! All show the same: test pictures with four grey corners, and a flash with a beep at every whole second.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the sound of a kind is.
#[derive(Clone, Copy)]
enum Layout {
    Same,
    /// Begins this much later.
    SoundLate,
    /// The picture begins this much later.
    PictureLate,
    /// Ends in the middle.
    SoundShort,
    /// Ends two seconds after the picture.
    SoundLong,
    PictureAlone,
    TwoSounds,
}

/// One kind. Arguments are divided by spaces.
struct Kind {
    file: &'static str,
    layout: Layout,
    /// Pictures: size, rate, and filters behind the marks.
    size: &'static str,
    rate: &'static str,
    filters: &'static str,
    encode: &'static str,
    /// Size and filters of as long a part behind it, in a transport stream.
    second: Option<(&'static str, &'static str)>,
    /// Arguments before `-i` and after it, of a copy made of the file in another container.
    copy: Option<(&'static str, &'static str, &'static str)>,
}

const X264: &str = "-c:v libx264 -preset veryfast -crf 18 -pix_fmt yuv420p -g 25 -c:a aac";
const X265: &str = "-c:v libx265 -preset ultrafast -crf 18 -x265-params log-level=error:keyint=25:bframes=0";
const MPEG2: &str = "-c:v mpeg2video -q:v 3 -g 15 -bf 2 -c:a mp2";
const SIZE: &str = "320x180";

const fn kind(file: &'static str, encode: &'static str) -> Kind {
    Kind { file, layout: Layout::Same, size: SIZE, rate: "25", filters: "", encode, second: None, copy: None }
}

const fn layout(file: &'static str, layout: Layout, encode: &'static str) -> Kind {
    Kind { layout, ..kind(file, encode) }
}

/// A file in `from`, copied with arguments before and after its name.
const fn copied(
    file: &'static str,
    encode: &'static str,
    from: &'static str,
    before: &'static str,
    after: &'static str,
) -> Kind {
    Kind { copy: Some((from, before, after)), ..kind(file, encode) }
}

const fn clock(file: &'static str, rate: &'static str, filters: &'static str, encode: &'static str) -> Kind {
    Kind { rate, filters, ..kind(file, encode) }
}

const fn shape(file: &'static str, size: &'static str, filters: &'static str, encode: &'static str) -> Kind {
    Kind { size, filters, ..kind(file, encode) }
}

/// Pictures alone, of another form in the second half.
const fn changes(
    file: &'static str,
    size: &'static str,
    filters: &'static str,
    encode: &'static str,
) -> Kind {
    Kind { second: Some((size, filters)), ..layout(file, Layout::PictureAlone, encode) }
}

const X264_OPEN: &str =
    "-c:v libx264 -preset veryfast -crf 18 -pix_fmt yuv420p -g 25 -x264-params open-gop=1:bframes=3 -c:a aac";
const X264_FULL: &str = "-c:v libx264 -preset veryfast -crf 14 -pix_fmt yuvj420p -color_range pc -c:a aac";
const X264_FIELDS: &str =
    "-c:v libx264 -preset veryfast -crf 18 -pix_fmt yuv420p -g 25 -flags +ildct+ilme -c:a aac";
const TFF: &str = ",tinterlace=interleave_top,fieldorder=tff,setfield=tff";
const BFF: &str = ",tinterlace=interleave_bottom,fieldorder=bff,setfield=bff";
const UNEVEN: &str = ",select=not(mod(n\\,2))+lt(mod(n\\,50)\\,25)";

const KINDS: &[Kind] = &[
    // Containers and edits.
    kind("plain.mp4", X264),
    kind("no-edit-list.mp4", "-c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 3 -c:a aac -use_editlist 0"),
    kind(
        "negative-offsets.mp4",
        "-c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 3 -c:a aac -movflags negative_cts_offsets",
    ),
    kind(
        "fragmented.mp4",
        "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 25 -bf 2 -c:a aac -movflags frag_keyframe+empty_moov",
    ),
    kind(
        "fragment-each-frame.mp4",
        "-c:v libx264 -preset veryfast -pix_fmt yuv420p -c:a aac -movflags frag_every_frame+empty_moov",
    ),
    kind(
        "fragments-after-samples.mp4",
        "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 25 -c:a aac -movflags frag_keyframe",
    ),
    kind(
        "cmaf.mp4",
        "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 25 -c:a aac -movflags cmaf+frag_keyframe+empty_moov",
    ),
    copied("trimmed.mp4", X264, "whole.mp4", "-ss 1.3", "-c copy"),
    copied("trimmed-behind.mp4", X264, "whole.mp4", "", "-ss 1.3 -c copy"),
    copied("tail-cut.mp4", X264, "whole.mp4", "", "-t 2.7 -c copy"),
    copied("trimmed.mov", X264, "whole.mov", "-ss 1.3", "-c copy"),
    copied("trimmed-no-edit-list.mp4", X264, "whole.mp4", "-ss 1.3", "-c copy -use_editlist 0"),
    kind("plain.mkv", X264),
    copied("trimmed.mkv", X264, "whole.mkv", "-ss 1.3", "-c copy"),
    kind(
        "live.mkv",
        "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 25 -c:a aac -live 1 -cluster_time_limit 500",
    ),
    kind("vp9.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 1M -c:a libopus"),
    kind("vp8.webm", "-c:v libvpx -deadline realtime -b:v 1M -c:a libvorbis"),
    kind("plain.ts", X264),
    copied("trimmed.ts", X264, "whole.ts", "-ss 1.3", "-c copy"),
    copied("from-mp4.ts", X264, "whole.mp4", "", "-c copy"),
    kind(
        "camera.m2ts",
        "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 25 -c:a ac3 -f mpegts -mpegts_m2ts_mode 1",
    ),
    kind("disc.mpg", "-c:v mpeg2video -q:v 3 -g 15 -bf 2 -c:a mp2 -f vob"),
    kind("plain.avi", "-c:v mpeg4 -q:v 3 -c:a libmp3lame"),
    kind("b-frames.avi", "-c:v mpeg4 -q:v 3 -bf 2 -c:a libmp3lame"),
    kind("plain.flv", X264),
    copied("trimmed.flv", X264, "whole.flv", "-ss 1.3", "-c copy"),
    kind("plain.ogv", "-c:v libtheora -q:v 8 -c:a libvorbis"),
    kind("plain.mxf", "-c:v mpeg2video -q:v 3 -g 12 -bf 2 -c:a pcm_s16le -ar 48000"),
    kind("prores.mov", "-c:v prores_ks -profile:v 0 -c:a pcm_s16le"),
    kind("ffv1.mkv", "-c:v ffv1 -level 3 -c:a flac"),
    kind(
        "hevc.mp4",
        "-c:v libx265 -preset ultrafast -crf 18 -x265-params log-level=error -tag:v hvc1 -c:a aac",
    ),
    kind("open-gop.mkv", X264_OPEN),
    kind("open-gop.ts", X264_OPEN),
    // Layouts of tracks.
    layout("late-sound.mp4", Layout::SoundLate, X264),
    layout("late-sound.mkv", Layout::SoundLate, X264),
    layout("late-sound.ts", Layout::SoundLate, X264),
    layout("late-picture.mp4", Layout::PictureLate, X264),
    layout("late-picture.mkv", Layout::PictureLate, X264),
    layout("short-sound.mp4", Layout::SoundShort, X264),
    layout("short-sound.ts", Layout::SoundShort, X264),
    layout("long-sound.mp4", Layout::SoundLong, X264),
    layout("picture-alone.mp4", Layout::PictureAlone, X264),
    layout("two-sounds.mp4", Layout::TwoSounds, X264),
    layout("two-sounds.mkv", Layout::TwoSounds, X264),
    // Clocks.
    clock("film-rate.mp4", "24000/1001", "", X264),
    clock("ntsc.ts", "30000/1001", "", X264),
    clock("one-a-second.mp4", "1", "", X264),
    clock("two-a-second.mkv", "2", "", X264),
    clock("three-a-second.ts", "3", "", X264),
    clock("fifty.mp4", "50", "", X264),
    clock("sixty.mkv", "60", "", X264),
    clock(
        "uneven.mp4",
        "50",
        UNEVEN,
        "-c:v libx264 -preset veryfast -crf 18 -pix_fmt yuv420p -c:a aac -vsync vfr",
    ),
    clock(
        "uneven.mkv",
        "50",
        UNEVEN,
        "-c:v libx264 -preset veryfast -crf 18 -pix_fmt yuv420p -c:a aac -vsync vfr",
    ),
    clock(
        "clock-wraps.ts",
        "25",
        "",
        "-c:v libx264 -preset veryfast -crf 18 -pix_fmt yuv420p -g 25 -c:a aac -output_ts_offset 95441",
    ),
    clock(
        "hour-ten.mkv",
        "25",
        "",
        "-c:v libx264 -preset veryfast -crf 18 -pix_fmt yuv420p -g 25 -c:a aac -output_ts_offset 36000",
    ),
    // Geometry.
    shape("wide-pixels.mp4", "240x180", ",setsar=4/3", X264),
    shape("wide-pixels.mkv", "240x180", ",setsar=4/3", X264),
    shape(
        "wide-pixels.mpg",
        "352x288",
        ",setsar=16/11",
        "-c:v mpeg2video -aspect 16:9 -q:v 3 -c:a mp2 -f vob",
    ),
    copied("turned-90.mp4", X264, "whole.mp4", "", "-c copy -metadata:s:v rotate=90"),
    copied("turned-180.mov", X264, "whole.mov", "", "-c copy -metadata:s:v rotate=180"),
    copied("turned-270.mp4", X264, "whole.mp4", "", "-c copy -metadata:s:v rotate=270"),
    shape("odd-size.mp4", "321x181", "", "-c:v libx264 -preset veryfast -crf 18 -pix_fmt yuv444p -c:a aac"),
    shape("portrait.mp4", "180x320", "", X264),
    clock("top-field-first.ts", "50", TFF, X264_FIELDS),
    clock("bottom-field-first.mov", "50", BFF, X264_FIELDS),
    clock("top-field-first.mpg", "50", TFF, "-c:v mpeg2video -q:v 3 -flags +ildct+ilme -c:a mp2 -f vob"),
    changes("narrower.ts", SIZE, ",setsar=3/4", X264),
    Kind { copy: Some(("whole.ts", "", "-c copy")), ..changes("narrower.mp4", SIZE, ",setsar=3/4", X264) },
    changes("narrower-hevc.ts", SIZE, ",setsar=3/4", X265),
    changes("narrower-mpeg2.ts", SIZE, ",setsar=3/4", "-c:v mpeg2video -q:v 3 -g 15"),
    changes("wider.ts", SIZE, ",setsar=4/3", X264),
    changes("smaller-and-narrower.ts", "192x144", "", X264),
    // Range and levels.
    kind("full-range.mp4", X264_FULL),
    kind("full-range.mkv", X264_FULL),
    kind("full-range.avi", "-c:v mjpeg -q:v 2 -pix_fmt yuvj420p -c:a pcm_s16le"),
    kind("ten-bits.mkv", "-c:v libx264 -preset veryfast -crf 14 -pix_fmt yuv420p10le -c:a aac"),
    kind(
        "high-definition-colours.mp4",
        "-c:v libx264 -preset veryfast -crf 14 -pix_fmt yuv420p -colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv -c:a aac",
    ),
    kind("grey.mkv", "-c:v ffv1 -pix_fmt gray -c:a flac"),
    kind("mpeg2.ts", MPEG2),
];

/// Makes every `step`th kind in a folder.
pub fn make(folder: &Path, step: usize) -> Vec<PathBuf> {
    std::fs::create_dir_all(folder).expect("a folder");
    KINDS.iter().step_by(step).map(|kind| one(folder, kind)).collect()
}

fn one(folder: &Path, kind: &Kind) -> PathBuf {
    let out = folder.join(kind.file);
    let made = match kind.copy {
        Some((from, ..)) => folder.join(format!("{}-{from}", kind.file)),
        None => out.clone(),
    };
    match kind.second {
        None => encode(kind, (kind.size, kind.filters), "", &made),
        Some(second) => {
            let parts = ["first.ts", "second.ts"].map(|part| folder.join(format!("{}-{part}", kind.file)));
            // The clock goes on.
            encode(kind, (kind.size, kind.filters), "-output_ts_offset 1", &parts[0]);
            encode(kind, second, "-output_ts_offset 5", &parts[1]);
            let bytes = parts.each_ref().map(|part| std::fs::read(part).expect("it was made")).concat();
            std::fs::write(&made, bytes).expect("room for a film");
            parts.iter().for_each(|part| std::fs::remove_file(part).expect("it was made"));
        }
    }
    if let Some((_, before, after)) = kind.copy {
        let mut arguments = words(before);
        arguments.extend(["-i".to_owned(), made.display().to_string()]);
        arguments.extend(words(after));
        ffmpeg(&arguments, &out);
        std::fs::remove_file(&made).expect("it was made");
    }
    out
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Encodes pictures of a size behind filters, and sound, with more arguments for the output.
fn encode(kind: &Kind, (size, filters): (&str, &str), more: &str, out: &Path) {
    // A pitch of its own, so that no kind is another one's copy.
    let pitch = 500 + 7 * kind.file.bytes().map(u32::from).sum::<u32>() % 1_500;
    let marks = [
        "x=0:y=0:color=0x202020",
        "x=iw*3/4:y=0:color=0xe0e0e0",
        "x=0:y=ih*3/4:color=0x606060",
        "x=iw*3/4:y=ih*3/4:color=0xa0a0a0",
    ];
    let corners: String = marks.iter().map(|mark| format!(",drawbox={mark}:w=iw/4:h=ih/4:t=fill")).collect();
    let centre = "x=iw/3:y=ih/3:w=iw/3:h=ih/3:t=fill";
    let flash = "lt(mod(t+0.001\\,1)\\,0.04)*gt(t\\,0.5)";
    let picture = format!(
        "testsrc2=size={}:rate={}:duration=4{corners},drawbox={centre}:color=0x181818,drawbox={centre}:color=white:enable={flash}{}",
        size, kind.rate, filters
    );
    let sound = |seconds: u32, pitch: u32| {
        format!("aevalsrc=sin(2*PI*{pitch}*t)*lt(mod(t\\,1)\\,0.04)*gt(t\\,0.5):s=48000:d={seconds}")
    };
    let (maps, seconds) = match kind.layout {
        Layout::Same | Layout::SoundLate => ("-map 0:v -map 1:a", 4),
        // Otherwise ffmpeg repeats the first picture from the beginning on.
        Layout::PictureLate => ("-map 0:v -map 1:a -vsync passthrough", 4),
        Layout::SoundShort => ("-map 0:v -map 1:a", 2),
        Layout::SoundLong => ("-map 0:v -map 1:a", 6),
        Layout::PictureAlone => ("-map 0:v", 4),
        Layout::TwoSounds => ("-map 0:v -map 1:a -map 2:a", 4),
    };
    let mut arguments: Vec<String> = Vec::new();
    // Late by whole seconds, so that flashes and beeps still meet.
    if matches!(kind.layout, Layout::PictureLate) {
        arguments.extend(words("-itsoffset 1"));
    }
    arguments.extend(["-f", "lavfi", "-i", &picture].map(str::to_owned));
    if matches!(kind.layout, Layout::SoundLate) {
        arguments.extend(words("-itsoffset 1"));
    }
    arguments.extend(["-f", "lavfi", "-i", &sound(seconds, pitch)].map(str::to_owned));
    if matches!(kind.layout, Layout::TwoSounds) {
        arguments.extend(["-f", "lavfi", "-i", &sound(seconds, pitch + 300)].map(str::to_owned));
    }
    arguments.extend(words(maps));
    arguments.extend(words(kind.encode));
    arguments.extend(words(more));
    ffmpeg(&arguments, out);
}

fn ffmpeg(arguments: &[String], out: &Path) {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y"])
        .args(arguments)
        .arg(out)
        .output()
        .expect("ffmpeg starts");
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {talk}", out.display());
}
