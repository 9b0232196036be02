use super::*;

fn caps(text: &str) -> gst::Caps {
    gst::init().unwrap();
    text.parse().unwrap()
}

/// The colours of a picture, as GStreamer writes them.
fn of(height: u32, colorimetry: &str, container: &str) -> String {
    of_size(640, height, colorimetry, container)
}

fn of_size(width: u32, height: u32, colorimetry: &str, container: &str) -> String {
    let described_by = |field: &str, text: &str| match text {
        "" => String::new(),
        text => format!(", {field}=(string){text}"),
    };
    let decoded = caps(&format!(
        "video/x-raw, format=I420, width={width}, height={height}, framerate=25/1{}",
        described_by("colorimetry", colorimetry)
    ));
    let track = caps(&format!("video/x-h264{}", described_by("container-colour", container)));
    let info = gst_video::VideoInfo::from_caps(&decoded).unwrap();
    resolved(&info, &described(&decoded, &ContainerColour::of(&track))).to_string()
}

#[test]
fn what_nobody_describes_is_guessed_by_the_number_of_lines() {
    assert_eq!(of(720, "", ""), "bt709");
    assert_eq!(of(2_160, "", ""), "bt709", "never BT.2020, which GStreamer guesses");
    assert_eq!(of_size(1_280, 536, "", ""), "bt709", "a film of 2.39:1");
    assert_eq!(of(480, "", ""), "bt601");
    assert_eq!(of(576, "", ""), "2:4:16:3", "the primaries of 625 lines");
    assert_eq!(of(480, "2:0:0:0", ""), "bt601", "MPEG-2 that describes its range only");
    assert_eq!(of(720, "2:0:0:0", ""), "bt709");
}

#[test]
fn the_stream_counts_more_than_the_container_and_the_container_more_than_a_guess() {
    assert_eq!(of(480, "", "1:1:1:"), "bt709");
    assert_eq!(of(480, "bt601", "1:1:1:full"), "bt601");
    assert_eq!(of(720, "1:3:5:1", "1:1:1:"), "1:3:5:1", "full range by the stream");
    assert_eq!(of(720, "", "2:2:2:full"), "1:3:5:1", "full range by the container");
    assert_eq!(of(720, "", "9:16:9:"), "bt2100-pq");
    assert_eq!(of(720, "2:0:0:0", "9:18:9:"), "bt2100-hlg");
}

#[test]
fn a_jpeg_is_full_range_bt601_at_any_size() {
    assert_eq!(of(1_080, "1:4:0:0", ""), "1:4:5:1");
    assert_eq!(of(576, "1:4:0:0", ""), "1:4:16:3");
}

#[test]
fn high_dynamic_range_without_more_description_is_bt2020() {
    assert_eq!(of(720, "2:0:14:0", ""), "bt2100-pq");
}
