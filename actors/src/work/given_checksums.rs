//! The SHA-256 checksums that a producer gives with an upload: in a file beside it, or in the metadata of the object.
//!
//! Checksums that S3 itself keeps with an object are verified while the object is read, by the object store.

use std::collections::BTreeMap;

use data_encoding::{BASE64, HEXLOWER};
use reelgate_flow::reason::{Code, Fault};
use reelgate_ports::records::Claim;

use crate::engine_context::EngineContext;
use crate::work::sources;

/// What the name of a checksum file has after the name of its upload.
pub const SUFFIX: &str = ".sha256";
/// A checksum file is one line: 64 digits and a name.
pub const FILE_BYTES_MAX: u64 = 8_192;
/// Names of metadata that hold a checksum of the whole content.
pub const METADATA: [(&str, &str); 2] =
    [("reelgate-sha256", "x-amz-meta-reelgate-sha256"), ("sha256", "x-amz-meta-sha256")];

/// One given checksum.
#[derive(Debug)]
pub struct GivenChecksum {
    /// Where it stands, for people.
    place: &'static str,
    /// 64 digits in lower case, or what is there instead.
    sha256: Result<String, &'static str>,
}

/// Every checksum that was given with the upload of a claim, which has this metadata.
pub async fn read(
    context: &EngineContext,
    claim: &Claim,
    metadata: &BTreeMap<String, String>,
) -> Result<Vec<GivenChecksum>, Fault> {
    let file = context.objects.sidecar(&claim.source, SUFFIX, FILE_BYTES_MAX).await.map_err(sources)?;
    let file = file.map(|bytes| of_file(&bytes));
    let metadata = METADATA
        .into_iter()
        .filter_map(|(name, place)| Some(GivenChecksum { place, sha256: parse_value(metadata.get(name)?) }));
    Ok(file.into_iter().chain(metadata).collect())
}

/// The checksum in a file.
pub fn of_file(bytes: &[u8]) -> GivenChecksum {
    GivenChecksum { place: "checksum file", sha256: parse_file(bytes) }
}

/// Fails where one of them is not that of the content, or cannot be read.
pub fn check(given: &[GivenChecksum], sha256: &str) -> Result<(), Fault> {
    for GivenChecksum { place, sha256: expected } in given {
        let expected = expected.as_ref().map_err(|found| {
            Fault::new(Code::ChecksumUnreadable, format!("{place}: expected a SHA-256, found {found}"))
        })?;
        if expected != sha256 {
            let detail = format!("{place}: expected {}…, found {}…", &expected[..12], &sha256[..12]);
            return Err(Fault::new(Code::ChecksumMismatch, detail));
        }
    }
    Ok(())
}

/// The first word of `sha256sum`'s output, lower case, or what is there in its place; `sha256sum` writes a `\\` before it
/// where the file name is escaped. Editors on Windows begin UTF-8 with a byte-order mark.
fn parse_file(bytes: &[u8]) -> Result<String, &'static str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "UTF-16; save the file as UTF-8",
        _ => "bytes that are no text",
    })?;
    let word = text.split_whitespace().next().ok_or("an empty file")?.trim_start_matches('\\');
    hexadecimal(word).ok_or("other text")
}

/// 64 hexadecimal digits, or base64 as S3's own checksums are written.
fn parse_value(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    let decoded = || BASE64.decode(text.as_bytes()).ok().filter(|bytes| bytes.len() == 32);
    hexadecimal(text).or_else(|| Some(HEXLOWER.encode(&decoded()?))).ok_or("other text")
}

fn hexadecimal(word: &str) -> Option<String> {
    let is_sha256 = word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_sha256.then(|| word.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_file_is_read_as_sha256sum_writes_it() {
        let digits = "AB".repeat(32);
        for text in [
            format!("{digits}  movie.mp4\n"),
            format!("\\{digits} *a\\nb.mp4"),
            format!("\u{feff}{digits}\r\n"),
        ] {
            assert_eq!(parse_file(text.as_bytes()), Ok("ab".repeat(32)), "{text:?}");
        }
    }

    #[test]
    fn what_a_checksum_file_holds_instead_is_told() {
        for (bytes, found) in [
            (&b""[..], "an empty file"),
            (b"\xef\xbb\xbf \r\n", "an empty file"),
            (b"d41d8cd98f00b204e9800998ecf8427e  movie.mp4", "other text"),
            (b"\xff\xfea\0b\0", "UTF-16; save the file as UTF-8"),
            (b"a\xff", "bytes that are no text"),
        ] {
            assert_eq!(parse_file(bytes), Err(found), "{bytes:?}");
        }
    }

    /// SHA-256 of nothing, FIPS 180-4: hexadecimal by `sha256sum`, base64 by `openssl dgst -binary | base64`.
    #[test]
    fn a_checksum_in_metadata_is_hexadecimal_or_base64() {
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let upper = hex.to_ascii_uppercase();
        for text in [hex, &upper, " 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU= "] {
            assert_eq!(parse_value(text).as_deref(), Ok(hex), "{text}");
        }
        for text in ["", "1B2M2Y8AsgTpgAmY7PhCfg==", "sha256:47DE", &hex[1..]] {
            assert_eq!(parse_value(text), Err("other text"), "{text}");
        }
    }

    #[test]
    fn every_given_checksum_has_to_be_that_of_the_content() {
        let given = |place, sha256| GivenChecksum { place, sha256 };
        let (right, wrong) = ("a".repeat(64), "b".repeat(64));
        let code = |given: &[GivenChecksum]| check(given, &right).map_err(|fault| fault.code);
        assert_eq!(code(&[]), Ok(()));
        assert_eq!(code(&[given("file", Ok(right.clone())), given("metadata", Ok(right.clone()))]), Ok(()));
        let second_is_wrong = [given("file", Ok(right.clone())), given("metadata", Ok(wrong))];
        assert_eq!(code(&second_is_wrong), Err(Code::ChecksumMismatch));
        let told = check(&second_is_wrong, &right).unwrap_err().detail;
        assert_eq!(told, "metadata: expected bbbbbbbbbbbb…, found aaaaaaaaaaaa…");
        assert_eq!(code(&[given("file", Err("other text"))]), Err(Code::ChecksumUnreadable));
    }
}
