//! Where an asset's outputs go: a path made from the key by a template.
//!
//! Paths are predictable, so a consumer that knows a key knows where its outputs are. Keys come from outside, so each
//! component is encoded: letters, digits, `-_.+=@,()!'` and the space stay, and every other character becomes `%XX` of
//! its UTF-8 bytes, as in a URI (RFC 3986, 2.1). With the default template two keys never get the same path: the
//! encoding can be reversed, and a shortened component has a hash of the whole component.
//!
//! S3 allows a key that is also the folder of other keys (`studio-b` and `studio-b/a.mp4`), but one asset's outputs must not lie
//! among those of another. So the last component of a path is a name that no folder of a path has: it looks like the name of a
//! file, or it ends with `~`; and a folder that looks like the name of a file ends with `~`. With the default template:
//!
//! | key | path |
//! |---|---|
//! | `shows/a/b.mp4` | `shows/a/b.mp4` |
//! | `studio-b` | `studio-b~` |
//! | `studio-b/a.mp4` | `studio-b/a.mp4` |
//! | `b.mp4/c.mp4` | `b.mp4~/c.mp4` |
//!
//! A name looks like that of a file if its extension has up to five letters and digits of ASCII, a letter among them
//! (so `2024.05` and `v1.2` do not), or if it has the form of an asset's id.
//!
//! | placeholder | of `shows/a/b.mp4` | |
//! |---|---|---|
//! | `{key}` | `shows/a/b.mp4` | keeps the extension, so `b.mp4` and `b.mov` get different paths |
//! | `{key_dir}` | `shows/a` | omitted with its `/` if the key has no folder |
//! | `{key_stem}` | `b` | |
//! | `{key_ext}` | `mp4` | `none` if the key has no extension |
//! | `{bucket}` | | |
//! | `{asset}` | | the asset's id: the path cannot be predicted from the key, and no other asset has it |

use reelgate_flow::ids::AssetId;
use sha2::{Digest as _, Sha256};

/// Longest component, bytes. File systems allow 255; the rest is for temporary names derived from it.
pub const COMPONENT_BYTES_MAX: usize = 200;
/// Longest path, bytes. An S3 key has at most 1,024; the rest is for the names of outputs below the path.
pub const PATH_BYTES_MAX: usize = 900;
/// Longest extension that makes a name look like a file's, characters.
const EXTENSION_CHARS_MAX: usize = 5;
/// Ends names that would otherwise be both a folder and an asset's own path. Keys cannot contain it: `~` is encoded.
const MARK: char = '~';
/// Hexadecimal digits of the hash in a shortened name: 128 bits.
const HASH_DIGITS: usize = 32;

/// A checked template.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PathTemplate {
    components: Vec<Vec<Piece>>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    Literal(String),
    Key,
    KeyDir,
    KeyStem,
    KeyExt,
    Bucket,
    Asset,
}

/// Why a template is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TemplateError {
    /// An unknown name in braces, or an unmatched brace.
    #[error(
        "output template: expected {{key}}, {{key_dir}}, {{key_stem}}, {{key_ext}}, {{bucket}} or {{asset}}, found {0}"
    )]
    Placeholder(String),
    /// `{key}` or `{key_dir}` shares a component with other text. Both contain slashes.
    #[error("output template: expected {{key}} and {{key_dir}} alone between slashes, found {0}")]
    NotAlone(String),
    /// A part is empty, begins with a dot or needs encoding.
    #[error(
        "output template: expected parts of letters, digits and -_.+=@,()!' that do not begin with a dot, found {0:?}"
    )]
    Part(String),
    /// All assets would share one path.
    #[error(
        "output template: expected {{key}}, {{key_stem}} or {{asset}} in it, found none; every asset needs its own path"
    )]
    Constant,
}

impl Default for PathTemplate {
    fn default() -> Self {
        Self { components: vec![vec![Piece::Key]] }
    }
}

impl core::str::FromStr for PathTemplate {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let components: Vec<_> = text.split('/').map(parse_component).collect::<Result<_, _>>()?;
        let is_distinct = |piece: &Piece| matches!(piece, Piece::Key | Piece::KeyStem | Piece::Asset);
        if !components.iter().flatten().any(is_distinct) {
            return Err(TemplateError::Constant);
        }
        Ok(Self { components })
    }
}

fn parse_component(text: &str) -> Result<Vec<Piece>, TemplateError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((literal, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or_else(|| TemplateError::Placeholder(text.into()))?;
        push_literal(&mut pieces, literal)?;
        pieces.push(match name {
            "key" => Piece::Key,
            "key_dir" => Piece::KeyDir,
            "key_stem" => Piece::KeyStem,
            "key_ext" => Piece::KeyExt,
            "bucket" => Piece::Bucket,
            "asset" => Piece::Asset,
            _ => return Err(TemplateError::Placeholder(format!("{{{name}}}"))),
        });
        rest = after;
    }
    push_literal(&mut pieces, rest)?;
    if pieces.is_empty() || matches!(pieces.first(), Some(Piece::Literal(first)) if first.starts_with('.')) {
        return Err(TemplateError::Part(text.into()));
    }
    if pieces.len() > 1 && pieces.iter().any(|piece| matches!(piece, Piece::Key | Piece::KeyDir)) {
        return Err(TemplateError::NotAlone(text.into()));
    }
    Ok(pieces)
}

fn push_literal(pieces: &mut Vec<Piece>, literal: &str) -> Result<(), TemplateError> {
    if literal.is_empty() {
        return Ok(());
    }
    if !literal.chars().all(is_plain) {
        return Err(TemplateError::Part(literal.into()));
    }
    pieces.push(Piece::Literal(literal.into()));
    Ok(())
}

impl PathTemplate {
    /// The path of an asset's outputs: relative, with `/` between components, none of which is empty, begins with a
    /// dot or is longer than [`COMPONENT_BYTES_MAX`]; at most [`PATH_BYTES_MAX`] bytes in all. No path lies inside another.
    pub fn render(&self, bucket: &str, key: &str, asset: &str) -> String {
        let (dir, name) = key.rsplit_once('/').map_or((None, key), |(dir, name)| (Some(dir), name));
        // A name that is only an extension (`.mp4`) counts as a stem.
        let split = name.rsplit_once('.').filter(|(stem, ext)| !stem.is_empty() && !ext.is_empty());
        let (stem, ext) = split.unwrap_or((name, "none"));
        let mut path = Vec::new();
        for pieces in &self.components {
            match pieces.as_slice() {
                [Piece::Key] => path.extend(key.split('/').map(str::to_owned)),
                [Piece::KeyDir] => path.extend(dir.iter().flat_map(|dir| dir.split('/')).map(str::to_owned)),
                pieces => {
                    let text: String = pieces
                        .iter()
                        .map(|piece| match piece {
                            Piece::Literal(text) => text,
                            Piece::KeyStem => stem,
                            Piece::KeyExt => ext,
                            Piece::Bucket => bucket,
                            Piece::Asset => asset,
                            Piece::Key | Piece::KeyDir => "", // alone in their component, see `parse_component`
                        })
                        .collect();
                    path.push(text);
                }
            }
        }
        let last = path.len() - 1; // a template has at least one component, and not all of them are `{key_dir}`
        let path: Vec<String> = path
            .iter()
            .enumerate()
            .map(|(at, text)| component(text, is_file_name(text) != (at == last)))
            .collect();
        let path = path.join("/");
        if path.len() <= PATH_BYTES_MAX { path } else { format!("long~{}", hash(&path)) }
    }
}

/// Whether a component looks like the name of a file; see the module.
fn is_file_name(text: &str) -> bool {
    let extension =
        text.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map_or("", |(_, extension)| extension);
    let has_extension = extension.len() <= EXTENSION_CHARS_MAX
        && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && extension.bytes().any(|byte| byte.is_ascii_alphabetic());
    has_extension || AssetId::has_form(text)
}

/// Encodes one component, and marks it where that is asked for. `~` is always encoded, so a key cannot imitate the mark, here or
/// of a shortened component.
fn component(text: &str, marked: bool) -> String {
    let mark = if marked { MARK.to_string() } else { String::new() };
    if text.is_empty() {
        return format!("%2F{mark}"); // an empty component becomes an encoded slash, which no other component contains
    }
    let mut safe = String::with_capacity(text.len());
    for (position, c) in text.char_indices() {
        if is_plain(c) && !(position == 0 && matches!(c, '.' | ' ')) {
            safe.push(c);
        } else {
            let mut bytes = [0; 4];
            safe.extend(c.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")));
        }
    }
    let bytes_max = COMPONENT_BYTES_MAX - mark.len();
    if safe.len() <= bytes_max {
        return safe + &mark;
    }
    let digest = hash(text);
    let mut end = bytes_max - digest.len() - 1;
    while !safe.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}~{digest}{mark}", &safe[..end])
}

/// Letters and digits of any script, and a few characters that have no meaning in shell patterns or in a URI's
/// structure.
fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || "-_.+=@,()!' ".contains(c)
}

fn hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(HASH_DIGITS / 2).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn default(key: &str) -> String {
        PathTemplate::default().render("ingest", key, "01J")
    }

    fn parsed(text: &str) -> Result<PathTemplate, TemplateError> {
        text.parse()
    }

    #[test]
    fn the_default_is_the_key_itself() {
        assert_eq!(default("shows/a/b.mp4"), "shows/a/b.mp4");
        assert_eq!(default("Ünïcode name (1).mov"), "Ünïcode name (1).mov");
        assert_eq!(parsed("{key}").unwrap(), PathTemplate::default());
    }

    #[test]
    fn placeholders_are_filled_from_the_key() {
        let template = parsed("out/{bucket}/{key_dir}/{key_stem}-{key_ext}/{asset}").unwrap();
        assert_eq!(template.render("ingest", "shows/a/b.mp4", "01J"), "out/ingest/shows/a/b-mp4/01J~");
        assert_eq!(
            template.render("ingest", "b", "01J"),
            "out/ingest/b-none/01J~",
            "no folder, no extension"
        );
        assert_eq!(template.render("ingest", "x/.mp4", "01J"), "out/ingest/x/%2Emp4-none/01J~");
        let asset = "abcdefghijklmnopqrstuvwxyz";
        assert_eq!(template.render("ingest", "b", asset), format!("out/ingest/b-none/{asset}"));
    }

    #[test]
    fn no_key_leads_out_of_the_folder_or_makes_a_hidden_file() {
        assert_eq!(default("../../etc/passwd"), "%2E./%2E./etc/passwd~");
        assert_eq!(default("/etc/passwd"), "%2F/etc/passwd~");
        assert_eq!(default("a//b.mp4"), "a/%2F/b.mp4");
        assert_eq!(default("a/./b\\c"), "a/%2E/b%5Cc~");
        assert_eq!(default("a\0b\n.mp4"), "a%00b%0A.mp4");
        assert_eq!(default("\u{202E}4pm.exe"), "%E2%80%AE4pm.exe");
        assert_eq!(default("50%"), "50%25~");
        assert_eq!(default(""), "%2F~");
    }

    #[test]
    fn a_key_named_like_a_folder_and_a_folder_named_like_a_file_are_marked() {
        assert_eq!(default("studio-b"), "studio-b~");
        assert_eq!(default("studio-b/"), "studio-b/%2F~");
        assert_eq!(default("studio-b/a.mp4"), "studio-b/a.mp4");
        assert_eq!(default("b.mp4/c.mp4"), "b.mp4~/c.mp4");
        assert_eq!(default("2024.05/v1.2/a.mp4"), "2024.05/v1.2/a.mp4");
        assert_eq!(default("a.series/b.mp4"), "a.series/b.mp4", "six letters are no extension");
        assert_eq!(default("example.com/b.mp4"), "example.com~/b.mp4");
        assert_eq!(default(".hidden"), "%2Ehidden~");
        let by_stem = parsed("{key_dir}/{key_stem}").unwrap();
        assert_eq!(by_stem.render("ingest", "studio-b.mp4", "01J"), "studio-b~");
        assert_eq!(by_stem.render("ingest", "studio-b/a.mp4", "01J"), "studio-b/a~");
    }

    #[test]
    fn long_names_are_shortened_and_stay_different() {
        let long = |last: &str| default(&format!("{}{last}.mp4", "é".repeat(300)));
        assert!(long("a").len() <= COMPONENT_BYTES_MAX);
        assert_ne!(long("a"), long("b"));
        let deep = default(&"folder/".repeat(200));
        assert!(deep.starts_with("long~") && deep.len() == 5 + HASH_DIGITS, "{deep}");
    }

    #[test]
    fn a_wrong_template_says_what_was_expected() {
        assert_eq!(parsed("{keys}"), Err(TemplateError::Placeholder("{keys}".into())));
        assert_eq!(parsed("{key"), Err(TemplateError::Placeholder("{key".into())));
        assert_eq!(parsed("x-{key}"), Err(TemplateError::NotAlone("x-{key}".into())));
        assert_eq!(parsed("../{key}"), Err(TemplateError::Part("..".into())));
        assert_eq!(parsed("/{key}"), Err(TemplateError::Part(String::new())));
        assert_eq!(parsed("{key}/"), Err(TemplateError::Part(String::new())));
        assert_eq!(parsed("a~b/{key}"), Err(TemplateError::Part("a~b".into())));
        assert_eq!(parsed("{bucket}/all"), Err(TemplateError::Constant));
        assert_eq!(
            parsed("{keys}").unwrap_err().to_string(),
            "output template: expected {key}, {key_dir}, {key_stem}, {key_ext}, {bucket} or {asset}, found {keys}"
        );
    }

    #[test]
    fn no_key_leads_outside_and_no_path_is_or_contains_that_of_another_key() {
        const ALPHABET: [&str; 21] = [
            "a", "B", "/", "/", ".", "..", "%", "%2E", "%2F", "~", "\\", "\0", "\n", " ", "é", "日",
            "\u{202E}", "{key}", "C:", "long~", ".mp4",
        ];
        // xorshift64 (Marsaglia 2003): the same keys in every run.
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let mut next = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % below).unwrap()
        };
        let other = parsed("{bucket}/{key_dir}/{key_stem}.{key_ext}").unwrap();
        let mut seen = BTreeMap::new();
        let mut of_other = BTreeSet::new();
        for round in 0..30_000 {
            let length = if round % 50 == 0 { next(600) } else { next(9) };
            let key: String = (0..length).map(|_| ALPHABET[next(21)]).collect();
            for path in [default(&key), other.render("..", &key, "x")] {
                assert!(!path.is_empty() && path.len() <= PATH_BYTES_MAX, "{key:?}");
                for part in path.split('/') {
                    assert!(
                        !part.is_empty() && !part.starts_with('.') && part.len() <= COMPONENT_BYTES_MAX,
                        "{key:?}"
                    );
                    assert!(!part.contains(['\\', ':']) && !part.chars().any(char::is_control), "{key:?}");
                }
            }
            of_other.insert(other.render("b", &key, "x"));
            if let Some(earlier) = seen.insert(default(&key), key.clone()) {
                assert_eq!(earlier, key, "two keys with one path");
            }
        }
        assert!(seen.len() > 10_000, "{}", seen.len());
        let of_default = seen.into_keys().collect();
        for (name, paths) in [("default", of_default), ("other", of_other)] {
            for path in &paths {
                for (end, _) in path.match_indices('/') {
                    assert!(!paths.contains(&path[..end]), "{name}: {path} is inside {}", &path[..end]);
                }
            }
        }
    }
}
