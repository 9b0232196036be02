//! What players show of renditions of audio and captions. Names come from language codes and roles alone, never from a text of the file,
//! which may be personal.

use reelgate_flow::caption_file::CaptionFlags;

use super::rendition::{Captions, Kind, Rendition, Sound};
use crate::messages::{AudioRole, SURROUND_CHANNELS};

/// The audio renditions of one track.
pub struct LabelledAudio<'a> {
    /// Distinct among all tracks: `de`, `en commentary`, `en (2)`, `main`.
    pub name: String,
    /// The rendition that every player can play.
    pub plain: (&'a Rendition, &'a Sound),
    /// The one in 5.1.
    pub surround: Option<(&'a Rendition, &'a Sound)>,
    /// It is the one to play unless somebody chooses another.
    pub is_main: bool,
    /// Players may choose it by the language of the system: no earlier track has the same language and purpose.
    pub is_distinct: bool,
}

/// All audio tracks, the main one first.
pub fn audio(renditions: &[Rendition]) -> Vec<LabelledAudio<'_>> {
    let mut tracks: Vec<LabelledAudio<'_>> = Vec::new();
    for rendition in renditions {
        let Kind::Audio(sound) = &rendition.kind else { continue };
        if sound.channels == SURROUND_CHANNELS
            && let Some(known) = tracks.iter_mut().find(|known| known.plain.1.track == sound.track)
        {
            known.surround = Some((rendition, sound));
            continue;
        }
        let purpose = |sound: &Sound| (sound.language.clone(), sound.role);
        let is_distinct = tracks.iter().all(|known| purpose(known.plain.1) != purpose(sound));
        tracks.push(LabelledAudio {
            name: distinct_name(sound, &tracks),
            plain: (rendition, sound),
            surround: None,
            is_main: tracks.is_empty(),
            is_distinct,
        });
    }
    tracks
}

fn distinct_name(sound: &Sound, others: &[LabelledAudio<'_>]) -> String {
    let role = match sound.role {
        AudioRole::Programme => None,
        AudioRole::Commentary => Some("commentary"),
        AudioRole::Description => Some("description"),
    };
    let name = match (sound.language.as_deref(), role) {
        (Some(language), Some(role)) => format!("{language} {role}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) if others.is_empty() => "main".to_owned(),
        (None, None) => "alternate".to_owned(),
    };
    numbered(name, |name| others.iter().any(|other| other.name == name))
}

/// The name, with a number if it is taken.
fn numbered(name: String, is_taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2..).map(|number| format!("{name} ({number})"));
    let mut candidates = std::iter::once(name.clone()).chain(numbered);
    candidates.find(|name| !is_taken(name)).unwrap_or(name)
}

/// A rendition of captions.
pub struct LabelledCaptions<'a> {
    /// Distinct among all captions: `de`, `de (2)`, `de SDH`, `en CC1`, `en forced`, `subtitles`.
    pub name: String,
    pub rendition: &'a Rendition,
    pub captions: &'a Captions,
    /// They are shown unless somebody chooses otherwise. Of several that say so, the first ones are.
    pub is_default: bool,
}

/// All renditions of captions.
pub fn captions(renditions: &[Rendition]) -> Vec<LabelledCaptions<'_>> {
    let mut named: Vec<LabelledCaptions<'_>> = Vec::new();
    for rendition in renditions {
        let Kind::Captions(captions) = &rendition.kind else { continue };
        let channel = captions.channel.as_deref().map(str::to_uppercase);
        let CaptionFlags { forced, hearing_impaired, default } = captions.flags;
        let words = [
            captions.language.clone(),
            channel,
            hearing_impaired.then(|| "SDH".to_owned()),
            forced.then(|| "forced".to_owned()),
        ];
        let words: Vec<String> = words.into_iter().flatten().collect();
        let name = if words.is_empty() { "subtitles".to_owned() } else { words.join(" ") };
        let name = numbered(name, |name| named.iter().any(|known| known.name == name));
        let is_default = default && named.iter().all(|known| !known.is_default);
        named.push(LabelledCaptions { name, rendition, captions, is_default });
    }
    named
}
