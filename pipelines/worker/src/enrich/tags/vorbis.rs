//! Reads the comments of Vorbis, which Opus, Theora, Speex and FLAC have too (Vorbis I specification, 5), and the pictures in
//! them and in FLAC (RFC 9639, 8.8).

use reelgate_flow::surface::{NotSearched, Surface};

use super::super::lines::{Lines, position_place};
use super::super::location::iso_6709;
use super::picture;
use super::printable::search_bytes;
use super::runs::{RUN_MIN, runs};
use super::value::{Damaged, utf8_or_latin};

/// Comments read of one stream.
const COMMENTS_MAX: u32 = 10_000;

/// Adds the name of the writing program and every comment. What follows them is searched.
pub fn collect(bytes: &[u8], track: Option<u32>, lines: &mut Lines) -> Result<(), Damaged> {
    let (vendor, rest) = counted(bytes)?;
    lines.add_tag("encoder", track, &utf8_or_latin(vendor));
    let (count, mut rest) = rest.split_first_chunk::<4>().ok_or(Damaged)?;
    let count = u32::from_le_bytes(*count);
    if count > COMMENTS_MAX {
        lines.record_gap(Surface::Tags, track, NotSearched::LimitReached);
    }
    for _ in 0..count.min(COMMENTS_MAX) {
        let (comment, next) = counted(rest)?;
        add(&utf8_or_latin(comment), track, lines);
        rest = next;
    }
    for run in runs(rest, RUN_MIN) {
        lines.add_tag("comment", track, &run.text);
    }
    Ok(())
}

fn add(comment: &str, track: Option<u32>, lines: &mut Lines) {
    let (key, value) = comment.split_once('=').unwrap_or(("comment", comment));
    match key.to_ascii_uppercase().as_str() {
        "METADATA_BLOCK_PICTURE" => match base64(value).map(|block| block_picture(&block, track, lines)) {
            Some(Ok(())) => {}
            _ => lines.record_gap(Surface::Tags, track, NotSearched::Damaged),
        },
        "COVERART" => match base64(value) {
            Some(bytes) => picture::collect(&bytes, track, lines),
            None => lines.record_gap(Surface::Tags, track, NotSearched::Damaged),
        },
        upper => {
            if upper.contains("LOCATION")
                && let Some(position) = iso_6709(value)
            {
                lines.add_position(&position_place(track), position);
            }
            // A key is free text too.
            if key.contains('@') || key.bytes().filter(u8::is_ascii_digit).count() >= RUN_MIN {
                lines.add_tag("comment_name", track, key);
            }
            lines.add_tag(key, track, value);
        }
    }
}

/// A picture as FLAC has it: kind, media type, description, size, data.
pub fn block_picture(block: &[u8], track: Option<u32>, lines: &mut Lines) -> Result<(), Damaged> {
    let (_, rest) = big_counted(block.get(4..).ok_or(Damaged)?)?;
    let (description, rest) = big_counted(rest)?;
    lines.add_tag("picture_description", track, &utf8_or_latin(description));
    let (data, rest) = big_counted(rest.get(16..).ok_or(Damaged)?)?;
    picture::collect(data, track, lines);
    search_bytes(rest, "picture_data", track, lines);
    Ok(())
}

fn counted(bytes: &[u8]) -> Result<(&[u8], &[u8]), Damaged> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(Damaged)?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or(Damaged)
}

fn big_counted(bytes: &[u8]) -> Result<(&[u8], &[u8]), Damaged> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(Damaged)?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or(Damaged)
}

/// Bytes written in base 64 (RFC 4648, 4), with or without padding; `None` if they are not.
fn base64(text: &str) -> Option<Vec<u8>> {
    let signs: Vec<u8> = text.bytes().filter(|sign| !sign.is_ascii_whitespace() && *sign != b'=').collect();
    data_encoding::BASE64_NOPAD.decode(&signs).ok()
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn collected(bytes: &[u8]) -> (String, bool) {
        let mut lines = Lines::default();
        let ended = collect(bytes, Some(2), &mut lines);
        let is_whole = ended.is_ok() && lines.reports().iter().all(|report| report.gaps.is_empty());
        (String::from_utf8(lines.jsonl).unwrap(), is_whole)
    }

    fn whole() -> Vec<u8> {
        let picture = format!("METADATA_BLOCK_PICTURE={}", samples::base64(&samples::block()));
        let cover = format!("COVERART={}", samples::base64(&samples::png()));
        let mut bytes = samples::comments(&[
            "ARTIST=Ann Lee",
            "jane@x.org=1",
            "LOCATION=+10.5+020.25/",
            &picture,
            &cover,
        ]);
        bytes.extend(b"behind the comments");
        bytes
    }

    #[test]
    fn comments_their_keys_and_their_pictures_are_read() {
        let (text, is_whole) = collected(&whole());
        for value in [
            "Ann Lee",
            "jane@x.org",
            "10.500000, 20.250000",
            "cover of Dan",
            "ann@x.org",
            "48.858222, 2.294500",
            "Dan Text",
            "behind the comments",
        ] {
            assert!(text.contains(value), "{value}: {text}");
        }
        assert!(is_whole && !text.contains("/9j/"), "{text}");
        assert!(!collected(&samples::comments(&["COVERART=#"])).1);
    }

    #[test]
    fn comments_cut_or_changed_anywhere_never_panic() {
        let whole = whole();
        for at in 0..whole.len() {
            collected(&whole[..at]);
            let mut changed = whole.clone();
            changed[at] ^= 0xff;
            collected(&changed);
        }
    }
}
