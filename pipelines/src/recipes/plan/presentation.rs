//! The time that is published: what every rendition of an asset begins and ends with.

use crate::messages::{EDGE_SLACK_NS, Inspection, Span};

/// From the first frame or sound to the end of the last frame or of the main audio, stream time of the source. Its start is
/// output time 0. A further track may be longer: where its times jump, its end says nothing.
///
/// Where sound begins before the first frame or ends behind the last one, that frame is shown as long as the sound is heard.
/// Sound that begins up to [`EDGE_SLACK_NS`] before the first frame is the padding of an encoder, and is cut.
pub fn presentation(inspection: &Inspection) -> Span {
    let facts = &inspection.facts;
    let sounds = || facts.playable_audio();
    let (first_sound, last_sound) =
        (sounds().map(|sound| sound.start_ns).min(), facts.main_audio().map(|sound| sound.end_ns));
    let Some(video) = facts.main_video() else {
        let start_ns = first_sound.unwrap_or(0);
        return Span { start_ns, end_ns: last_sound.unwrap_or(start_ns) };
    };
    let lead_ns = inspection.index.as_ref().map_or(0, |index| index.lead_ns);
    let goes_on = |end_ns: &u64| *end_ns > video.end_ns.saturating_add(EDGE_SLACK_NS);
    Span {
        start_ns: video.start_ns.saturating_sub(lead_ns),
        end_ns: last_sound.filter(goes_on).unwrap_or(video.end_ns),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipes::testing::{S, audio, inspection};
    use reelgate_flow::facts::AudioFacts;

    #[test]
    fn it_reaches_from_the_first_to_the_last_of_pictures_and_sound() {
        let mut media = inspection(10 * S, S);
        let of = |media: &Inspection| (presentation(media).start_ns, presentation(media).end_ns);
        assert_eq!(of(&media), (0, 10 * S));
        media.facts.audio = vec![AudioFacts { start_ns: 0, end_ns: 12 * S, ..audio(S) }];
        assert_eq!(of(&media), (0, 12 * S));
        media.facts.audio[0].end_ns = 10 * S + EDGE_SLACK_NS;
        assert_eq!(of(&media), (0, 10 * S), "that is padding");
        (media.facts.video[0].start_ns, media.index.as_mut().unwrap().lead_ns) = (3 * S, 2 * S);
        assert_eq!(of(&media), (S, 10 * S));
        media.facts.video.clear();
        media.facts.audio.push(AudioFacts { track: 2, start_ns: 2 * S, end_ns: 20 * S, ..audio(S) });
        media.facts.audio[0].start_ns = 3 * S;
        assert_eq!(of(&media), (2 * S, 10 * S + EDGE_SLACK_NS), "the main audio decides where the end is");
    }
}
