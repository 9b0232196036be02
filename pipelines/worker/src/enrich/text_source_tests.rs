//! Text on pictures and inside video streams, in files made here, is found with its time and position.

use gstreamer as gst;
use reelgate_flow::place::FrameBox;
use reelgate_flow::surface::SurfaceReport;
use reelgate_pipelines::messages::{ScreenTextJob, TextLine};

use super::captioned_video::{captioned, line21};
use super::tests::{Memory, SECOND, frames, open, surface};
use super::*;

/// An invented card number.
const CARD: &str = "4539 5787 6362 1486";
/// Installed with the packages of the tests.
const FONT: &str = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";

fn lines(job: &EnrichJob, source: &Source) -> (Vec<TextLine>, Enrichment) {
    gst::init().unwrap();
    let memory = Memory::default();
    let reader = Tesseract::load("eng").filter(|_| !job.screen_text.languages.is_empty());
    let enrichment = run_on(job, source, reader, &memory, 2).unwrap();
    (memory.lines(), enrichment)
}

fn job(width: u32, height: u32, seconds: u64, languages: &[&str]) -> EnrichJob {
    EnrichJob {
        container: Container::IsoBmff,
        size_bytes: 0,
        frames: Some(frames(0, seconds * SECOND)),
        screen_text: ScreenTextJob {
            languages: languages.iter().map(|language| (*language).to_owned()).collect(),
            codes: true,
            interval_ns: SECOND,
            keyframes_only: false,
            width,
            height,
        },
    }
}

/// Test pictures with a filter of ffmpeg over them, as MP4.
fn filtered(size: &str, seconds: u32, filter: &str) -> Source {
    let file = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
    let input = format!("smptebars=s={size}:r=25:d={seconds}");
    let made = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", &input, "-vf", filter])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-g", "25"])
        .arg(file.path())
        .status()
        .unwrap();
    assert!(made.success());
    open(file.path())
}

/// Intersection over union.
fn overlap(a: FrameBox, b: FrameBox) -> f64 {
    let across = (a.x + a.width).min(b.x + b.width).saturating_sub(a.x.max(b.x));
    let down = (a.y + a.height).min(b.y + b.height).saturating_sub(a.y.max(b.y));
    let both = f64::from(across) * f64::from(down);
    let all = f64::from(a.width) * f64::from(a.height) + f64::from(b.width) * f64::from(b.height) - both;
    both / all
}

fn seconds(line: &TextLine) -> (u64, u64) {
    (line.start_ns.unwrap() / SECOND, line.end_ns.unwrap() / SECOND)
}

#[test]
fn burned_in_text_is_read_with_its_time_and_its_box() {
    let filter = format!(
        "drawtext=fontfile={FONT}:text='card number {CARD}':fontsize=40:fontcolor=white:box=1:boxcolor=black:boxborderw=12:\
         x=100:y=500:enable='between(t,2,5.9)'"
    );
    let (found, enrichment) = lines(&job(1_280, 720, 8, &["eng"]), &filtered("1280x720", 8, &filter));
    let line = found.iter().find(|line| line.text.contains(CARD));
    let line = line.unwrap_or_else(|| panic!("not read: {} lines", found.len()));
    assert_eq!((line.surface.as_str(), line.field.as_str()), ("on_screen_text", "text"));
    assert_eq!(seconds(line), (2, 6));
    // Letters 40 pixels high from 100, 500. Their width was measured once with the same font.
    let drawn = FrameBox { x: 100, y: 500, width: 716, height: 38 };
    let place = line.frame_box.unwrap();
    assert!(overlap(place, drawn) >= 0.5, "{place:?}");
    assert_eq!(enrichment.screen_text.frames, 8);
    assert_eq!(
        enrichment.screen_text.frames_read, 3,
        "the first, the one with the text, and the one after the text"
    );
}

#[test]
fn text_on_a_rotated_video_has_its_box_in_the_displayed_picture() {
    let filter = format!(
        "drawtext=fontfile={FONT}:text='mail jo@example.org':fontsize=26:fontcolor=white:box=1:boxcolor=black:boxborderw=8:x=20:y=400,transpose=2"
    );
    let mut job = job(360, 640, 2, &["eng"]);
    job.frames.as_mut().unwrap().rotation.degrees = 90;
    // It is stored rotated to the left and displayed rotated to the right.
    let source = filtered("360x640", 2, &filter);
    let (found, _) = lines(&job, &source);
    let line = found.iter().find(|line| line.text.contains("jo@example.org"));
    let place = line.unwrap_or_else(|| panic!("not read: {} lines", found.len())).frame_box.unwrap();
    assert!(place.x.abs_diff(20) < 12 && place.y.abs_diff(400) < 20, "{place:?}");
}

#[test]
fn text_that_is_upright_only_as_stored_is_read_too() {
    let filter = format!(
        "drawtext=fontfile={FONT}:text='mail jo@example.org':fontsize=26:fontcolor=white:box=1:boxcolor=black:boxborderw=8:x=20:y=300"
    );
    for degrees in [90, 180, 270] {
        let (width, height) = if degrees == 180 { (640, 360) } else { (360, 640) };
        let mut job = job(width, height, 2, &["eng"]);
        job.frames.as_mut().unwrap().rotation.degrees = degrees;
        let (found, _) = lines(&job, &filtered("640x360", 2, &filter));
        let line = found.iter().find(|line| line.text.contains("jo@example.org"));
        let place = line.unwrap_or_else(|| panic!("{degrees}: {} lines", found.len())).frame_box.unwrap();
        // From the left lower corner as stored to where the turn moves it.
        let corner = match degrees {
            90 => (360 - 300 - 26, 20),
            270 => (300, 640 - 20 - place.height),
            _ => (640 - 20 - place.width, 360 - 300 - 26),
        };
        assert!(place.x.abs_diff(corner.0) < 16 && place.y.abs_diff(corner.1) < 24, "{degrees} {place:?}");
    }
}

#[test]
fn a_qr_code_is_decoded_with_its_time_and_its_box() {
    let payload = "BEGIN:VCARD\nTEL:+1 202 555 0147\nEND:VCARD";
    let code = qrcode::QrCode::new(payload).unwrap();
    let module = 6usize;
    let side = code.width() * module;
    // The code as a raw grey picture, with the quiet zone that readers need.
    let quiet = 4 * module;
    let whole = side + 2 * quiet;
    let dark = code.to_colors();
    let pixel = |at: usize| at.checked_sub(quiet).map(|at| at / module).filter(|at| *at < code.width());
    let mut grey = Vec::with_capacity(whole * whole);
    for y in 0..whole {
        for x in 0..whole {
            let is_dark = pixel(x)
                .zip(pixel(y))
                .is_some_and(|(x, y)| dark[y * code.width() + x] == qrcode::Color::Dark);
            grey.push(if is_dark { 0 } else { 255 });
        }
    }
    let picture = tempfile::Builder::new().suffix(".pgm").tempfile().unwrap();
    let head = format!("P5\n{whole} {whole}\n255\n");
    std::fs::write(picture.path(), [head.as_bytes(), &grey].concat()).unwrap();
    let movie = picture.path().display();
    let filter = format!(
        "movie={movie},loop=-1:1[code];[in][code]overlay=200:150:enable='between(t,1,2.9)':shortest=1"
    );
    let (found, _) = lines(&job(1_280, 720, 4, &[]), &filtered("1280x720", 4, &filter));
    let line = found.iter().find(|line| line.surface == "code").expect("the code is decoded");
    assert_eq!((line.field.as_str(), line.text.as_str()), ("qr_payload", payload));
    assert_eq!(seconds(line), (1, 3));
    let corner = (quiet + 200) as u32;
    let drawn = FrameBox { x: corner, y: corner - 50, width: side as u32, height: side as u32 };
    let place = line.frame_box.unwrap();
    assert!(overlap(place, drawn) >= 0.5, "{place:?}");
}

#[test]
fn a_language_that_is_not_installed_is_recorded_as_not_searched() {
    let mut job = job(320, 180, 1, &["xxx"]);
    job.screen_text.codes = false;
    gst::init().unwrap();
    assert!(Tesseract::load("eng").is_some());
    assert!(Tesseract::load("xxx").is_none() && Tesseract::load("eng+xxx").is_none());
    let memory = Memory::default();
    let source = filtered("320x180", 1, "null");
    let enrichment = run_on(&job, &source, None, &memory, 2).unwrap();
    let expected = SurfaceReport::not_analysed(Surface::OnScreenText, NotSearched::NotInstalled);
    assert_eq!(*surface(&enrichment, Surface::OnScreenText), expected);
}

#[test]
fn captions_inside_a_video_are_read_with_their_times() {
    let mut pairs = vec![[0x14, 0x20], [0x14, 0x20], [0x14, 0x70]];
    pairs.extend(b"card 4539578763621486".chunks(2).map(|two| [two[0], two.get(1).copied().unwrap_or(0)]));
    pairs.resize(25, [0, 0]);
    pairs.push([0x14, 0x2f]); // appears at one second
    pairs.resize(75, [0, 0]);
    pairs.push([0x14, 0x2c]); // disappears at three seconds
    pairs.resize(100, [0, 0]);
    let job = EnrichJob { frames: None, ..job(320, 180, 4, &[]) };
    let pictures: Vec<_> = pairs.into_iter().map(|pair| vec![line21(pair)]).collect();
    let (found, _) = lines(&job, &open(captioned(&pictures).path()));
    let captions: Vec<_> = found.iter().filter(|line| line.surface == "caption").collect();
    assert_eq!(captions.len(), 1, "{captions:?}");
    assert_eq!((captions[0].field.as_str(), captions[0].text.as_str()), ("cc1", "card 4539578763621486"));
    assert_eq!((captions[0].start_ns, captions[0].end_ns), (Some(SECOND), Some(3 * SECOND)));
}
