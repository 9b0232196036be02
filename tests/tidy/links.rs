//! Links in documents: every relative link, anchor and named file exists, and the index lists every document.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use crate::{root, text_of, tracked};

/// The page from which every document is reached.
const INDEX: &str = "docs/README.md";

#[test]
fn every_relative_link_and_anchor_resolves() {
    let (mut followed, mut broken) = (0, Vec::new());
    for file in tracked().into_iter().filter(|file| is_markdown(file)) {
        let text = text_of(&file).expect("a document is text");
        for target in links(&text).into_iter().filter(|target| is_relative(target)) {
            followed += 1;
            if let Err(why) = follow(&file, &target) {
                broken.push(format!("{}: `{target}`: {why}", file.display()));
            }
        }
    }
    assert!(followed > 50, "expected links between documents, found {followed}");
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_document_is_listed_in_the_index() {
    let files = tracked();
    let below = |folder: &str, file: &Path| file.starts_with(folder) && file.extension().is_some();
    let documents: BTreeSet<PathBuf> = files
        .into_iter()
        .filter(|file| below("docs", file) && !below("docs/images", file) && file != Path::new(INDEX))
        .collect();
    assert!(documents.len() > 20, "expected the documents, found {documents:?}");
    // A folder's README.md lists the documents of that folder.
    let indexes = documents.iter().filter(|file| file.ends_with("README.md")).cloned();
    let mut listed = BTreeSet::new();
    for index in indexes.chain([PathBuf::from(INDEX)]) {
        let text = text_of(&index).expect("an index is text");
        let targets = links(&text).into_iter().filter(|target| is_relative(target));
        listed.extend(targets.filter_map(|target| resolve(&index, target.split('#').next()?)));
    }
    let missing: Vec<_> = documents.difference(&listed).collect();
    assert!(missing.is_empty(), "list these in {INDEX} or in their folder's README.md: {missing:?}");
}

#[test]
fn every_document_that_code_and_scripts_name_exists() {
    let (mut named, mut gone) = (0, Vec::new());
    for file in tracked() {
        for name in text_of(&file).map(|text| documents_named(&text)).unwrap_or_default() {
            named += 1;
            if !root().join(&name).is_file() {
                gone.push(format!("{}: {name}", file.display()));
            }
        }
    }
    assert!(named > 30, "expected code that names documents, found {named}");
    assert!(gone.is_empty(), "{gone:#?}");
}

fn is_markdown(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "md")
}

fn is_relative(target: &str) -> bool {
    !target.contains("://") && !target.starts_with("mailto:")
}

/// Says why a link of a file leads nowhere.
fn follow(from: &Path, target: &str) -> Result<(), String> {
    let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let to =
        if path.is_empty() { from.to_owned() } else { resolve(from, path).ok_or("it leaves the tree")? };
    if !root().join(&to).exists() {
        return Err(format!("{} does not exist", to.display()));
    }
    let Some(anchor) = anchor.filter(|_| is_markdown(&to)) else {
        return Ok(());
    };
    let known = anchors(&text_of(&to).ok_or("it is no text")?);
    if known.iter().any(|one| one == anchor) {
        return Ok(());
    }
    Err(format!("{} has no such heading; it has {known:?}", to.display()))
}

/// A link's path from the root, without `..`; `None` where it leaves the tree.
fn resolve(from: &Path, path: &str) -> Option<PathBuf> {
    let mut to = from.parent()?.to_owned();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => to.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !to.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(to)
}

/// Lines of a document that are no code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// Targets of inline links, images and link definitions.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        // A code span within a link's text stays; one that holds a whole link is none.
        let mut outside = String::new();
        for (number, part) in line.split('`').enumerate() {
            let is_code = number % 2 == 1;
            outside.push_str(if is_code { "code" } else { part });
        }
        let inline = outside.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
        found.extend(inline.map(str::to_owned));
        if let Some((_, target)) = outside.strip_prefix('[').and_then(|rest| rest.split_once("]: ")) {
            found.extend(target.split_whitespace().next().map(str::to_owned));
        }
    }
    found
}

/// Anchors of a document's headings, as GitHub makes them.
fn anchors(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in prose(text) {
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let keep = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        let plain: String = title.trim().to_lowercase().chars().filter(keep).collect();
        let anchor = plain.replace(' ', "-");
        let earlier = found.iter().filter(|one| **one == anchor).count();
        found.push(if earlier == 0 { anchor } else { format!("{anchor}-{earlier}") });
    }
    found
}

/// Paths such as `docs/guide/operations.md` in any text, also behind `../`.
fn documents_named(text: &str) -> Vec<String> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
    let mut found = Vec::new();
    for (at, _) in text.match_indices("docs/") {
        let before = &text[..at];
        let starts_here = before.ends_with("../") || !before.ends_with(is_path);
        let path = text[at..].split(|c| !is_path(c)).next().unwrap_or_default().trim_end_matches('.');
        if starts_here && (path.ends_with(".md") || path.ends_with(".json")) {
            found.push(path.to_owned());
        }
    }
    found
}

#[test]
fn links_are_read_outside_of_code_only() {
    let text = "[one](a.md#b) and `[no](no.md)` and [`two`](c.md)\n```\n[no](no.md)\n```\n[three]: d.md\n";
    assert_eq!(links(text), ["a.md#b", "c.md", "d.md"]);
}

#[test]
fn anchors_are_those_of_github() {
    let text = "# The `jail`: what, and why?\n## Again\n```sh\n# no heading\n```\n## Again\n#none\n";
    assert_eq!(anchors(text), ["the-jail-what-and-why", "again", "again-1"]);
}
