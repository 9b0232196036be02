//! High dynamic range and wide gamuts come out as the standard-range colours that they stand for. ffmpeg's zimg makes the
//! sources from colours of a chart, so it is the reference for every curve and matrix.

use super::colour_tests::{Published, picture, published, tags};
use super::*;
use std::path::Path;
use std::process::Command;

use reelgate_flow::facts::Container;

/// Pixels of a patch's side, and patches in a line.
const PATCH: usize = 64;
const COLUMNS: usize = 6;

/// The 24 colours of the usual camera chart (X-Rite ColorChecker), sRGB.
const CHART: [[u8; 3]; 24] = [
    [115, 82, 68],
    [194, 150, 130],
    [98, 122, 157],
    [87, 108, 67],
    [133, 128, 177],
    [103, 189, 170],
    [214, 126, 44],
    [80, 91, 166],
    [193, 90, 99],
    [94, 60, 108],
    [157, 188, 64],
    [224, 163, 46],
    [56, 61, 150],
    [70, 148, 73],
    [175, 54, 60],
    [231, 199, 31],
    [187, 86, 149],
    [8, 133, 161],
    [243, 243, 242],
    [200, 200, 200],
    [160, 160, 160],
    [122, 122, 121],
    [85, 85, 85],
    [52, 52, 52],
];

/// A video of a chart, each patch in 16 bits per component, after ffmpeg's filter.
fn video(chart: &[[u16; 3]], filter: &str, x265: &str) -> tempfile::NamedTempFile {
    gst::init().unwrap();
    let (width, height) = (PATCH * COLUMNS, PATCH * chart.len() / COLUMNS);
    let mut raw = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let colour = chart[y / PATCH * COLUMNS + x / PATCH];
            raw.extend(colour.iter().flat_map(|component| component.to_le_bytes()));
        }
    }
    let file = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
    let picture = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(picture.path(), raw.repeat(10)).unwrap();
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb48le", "-r", "25"]);
    ffmpeg.args(["-s", &format!("{width}x{height}"), "-i"]).arg(picture.path());
    ffmpeg.args(["-vf", &format!("zscale=rin=pc:r=tv:min=gbr:{filter},format=yuv420p10le")]);
    ffmpeg.args(["-c:v", "libx265", "-tag:v", "hvc1"]);
    ffmpeg.args(["-x265-params", &format!("log-level=none:lossless=1:range=limited:{x265}")]);
    assert!(ffmpeg.arg(file.path()).status().unwrap().success());
    file
}

/// The code values of a chart in 16 bits.
fn wide(chart: &[[u8; 3]]) -> Vec<[u16; 3]> {
    chart.iter().map(|colour| colour.map(|code| u16::from(code) * 257)).collect()
}

/// A chart of BT.709 as HLG R'G'B' by ITU-R BT.2100 (table 5), in 16 bits. zimg applies HLG's OOTF to each component alone.
fn hlg(chart: &[[u8; 3]]) -> Vec<[u16; 3]> {
    let oetf = |scene: f64| {
        if scene <= 1.0 / 12.0 {
            (3.0 * scene).sqrt()
        } else {
            0.178_832_77 * (12.0 * scene - 0.284_668_92).ln() + 0.559_910_73
        }
    };
    let coded = |colour: &[u8; 3]| {
        // Parts of the 1,000 cd/m² of the nominal display, where white is 203.
        let [r, g, b] = colour.map(|code| (f64::from(code) / 255.0).powf(2.4) * 0.203);
        // ITU-R BT.2087, 3.
        let shown = [
            0.6274 * r + 0.3293 * g + 0.0433 * b,
            0.0691 * r + 0.9195 * g + 0.0114 * b,
            0.0164 * r + 0.0880 * g + 0.8956 * b,
        ];
        let luminance: f64 = 0.2627 * shown[0] + 0.6780 * shown[1] + 0.0593 * shown[2];
        let scene = shown.map(|light| light * luminance.powf((1.0 - 1.2) / 1.2));
        scene.map(|light| (oetf(light) * 65_535.0).round() as u16)
    };
    chart.iter().map(coded).collect()
}

/// The colours in the middle of the patches of a picture of the chart.
fn patches(path: &Path) -> Vec<[u8; 3]> {
    let scaled = picture(path, "scale=384:256:flags=area", "rgb24");
    let width = PATCH * COLUMNS;
    let middle = |index: usize| {
        let (x, y) = (index % COLUMNS * PATCH + PATCH / 2, index / COLUMNS * PATCH + PATCH / 2);
        let at = (y * width + x) * 3;
        [scaled[at], scaled[at + 1], scaled[at + 2]]
    };
    (0..CHART.len()).map(middle).collect()
}

/// Mean and largest CIEDE2000 between two charts.
fn difference(ours: &[[u8; 3]], wanted: &[[u8; 3]]) -> (f64, f64) {
    let each: Vec<f64> = ours.iter().zip(wanted).map(|(a, b)| ciede2000(lab(*a), lab(*b))).collect();
    (each.iter().sum::<f64>() / each.len() as f64, each.iter().copied().fold(0.0, f64::max))
}

/// CIE L*a*b* of sRGB (IEC 61966-2-1, D65).
fn lab(srgb: [u8; 3]) -> [f64; 3] {
    let linear = |code: u8| {
        let value = f64::from(code) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let [r, g, b] = srgb.map(linear);
    let x = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505;
    let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    let z = (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089;
    let [x, y, z] = [x, y, z].map(|t| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// CIEDE2000 (ISO/CIE 11664-6).
fn ciede2000([l1, a1, b1]: [f64; 3], [l2, a2, b2]: [f64; 3]) -> f64 {
    let mean_chroma = (a1.hypot(b1) + a2.hypot(b2)) / 2.0;
    let power = |chroma: f64| (chroma.powi(7) / (chroma.powi(7) + 25f64.powi(7))).sqrt();
    let g = 0.5 * (1.0 - power(mean_chroma));
    let (a1, a2) = (a1 * (1.0 + g), a2 * (1.0 + g));
    let (c1, c2) = (a1.hypot(b1), a2.hypot(b2));
    let hue = |a: f64, b: f64| b.atan2(a).to_degrees().rem_euclid(360.0);
    let (h1, h2) = (hue(a1, b1), hue(a2, b2));
    let is_grey = c1 * c2 < 1e-9;
    let turn = (h2 - h1 + 180.0).rem_euclid(360.0) - 180.0;
    let dh = if is_grey { 0.0 } else { turn };
    let mean_hue = if is_grey { h1 + h2 } else { (h1 + dh / 2.0).rem_euclid(360.0) };
    let (dl, dc) = (l2 - l1, c2 - c1);
    let dh = 2.0 * (c1 * c2).sqrt() * (dh.to_radians() / 2.0).sin();
    let (l, c) = ((l1 + l2) / 2.0, (c1 + c2) / 2.0);
    let cos = |degrees: f64| degrees.to_radians().cos();
    let t = 1.0 - 0.17 * cos(mean_hue - 30.0) + 0.24 * cos(2.0 * mean_hue) + 0.32 * cos(3.0 * mean_hue + 6.0)
        - 0.20 * cos(4.0 * mean_hue - 63.0);
    let sl = 1.0 + 0.015 * (l - 50.0).powi(2) / (20.0 + (l - 50.0).powi(2)).sqrt();
    let (sc, sh) = (1.0 + 0.045 * c, 1.0 + 0.015 * c * t);
    let turned = 60.0 * (-((mean_hue - 275.0) / 25.0).powi(2)).exp();
    let rt = -2.0 * power(c) * turned.to_radians().sin();
    ((dl / sl).powi(2) + (dc / sc).powi(2) + (dh / sh).powi(2) + rt * (dc / sc) * (dh / sh)).sqrt()
}

#[test]
fn the_difference_of_colours_is_that_of_the_published_examples() {
    // Sharma, Wu, Dalal: "The CIEDE2000 Color-Difference Formula", 2005, table 1, rows 1, 9 and 25.
    for (a, b, wanted) in [
        ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
        ([50.0, 2.49, -0.001], [50.0, -2.49, 0.0009], 7.1792),
        ([60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644),
    ] {
        assert!((ciede2000(a, b) - wanted).abs() < 1e-3, "{} {wanted}", ciede2000(a, b));
    }
}

fn check(out: &Published, wanted: &[[u8; 3]], what: &str) {
    for rung in &out.rungs {
        assert_eq!(tags(&rung.path()), "tv,bt709,bt709,bt709", "{what}");
        let (mean, most) = difference(&patches(&rung.path()), wanted);
        println!("{what}: mean {mean:.2}, largest {most:.2}");
        assert!(mean <= 1.5 && most <= 4.0, "{what}: mean {mean}, largest {most}");
    }
    let (mean, most) = difference(&patches(&out.poster.path()), wanted);
    println!("{what}, poster: mean {mean:.2}, largest {most:.2}");
    assert!(mean <= 1.5 && most <= 4.0, "{what}, poster: mean {mean}, largest {most}");
}

#[test]
fn high_dynamic_range_becomes_the_standard_range_that_it_stands_for() {
    // Below the knee of the roll-off, at about 90 of the 203 cd/m² of white, nothing is darkened.
    let chart: Vec<[u8; 3]> =
        CHART.iter().map(|colour| colour.map(|code| (u32::from(code) * 7 / 10) as u8)).collect();
    let pq = "pin=bt709:tin=bt709:npl=203:m=2020_ncl:p=2020:t=smpte2084";
    for (transfer, chart_coded, filter) in
        [("smpte2084", wide(&chart), pq), ("arib-std-b67", hlg(&chart), "m=2020_ncl")]
    {
        let described = format!("colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc");
        let file = video(&chart_coded, filter, &described);
        let out = published(file.path(), Container::IsoBmff);
        assert_eq!(out.facts.transfer, transfer);
        check(&out, &chart, transfer);
    }
}

#[test]
fn a_wide_gamut_in_standard_range_becomes_bt709() {
    let file = video(
        &wide(&CHART),
        "pin=bt709:tin=bt709:m=2020_ncl:p=2020:t=2020_10",
        "colorprim=bt2020:transfer=bt2020-10:colormatrix=bt2020nc",
    );
    check(&published(file.path(), Container::IsoBmff), &CHART, "BT.2020");
    let file = video(
        &wide(&CHART),
        "pin=bt709:tin=bt709:m=709:p=smpte432:t=709",
        "colorprim=smpte432:transfer=bt709:colormatrix=bt709",
    );
    check(&published(file.path(), Container::IsoBmff), &CHART, "Display P3");
}

#[test]
fn high_dynamic_range_that_a_phone_stores_sideways_is_mapped_too() {
    let upright = video(
        &hlg(&CHART[..18]),
        "m=2020_ncl",
        "colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc",
    );
    let file = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y", "-i"]).arg(upright.path());
    ffmpeg.args(["-c", "copy", "-metadata:s:v", "rotate=90"]).arg(file.path());
    assert!(ffmpeg.status().unwrap().success());
    let out = published(file.path(), Container::IsoBmff);
    // With one rung of the source's own size, the offer of the encoder's buffers reaches the rotation.
    assert_eq!(out.rungs.len(), 1);
    assert_eq!(tags(&out.rungs[0].path()), "tv,bt709,bt709,bt709");
    for path in [out.rungs[0].path(), out.poster.path()] {
        assert_eq!(picture(&path, "crop=2:2:0:iw,scale=1:1", "rgb24").len(), 3, "upright");
    }
}
