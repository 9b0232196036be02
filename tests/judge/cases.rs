//! How each file must end, and where ffmpeg is no good witness.

use std::collections::BTreeMap;
use std::path::Path;

use crate::comparison::Truth;

/// How a film must end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expected {
    Published,
    /// Not published, with this code.
    Code(String),
    /// The index of the cases allows both.
    Either,
}

impl Expected {
    /// From the words of `tests/media/INDEX.tsv` and `docs/reference/corpus.md`.
    pub fn from_outcome(outcome: &str) -> Self {
        match outcome {
            "published" | "publishable" => Self::Published,
            code => Self::Code(code.to_owned()),
        }
    }
}

/// Outcomes of the real files, from the page that documents them.
pub fn corpus() -> BTreeMap<String, Expected> {
    let rows = include_str!("../../docs/reference/corpus.md").lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
        Some((name.to_owned(), Expected::from_outcome(rest.split(" |").next()?.trim_matches('`'))))
    });
    rows.collect()
}

/// Outcomes of the cases. Their index says in words what is right: a file that holds personal data is held, another one is published.
pub fn index(folder: &Path) -> BTreeMap<String, Expected> {
    let text = std::fs::read_to_string(folder.join("INDEX.tsv")).expect("the cases have an index");
    let expected = |right: &str| {
        let says = |word: &str| right.contains(word);
        match () {
            () if says("refused") || says("stays, or") || says("or the") || says("or named") => {
                Expected::Either
            }
            () if says("quarantined") || says("high") || says("found") || says("titles read") => {
                Expected::Code("personal_data".into())
            }
            () => Expected::Published,
        }
    };
    let rows = text.lines().skip(1).filter_map(|line| {
        let mut cells = line.split('\t');
        let (name, _, right) = (cells.next()?, cells.next()?, cells.next()?);
        let is_looked_for = !NOT_LOOKED_FOR.iter().any(|(file, _)| name.ends_with(file));
        Some((name.to_owned(), if is_looked_for { expected(right) } else { Expected::Either }))
    });
    rows.collect()
}

/// Where ffmpeg 5.1 is wrong, or cannot know: file, reason, and what is true instead.
pub const WITNESS_WRONG: &[(&str, &str, Truth)] = &[
    (
        "M83_first_track_disabled.mp4",
        "the first track is disabled, which ffmpeg does not heed",
        Truth { video: Some(1), ..Truth::OF_FFMPEG },
    ),
    (
        "M27_jump_of_10min.ts",
        "the clock jumps by ten minutes between two parts of three seconds",
        Truth { sound_s: Some(6.0), times_differ: true, ..Truth::OF_FFMPEG },
    ),
    (
        "movie-hello.ogg",
        "an empty packet of Theora repeats the picture, and ffmpeg drops it",
        Truth { pictures: Some(249), times_differ: true, ..Truth::OF_FFMPEG },
    ),
    (
        "narrower-mpeg2.ts",
        "where the aspect changes, ffmpeg drops the picture that it holds back",
        Truth { pictures: Some(200), ..Truth::OF_FFMPEG },
    ),
    (
        "cmaf.mp4",
        "in fragments, ffmpeg shifts pictures with negative offsets against the sound by two pictures",
        Truth { sound_s: Some(4.032), times_differ: true, ..Truth::OF_FFMPEG },
    ),
    (
        "video_desks.3gp",
        "the container ends the last packet of the sound after 8 ms, which ffmpeg does not heed",
        Truth { sound_s: Some(5.0), ..Truth::OF_FFMPEG },
    ),
];

/// What only settings find that the judge leaves off: file and setting.
pub const NOT_LOOKED_FOR: &[(&str, &str)] = &[("O02_card_tag_rotated.mp4", "on-screen text is not read")];
