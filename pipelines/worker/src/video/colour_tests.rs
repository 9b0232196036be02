//! What is published looks like what was uploaded: ffmpeg makes the sources and judges the outputs.

use super::*;
use std::path::Path;
use std::process::Command;

use reelgate_flow::facts::{Colour, Container};
use reelgate_pipelines::recipes::plan::{inspect_job, plan};
use reelgate_pipelines::recipes::settings::Settings;

use crate::testing::{Media, progress_sink, source};
use crate::{enrich, inspect};

/// Rounding and the encoder.
const CLOSE: i32 = 2;

pub struct Published {
    pub facts: Colour,
    /// Each rung as a file.
    pub rungs: Vec<Media>,
    pub poster: Media,
    pub sheet: Media,
}

/// Inspects, plans, encodes and samples a file.
pub fn published(path: &Path, container: Container) -> Published {
    let source = source(path);
    let size_bytes = source.size_bytes();
    let settings = Settings::default();
    let job = inspect_job(container, size_bytes, &settings);
    let inspection = inspect::run(&job, source.clone(), progress_sink()).unwrap();
    let plan = plan(&inspection, &settings, size_bytes).unwrap();
    let mut job = plan.video[0].job.clone();
    job.preset = "ultrafast".into();
    job.crf = 10;
    let files = progress_sink();
    let result = run(&job, &source, files.clone()).unwrap();
    let pictures = progress_sink();
    enrich::run(&plan.enrich, source, None, pictures.clone()).unwrap();
    Published {
        facts: inspection.facts.video[0].colour.clone(),
        rungs: result.rungs.iter().map(|rung| Media::of(&files.joined(rung))).collect(),
        poster: Media::of(&pictures.get("poster.jpg")),
        sheet: Media::of(&pictures.get("storyboard-000.jpg")),
    }
}

/// A file that ffmpeg makes of a filter graph.
fn made(suffix: &str, graph: &str, arguments: &str) -> tempfile::NamedTempFile {
    gst::init().unwrap();
    let file = tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y", "-f", "lavfi", "-i", graph]).args(arguments.split_whitespace());
    assert!(ffmpeg.arg(file.path()).status().unwrap().success(), "{graph} {arguments}");
    file
}

/// The first picture of a file in a pixel format, through filters.
pub fn picture(path: &Path, filters: &str, format: &str) -> Vec<u8> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-i"]).arg(path).args(["-frames:v", "1", "-vf", filters]);
    let output = ffmpeg.args(["-f", "rawvideo", "-pix_fmt", format, "-"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Range, matrix, transfer and primaries as ffprobe names them.
pub fn tags(path: &Path) -> String {
    let mut probe = Command::new("ffprobe");
    probe.args([
        "-v",
        "error",
        "-show_entries",
        "stream=color_range,color_space,color_transfer,color_primaries",
    ]);
    let output = probe.args(["-of", "csv=p=0"]).arg(path).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Grey in the middle of the left and of the right half, which ffmpeg shows in full range.
fn halves(path: &Path) -> [i32; 2] {
    let of = |part: &str| {
        let small = picture(path, &format!("crop=iw/4:ih/2:iw*{part}/8:ih/4,scale=2:2:flags=area"), "gray");
        i32::from(small[0])
    };
    [of("1"), of("5")]
}

/// R'G'B' of the centre of a picture.
fn centre(path: &Path) -> [i32; 3] {
    let small = picture(path, "crop=iw/4:ih/4,scale=1:1:flags=area", "rgb24");
    [0, 1, 2].map(|index| i32::from(small[index]))
}

fn assert_close(ours: &[i32], wanted: &[i32], most: i32, what: &str) {
    let differs = ours.iter().zip(wanted).any(|(ours, wanted)| (ours - wanted).abs() > most);
    assert!(!differs, "{what}: {ours:?}, expected {wanted:?}");
}

/// Dark grey on the left and light grey on the right, in these code values.
fn two_greys(size: &str, format: &str, dark: u32, light: u32) -> String {
    let half = |plane: &str| format!("{plane}='if(lt(X,W/2),{dark},{light})'");
    let grey = if format.contains("10") { 512 } else { 128 };
    format!("nullsrc=s={size}:r=25:d=0.4,format={format},geq={}:cb={grey}:cr={grey}", half("lum"))
}

const BT709: &str = "colorprim=bt709:transfer=bt709:colormatrix=bt709";

#[test]
fn full_range_becomes_limited_range_whatever_the_container_says() {
    let h264 = format!("-c:v libx264 -preset ultrafast -qp 4 -x264-params fullrange=on:{BT709}");
    let said = "-color_range tv -colorspace bt709 -color_primaries bt709 -color_trc bt709";
    let x265 = "-c:v libx265 -preset ultrafast -x265-params log-level=none:range=full:qp=4";
    let full = |format| two_greys("1280x720", format, 32, 224);
    let cases = [
        (".mp4", Container::IsoBmff, full("yuv420p"), format!("{h264} {said} -movflags write_colr")),
        (".mkv", Container::Matroska, full("yuv420p"), format!("{h264} {said}")),
        (".mp4", Container::IsoBmff, full("yuv422p"), h264.clone()),
        (
            ".mp4",
            Container::IsoBmff,
            two_greys("1280x720", "yuv420p10le", 128, 899),
            format!("{x265} -tag:v hvc1"),
        ),
        (".avi", Container::Avi, full("yuvj420p"), "-c:v mjpeg -q:v 2".to_owned()),
    ];
    for (suffix, container, graph, arguments) in cases {
        let file = made(suffix, &graph, &arguments);
        let out = published(file.path(), container);
        assert_eq!(out.facts.range, "full", "{arguments}");
        let wanted = halves(file.path());
        assert!(wanted[1] - wanted[0] > 180, "{arguments}: {wanted:?}");
        for rung in &out.rungs {
            assert_close(&halves(&rung.path()), &wanted, CLOSE, &arguments);
            assert!(tags(&rung.path()).starts_with("tv,"), "{arguments}: {}", tags(&rung.path()));
        }
        for jpeg in [&out.poster, &out.sheet] {
            assert_close(&halves(&jpeg.path()), &wanted, CLOSE, &format!("JPEG, {arguments}"));
        }
    }
}

#[test]
fn posters_and_storyboards_have_the_colours_of_the_video() {
    let bt601 = "colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m";
    let cases = [
        ("640x480", "bt601", bt601, "on"),
        ("640x480", "bt601", bt601, "off"),
        ("1280x720", "bt709", BT709, "on"),
        ("1280x720", "bt709", BT709, "off"),
    ];
    for (size, matrix, described, full) in cases {
        let range = if full == "on" { "pc" } else { "tv" };
        let x264 = format!("-c:v libx264 -preset ultrafast -qp 4 -x264-params fullrange={full}:{described}");
        let convert = format!("scale=out_color_matrix={matrix}:out_range={range},format=yuv420p");
        for colour in [[0, 0, 0], [255, 255, 255], [200, 60, 40], [30, 90, 210]] {
            let [r, g, b] = colour;
            let graph = format!("color=c=0x{r:02x}{g:02x}{b:02x}:s={size}:r=25:d=0.4,format=rgb24,{convert}");
            let file = made(".mp4", &graph, &x264);
            let out = published(file.path(), Container::IsoBmff);
            for jpeg in [&out.poster, &out.sheet] {
                assert_close(&centre(&jpeg.path()), &colour, 3, &format!("{matrix} {range}"));
            }
        }
    }
}

#[test]
fn every_rung_of_a_ladder_keeps_the_colours_of_its_source_and_says_which_they_are() {
    let (mpeg4, x264) = ("-c:v mpeg4 -q:v 2", "-c:v libx264 -preset ultrafast -qp 4");
    let pal = format!("{x264} -x264-params colorprim=bt470bg:transfer=bt470bg:colormatrix=bt470bg");
    let hd = format!("{x264} -x264-params {BT709}");
    let mpeg2 = "-c:v mpeg2video -q:v 2";
    let ntsc_tags = "tv,smpte170m,smpte170m,smpte170m";
    let cases = [
        ("640x480", ".mp4", Container::IsoBmff, x264, ntsc_tags),
        ("640x480", ".avi", Container::Avi, mpeg4, ntsc_tags),
        ("640x480", ".ts", Container::MpegTs, mpeg2, ntsc_tags),
        ("720x576", ".ts", Container::MpegTs, mpeg2, "tv,smpte170m,smpte170m,bt470bg"),
        ("720x576", ".mp4", Container::IsoBmff, &pal, "tv,smpte170m,bt470bg,bt470bg"),
        ("1280x720", ".mp4", Container::IsoBmff, x264, "tv,bt709,bt709,bt709"),
        ("1280x720", ".mp4", Container::IsoBmff, &hd, "tv,bt709,bt709,bt709"),
        ("1280x720", ".ts", Container::MpegTs, mpeg2, "tv,bt709,bt709,bt709"),
    ];
    for (size, suffix, container, arguments, wanted) in cases {
        let planes = "lum=150:cb=90:cr=170";
        let file =
            made(suffix, &format!("nullsrc=s={size}:r=25:d=0.6,format=yuv420p,geq={planes}"), arguments);
        let out = published(file.path(), container);
        assert!(out.rungs.len() > 1);
        for rung in &out.rungs {
            assert_eq!(tags(&rung.path()), wanted, "{size} {arguments}");
            let stored = picture(&rung.path(), "scale=2:2:flags=area,format=yuv420p", "yuv420p");
            let stored = [0, 4, 5].map(|index| i32::from(stored[index]));
            assert_close(&stored, &[150, 90, 170], 1, &format!("{size} {arguments}"));
        }
    }
}

#[test]
fn an_untagged_source_that_its_container_describes_is_tagged_so() {
    let file = made(
        ".mp4",
        "testsrc2=s=640x480:r=25:d=0.4,format=yuv420p",
        "-c:v mpeg4 -color_range tv -colorspace bt709 -color_primaries bt709 -color_trc bt709 -movflags write_colr",
    );
    let out = published(file.path(), Container::IsoBmff);
    assert_eq!((out.facts.matrix.as_str(), out.facts.primaries.as_str()), ("bt709", "bt709"));
    out.rungs.iter().for_each(|rung| assert_eq!(tags(&rung.path()), "tv,bt709,bt709,bt709"));
}
