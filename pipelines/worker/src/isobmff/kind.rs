//! What a track is for: the kinds of a track (ISO/IEC 14496-12, 8.10.4) and its tagged characteristics (QuickTime File Format).

use reelgate_flow::caption_file::CaptionFlags;
use reelgate_pipelines::messages::AudioRole;

use crate::inspect::boxes::Fields;

/// Bytes read of one box.
const BYTES_MAX: usize = 256;
/// The roles of DASH (ISO/IEC 23009-1, 5.8.5.5).
const DASH_ROLES: &[u8] = b"urn:mpeg:dash:role:2011";
const DESCRIBES_VIDEO: &[u8] = b"public.accessibility.describes-video";
const TRANSCRIBES: &[u8] = b"public.accessibility.transcribes-spoken-dialog";

/// What the boxes of a track say that it is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Purpose {
    /// If it is sound.
    pub audio: AudioRole,
    /// If it is text.
    pub captions: CaptionFlags,
}

impl Purpose {
    /// Adds what a `kind` or a `tagc` box says.
    pub fn read(&mut self, kind: [u8; 4], fields: &mut Fields<'_>) {
        let captions = &mut self.captions;
        match word(kind, fields).as_deref() {
            Some(b"commentary") => self.audio = AudioRole::Commentary,
            Some(b"description") => self.audio = AudioRole::Description,
            Some(b"caption") => captions.hearing_impaired = true,
            Some(b"forced-subtitle") => captions.forced = true,
            _ => {}
        }
    }
}

/// The role of DASH that a box names or means; `None` if it names none.
fn word(kind: [u8; 4], fields: &mut Fields<'_>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    while fields.left() > 0 && bytes.len() < BYTES_MAX {
        bytes.push(fields.u8().ok()?);
    }
    if kind == *b"tagc" {
        let text = bytes.split(|byte| *byte == 0).next()?;
        return match text {
            DESCRIBES_VIDEO => Some(b"description".to_vec()),
            TRANSCRIBES => Some(b"caption".to_vec()),
            _ => None,
        };
    }
    // Version and flags, then two texts, each with a zero behind it.
    let mut texts = bytes.get(4..)?.split(|byte| *byte == 0);
    match (texts.next()?, texts.next()?) {
        (DASH_ROLES, role) => Some(role.to_vec()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Media;

    fn of(kind: &[u8; 4], body: &[u8]) -> Purpose {
        let media = Media::of(body);
        let source = media.source();
        let mut purpose = Purpose::default();
        purpose.read(*kind, &mut Fields::new(&source, 0, body.len() as u64));
        purpose
    }

    #[test]
    fn kinds_and_characteristics_say_what_a_track_is_for() {
        let none = Purpose::default();
        let sound = |audio| Purpose { audio, ..none };
        let text = |forced, hearing_impaired| Purpose {
            captions: CaptionFlags { forced, hearing_impaired, default: false },
            ..none
        };
        let dash = |value: &[u8]| [&[0; 4], DASH_ROLES, b"\0", value, b"\0"].concat();
        assert_eq!(of(b"kind", &dash(b"commentary")), sound(AudioRole::Commentary));
        assert_eq!(of(b"kind", &dash(b"description")), sound(AudioRole::Description));
        assert_eq!(of(b"kind", &dash(b"forced-subtitle")), text(true, false));
        assert_eq!(of(b"kind", &dash(b"caption")), text(false, true));
        assert_eq!(of(b"kind", &dash(b"dub")), none);
        assert_eq!(of(b"tagc", b"public.accessibility.describes-video"), sound(AudioRole::Description));
        assert_eq!(of(b"tagc", TRANSCRIBES), text(false, true));
        assert_eq!(of(b"tagc", b"public.main-program-content"), none);
        for damaged in [&b""[..], &[0; 3], &[0; 9], &[b'u'; 300]] {
            assert_eq!(of(b"kind", damaged), none);
        }
    }
}
