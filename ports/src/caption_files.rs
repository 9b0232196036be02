//! Which caption files belong to which film, among the records of one family of names.

use reelgate_flow::asset::Phase;
use reelgate_flow::caption_file::{self, CaptionFormat, CaptionName, name_beside};

use crate::identity::key_sha256;
use crate::judgement::comparable;
use crate::records::AssetRecord;

/// SHA-256 of what a film's key and those of its caption files have in common, in every spelling, lower-case hexadecimal.
pub fn family_sha256(key: &str) -> String {
    key_sha256(caption_file::family(&comparable(key)))
}

/// Whether a key names what can be a film: everything that is no caption file by its name.
pub fn is_film(key: &str) -> bool {
    CaptionFormat::of_key(key).is_none()
}

/// The films of a caption file among these records: those whose names fit best, each by its newest version. A film that was
/// refused, replaced or erased has no captions.
pub fn films_of<'a>(file: &AssetRecord, records: &'a [AssetRecord]) -> Vec<&'a AssetRecord> {
    versions_of(file, records).into_iter().filter(|(_, is_newest)| *is_newest).map(|(film, _)| film).collect()
}

/// The films that read a caption file: its films, and earlier versions of them that are published, because a newer one may be refused.
pub fn readers_of<'a>(file: &AssetRecord, records: &'a [AssetRecord]) -> Vec<&'a AssetRecord> {
    let reads = |(film, is_newest): &(&AssetRecord, bool)| *is_newest || film.phase == Phase::Published;
    versions_of(file, records).into_iter().filter(reads).map(|(film, _)| film).collect()
}

/// All versions of the films of a caption file, and whether each is the newest one.
fn versions_of<'a>(file: &AssetRecord, records: &'a [AssetRecord]) -> Vec<(&'a AssetRecord, bool)> {
    let is_there = |record: &&AssetRecord| {
        let gone = matches!(record.phase, Phase::Rejected | Phase::Superseded | Phase::Erased);
        !gone && is_film(&record.source.id.key) && record.source.id.bucket == file.source.id.bucket
    };
    let there: Vec<(String, &AssetRecord)> =
        records.iter().filter(is_there).map(|record| (comparable(&record.source.id.key), record)).collect();
    let named = comparable(&file.source.id.key);
    let best = caption_file::films(&named, there.iter().map(|(key, _)| key.as_str()));
    let order = |record: &AssetRecord| (record.source.sequencer.clone(), record.source.id.version.clone());
    let is_newest = |film: &AssetRecord| {
        let same_key = there.iter().filter(|(_, other)| other.source.id.key == film.source.id.key);
        same_key.map(|(_, other)| order(other)).max() == Some(order(film))
    };
    let fits = there.iter().filter(|(key, _)| best.contains(&key.as_str())).map(|(_, film)| *film);
    fits.map(|film| (film, is_newest(film))).collect()
}

/// The attached caption files of a film among these records, with what their names say, in the order of their keys.
pub fn attached_to<'a>(
    film: &AssetRecord,
    records: &'a [AssetRecord],
) -> Vec<(&'a AssetRecord, CaptionFormat, CaptionName)> {
    let all: Vec<AssetRecord> = records.iter().chain([film]).cloned().collect();
    let attached = records.iter().filter(|record| record.phase == Phase::Attached);
    let of_film = attached.filter(|file| readers_of(file, &all).iter().any(|one| one.id == film.id));
    let named = |file: &'a AssetRecord| {
        let key = &file.source.id.key;
        let name = name_beside(&comparable(key), &comparable(&film.source.id.key))?;
        Some((file, CaptionFormat::of_key(key)?, name))
    };
    let mut found: Vec<_> = of_film.filter_map(named).collect();
    found.sort_by(|a, b| a.0.source.id.key.cmp(&b.0.source.id.key));
    found
}
