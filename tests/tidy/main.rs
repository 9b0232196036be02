//! The house rules as ordinary tests: walls between rooms, file length, words that must not appear, features that are the
//! same for every set of crates, and that every dependency is there for a reason.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod features;
mod floors;
mod text;

use reelgate_tidy::{Package, packages, root, text_of, tracked, tree};

/// The page that says why each dependency is there.
fn dependencies_document() -> String {
    let page = tracked().into_iter().find(|file| file.ends_with("dependencies.md"));
    text_of(&page.expect("docs have a page `dependencies.md`")).expect("a page is text")
}
