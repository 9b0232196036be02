//! Text of subtitles and captions: its caps, and the text itself without the packaging of the container.

use gstreamer as gst;

use super::description::{Content, next_box, simple, unknown};
use crate::unicode::unicode;

/// How the samples of a track of text are packed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Packing {
    /// As they are.
    Plain,
    /// A length of 16 bits before the text (3GPP TS 26.245, 5.17; QuickTime File Format, "Text sample data").
    Counted,
    /// Boxes of WebVTT (ISO/IEC 14496-30, 5.5).
    WebVtt,
    /// Boxes with pairs of bytes of two fields (QuickTime File Format, "Closed captioning sample data").
    Cea608,
    /// A box with a caption distribution packet.
    Cea708,
}

impl Packing {
    pub fn of(format: [u8; 4]) -> Self {
        match &format {
            b"tx3g" | b"text" => Self::Counted,
            b"wvtt" => Self::WebVtt,
            b"c608" => Self::Cea608,
            b"c708" => Self::Cea708,
            _ => Self::Plain,
        }
    }

    /// The content of a sample; `None` if it shows nothing.
    pub fn unpack(self, sample: &[u8]) -> Option<Vec<u8>> {
        let unpacked = match self {
            Self::Plain => sample.to_vec(),
            Self::Counted => {
                let (length, rest) = sample.split_first_chunk::<2>()?;
                let length = usize::from(u16::from_be_bytes(*length));
                unicode(&rest[..length.min(rest.len())]).into_bytes()
            }
            Self::WebVtt => cues(sample).into_bytes(),
            Self::Cea608 => pairs(sample),
            Self::Cea708 => Content::of(sample).get(*b"ccdp").unwrap_or_default().to_vec(),
        };
        Some(unpacked).filter(|bytes| !bytes.is_empty())
    }
}

/// The caps of a description of text.
pub fn caps(format: [u8; 4]) -> gst::Caps {
    match &format {
        b"tx3g" | b"text" => gst::Caps::builder("text/x-raw").field("format", "utf8").build(),
        b"wvtt" => simple("application/x-subtitle-vtt"),
        b"stpp" | b"sbtt" => simple("application/ttml+xml"),
        b"c608" => gst::Caps::builder("closedcaption/x-cea-608").field("format", "s334-1a").build(),
        b"c708" => gst::Caps::builder("closedcaption/x-cea-708").field("format", "cdp").build(),
        b"mp4s" => simple("subpicture/x-dvd"),
        [b'e', b'n', b'c', _] => {
            gst::Caps::builder("application/x-cenc").field("original-media-type", "text/x-raw").build()
        }
        _ => simple(&unknown("text", format)),
    }
}

/// The payloads of the cues of a sample, and its comments, line by line.
fn cues(sample: &[u8]) -> String {
    let mut lines = Vec::new();
    let mut rest = sample;
    while let Some((kind, body, after)) = next_box(rest) {
        rest = after;
        match kind {
            b"vttc" => {
                let content = Content::of(body);
                let parts = [*b"iden", *b"payl"].into_iter().filter_map(|kind| content.get(kind));
                lines.extend(parts.map(|part| String::from_utf8_lossy(part).into_owned()));
            }
            b"vtta" => lines.push(String::from_utf8_lossy(body).into_owned()),
            _ => {}
        }
    }
    lines.join("\n")
}

/// Pairs with their field in front (SMPTE 334-1, Annex A: the highest bit is set for field 1).
fn pairs(sample: &[u8]) -> Vec<u8> {
    let mut triplets = Vec::new();
    let mut rest = sample;
    while let Some((kind, body, after)) = next_box(rest) {
        rest = after;
        let field = match kind {
            b"cdat" => 0x80,
            b"cdt2" => 0,
            _ => continue,
        };
        triplets.extend(body.chunks_exact(2).flat_map(|pair| [field, pair[0], pair[1]]));
    }
    triplets
}
