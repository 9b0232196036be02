//! What a track is for: the kinds of a track (ISO/IEC 14496-12, 8.10.4) and its tagged characteristics (QuickTime File Format).

use reelgate_pipelines::messages::AudioRole;

use crate::inspect::boxes::Fields;

/// Bytes read of one box.
const BYTES_MAX: usize = 256;
/// The roles of DASH (ISO/IEC 23009-1, 5.8.5.5).
const DASH_ROLES: &[u8] = b"urn:mpeg:dash:role:2011";
const DESCRIBES_VIDEO: &[u8] = b"public.accessibility.describes-video";

/// The role that a `kind` or a `tagc` box names; `None` if it names no role of sound.
pub fn role(kind: [u8; 4], fields: &mut Fields<'_>) -> Option<AudioRole> {
    let mut bytes = Vec::new();
    while fields.left() > 0 && bytes.len() < BYTES_MAX {
        bytes.push(fields.u8().ok()?);
    }
    if kind == *b"tagc" {
        let text = bytes.split(|byte| *byte == 0).next()?;
        return (text == DESCRIBES_VIDEO).then_some(AudioRole::Description);
    }
    // Version and flags, then two texts, each with a zero behind it.
    let mut texts = bytes.get(4..)?.split(|byte| *byte == 0);
    match (texts.next()?, texts.next()?) {
        (DASH_ROLES, b"commentary") => Some(AudioRole::Commentary),
        (DASH_ROLES, b"description") => Some(AudioRole::Description),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Media;

    fn role_of(kind: &[u8; 4], body: &[u8]) -> Option<AudioRole> {
        let media = Media::of(body);
        let source = media.source();
        role(*kind, &mut Fields::new(&source, 0, body.len() as u64))
    }

    #[test]
    fn kinds_and_characteristics_of_sound_are_roles() {
        let dash = |value: &[u8]| [&[0; 4], DASH_ROLES, b"\0", value, b"\0"].concat();
        assert_eq!(role_of(b"kind", &dash(b"commentary")), Some(AudioRole::Commentary));
        assert_eq!(role_of(b"kind", &dash(b"description")), Some(AudioRole::Description));
        assert_eq!(role_of(b"kind", &dash(b"dub")), None);
        assert_eq!(role_of(b"tagc", b"public.accessibility.describes-video"), Some(AudioRole::Description));
        assert_eq!(role_of(b"tagc", b"public.main-program-content"), None);
        for damaged in [&b""[..], &[0; 3], &[0; 9], &[b'u'; 300]] {
            assert_eq!(role_of(b"kind", damaged), None);
        }
    }
}
