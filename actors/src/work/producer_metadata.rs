//! What a producer says about an upload beside its bytes: metadata and tags of the object, checked and made readable.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::surface::{Surface, SurfaceReport};
use reelgate_pipelines::messages::TextLine;
use reelgate_ports::objects::SourceLabels;
use reelgate_ports::order::Priority;
use reelgate_ports::records::ProducerMetadata;

use super::given_checksums::METADATA as CHECKSUMS;

/// Most entries of one upload. S3 keeps 2 KiB of metadata and ten tags.
const ENTRIES_MAX: usize = 64;
/// Longest name, bytes.
const NAME_BYTES_MAX: usize = 128;
/// Longest value, bytes.
const VALUE_BYTES_MAX: usize = 2_048;
/// What the names of tags begin with.
const TAG: &str = "tag:";
/// Names that begin so are for Reelgate itself, and no text of a producer.
const OWN: &str = "reelgate-";
/// Name of the metadata or the tag with the priority of the upload.
const PRIORITY: &str = "reelgate-priority";

/// The entries as they are kept. `bad_metadata` where one is beyond a limit, or its text cannot be read and so not searched for
/// personal data. Checksums are no text.
pub fn checked(labels: &SourceLabels) -> Result<ProducerMetadata, Fault> {
    let is_text =
        |name: &str| !name.starts_with(OWN) && CHECKSUMS.iter().all(|(checksum, _)| *checksum != name);
    let mut kept = BTreeMap::new();
    for (name, value) in labels.metadata.iter().filter(|(name, _)| is_text(name)) {
        kept.insert(name.clone(), decoded(value)?);
    }
    for (name, value) in labels.tags.iter().filter(|(name, _)| !name.starts_with(OWN)) {
        kept.insert(format!("{TAG}{name}"), value.clone());
    }
    let bad = |expected: &str, found: usize| {
        Err(Fault::new(Code::BadMetadata, format!("expected {expected}, found {found}")))
    };
    if kept.len() > ENTRIES_MAX {
        return bad(&format!("at most {ENTRIES_MAX} entries"), kept.len());
    }
    for (name, value) in &kept {
        if name.len() > NAME_BYTES_MAX {
            return bad(&format!("names of at most {NAME_BYTES_MAX} bytes"), name.len());
        }
        if value.len() > VALUE_BYTES_MAX {
            return bad(&format!("values of at most {VALUE_BYTES_MAX} bytes"), value.len());
        }
        let controls = name.chars().chain(value.chars()).filter(|c| c.is_control()).count();
        if controls > 0 {
            return bad("no control characters in an entry", controls);
        }
    }
    Ok(kept)
}

/// The priority that a producer asks for, in metadata or in a tag; metadata counts first. `bad_metadata` for a word that is none.
pub fn priority(labels: &SourceLabels) -> Result<Option<Priority>, Fault> {
    let Some(word) = labels.metadata.get(PRIORITY).or_else(|| labels.tags.get(PRIORITY)) else {
        return Ok(None);
    };
    let refused = || {
        Fault::new(Code::BadMetadata, "reelgate-priority: expected high, normal or low, found another word")
    };
    Priority::parse(word.trim()).map(Some).ok_or_else(refused)
}

/// A line for each entry. Its name is part of the text: `phone: 5551234` says more than the value alone.
pub fn lines(metadata: &ProducerMetadata) -> impl Iterator<Item = TextLine> + '_ {
    metadata.iter().map(|(name, value)| TextLine {
        surface: Surface::Metadata.as_str().to_owned(),
        field: name.clone(),
        track: None,
        start_ns: None,
        end_ns: None,
        frame_box: None,
        text: format!("{name}: {value}"),
    })
}

/// How far it is searched: every entry that is kept is.
pub fn report(metadata: &ProducerMetadata) -> SurfaceReport {
    match metadata.len() {
        0 => SurfaceReport::absent(Surface::Metadata),
        lines => SurfaceReport { lines: lines as u64, ..SurfaceReport::analysed(Surface::Metadata) },
    }
}

/// Text in the form of HTTP headers: S3 gives what is not ASCII as encoded words (RFC 2047).
fn decoded(value: &str) -> Result<String, Fault> {
    let mut text = String::new();
    let mut rest = value;
    let mut follows_word = false;
    while let Some((before, from)) = rest.split_once("=?") {
        // White space between two encoded words is no part of the text.
        if !follows_word || !before.chars().all(char::is_whitespace) {
            text.push_str(before);
        }
        let mut parts = from.splitn(3, '?');
        let (Some(charset), Some(encoding), Some(tail)) = (parts.next(), parts.next(), parts.next()) else {
            text.push_str("=?");
            rest = from;
            follows_word = false;
            continue;
        };
        let (word, after) = tail.split_once("?=").ok_or_else(|| unreadable("without an end"))?;
        text.push_str(&encoded_word(charset, encoding, word)?);
        (rest, follows_word) = (after, true);
    }
    text.push_str(rest);
    Ok(text)
}

fn encoded_word(charset: &str, encoding: &str, word: &str) -> Result<String, Fault> {
    let bytes = match encoding {
        "B" | "b" => BASE64.decode(word.as_bytes()).map_err(|_| unreadable("that is no base64"))?,
        "Q" | "q" => quoted(word).ok_or_else(|| unreadable("with broken quotes"))?,
        _ => return Err(unreadable("in another encoding than B and Q")),
    };
    match charset.to_ascii_lowercase().as_str() {
        "utf-8" | "us-ascii" => String::from_utf8(bytes).map_err(|_| unreadable("that is no UTF-8")),
        "iso-8859-1" => Ok(bytes.into_iter().map(char::from).collect()),
        _ => Err(unreadable("in another character set than UTF-8")),
    }
}

/// Bytes in the encoding Q: `=C3` is a byte, `_` a space.
fn quoted(word: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = word.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'=' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                u8::try_from(digit(rest.next())? * 16 + digit(rest.next())?).ok()?
            }
            b'_' => b' ',
            other => other,
        });
    }
    Some(bytes)
}

fn unreadable(found: &str) -> Fault {
    Fault::new(Code::BadMetadata, format!("expected encoded words of RFC 2047, found one {found}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(metadata: &[(&str, &str)], tags: &[(&str, &str)]) -> SourceLabels {
        let map = |entries: &[(&str, &str)]| {
            entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        SourceLabels { metadata: map(metadata), tags: map(tags) }
    }

    #[test]
    fn metadata_and_tags_are_kept_apart_and_our_own_are_not_text_of_a_producer() {
        let given = labels(
            &[("unit", "7"), ("sha256", "00"), ("reelgate-sha256", "00")],
            &[("unit", "8"), ("reelgate-exit", "held")],
        );
        let kept = checked(&given).unwrap();
        assert_eq!(kept, labels(&[("unit", "7"), ("tag:unit", "8")], &[]).metadata);
        let texts: Vec<String> = lines(&kept).map(|line| line.text).collect();
        assert_eq!(texts, ["tag:unit: 8", "unit: 7"]);
        assert_eq!((report(&kept).lines, report(&kept).is_consistent()), (2, true));
        assert!(report(&ProducerMetadata::new()).is_consistent());
    }

    #[test]
    fn a_priority_in_metadata_or_in_a_tag_is_one_of_three_words() {
        let of = |metadata: &[(&str, &str)], tags: &[(&str, &str)]| {
            priority(&labels(metadata, tags)).map_err(|fault| fault.code)
        };
        let (low, high) = ((PRIORITY, "low"), (PRIORITY, " high "));
        assert_eq!(of(&[], &[]), Ok(None));
        assert_eq!(of(&[], &[low]), Ok(Some(Priority::Low)));
        assert_eq!(of(&[high], &[low]), Ok(Some(Priority::High)));
        assert_eq!(of(&[(PRIORITY, "urgent")], &[]), Err(Code::BadMetadata));
    }

    #[test]
    fn encoded_words_are_read_as_the_text_that_they_are() {
        for (value, expected) in [
            ("plain", "plain"),
            ("a =? b", "a =? b"),
            ("=?UTF-8?B?NDUzOSA1Nzg3IDYzNjIgMTQ4Ng==?=", "4539 5787 6362 1486"),
            ("=?utf-8?q?M=C3=BCller_&_Co?= rest", "Müller & Co rest"),
            ("=?UTF-8?Q?45?= =?UTF-8?Q?39?=", "4539"),
            ("=?ISO-8859-1?Q?caf=E9?=", "café"),
        ] {
            assert_eq!(decoded(value).as_deref(), Ok(expected), "{value}");
        }
        for value in [
            "=?UTF-8?B?!?=",
            "=?UTF-8?Q?a",
            "=?UTF-8?Q?=G0?=",
            "=?UTF-7?Q?a?=",
            "=?UTF-8?X?a?=",
            "=?UTF-8?Q?=FF?=",
        ] {
            assert_eq!(decoded(value).unwrap_err().code, Code::BadMetadata, "{value}");
        }
    }

    #[test]
    fn what_is_beyond_a_limit_is_refused_without_being_quoted() {
        let many: Vec<(String, &str)> = (0..=ENTRIES_MAX).map(|number| (format!("n{number}"), "v")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (&**name, *value)).collect();
        let (name, value) = ("n".repeat(NAME_BYTES_MAX + 1), "v".repeat(VALUE_BYTES_MAX + 1));
        for (entries, expected) in [
            (&many[..], "expected at most 64 entries, found 65"),
            (&[(&*name, "v")], "expected names of at most 128 bytes, found 129"),
            (&[("n", &*value)], "expected values of at most 2048 bytes, found 2049"),
            (&[("n", "sesame\u{1b}[2J")], "expected no control characters in an entry, found 1"),
        ] {
            let fault = checked(&labels(entries, &[])).unwrap_err();
            assert_eq!((fault.code, fault.detail.as_str()), (Code::BadMetadata, expected));
        }
    }
}
