//! Caption files beside a film, and what their names say: `film.de.sdh.srt` belongs to `film.mp4`.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::asset::words::words;

words!(
    /// The format of a caption file.
    CaptionFormat {
        /// WebVTT.
        WebVtt = "webvtt",
        /// SubRip.
        SubRip = "srt",
        /// TTML.
        Ttml = "ttml",
        /// SubStation Alpha.
        SubStation = "ass",
    }
);

impl CaptionFormat {
    /// The format that the extension of a key names; `None` for every file that is no caption file by its name.
    pub fn of_key(key: &str) -> Option<Self> {
        let (_, extension) = split(key)?;
        Some(match extension.to_ascii_lowercase().as_str() {
            "vtt" => Self::WebVtt,
            "srt" => Self::SubRip,
            "ttml" | "dfxp" => Self::Ttml,
            "ass" | "ssa" => Self::SubStation,
            _ => return None,
        })
    }
}

/// What captions are for. Both a track and a caption file have it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct CaptionFlags {
    /// Shown even to people who asked for no captions: what is said in another language.
    #[cfg_attr(feature = "serde", serde(default))]
    pub forced: bool,
    /// Written for people who do not hear: sounds and speakers too.
    #[cfg_attr(feature = "serde", serde(default))]
    pub hearing_impaired: bool,
    /// Shown unless somebody chooses otherwise.
    #[cfg_attr(feature = "serde", serde(default))]
    pub default: bool,
}

/// What the name of a caption file says about it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct CaptionName {
    /// BCP 47; `None` if the name has none.
    pub language: Option<String>,
    /// What it is for.
    pub flags: CaptionFlags,
}

/// What the name of a caption file says beyond that of its film; `None` if it does not belong to a film of this key. It does if
/// both are in one folder, and its name is that of the film with words in place of the extension.
pub fn name_beside(caption: &str, film: &str) -> Option<CaptionName> {
    CaptionFormat::of_key(caption)?;
    if CaptionFormat::of_key(film).is_some() {
        return None;
    }
    let (whole, _) = split(caption)?;
    let rest = whole.strip_prefix(stem(film))?;
    let mut name = CaptionName::default();
    if rest.is_empty() {
        return Some(name);
    }
    for word in rest.strip_prefix('.')?.split('.') {
        name.read(word)?;
    }
    Some(name)
}

/// The films among these keys to which a caption file belongs: those with the longest name that fits.
pub fn films<'a>(caption: &str, keys: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let fitting: Vec<&str> = keys.into_iter().filter(|key| name_beside(caption, key).is_some()).collect();
    let longest = fitting.iter().map(|key| stem(key).len()).max();
    fitting.into_iter().filter(|key| Some(stem(key).len()) == longest).collect()
}

/// What a film's key and those of its caption files have in common: the name without its extension and without words that a
/// caption file's name may have. Files with different families do not belong together.
pub fn family(key: &str) -> &str {
    let mut rest = stem(key);
    while let Some((before, word)) = split(rest) {
        if CaptionName::default().read(word).is_none() {
            break;
        }
        rest = before;
    }
    rest
}

/// Whether a text has the form of a language tag as playlists name it (BCP 47), and says which language it is.
pub fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let is_code = parts
        .next()
        .is_some_and(|code| matches!(code.len(), 2..=3) && code.chars().all(|c| c.is_ascii_alphabetic()))
        && parts.all(|part| matches!(part.len(), 1..=8) && part.chars().all(|c| c.is_ascii_alphanumeric()));
    is_code && text.len() <= 35 && text != "und"
}

impl CaptionName {
    /// Adds what one word says; `None` if it is no word of a caption file's name.
    fn read(&mut self, word: &str) -> Option<()> {
        let flag = match word.to_ascii_lowercase().as_str() {
            "forced" => Some(&mut self.flags.forced),
            "sdh" | "cc" => Some(&mut self.flags.hearing_impaired),
            "default" => Some(&mut self.flags.default),
            _ => None,
        };
        if let Some(flag) = flag {
            *flag = true;
            return Some(());
        }
        if self.language.is_some() || !is_language(word) {
            return None;
        }
        self.language = Some(word.to_string());
        Some(())
    }
}

/// The key without its extension.
fn stem(key: &str) -> &str {
    split(key).map_or(key, |(stem, _)| stem)
}

/// A key and its extension; `None` if its last name has no dot after its first character.
fn split(key: &str) -> Option<(&str, &str)> {
    let (stem, extension) = key.rsplit_once('.')?;
    let is_name = !stem.is_empty() && !stem.ends_with('/') && !extension.contains('/');
    is_name.then_some((stem, extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beside(caption: &str, film: &str) -> Option<(String, [bool; 3])> {
        let CaptionName { language, flags } = name_beside(caption, film)?;
        let CaptionFlags { forced, hearing_impaired, default } = flags;
        Some((language.unwrap_or_default(), [forced, hearing_impaired, default]))
    }

    #[test]
    fn the_name_of_a_caption_file_names_its_film_its_language_and_what_it_is_for() {
        for (caption, language, flags) in [
            ("a/film.srt", "", [false; 3]),
            ("a/film.de.vtt", "de", [false; 3]),
            ("a/film.pt-BR.SRT", "pt-BR", [false; 3]),
            ("a/film.en.sdh.ass", "en", [false, true, false]),
            ("a/film.CC.en.ttml", "en", [false, true, false]),
            ("a/film.en.forced.default.dfxp", "en", [true, false, true]),
        ] {
            assert_eq!(beside(caption, "a/film.mp4"), Some((String::from(language), flags)), "{caption}");
        }
        for other in [
            "film.srt",
            "a/b/film.srt",
            "a/film2.srt",
            "a/film.srt.txt",
            "a/film.de.en.srt",
            "a/film.und.srt",
            "a/film..srt",
            "a/film.part one.srt",
            "a/film.mp4",
            "a/.srt",
        ] {
            assert_eq!(beside(other, "a/film.mp4"), None, "{other}");
        }
        assert_eq!(beside("a/film.de.srt", "a/film.srt"), None, "a caption file has no captions");
    }

    #[test]
    fn a_caption_file_belongs_to_the_films_with_the_longest_name_that_fits() {
        let keys = ["film.mp4", "film.de.mp4", "film.de.mov", "other.mp4", "film.de.srt"];
        assert_eq!(films("film.de.srt", keys), ["film.de.mp4", "film.de.mov"]);
        assert_eq!(films("film.fr.srt", keys), ["film.mp4"]);
        assert_eq!(films("lone.srt", keys), [""; 0]);
    }

    #[test]
    fn what_belongs_together_has_one_family() {
        for key in ["a/film.mp4", "a/film.srt", "a/film.de.sdh.srt", "a/film.de.mkv", "a/film"] {
            assert_eq!(family(key), "a/film", "{key}");
        }
        assert_eq!(family("v1.2/film"), "v1.2/film");
        assert_eq!(family(".de.srt"), ".de");
        assert_eq!(family("de.srt"), "de");
    }
}
