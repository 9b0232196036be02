//! What the tracks of Matroska are for (RFC 9559, 5.1.4.1), which the demuxer does not tell.

use std::collections::BTreeMap;

use reelgate_flow::caption_file::CaptionFlags;
use reelgate_pipelines::messages::AudioRole;

use crate::source::Source;

/// Elements read. The description of the tracks is at the beginning, before the first cluster.
const ELEMENTS_MAX: u32 = 100_000;

const SEGMENT: u64 = 0x1853_8067;
const CLUSTER: u64 = 0x1f43_b675;
const TRACKS: u64 = 0x1654_ae6b;
const TRACK_ENTRY: u64 = 0xae;
const TRACK_NUMBER: u64 = 0xd7;
const FLAG_VISUAL_IMPAIRED: u64 = 0x55ac;
const FLAG_COMMENTARY: u64 = 0x55af;
const FLAG_DEFAULT: u64 = 0x88;
const FLAG_FORCED: u64 = 0x55aa;
const FLAG_HEARING_IMPAIRED: u64 = 0x55ab;

/// What a track is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Purpose {
    /// If it is sound.
    pub audio: AudioRole,
    /// If it is text.
    pub captions: CaptionFlags,
}

impl Default for Purpose {
    /// A track is a default one unless it says otherwise (RFC 9559, 5.1.4.1.5).
    fn default() -> Self {
        let captions = CaptionFlags { default: true, ..CaptionFlags::default() };
        Self { audio: AudioRole::default(), captions }
    }
}

/// What tracks are for, by their numbers. What is damaged is left out.
pub fn read(source: &Source) -> BTreeMap<u64, Purpose> {
    let mut walk = Walk { source, elements: 0, entry: Entry::default(), purposes: BTreeMap::new() };
    walk.descend(0, source.size_bytes());
    walk.purposes
}

/// The number of the track behind a pad of the demuxer, which has it in the name of its stream: `…/002:8472`.
pub fn track_number(stream_id: &str) -> Option<u64> {
    let (_, own) = stream_id.rsplit_once('/')?;
    own.split_once(':')?.0.parse().ok()
}

#[derive(Default)]
struct Entry {
    number: u64,
    purpose: Purpose,
}

struct Walk<'a> {
    source: &'a Source,
    elements: u32,
    entry: Entry,
    purposes: BTreeMap<u64, Purpose>,
}

impl Walk<'_> {
    /// False at the end of what is worth reading.
    fn descend(&mut self, start: u64, end: u64) -> bool {
        let mut at = start;
        while at < end {
            self.elements += 1;
            let Some((id, body, size)) = self.element(at).filter(|_| self.elements < ELEMENTS_MAX) else {
                return false;
            };
            let stop = size.map_or(end, |size| body.saturating_add(size).min(end));
            let goes_on = match id {
                CLUSTER => false,
                SEGMENT => self.descend(body, stop),
                TRACKS => {
                    self.descend(body, stop);
                    false
                }
                TRACK_ENTRY => {
                    self.entry = Entry::default();
                    let goes_on = self.descend(body, stop);
                    let Entry { number, purpose } = std::mem::take(&mut self.entry);
                    self.purposes.insert(number, purpose);
                    goes_on
                }
                _ => {
                    self.value(id, body, stop);
                    true
                }
            };
            if !goes_on {
                return false;
            }
            at = stop.max(at + 1);
        }
        true
    }

    fn value(&mut self, id: u64, body: u64, stop: u64) {
        let mut bytes = [0; 8];
        let length = usize::try_from(stop - body).ok().filter(|length| *length <= bytes.len());
        let Some(length) = length else { return };
        if !self.source.read_at(body, &mut bytes[8 - length..]).is_ok_and(|read| read == length) {
            return;
        }
        let value = u64::from_be_bytes(bytes);
        let Purpose { audio, captions } = &mut self.entry.purpose;
        match (id, value) {
            (TRACK_NUMBER, number) => self.entry.number = number,
            (FLAG_COMMENTARY, 1) => *audio = AudioRole::Commentary,
            (FLAG_VISUAL_IMPAIRED, 1) => *audio = AudioRole::Description,
            (FLAG_DEFAULT, is_set) => captions.default = is_set == 1,
            (FLAG_FORCED, is_set) => captions.forced = is_set == 1,
            (FLAG_HEARING_IMPAIRED, is_set) => captions.hearing_impaired = is_set == 1,
            _ => {}
        }
    }

    /// Identifier, position of the body, and its size if it is known (RFC 8794, 4 to 6).
    fn element(&self, at: u64) -> Option<(u64, u64, Option<u64>)> {
        let mut head = [0; 12];
        let read = self.source.read_at(at, &mut head).ok()?;
        let head = head.get(..read)?;
        let id_length = head.first()?.leading_zeros() as usize + 1;
        let number = |bytes: &[u8]| bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        let id = number(head.get(..id_length.min(5)).filter(|id| id.len() <= 4)?);
        let rest = head.get(id_length..)?;
        let length = rest.first()?.leading_zeros() as usize + 1;
        let marked = number(rest.get(..length).filter(|size| size.len() <= 8)?);
        let unknown = (1 << (7 * length)) - 1;
        let size = marked & unknown;
        Some((id, at + (id_length + length) as u64, (size != unknown).then_some(size)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Media;

    fn element(id: &[u8], body: &[u8]) -> Vec<u8> {
        [id, &[0x40 | (body.len() >> 8) as u8, body.len() as u8], body].concat()
    }

    fn entry(number: u8, flag: &[u8]) -> Vec<u8> {
        element(&[0xae], &[element(&[0xd7], &[number]), flag.to_vec()].concat())
    }

    fn file() -> Vec<u8> {
        let entries = [
            entry(1, &[]),
            entry(2, &element(&[0x55, 0xaf], &[1])),
            entry(7, &element(&[0x55, 0xac], &[1])),
            entry(9, &element(&[0x55, 0xac], &[0])),
            entry(11, &[element(&[0x88], &[0]), element(&[0x55, 0xaa], &[1])].concat()),
            entry(12, &element(&[0x55, 0xab], &[1])),
        ];
        let tracks = element(&[0x16, 0x54, 0xae, 0x6b], &entries.concat());
        let info = element(&[0x15, 0x49, 0xa9, 0x66], &[0xec, 0x80]);
        let segment =
            [&[0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], &info[..], &tracks];
        [element(&[0x1a, 0x45, 0xdf, 0xa3], &[0x42, 0x86, 0x81, 1]), segment.concat()].concat()
    }

    #[test]
    fn flags_of_tracks_say_what_they_are_for() {
        let purposes = read(&Media::of(&file()).source());
        let audio: Vec<_> = purposes.iter().map(|(number, purpose)| (*number, purpose.audio)).collect();
        let programme = AudioRole::Programme;
        let expected = [(2, AudioRole::Commentary), (7, AudioRole::Description), (9, programme)];
        assert_eq!(audio[1..4], expected);
        let flags = |number| {
            let CaptionFlags { forced, hearing_impaired, default } = purposes[&number].captions;
            [forced, hearing_impaired, default]
        };
        assert_eq!(flags(1), [false, false, true], "a track is a default one unless it says otherwise");
        assert_eq!((flags(11), flags(12)), ([true, false, false], [false, true, true]));
    }

    #[test]
    fn the_number_of_a_track_is_in_the_name_of_its_stream() {
        assert_eq!(track_number("38ad/f/002:9163421"), Some(2));
        for other in ["", "track-3", "38ad/audio", "x/:1"] {
            assert_eq!(track_number(other), None, "{other}");
        }
    }

    #[test]
    fn damage_anywhere_ends() {
        let file = file();
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] = 0xff;
            read(&Media::of(&changed).source());
            read(&Media::of(&file[..at]).source());
        }
    }
}
