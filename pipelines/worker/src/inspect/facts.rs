//! Builds the facts of a track from counts, caps and tags.

use gstreamer as gst;
use gstreamer_video as gst_video;

use reelgate_flow::facts::{AudioFacts, Colour, Rational, SubtitleFacts, VideoFacts};

use super::survey::TrackSurvey;
use crate::codecs;
use crate::colour::{self, ContainerColour};

/// Facts of a video track. [`complete`] adds from the decoded sample what the container does not declare.
pub fn video(track: &TrackSurvey) -> VideoFacts {
    let caps = Caps::of(track);
    let description = codecs::describe(&track.caps);
    let timing = &track.timing;
    let declared = caps.fraction("framerate").filter(|rate| rate.num > 0);
    VideoFacts {
        track: track.index,
        codec: description.codec.into_owned(),
        profile: caps.text("profile"),
        level: caps.text("level"),
        width: caps.number("width"),
        height: caps.number("height"),
        pixel_aspect: caps
            .fraction("pixel-aspect-ratio")
            .filter(|aspect| aspect.num > 0)
            .unwrap_or(Rational { num: 1, den: 1 }),
        rotation: track.tags.rotation,
        frame_rate: if timing.variable_rate {
            timing.rate.or(declared)
        } else {
            exact_rate(timing.rate, declared)
        },
        variable_rate: timing.variable_rate,
        interlaced: is_interlaced(&caps.text("interlace-mode")),
        bit_depth: u8::try_from(caps.number("bit-depth-luma")).unwrap_or(0),
        chroma: caps.text("chroma-format"),
        colour: colour(track, &caps),
        frames: timing.packets,
        start_ns: timing.start_ns,
        end_ns: timing.end_ns,
        bytes: track.bytes,
        keyframes: timing.keyframes,
        gop_frames_max: timing.gop_frames_max,
        language: track.tags.language.clone(),
        decodable: description.decodable,
    }
}

pub fn audio(track: &TrackSurvey) -> AudioFacts {
    let caps = Caps::of(track);
    let description = codecs::describe(&track.caps);
    // Only the parser knows the layer of MPEG audio in a transport stream.
    let codec = match codecs::describe(&track.parsed) {
        parsed if parsed.decodable && !parsed.codec.starts_with("pcm") => parsed.codec,
        _ => description.codec,
    };
    AudioFacts {
        track: track.index,
        codec: codec.into_owned(),
        sample_rate: caps.number("rate"),
        channels: caps.number("channels"),
        start_ns: track.timing.start_ns,
        end_ns: track.timing.end_ns,
        bytes: track.bytes,
        packets: track.timing.packets,
        language: track.tags.language.clone(),
        decodable: description.decodable,
    }
}

pub fn subtitle(track: &TrackSurvey) -> SubtitleFacts {
    let name = track.caps.structure(0).map(|structure| structure.name().as_str()).unwrap_or("");
    let codec = match name {
        "text/x-raw" => "text",
        "application/x-ssa" | "application/x-ass" => "ssa",
        "application/x-subtitle-vtt" => "webvtt",
        "subpicture/x-dvd" => "dvdsub",
        "subpicture/x-dvb" => "dvbsub",
        "subpicture/x-pgs" => "pgs",
        "closedcaption/x-cea-608" => "cea608",
        "closedcaption/x-cea-708" => "cea708",
        "application/ttml+xml" => "ttml",
        other => other,
    };
    SubtitleFacts {
        track: track.index,
        codec: codec.chars().take(64).collect(),
        cues: track.timing.packets,
        language: track.tags.language.clone(),
    }
}

/// Adds from the decoded picture's format what the container and the parser do not declare. What the decoder says about
/// colours counts more than both: it has read the stream.
pub fn complete(facts: &mut VideoFacts, decoded: &gst::CapsRef, container: &ContainerColour) {
    let described = words(&colour::described(decoded, container));
    let replace = |ours: &mut String, decoded: String| {
        if !decoded.is_empty() {
            *ours = decoded;
        }
    };
    replace(&mut facts.colour.primaries, described.primaries);
    replace(&mut facts.colour.transfer, described.transfer);
    replace(&mut facts.colour.matrix, described.matrix);
    replace(&mut facts.colour.range, described.range);
    let Ok(info) = gst_video::VideoInfo::from_caps(decoded) else { return };
    let format = info.format_info();
    if facts.width == 0 || facts.height == 0 {
        (facts.width, facts.height) = (info.width(), info.height());
    }
    if facts.bit_depth == 0 {
        facts.bit_depth = format.depth().first().and_then(|depth| u8::try_from(*depth).ok()).unwrap_or(0);
    }
    if facts.chroma.is_empty() && format.is_yuv() && format.n_components() >= 3 {
        let chroma = match (format.w_sub()[1], format.h_sub()[1]) {
            (0, 0) => "4:4:4",
            (1, 0) => "4:2:2",
            (1, 1) => "4:2:0",
            (2, 0) => "4:1:1",
            _ => "",
        };
        facts.chroma = chroma.to_owned();
    }
    facts.interlaced |= info.interlace_mode() != gst_video::VideoInterlaceMode::Progressive;
}

/// Adds the decoded sound's rate and channels, if the container does not declare them.
pub fn complete_audio(facts: &mut AudioFacts, decoded: &gst::CapsRef) {
    let Some(structure) = decoded.structure(0) else { return };
    let value =
        |name| structure.get::<i32>(name).ok().and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
    if facts.sample_rate == 0 || facts.channels == 0 {
        (facts.sample_rate, facts.channels) = (value("rate"), value("channels"));
    }
}

/// Channels of decoded sound that have a position in the room; 0 if they have none. One channel and two have theirs by
/// convention.
pub fn placed_channels(decoded: &gst::CapsRef) -> u32 {
    let Some(structure) = decoded.structure(0) else { return 0 };
    let channels = structure.get::<i32>("channels").ok().and_then(|number| u32::try_from(number).ok());
    let placed = structure.get::<gst::Bitmask>("channel-mask").map_or(0, |mask| mask.0.count_ones());
    match channels {
        Some(channels @ 1..=2) => channels,
        Some(channels) if channels == placed => channels,
        _ => 0,
    }
}

/// The declared rate, if it agrees with the counted rate within a thousandth: it is exact, and the count is rounded.
fn exact_rate(counted: Option<Rational>, declared: Option<Rational>) -> Option<Rational> {
    let (Some(counted), Some(declared)) = (counted, declared) else { return counted.or(declared) };
    let agree = (counted.as_f64() - declared.as_f64()).abs() <= declared.as_f64() / 1_000.0;
    // A common rate is better than a declaration such as 2997/100 that means the same.
    Some(if agree && counted.den == 1_000 { declared } else { counted })
}

fn is_interlaced(mode: &str) -> bool {
    matches!(mode, "interleaved" | "mixed" | "fields" | "alternate")
}

/// Values come from the caps behind the parser, or from those of the demuxer if the former have none.
struct Caps<'a> {
    parsed: Option<&'a gst::StructureRef>,
    demuxed: Option<&'a gst::StructureRef>,
}

impl<'a> Caps<'a> {
    fn of(track: &'a TrackSurvey) -> Self {
        Self { parsed: track.parsed.structure(0), demuxed: track.caps.structure(0) }
    }

    fn find<T>(&self, get: impl Fn(&gst::StructureRef) -> Option<T>) -> Option<T> {
        self.parsed.and_then(&get).or_else(|| self.demuxed.and_then(&get))
    }

    fn number(&self, name: &str) -> u32 {
        let signed = |structure: &gst::StructureRef| {
            structure.get::<i32>(name).ok().and_then(|n| u32::try_from(n).ok())
        };
        let unsigned = |structure: &gst::StructureRef| structure.get::<u32>(name).ok();
        self.find(|structure| signed(structure).or_else(|| unsigned(structure)).filter(|n| *n > 0))
            .unwrap_or(0)
    }

    fn text(&self, name: &str) -> String {
        self.find(|structure| structure.get::<&str>(name).ok().map(|text| text.chars().take(64).collect()))
            .unwrap_or_default()
    }

    fn fraction(&self, name: &str) -> Option<Rational> {
        self.find(|structure| {
            let fraction = structure.get::<gst::Fraction>(name).ok()?;
            let (num, den) = (u32::try_from(fraction.numer()).ok()?, u32::try_from(fraction.denom()).ok()?);
            Rational::new(num, den).filter(|fraction| fraction.num > 0)
        })
    }
}

fn colour(track: &TrackSurvey, caps: &Caps<'_>) -> Colour {
    let mastering = [caps.text("mastering-display-info"), caps.text("content-light-level")];
    let mastering = mastering.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(";");
    let described = colour::described(&track.parsed, &ContainerColour::of(&track.caps));
    Colour { mastering, ..words(&described) }
}

fn words(colorimetry: &gst_video::VideoColorimetry) -> Colour {
    Colour {
        primaries: primaries(colorimetry.primaries()).to_owned(),
        transfer: transfer(colorimetry.transfer()).to_owned(),
        matrix: matrix(colorimetry.matrix()).to_owned(),
        range: range(colorimetry.range()).to_owned(),
        mastering: String::new(),
    }
}

fn primaries(primaries: gst_video::VideoColorPrimaries) -> &'static str {
    use gst_video::VideoColorPrimaries::*;
    match primaries {
        Bt709 => "bt709",
        Bt470m => "bt470m",
        Bt470bg => "bt470bg",
        Smpte170m => "smpte170m",
        Smpte240m => "smpte240m",
        Film => "film",
        Bt2020 => "bt2020",
        Smptest428 => "smpte428",
        Smpterp431 => "smpte431",
        Smpteeg432 => "smpte432",
        Ebu3213 => "ebu3213",
        _ => "",
    }
}

fn transfer(transfer: gst_video::VideoTransferFunction) -> &'static str {
    use gst_video::VideoTransferFunction::*;
    match transfer {
        Bt709 => "bt709",
        Bt601 => "smpte170m",
        Smpte240m => "smpte240m",
        Srgb => "iec61966-2-1",
        Gamma22 => "bt470m",
        Gamma28 => "bt470bg",
        Gamma10 => "linear",
        Log100 => "log100",
        Log316 => "log316",
        Bt202010 => "bt2020-10",
        Bt202012 => "bt2020-12",
        Smpte2084 => "smpte2084",
        AribStdB67 => "arib-std-b67",
        _ => "",
    }
}

fn matrix(matrix: gst_video::VideoColorMatrix) -> &'static str {
    use gst_video::VideoColorMatrix::*;
    match matrix {
        Rgb => "gbr",
        Fcc => "fcc",
        Bt709 => "bt709",
        // GStreamer does not distinguish the two variants of BT.601, which share their coefficients.
        Bt601 => "smpte170m",
        Smpte240m => "smpte240m",
        Bt2020 => "bt2020nc",
        _ => "",
    }
}

fn range(range: gst_video::VideoColorRange) -> &'static str {
    match range {
        gst_video::VideoColorRange::Range0_255 => "full",
        gst_video::VideoColorRange::Range16_235 => "limited",
        _ => "",
    }
}
