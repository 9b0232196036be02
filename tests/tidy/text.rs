//! Rules about the text of the tree.

use std::path::Path;

use crate::{is_rust, text_of, tracked};

/// Most lines of a file with one idea; tests may have twice as many.
const LINES_MAX: usize = 500;

fn is_test(file: &Path) -> bool {
    file.components().any(|part| part.as_os_str() == "tests")
        || file.file_stem().is_some_and(|stem| stem == "tests" || stem.to_string_lossy().ends_with("_tests"))
}

#[test]
fn a_file_holds_one_idea() {
    for file in tracked().into_iter().filter(|file| is_rust(file)) {
        let lines = text_of(&file).expect("Rust is text").lines().count();
        let most = if is_test(&file) { 2 * LINES_MAX } else { LINES_MAX };
        assert!(
            lines <= most,
            "{}: {lines} lines, expected at most {most}: look for the second idea",
            file.display()
        );
    }
}

#[test]
fn every_rust_file_says_why_it_exists() {
    for file in tracked().into_iter().filter(|file| is_rust(file) && !is_test(file)) {
        let text = text_of(&file).expect("Rust is text");
        let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let says = first.starts_with("//!") || first.starts_with("// ") || first.starts_with("#!");
        assert!(says, "{}: begins with `{first}`, expected module docs", file.display());
    }
}

#[test]
fn words_that_must_not_appear_do_not() {
    // Written in halves, so that this file does not find itself.
    let banned = [
        (concat!("to", "do!("), "finish it"),
        (concat!("unimpl", "emented!("), "finish it"),
        (concat!("FIX", "ME"), "correct it"),
        (concat!("XX", "X"), "correct it"),
        (concat!("#[ign", "ore]"), "say why, or delete it"),
        (concat!("do_", "send("), "it ignores the mailbox bound"),
        (concat!("decode", "bin\""), "auto-plugging opens other files and addresses"),
        (concat!("parse", "bin\""), "auto-plugging opens other files and addresses"),
        (concat!("play", "bin\""), "auto-plugging opens other files and addresses"),
        (concat!("/ro", "ot/"), "a path of one machine"),
        (concat!("/wo", "rk/main"), "a path of one machine"),
    ];
    let mut read = 0;
    for file in tracked() {
        let Some(text) = text_of(&file) else { continue };
        read += 1;
        for (word, why) in banned {
            let found = text.lines().position(|line| line.contains(word));
            assert!(found.is_none(), "{}:{}: `{word}`: {why}", file.display(), found.unwrap_or_default() + 1);
        }
    }
    assert!(read > 50, "expected the whole tree, read {read} files");
}
