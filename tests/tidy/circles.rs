//! No circle of imports between the files of a crate: a file can be read, tested and moved with what it imports, and no more.
//!
//! A file depends on the file that defines what it names by `use`, by a path from `crate` or `super`, or by a path that begins
//! with one of its child modules. A re-export is followed to the file that defines the item. Test modules are not looked at:
//! a test may name the file it tests.

use std::collections::{BTreeMap, BTreeSet};

use crate::{text_of, tracked};

/// A module's path below its crate's root; the root itself is empty.
type Module = Vec<String>;

/// What of a file the rule looks at.
struct Source {
    /// Without its imports.
    tokens: Vec<String>,
    /// Names of the items that it defines.
    items: BTreeSet<String>,
    /// What it imports or re-exports: the name it has here, and its path.
    imports: Vec<(String, Vec<String>)>,
}

/// The modules of one crate.
type Modules = BTreeMap<Module, Source>;

/// Names, `::` and single signs, without comments and the contents of literals; ends where the file's test module begins.
fn tokens(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |at| at + 2)
        } else if let Some(length) = literal(rest) {
            length
        } else if first.is_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            found.push(rest[..length].to_owned());
            length
        } else if rest.starts_with("::") {
            found.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                found.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
        if found.ends_with(&["mod", "tests", "{"].map(str::to_owned)) {
            break;
        }
    }
    found
}

/// The length of the string or character that begins here, if one does.
fn literal(rest: &str) -> Option<usize> {
    if let Some(raw) = rest.strip_prefix('r').map(|raw| raw.trim_start_matches('#'))
        && raw.starts_with('"')
    {
        let hashes = rest.len() - 1 - raw.len();
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(2 + hashes + raw[1..].find(&end)? + end.len());
    }
    let quoted = rest.strip_prefix('"').map(|inner| (inner, '"'));
    // A lifetime has no closing quote two signs on.
    let character = rest
        .strip_prefix('\'')
        .filter(|inner| inner.starts_with('\\') || inner.chars().nth(1).is_some_and(|second| second == '\''));
    let (inner, quote) = quoted.or(character.map(|inner| (inner, '\'')))?;
    let mut escaped = false;
    let end = inner.find(|c| {
        let closes = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        closes
    })?;
    Some(end + 2)
}

/// The paths of a `use` tree that begins at `at`, each with the name it has here; and where the tree ends.
fn use_tree(tokens: &[String], mut at: usize, before: &[String]) -> (Vec<(String, Vec<String>)>, usize) {
    let mut path = before.to_vec();
    while let Some(token) = tokens.get(at) {
        match token.as_str() {
            "{" => {
                let mut all = Vec::new();
                at += 1;
                while tokens.get(at).is_some_and(|token| token != "}") {
                    let (some, end) = use_tree(tokens, at, &path);
                    all.extend(some);
                    at = end + usize::from(tokens.get(end).is_some_and(|token| token == ","));
                }
                return (all, at + 1);
            }
            "," | ";" | "}" => break,
            "as" => {
                let name = tokens[at + 1].clone();
                return (vec![(name, path)], at + 2);
            }
            "::" => {}
            name => path.push(name.to_owned()),
        }
        at += 1;
    }
    if path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    (path.last().cloned().map(|name| (name, path)).into_iter().collect(), at)
}

fn source(text: &str) -> Source {
    const DEFINES: &[&str] =
        &["fn", "struct", "enum", "trait", "type", "const", "static", "macro_rules", "union", "mod"];
    let tokens = tokens(text);
    let defined = tokens.windows(2).filter(|pair| DEFINES.contains(&pair[0].as_str()) && pair[1] != "fn");
    let items = defined.map(|pair| pair[1].clone()).collect();
    let mut imports = Vec::new();
    let mut rest = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at] == "use" {
            let (paths, end) = use_tree(&tokens, at + 1, &[]);
            imports.extend(paths);
            at = end;
        } else {
            rest.push(tokens[at].clone());
            at += 1;
        }
    }
    Source { tokens: rest, items, imports }
}

/// Paths that the code names outside of `use`.
fn body_paths(tokens: &[String]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let starts = tokens.get(at + 1).is_some_and(|next| next == "::")
            && !(at > 0 && tokens[at - 1] == "::")
            && tokens[at].starts_with(|c: char| c.is_lowercase() || c == '_');
        if starts {
            let mut path = vec![tokens[at].clone()];
            let mut next = at + 1;
            while tokens.get(next).is_some_and(|token| token == "::") {
                let Some(name) = tokens.get(next + 1).filter(|name| name.chars().all(char_of_name)) else {
                    break;
                };
                path.push(name.clone());
                next += 2;
            }
            found.push(path);
        }
    }
    found
}

fn char_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The file that defines what a path names, seen from the module `from`; `None` where it lies in another crate.
fn defining(modules: &Modules, from: &Module, path: &[String], depth: usize) -> Option<Module> {
    let (mut at, mut rest): (Module, &[String]) = match path.first()?.as_str() {
        "crate" => (Vec::new(), &path[1..]),
        "self" => (from.clone(), &path[1..]),
        "super" => (from.clone(), path),
        child if modules.contains_key(&joined(from, child)) => (from.clone(), path),
        _ => return None,
    };
    while rest.first().is_some_and(|name| name == "super") {
        at.pop();
        rest = &rest[1..];
    }
    while let Some(name) = rest.first()
        && modules.contains_key(&joined(&at, name))
    {
        at.push(name.clone());
        rest = &rest[1..];
    }
    let here = modules.get(&at)?;
    let Some(name) = rest.first().filter(|name| depth > 0 && !here.items.contains(*name)) else {
        return Some(at);
    };
    let import = here.imports.iter().find(|(known, _)| known == name);
    let followed = import.and_then(|(_, path)| defining(modules, &at, path, depth - 1));
    Some(followed.unwrap_or(at))
}

fn joined(module: &Module, name: &str) -> Module {
    [module.as_slice(), &[name.to_owned()]].concat()
}

/// The files that each file depends on.
fn imports(modules: &Modules) -> BTreeMap<&Module, BTreeSet<Module>> {
    /// Re-exports of re-exports are followed this far.
    const DEPTH: usize = 5;
    let of = |module: &Module, source: &Source| {
        let used = source.imports.iter().map(|(_, path)| path.clone());
        let all = used.chain(body_paths(&source.tokens));
        let files = all.filter_map(|path| defining(modules, module, &path, DEPTH));
        files.filter(|file| file != module).collect()
    };
    modules.iter().map(|(module, source)| (module, of(module, source))).collect()
}

/// Everything that can be reached from a file along imports.
fn reachable(edges: &BTreeMap<&Module, BTreeSet<Module>>, from: &Module) -> BTreeSet<Module> {
    let mut seen = BTreeSet::new();
    let mut next: Vec<&Module> = edges[from].iter().collect();
    while let Some(module) = next.pop() {
        if seen.insert(module.clone()) {
            next.extend(edges.get(module).into_iter().flatten());
        }
    }
    seen
}

/// The circles of one crate, each as the names of its files.
fn circles(modules: &Modules) -> Vec<String> {
    let edges = imports(modules);
    let reach: BTreeMap<&Module, BTreeSet<Module>> =
        modules.keys().map(|module| (module, reachable(&edges, module))).collect();
    let circle = |module: &Module| -> BTreeSet<&Module> {
        modules
            .keys()
            .filter(|other| reach[module].contains(*other) && reach[other].contains(module))
            .collect()
    };
    let found: BTreeSet<BTreeSet<&Module>> = modules.keys().map(circle).filter(|c| c.len() > 1).collect();
    let named = |circle: &BTreeSet<&Module>| {
        let files: Vec<String> = circle.iter().map(|module| module.join("::")).collect();
        files.join(", ")
    };
    found.iter().map(named).collect()
}

/// The modules of every crate of the tree, by the directory of its root.
fn crates() -> BTreeMap<String, Modules> {
    let files: Vec<String> = tracked().iter().filter_map(|file| file.to_str().map(str::to_owned)).collect();
    let root = |file: &String| {
        let end = ["src/lib.rs", "src/main.rs"].iter().find(|end| file.ends_with(**end))?;
        Some(format!("{}src/", file.strip_suffix(end)?))
    };
    let roots: BTreeSet<String> = files.iter().filter_map(root).collect();
    let modules = |root: &String| {
        let library = files.contains(&format!("{root}lib.rs"));
        let module = |file: &String| -> Option<(Module, Source)> {
            let name = file.strip_prefix(root.as_str())?.strip_suffix(".rs")?;
            let of_tests = name.split('/').any(|part| part == "tests" || part.ends_with("_tests"));
            if of_tests || name.starts_with("bin/") || (library && name == "main") {
                return None;
            }
            let mut path: Module = name.split('/').map(str::to_owned).collect();
            let is_root = path.len() == 1 && (path[0] == "lib" || path[0] == "main");
            if is_root || path.last().is_some_and(|last| last == "mod") {
                path.pop();
            }
            Some((path, source(&text_of(file.as_ref())?)))
        };
        files.iter().filter_map(module).collect()
    };
    roots.iter().map(|root| (root.clone(), modules(root))).collect()
}

#[test]
fn no_circle_of_imports_between_files() {
    let crates = crates();
    assert!(crates.len() > 10, "expected the crates of the workspace, found {}", crates.len());
    let found = crates.iter().flat_map(|(root, modules)| {
        circles(modules).into_iter().map(move |circle| format!("{root}: {circle}"))
    });
    let found: Vec<String> = found.collect();
    assert_eq!(found, Vec::<String>::new(), "move what both sides need into a file of its own");
}

#[test]
fn a_circle_is_found_through_a_re_export_and_a_child() {
    let file = |path: &[&str], text: &str| {
        (path.iter().map(|name| (*name).to_owned()).collect::<Module>(), source(text))
    };
    let circle = [
        file(&[], "mod a; pub use a::inner::Thing; fn run() { a::go(); }"),
        file(&["a"], "pub mod inner; use crate::b; pub fn go() {}"),
        file(&["a", "inner"], "pub struct Thing;"),
        file(
            &["b"],
            "// use super::nobody;\nuse super::{a::{self as first, go}, Thing};\nconst TEXT: &str = \"crate::b\";",
        ),
    ];
    let modules: Modules = circle.into();
    assert_eq!(circles(&modules), ["a, b"]);
    let mut mended = modules;
    let (path, text) = file(
        &["b"],
        "use crate::Thing; fn f<'a>(_: &'a str) -> char { '\"' }\nmod tests { use crate::a::go; }",
    );
    mended.insert(path, text);
    assert_eq!(circles(&mended), Vec::<String>::new());
}
