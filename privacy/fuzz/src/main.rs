//! Custom identifiers over any text, pushed in any pieces: no panic, and every place inside of its lines.
//!
//! An input is UTF-8. Its first line is an expression, its second the settings, its third an element's name. The rest is
//! the text, in pieces that end at `\u{1}`.
#![no_main]

#[path = "../../tests/pieces.rs"]
mod pieces;

use std::cell::RefCell;
use std::collections::HashMap;

use libfuzzer_sys::fuzz_target;
use reelgate_privacy::Classifier;

use pieces::{Pieces, check, classifier};

const SURFACES: &[&str] = &["subtitle", "tag", "file_name", "on_screen_text"];
/// Most classifiers that are kept: to build one takes longer than to read a text.
const KEPT_MAX: usize = 256;

thread_local! {
    static KEPT: RefCell<HashMap<(String, bool), Option<Classifier>>> = RefCell::default();
}

fuzz_target!(|input: &str| {
    let mut parts = input.splitn(4, '\n');
    let mut next = || parts.next().unwrap_or_default();
    let (regex, settings, field, text) = (next(), next(), next(), next());
    let settings = settings.bytes().next().unwrap_or_default();
    let keyed = settings & 1 != 0;
    let surface = SURFACES[usize::from(settings >> 1 & 3)];
    let pause_s = (settings & 8 != 0).then_some(u64::from(settings >> 4));
    let lines: Vec<&str> = text.split('\u{1}').collect();
    KEPT.with_borrow_mut(|kept| {
        if kept.len() > KEPT_MAX {
            kept.clear();
        }
        let keywords: &[&str] = if keyed { &["badge"] } else { &[] };
        let built = kept.entry((regex.to_owned(), keyed)).or_insert_with(|| classifier(&[regex], keywords));
        if let Some(classifier) = built {
            check(classifier, &Pieces { surface, field, pause_s, lines: &lines });
        }
    });
});
