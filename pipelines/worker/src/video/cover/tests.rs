use super::*;
use crate::video::tests::job;
use reelgate_pipelines::messages::VideoJob;

const MS: u64 = 1_000_000;
const SIZE: (u32, u32) = (70, 54);

fn cover(redactions: Vec<Redaction>, format: gst_video::VideoFormat) -> (Cover, gst_video::VideoInfo) {
    gst::init().unwrap();
    let info = gst_video::VideoInfo::builder(format, SIZE.0, SIZE.1).build().unwrap();
    let cover = Cover::new(&VideoJob { redactions, ..job(&[("a", 64, 64)]) }).unwrap();
    cover.set_format(&info.to_caps().unwrap());
    (cover, info)
}

fn on(area: FrameBox, style: RedactionStyle) -> Redaction {
    Redaction { start_ns: 0, end_ns: 1_000 * MS, area: Some(area), style }
}

fn area(x: u32, y: u32, width: u32, height: u32) -> FrameBox {
    FrameBox { x, y, width, height }
}

/// Noise that is the same in every run (xorshift64, Marsaglia 2003). Samples of more than 8 bits keep their depth.
fn noise(info: &gst_video::VideoInfo) -> gst::Buffer {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    let format = info.format_info();
    let (depth, shift) = (format.depth()[0], format.shift()[0]);
    let mut bytes: Vec<u8> = (0..info.size()).map(|_| next()).collect();
    if depth > 8 {
        for pair in bytes.chunks_exact_mut(2) {
            let value = (u16::from_le_bytes([pair[0], pair[1]]) & ((1 << depth) - 1)) << shift;
            pair.copy_from_slice(&value.to_le_bytes());
        }
    }
    gst::Buffer::from_mut_slice(bytes)
}

fn bytes(buffer: &gst::Buffer) -> Vec<u8> {
    buffer.map_readable().unwrap().to_vec()
}

fn covered_by(cover: &Cover, mut buffer: gst::Buffer) -> gst::Buffer {
    cover.apply(cover.shown(0, None), &mut buffer).unwrap();
    buffer
}

#[test]
fn only_what_lies_in_the_range_and_the_box_with_its_margin_changes() {
    let (cover, info) =
        cover(vec![on(area(21, 17, 20, 8), RedactionStyle::Fill)], gst_video::VideoFormat::Gray8);
    let before = bytes(&noise(&info));
    let after = bytes(&covered_by(&cover, noise(&info)));
    let stride = info.stride()[0] as usize;
    for y in 0..SIZE.1 as usize {
        for x in 0..SIZE.0 as usize {
            let inside = (17..45).contains(&x) && (13..29).contains(&y);
            let expected = if inside { 0 } else { before[y * stride + x] };
            assert!(after[y * stride + x] == expected || (inside && after[y * stride + x] == 16), "{x} {y}");
        }
    }
    for late in [1_002 * MS, u64::MAX - 1] {
        let mut buffer = noise(&info);
        cover.apply(cover.shown(late, None), &mut buffer).unwrap();
        assert_eq!(bytes(&buffer), before, "a frame after the range is not changed");
    }
}

#[test]
fn every_frame_that_may_be_on_screen_in_the_range_is_covered() {
    let redaction = Redaction { start_ns: 500 * MS, ..on(area(0, 0, 8, 8), RedactionStyle::Fill) };
    let ms = gst::ClockTime::from_mseconds;
    for (rate, at_ms, duration, covered) in [
        (true, 466, None, true), // 30 a second: shown to 499.3 ms, which may be 500.3 ms before rounding
        (true, 460, None, false),
        (true, 100, Some(ms(450)), true),
        (false, 100, Some(ms(450)), true),
        (false, 100, Some(ms(300)), false),
        (false, 100, None, true),
        (true, 1_000, None, true),
        (true, 1_002, None, false),
    ] {
        let frame_rate = reelgate_flow::facts::Rational::new(30, 1).filter(|_| rate);
        let job = VideoJob { redactions: vec![redaction], frame_rate, ..job(&[("a", 64, 64)]) };
        let shown = Cover::new(&job).unwrap().shown(at_ms * MS, duration);
        assert_eq!(is_now(&redaction, shown), covered, "at {at_ms}, rate {rate}, {duration:?}");
    }
}

#[test]
fn the_paint_of_every_format_is_independent_of_what_it_covers() {
    // The two areas are adjacent, so that each is in the surroundings of the other.
    let (first, second) = (area(20, 16, 15, 9), area(20, 31, 15, 6));
    for format in FORMATS {
        let fill = [on(first, RedactionStyle::Fill), on(second, RedactionStyle::Fill)];
        let soft = vec![on(first, RedactionStyle::Blur), on(second, RedactionStyle::Blur)];
        let (filling, info) = cover(fill.to_vec(), format);
        let (softening, _) = cover(soft, format);
        let untouched = noise(&info);
        let other = covered_by(&filling, noise(&info)); // differs from the noise only where it is covered
        assert_ne!(bytes(&other), bytes(&untouched), "{format}");
        assert_eq!(
            bytes(&covered_by(&softening, other.clone())),
            bytes(&covered_by(&softening, untouched.clone())),
            "{format}"
        );
        assert_ne!(
            bytes(&covered_by(&softening, untouched)),
            bytes(&other),
            "{format}: a gradient, not black"
        );
        assert_eq!(bytes(&covered_by(&filling, other.clone())), bytes(&other), "{format}");
    }
}

#[test]
fn a_box_that_is_not_inside_the_picture_covers_all_of_it() {
    let whole = Rect { left: 0, top: 0, right: SIZE.0, bottom: SIZE.1 };
    let (_, info) = cover(Vec::new(), gst_video::VideoFormat::I420);
    let outside = [area(70, 0, 1, 1), area(0, 50, 8, 5), area(u32::MAX, 0, 2, 1), area(0, 0, 1, u32::MAX)];
    for area in outside {
        assert_eq!(covered(Some(area), &info), whole, "{area:?}");
    }
    assert_eq!(covered(None, &info), whole);
}

#[test]
fn margins_extend_to_whole_chroma_samples_and_end_at_the_edge() {
    let (_, info) = cover(Vec::new(), gst_video::VideoFormat::I420);
    let rect = |left, top, right, bottom| Rect { left, top, right, bottom };
    assert_eq!(covered(Some(area(21, 17, 20, 8)), &info), rect(16, 12, 46, 30));
    assert_eq!(covered(Some(area(1, 2, 68, 52)), &info), rect(0, 0, 70, 54));
    assert_eq!(covered(Some(area(30, 24, 1, 24)), &info), rect(24, 18, 38, 54), "a quarter of the height");
}

#[test]
fn without_anything_around_it_a_gradient_is_black() {
    let (cover, info) = cover(
        vec![Redaction { area: None, ..on(area(0, 0, 1, 1), RedactionStyle::Blur) }],
        gst_video::VideoFormat::I420,
    );
    let painted = bytes(&covered_by(&cover, noise(&info)));
    let luma: std::collections::BTreeSet<u8> = painted[..info.stride()[0] as usize * SIZE.1 as usize]
        .chunks(info.stride()[0] as usize)
        .flat_map(|line| line[..SIZE.0 as usize].to_vec())
        .collect();
    assert_eq!(luma.into_iter().collect::<Vec<_>>(), [16]);
}

#[test]
fn malformed_redactions_and_unknown_pictures_end_the_job() {
    let bad =
        |redaction| Cover::new(&VideoJob { redactions: vec![redaction], ..job(&[("a", 64, 64)]) }).err();
    assert_eq!(bad(on(area(0, 0, 0, 1), RedactionStyle::Fill)).unwrap().code, Code::Internal);
    assert_eq!(
        bad(Redaction { end_ns: 0, ..on(area(0, 0, 1, 1), RedactionStyle::Fill) }).unwrap().code,
        Code::Internal
    );
    let (cover, info) = cover(vec![on(area(0, 0, 1, 1), RedactionStyle::Fill)], gst_video::VideoFormat::V210);
    assert_eq!(cover.apply(cover.shown(0, None), &mut noise(&info)).unwrap_err().code, Code::Internal);
}
