//! The allow list of codecs: the name, the parser and the decoders of each kind of stream, as literals.
//!
//! No element is chosen by rank or by a search of the registry. A codec that is not in `RULES` is not decoded, no matter
//! what is installed. So the code that untrusted bytes can reach stays small, and a review sees all of it.

use std::borrow::Cow;
use std::sync::OnceLock;

use gstreamer as gst;

use gst::prelude::*;
use reelgate_flow::reason::{Code, Fault};

/// One kind of stream.
struct Rule {
    /// Caps in GStreamer's notation; the first rule of which the stream's caps are a subset applies.
    caps: &'static str,
    /// ffprobe's name of the codec.
    codec: &'static str,
    /// Parser in front of the decoder; empty if the decoder takes the demuxer's packets unchanged.
    parser: &'static str,
    /// Decoders in order of preference; empty if none is allowed.
    decoders: &'static [&'static str],
}

const fn rule(
    caps: &'static str,
    codec: &'static str,
    parser: &'static str,
    decoders: &'static [&'static str],
) -> Rule {
    Rule { caps, codec, parser, decoders }
}

/// Our demuxer's caps name of H.265 that only a Dolby Vision decoder can show.
const DOLBY_VISION_5: &str = "video/x-dolby-vision-5";

/// Caps names of encrypted streams.
const ENCRYPTED: [&str; 3] = ["application/x-cenc", "application/x-cbcs", "application/x-webm-enc"];

/// The allow list. It does not contain raw audio and video, which need no decoder: see [`raw_name`].
const RULES: &[Rule] = &[
    rule("video/x-h264", "h264", "h264parse", &["avdec_h264"]),
    rule("video/x-h265", "hevc", "h265parse", &["avdec_h265"]),
    rule("video/x-h266", "vvc", "", &[]),
    rule("video/x-vp8", "vp8", "", &["vp8dec", "avdec_vp8"]),
    // vp9parse 1.22 hangs while it negotiates caps with alpha. libvpx accepts the packets unchanged.
    rule("video/x-vp9, codec-alpha=true", "vp9", "", &["vp9dec"]),
    rule("video/x-vp9", "vp9", "vp9parse", &["avdec_vp9", "vp9dec"]),
    rule("video/x-av1", "av1", "av1parse", &["dav1ddec", "av1dec"]),
    rule(
        "video/mpeg, mpegversion=1, systemstream=false",
        "mpeg1video",
        "mpegvideoparse",
        &["avdec_mpeg2video"],
    ),
    rule(
        "video/mpeg, mpegversion=2, systemstream=false",
        "mpeg2video",
        "mpegvideoparse",
        &["avdec_mpeg2video"],
    ),
    rule("video/mpeg, mpegversion=4, systemstream=false", "mpeg4", "mpeg4videoparse", &["avdec_mpeg4"]),
    rule("video/x-divx, divxversion={4,5}", "mpeg4", "mpeg4videoparse", &["avdec_mpeg4"]),
    rule("video/x-xvid", "mpeg4", "mpeg4videoparse", &["avdec_mpeg4"]),
    rule("video/x-divx, divxversion=3", "msmpeg4v3", "", &["avdec_msmpeg4"]),
    rule("video/x-msmpeg, msmpegversion=43", "msmpeg4v3", "", &["avdec_msmpeg4"]),
    rule("video/x-msmpeg, msmpegversion=42", "msmpeg4v2", "", &["avdec_msmpeg4v2"]),
    rule("video/x-msmpeg, msmpegversion=41", "msmpeg4v1", "", &["avdec_msmpeg4v1"]),
    rule("video/x-h263", "h263", "h263parse", &["avdec_h263"]),
    rule("video/x-flash-video, flvversion=1", "flv1", "", &["avdec_flv"]),
    rule("video/x-wmv, wmvversion=1", "wmv1", "", &["avdec_wmv1"]),
    rule("video/x-wmv, wmvversion=2", "wmv2", "", &["avdec_wmv2"]),
    rule("video/x-wmv, wmvversion=3, format=WVC1", "vc1", "", &["avdec_vc1"]),
    rule("video/x-wmv, wmvversion=3", "wmv3", "", &["avdec_wmv3"]),
    rule("video/x-theora", "theora", "", &["theoradec"]),
    rule("image/jpeg", "mjpeg", "", &["jpegdec", "avdec_mjpeg"]),
    rule("image/png", "png", "", &["pngdec"]),
    rule("video/x-prores", "prores", "", &["avdec_prores"]),
    rule("video/x-dnxhd", "dnxhd", "", &["avdec_dnxhd"]),
    rule("video/x-ffv, ffvversion=1", "ffv1", "", &["avdec_ffv1"]),
    rule("video/x-huffyuv", "huffyuv", "", &["avdec_huffyuv"]),
    rule("video/x-dv, systemstream=false", "dvvideo", "", &["avdec_dvvideo"]),
    rule("video/x-svq, svqversion=1", "svq1", "", &["avdec_svq1"]),
    rule("video/x-svq, svqversion=3", "svq3", "", &["avdec_svq3"]),
    rule("video/x-cinepak", "cinepak", "", &["avdec_cinepak"]),
    rule("video/x-vp6-flash", "vp6f", "", &["avdec_vp6f"]),
    rule("video/x-qtrle", "qtrle", "", &["avdec_qtrle"]),
    rule("audio/mpeg, mpegversion=1, layer=3", "mp3", "mpegaudioparse", &["mpg123audiodec", "avdec_mp3"]),
    rule(
        "audio/mpeg, mpegversion=1, layer=2",
        "mp2",
        "mpegaudioparse",
        &["mpg123audiodec", "avdec_mp2float"],
    ),
    rule(
        "audio/mpeg, mpegversion=1, layer=1",
        "mp1",
        "mpegaudioparse",
        &["mpg123audiodec", "avdec_mp1float"],
    ),
    // A transport stream does not declare the layer. The parser finds it.
    rule("audio/mpeg, mpegversion=1", "mp2", "mpegaudioparse", &["mpg123audiodec", "avdec_mp2float"]),
    rule("audio/mpeg, mpegversion={2,4}, stream-format=loas", "aac_latm", "aacparse", &["avdec_aac_latm"]),
    rule("audio/mpeg, mpegversion={2,4}", "aac", "aacparse", &["avdec_aac"]),
    rule("audio/x-opus", "opus", "opusparse", &["opusdec", "avdec_opus"]),
    rule("audio/x-vorbis", "vorbis", "", &["vorbisdec"]),
    rule("audio/x-flac", "flac", "flacparse", &["flacdec", "avdec_flac"]),
    rule("audio/x-ac3", "ac3", "ac3parse", &["avdec_ac3"]),
    rule("audio/x-private1-ac3", "ac3", "ac3parse", &["avdec_ac3"]),
    rule("audio/x-eac3", "eac3", "ac3parse", &["avdec_eac3"]),
    rule("audio/x-dts", "dts", "dcaparse", &["avdec_dca"]),
    rule("audio/x-alac", "alac", "", &["avdec_alac"]),
    // amrparse expects an AMR file with its header. The decoders take the packets of a container.
    rule("audio/AMR", "amr_nb", "", &["amrnbdec", "avdec_amrnb"]),
    rule("audio/AMR-WB", "amr_wb", "", &["amrwbdec", "avdec_amrwb"]),
    rule("audio/x-alaw", "pcm_alaw", "", &["alawdec"]),
    rule("audio/x-mulaw", "pcm_mulaw", "", &["mulawdec"]),
    rule("audio/x-adpcm, layout=microsoft", "adpcm_ms", "", &["avdec_adpcm_ms"]),
    // libav needs the bits of a sample, which GStreamer does not pass on.
    rule("audio/x-adpcm, layout=dvi", "adpcm_ima_wav", "", &["adpcmdec", "avdec_adpcm_ima_wav"]),
    rule("audio/x-adpcm, layout=quicktime", "adpcm_ima_qt", "", &["avdec_adpcm_ima_qt"]),
    rule("audio/x-adpcm, layout=swf", "adpcm_swf", "", &["avdec_adpcm_swf"]),
    rule("audio/x-adpcm, layout=g726", "adpcm_g726", "", &[]),
    rule("audio/x-wma, wmaversion=1", "wmav1", "", &["avdec_wmav1"]),
    rule("audio/x-wma, wmaversion=2", "wmav2", "", &["avdec_wmav2"]),
    rule("audio/x-speex", "speex", "", &["speexdec", "avdec_speex"]),
];

/// What a stream is, by its caps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Description {
    /// ffprobe's name of the codec, or the name of the caps if no rule matches. At most 64 bytes.
    pub codec: Cow<'static, str>,
    /// Whether an allowed decoder is installed or none is needed.
    pub decodable: bool,
    /// Whether the caps declare the stream encrypted.
    pub encrypted: bool,
}

/// Names the codec and states whether this worker can decode it.
pub fn describe(caps: &gst::CapsRef) -> Description {
    let Some(structure) = caps.structure(0) else {
        return Description { codec: Cow::Borrowed("unknown"), decodable: false, encrypted: false };
    };
    if ENCRYPTED.contains(&structure.name().as_str()) {
        let codec =
            original_caps(structure).and_then(|caps| find(&caps)).map_or("unknown", |rule| rule.codec);
        return Description { codec: Cow::Borrowed(codec), decodable: false, encrypted: true };
    }
    if let Some(name) = raw_name(structure) {
        return Description { codec: Cow::Owned(name), decodable: true, encrypted: false };
    }
    let Some(rule) = find(caps) else {
        let mut name = structure.name().to_string();
        name.truncate(64); // caps names are ASCII, enforced by GStreamer
        return Description { codec: Cow::Owned(name), decodable: false, encrypted: false };
    };
    let decodable = rule.decoders.iter().any(|name| gst::ElementFactory::find(name).is_some());
    Description { codec: Cow::Borrowed(rule.codec), decodable, encrypted: false }
}

/// The parser for a stream, not yet in a pipeline; empty if none is needed.
///
/// Fails with `plugin_missing` if the parser is not installed.
pub fn parser(caps: &gst::CapsRef) -> Result<Vec<gst::Element>, Fault> {
    match find(caps) {
        Some(rule) if !rule.parser.is_empty() => make(rule.parser).map(|parser| vec![parser]),
        _ => Ok(Vec::new()),
    }
}

/// Parser and decoder for a stream in link order, not yet in a pipeline; empty for raw streams.
///
/// `threads` limits the decoder's threads if the decoder has such a setting; 0 leaves the choice to the decoder.
/// Fails with `encrypted`, `unsupported_codec`, or `plugin_missing` if the codec is allowed but none of its
/// decoders is installed.
pub fn decoder(caps: &gst::CapsRef, threads: u32) -> Result<Vec<gst::Element>, Fault> {
    let description = describe(caps);
    if description.encrypted {
        return Err(Fault::new(Code::Encrypted, format!("{} samples are encrypted", description.codec)));
    }
    let Some(rule) = find(caps) else {
        return match caps.structure(0).and_then(raw_name) {
            Some(_) => Ok(Vec::new()),
            None => Err(unsupported(&description)),
        };
    };
    if rule.decoders.is_empty() {
        return Err(unsupported(&description));
    }
    let mut chain = parser(caps)?;
    let installed = rule.decoders.iter().find(|name| gst::ElementFactory::find(name).is_some());
    let decoder = make(installed.unwrap_or(&rule.decoders[0]))?;
    set_threads(&decoder, threads);
    chain.push(decoder);
    Ok(chain)
}

/// Names of all elements that this list may create, so that their plugins are loaded before the jail closes.
pub fn elements() -> impl Iterator<Item = &'static str> {
    let names = RULES.iter().flat_map(|rule| rule.decoders.iter().copied().chain([rule.parser]));
    names.filter(|name| !name.is_empty())
}

/// Creates an element by its factory name. Fails with `plugin_missing` if it is not installed.
pub fn make(factory: &str) -> Result<gst::Element, Fault> {
    gst::ElementFactory::make(factory).build().map_err(|_| {
        Fault::new(Code::PluginMissing, format!("expected the element {factory}, which is not installed"))
    })
}

/// The refusal of a codec that cannot be decoded, with what to export instead if that is not obvious.
pub fn unsupported(description: &Description) -> Fault {
    let detail = match description.codec.as_ref() {
        // Its pictures are in a colour space of their own, and no other screen can show them.
        DOLBY_VISION_5 => String::from(
            "no decoder is allowed for Dolby Vision profile 5: export Dolby Vision profile 8.1 or 8.4, HDR10, HLG or SDR",
        ),
        codec => format!("no decoder is allowed for {codec}"),
    };
    Fault::new(Code::UnsupportedCodec, detail)
}

fn find(caps: &gst::CapsRef) -> Option<&'static Rule> {
    static PARSED: OnceLock<Vec<(gst::Caps, &'static Rule)>> = OnceLock::new();
    let parsed = PARSED.get_or_init(|| {
        let parse = |rule: &'static Rule| rule.caps.parse().ok().map(|caps| (caps, rule));
        RULES.iter().filter_map(parse).collect()
    });
    parsed.iter().find(|(known, _)| caps.is_subset(known)).map(|(_, rule)| *rule)
}

/// The caps of the decrypted samples, if the demuxer reports them.
pub(crate) fn original_caps(structure: &gst::StructureRef) -> Option<gst::Caps> {
    let media = structure.get::<&str>("original-media-type").ok()?;
    Some(gst::Caps::new_empty_simple(media))
}

/// ffprobe's name of a raw stream: `pcm_s16le` for `S16LE`, `rawvideo` for every picture.
fn raw_name(structure: &gst::StructureRef) -> Option<String> {
    match structure.name().as_str() {
        "video/x-raw" => Some(String::from("rawvideo")),
        "audio/x-raw" => {
            let format = structure.get::<&str>("format").unwrap_or("unknown");
            Some(format!("pcm_{}", format.to_ascii_lowercase()))
        }
        _ => None,
    }
}

/// The setting is `max-threads` in libav decoders, `threads` in libvpx and libaom, `n-threads` in dav1d.
fn set_threads(decoder: &gst::Element, threads: u32) {
    if threads == 0 {
        return;
    }
    let Ok(signed) = i32::try_from(threads) else { return };
    for name in ["max-threads", "threads", "n-threads"] {
        let Some(property) = decoder.find_property(name) else { continue };
        match property.value_type() {
            gst::glib::Type::I32 => decoder.set_property(name, signed.min(16)),
            gst::glib::Type::U32 => decoder.set_property(name, threads.min(16)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps(text: &str) -> gst::Caps {
        gst::init().unwrap();
        text.parse().unwrap()
    }

    #[test]
    fn every_rule_of_the_list_is_well_formed_caps_and_found_by_its_own_caps() {
        gst::init().unwrap();
        for rule in RULES {
            let found = find(&caps(rule.caps)).expect("a rule finds itself");
            assert_eq!(found.codec, rule.codec, "{} is shadowed", rule.caps);
        }
    }

    #[test]
    fn every_allowed_codec_has_an_installed_decoder_and_parser() {
        for rule in RULES.iter().filter(|rule| !rule.decoders.is_empty()) {
            let chain = decoder(&caps(rule.caps), 2).unwrap();
            assert_eq!(chain.len(), if rule.parser.is_empty() { 1 } else { 2 }, "{}", rule.codec);
        }
    }

    #[test]
    fn a_codec_without_decoder_is_unsupported_and_never_called_damaged() {
        for text in ["video/x-h266", "video/x-unknown", "audio/x-surprise", "image/x-jpc"] {
            assert_eq!(decoder(&caps(text), 0).unwrap_err().code, Code::UnsupportedCodec, "{text}");
            assert!(!describe(&caps(text)).decodable);
        }
    }

    #[test]
    fn dolby_vision_without_a_base_picture_is_refused_by_its_name_with_what_to_export() {
        let fault = decoder(&caps("video/x-dolby-vision-5"), 0).unwrap_err();
        assert_eq!(fault.code, Code::UnsupportedCodec);
        assert!(fault.detail.contains("Dolby Vision profile 5: export"), "{}", fault.detail);
    }

    #[test]
    fn encrypted_samples_are_named_by_what_they_would_be_and_never_decoded() {
        let caps = caps("application/x-cenc, original-media-type=(string)video/x-h264");
        let description = describe(&caps);
        assert_eq!((description.codec.as_ref(), description.encrypted), ("h264", true));
        assert_eq!(decoder(&caps, 0).unwrap_err().code, Code::Encrypted);
    }

    #[test]
    fn raw_streams_need_no_decoder() {
        let pcm = caps("audio/x-raw, format=S16LE, rate=8000, channels=1");
        assert_eq!(describe(&pcm).codec, "pcm_s16le");
        assert!(decoder(&pcm, 0).unwrap().is_empty());
        assert_eq!(describe(&caps("video/x-raw, format=UYVY")).codec, "rawvideo");
    }

    #[test]
    fn the_thread_bound_reaches_the_decoder() {
        let chain = decoder(&caps("video/x-h264"), 3).unwrap();
        assert_eq!(chain[1].property::<i32>("max-threads"), 3);
    }
}
