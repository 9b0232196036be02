//! Titles of chapters as lines.

use reelgate_flow::place::TextPlace;
use reelgate_flow::surface::{NotSearched, Surface};

use super::lines::Lines;
use crate::inspect::describe::Chapters;

/// Adds all titles.
pub fn write(chapters: &Chapters, lines: &mut Lines) {
    for (is_it, why) in
        [(chapters.is_cut, NotSearched::LimitReached), (chapters.is_damaged, NotSearched::Damaged)]
    {
        if is_it {
            lines.record_gap(Surface::Chapters, None, why);
        }
    }
    for chapter in &chapters.list {
        let place = TextPlace {
            start_ns: Some(chapter.start_ns),
            end_ns: chapter.end_ns,
            ..TextPlace::untimed("chapter", "title", None)
        };
        lines.add(place, &chapter.title);
    }
}
