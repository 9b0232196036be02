//! Caps of pictures by their sample description (ISO/IEC 14496-12, 12.1.3; QuickTime File Format, "Video sample description").

use gstreamer as gst;

use super::description::{Content, buffer, unknown};
use super::esds;
use super::track::{Matrix, Track};

/// Bytes of a visual sample entry before its boxes, without its header.
const ENTRY_BYTES: usize = 78;

/// The caps of a track's pictures by one of its descriptions; `None` if the description is damaged.
pub fn caps(track: &Track, format: [u8; 4], body: &[u8]) -> Option<gst::Caps> {
    let fixed = body.get(..ENTRY_BYTES)?;
    let number = |at: usize| u32::from(u16::from_be_bytes([fixed[at], fixed[at + 1]]));
    let (width, height, depth) = (number(24), number(26), number(74));
    let content = Content::of(&body[ENTRY_BYTES..]);
    let mut structure = codec(format, depth, &content, &body[ENTRY_BYTES..])?;
    if width > 0 && height > 0 {
        structure.set("width", width as i32); // 16 bits
        structure.set("height", height as i32);
    }
    if let Some((num, den)) = pixel_aspect(track, &content, (width, height)) {
        structure.set("pixel-aspect-ratio", gst::Fraction::new(num, den));
    }
    if let Some(duration) = track.samples.tables.usual_duration()
        && let (Ok(num), Ok(den)) = (i32::try_from(track.timescale), i32::try_from(duration))
    {
        structure.set("framerate", gst::Fraction::new(num, den));
    }
    describe_fields(&mut structure, &content);
    describe_colour(&mut structure, &content);
    let mut caps = gst::Caps::new_empty();
    caps.make_mut().append_structure(structure);
    Some(caps)
}

fn named(name: &str) -> gst::Structure {
    gst::Structure::new_empty(name)
}

/// The codec, and what its decoder needs.
fn codec(format: [u8; 4], depth: u32, content: &Content<'_>, boxes: &[u8]) -> Option<gst::Structure> {
    let of = |name: &str, fields: &[(&str, i32)]| {
        let mut structure = named(name);
        fields.iter().for_each(|(field, value)| structure.set(*field, *value));
        structure
    };
    let mpeg = |version: i32| {
        let mut structure = of("video/mpeg", &[("mpegversion", version)]);
        structure.set("systemstream", false);
        structure
    };
    Some(match &format {
        b"dvh1" | b"dvhe" | b"hvc1" | b"hev1" if dolby_vision_profile(content) == Some(5) => {
            named("video/x-dolby-vision-5")
        }
        b"avc1" | b"avc2" | b"avc3" | b"avc4" | b"dva1" | b"dvav" => {
            h264(content, if matches!(&format, b"avc3" | b"avc4" | b"dvav") { "avc3" } else { "avc" })
        }
        // Intra-only H.264 of cameras carries its parameter sets in the stream.
        [b'a', b'i', b'5' | b'1', _] => h264(content, "avc"),
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => {
            let mut structure = named("video/x-h265");
            structure
                .set("stream-format", if matches!(&format, b"hev1" | b"dvhe") { "hev1" } else { "hvc1" });
            structure.set("alignment", "au");
            structure.set("codec_data", buffer(content.get(*b"hvcC")?));
            structure
        }
        b"vvc1" | b"vvi1" => named("video/x-h266"),
        b"av01" => {
            let mut structure = named("video/x-av1");
            structure.set("stream-format", "obu-stream");
            structure.set("alignment", "tu");
            if let Some(record) = content.get(*b"av1C") {
                structure.set("codec_data", buffer(record));
            }
            structure
        }
        b"vp08" | b"VP80" => named("video/x-vp8"),
        b"vp09" | b"VP90" => named("video/x-vp9"),
        b"mp4v" | b"MP4V" => {
            let stream =
                content.get(*b"esds").and_then(|body| esds::read(body.get(4..)?)).unwrap_or_default();
            match stream.object_type {
                0x60..=0x65 => mpeg(2),
                0x6A => mpeg(1),
                0x6C => named("image/jpeg"),
                0x6D => named("image/png"),
                0x6E => named("image/x-jpc"),
                _ => {
                    let mut structure = mpeg(4);
                    if !stream.specific.is_empty() {
                        structure.set("codec_data", buffer(&stream.specific));
                    }
                    structure
                }
            }
        }
        b"XVID" | b"xvid" | b"FMP4" | b"fmp4" => named("video/x-xvid"),
        b"DIVX" | b"divx" | b"3IV1" | b"3IV2" | b"3ivx" => of("video/x-divx", &[("divxversion", 4)]),
        b"DX50" => of("video/x-divx", &[("divxversion", 5)]),
        b"DIV3" | b"div3" | b"3IVD" | b"3ivd" => of("video/x-divx", &[("divxversion", 3)]),
        b"MP42" | b"DIV2" => of("video/x-msmpeg", &[("msmpegversion", 42)]),
        b"s263" | b"h263" | b"H263" | b"U263" => {
            let mut structure = named("video/x-h263");
            structure.set("variant", "itu");
            structure
        }
        b"mp1v" | b"m1v " | b"m1v1" => mpeg(1),
        b"mp2v" | b"m2v1" | b"mpeg" | b"AVmp" | b"MPEG" => mpeg(2),
        [b'h', b'd', b'v', _]
        | [b'x', b'd', b'v', _]
        | [b'x', b'd', b'5', _]
        | [b'x', b'd', b'h', b'd' | b'2']
        | [b'm', b'x', b'3' | b'4' | b'5', b'n' | b'p'] => mpeg(2),
        b"dvc " | b"dvcp" | b"dvpp" | b"dv5n" | b"dv5p" | b"dvsd" | b"dvh5" | b"dvh6" | b"dvhp" | b"dvhq" => {
            let mut structure = named("video/x-dv");
            structure.set("systemstream", false);
            structure
        }
        b"jpeg" | b"JPEG" | b"mjpa" | b"mjpg" | b"MJPG" | b"AVDJ" | b"AVRn" | b"dmb1" => named("image/jpeg"),
        b"png " | b"MPNG" => named("image/png"),
        b"mjp2" => named("image/x-jpc"),
        b"apch" => prores("hq"),
        b"apcn" => prores("standard"),
        b"apcs" => prores("lt"),
        b"apco" => prores("proxy"),
        b"ap4h" => prores("4444"),
        b"ap4x" => prores("4444xq"),
        b"AVdn" | b"AVdh" => named("video/x-dnxhd"),
        b"FFV1" | b"ffv1" => of("video/x-ffv", &[("ffvversion", 1)]),
        b"SVQ1" | b"svq1" => of("video/x-svq", &[("svqversion", 1)]),
        b"SVQ3" => {
            let mut structure = of("video/x-svq", &[("svqversion", 3)]);
            structure.set("codec_data", buffer(boxes));
            structure
        }
        b"cvid" => named("video/x-cinepak"),
        b"rle " => of("video/x-qtrle", &[("depth", i32::try_from(depth).unwrap_or(0))]),
        b"2vuy" | b"2Vuy" => raw("UYVY"),
        b"yuvs" | b"yuv2" => raw("YUY2"),
        b"v210" => raw("v210"),
        b"v308" => raw("v308"),
        b"yv12" => raw("YV12"),
        b"I420" | b"IYUV" => raw("I420"),
        [b'e', b'n', b'c', _] | b"drmi" => named("application/x-cenc"),
        _ => named(&unknown("video", format)),
    })
}

fn h264(content: &Content<'_>, with_record: &str) -> gst::Structure {
    let mut structure = named("video/x-h264");
    structure.set("alignment", "au");
    match content.get(*b"avcC") {
        Some(record) => {
            structure.set("stream-format", with_record);
            structure.set("codec_data", buffer(record));
        }
        None => structure.set("stream-format", "byte-stream"),
    }
    structure
}

fn prores(variant: &str) -> gst::Structure {
    let mut structure = named("video/x-prores");
    structure.set("variant", variant);
    structure
}

fn raw(format: &str) -> gst::Structure {
    let mut structure = named("video/x-raw");
    structure.set("format", format);
    structure
}

/// The profile of Dolby Vision (Dolby Vision Streams Within the ISO Base Media File Format, 3.2). Profile 5 has no base layer
/// that other screens can show.
fn dolby_vision_profile(content: &Content<'_>) -> Option<u8> {
    let record = content.get(*b"dvcC").or_else(|| content.get(*b"dvvC"))?;
    Some(record.get(2)? >> 1)
}

/// The shape of a pixel: as `pasp` says (12.1.4), otherwise by the size on the screen; `None` if nothing differs from the
/// coded pictures, whose stream may know it.
fn pixel_aspect(track: &Track, content: &Content<'_>, (width, height): (u32, u32)) -> Option<(i32, i32)> {
    if let Some([h0, h1, h2, h3, v0, v1, v2, v3, ..]) = content.get(*b"pasp") {
        let (h, v) = (i32::from_be_bytes([*h0, *h1, *h2, *h3]), i32::from_be_bytes([*v0, *v1, *v2, *v3]));
        return (h > 0 && v > 0).then_some((h, v));
    }
    let (shown_width, shown_height) = track.display;
    if let Some(stretched) = stretched(track.matrix) {
        return Some(stretched);
    }
    if 0 == shown_width.min(shown_height).min(width).min(height)
        || (shown_width, shown_height) == (width, height)
    {
        return None;
    }
    let (num, den) = (u64::from(shown_width) * u64::from(height), u64::from(shown_height) * u64::from(width));
    // Sizes are whole pixels, so a small difference is rounding.
    if num.abs_diff(den) * 100 <= den {
        return None;
    }
    let divisor = gcd(num, den);
    Some((i32::try_from(num / divisor).ok()?, i32::try_from(den / divisor).ok()?))
}

/// How much wider than high the matrix makes a square.
fn stretched(matrix: Matrix) -> Option<(i32, i32)> {
    let length = |x: i32, y: i32| f64::from(x).hypot(f64::from(y));
    let (across, down) = (length(matrix.a, matrix.b), length(matrix.c, matrix.d));
    let ratio = across / down;
    let is_plain = !ratio.is_finite() || ratio <= 0.0 || (ratio - 1.0).abs() <= 0.01;
    // A thousandth is finer than any writer's rounding.
    (!is_plain && ratio < 1_000.0).then(|| ((ratio * 1_000.0).round().max(1.0) as i32, 1_000))
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a.max(1) } else { gcd(b, a % b) }
}

/// Fields and their order (QuickTime File Format, "fiel"), for codecs whose pictures do not say it themselves.
fn describe_fields(structure: &mut gst::Structure, content: &Content<'_>) {
    let says_itself = matches!(structure.name().as_str(), "video/x-h264" | "video/x-h265" | "video/mpeg");
    if let Some([2, order, ..]) = content.get(*b"fiel")
        && !says_itself
    {
        structure.set("interlace-mode", "interleaved");
        let order = if matches!(*order, 6 | 14) { "bottom-field-first" } else { "top-field-first" };
        structure.set("field-order", order);
    }
}

/// Colour by `colr` (12.1.5), under a name of our own: the pictures' own word counts more.
fn describe_colour(structure: &mut gst::Structure, content: &Content<'_>) {
    let Some(colour) = content.get(*b"colr") else { return };
    let ([b'n', b'c', b'l', b'c' | b'x', rest @ ..], Some(fixed)) = (colour, colour.get(4..10)) else {
        return;
    };
    let number = |at: usize| u16::from_be_bytes([fixed[at], fixed[at + 1]]);
    let (primaries, transfer, matrix) = (number(0), number(2), number(4));
    // QuickTime's form has no flag of the range.
    let range = match rest.get(6) {
        Some(flags) if flags & 0x80 != 0 => "full",
        Some(_) => "limited",
        None => "",
    };
    structure.set("container-colour", format!("{primaries}:{transfer}:{matrix}:{range}"));
}

/// The clockwise rotation and the mirror of a track's matrix, as GStreamer's tag of orientations names them; `None` if it
/// shows the pictures as they are, or at an angle that is no quarter turn.
pub fn orientation(matrix: Matrix) -> Option<&'static str> {
    let Matrix { a, b, c, d } = matrix;
    let sign = |x: i32| if x.unsigned_abs() < 1 << 12 { 0 } else { x.signum() };
    Some(match (sign(a), sign(b), sign(c), sign(d)) {
        (0, 1, -1, 0) => "rotate-90",
        (-1, 0, 0, -1) => "rotate-180",
        (0, -1, 1, 0) => "rotate-270",
        (-1, 0, 0, 1) => "flip-rotate-0",
        (1, 0, 0, -1) => "flip-rotate-180",
        (0, 1, 1, 0) => "flip-rotate-270",
        (0, -1, -1, 0) => "flip-rotate-90",
        _ => return None,
    })
}
