//! Names that a newcomer has to look up do not come back: each of them once stood for something that the field has a word for.

use std::path::Path;

use crate::{is_rust, text_of, tracked};

/// Where a name is not used.
#[derive(Clone, Copy)]
enum Where {
    /// As a whole word in code, wherever it stands.
    Code,
    /// As the name of a type: elsewhere it is plain English, or a variant that reads well behind its type.
    Types,
    /// As the name of a file or folder of Rust.
    Files,
    /// In code, comments and pages.
    Text,
}

/// What is not used, where, and what is used instead. A name is written with a bar in it, so that this file does not find
/// itself.
const WORDS: &[(&str, Where, &str)] = &[
    ("Hou|se", Where::Code, "EngineContext"),
    ("Stew|ard", Where::Code, "NodeMaintenance"),
    ("Boa|rd", Where::Code, "ProgressBoard"),
    ("Fit|ness", Where::Code, "NodeHealth"),
    ("Fit|nessDoubted", Where::Code, "NodeSuspected"),
    ("Scan|Desk", Where::Code, "ScanBatcher"),
    ("scan_|desk", Where::Code, "scan_batcher"),
    ("TaskKey::|Scan", Where::Code, "TaskKey::ExternalScan"),
    ("Be|ll", Where::Code, "NotifyListener"),
    ("Le|nt", Where::Code, "PooledConnection"),
    ("Hea|rd", Where::Code, "ParsedMessage"),
    ("Happen|ing", Where::Code, "S3EventKind"),
    ("Out|let", Where::Code, "ProgressSink"),
    ("Do|or", Where::Code, "Exit"),
    ("Ma|rks", Where::Code, "Flags"),
    ("Tw|in", Where::Code, "Original, or Duplicate"),
    ("Fol|lower", Where::Code, "Duplicate"),
    ("SPEECH|LESS", Where::Code, "REPLY_PIPE_BROKEN"),
    ("abandoned_by_|its_caller", Where::Code, "poll_timed_out"),
    ("EXCUSED|_MAX", Where::Code, "UNCOUNTED_MAX"),
    ("Set|Apart", Where::Code, "Quarantine, or Moved"),
    ("set_|apart", Where::Code, "quarantine, or move_source"),
    ("tend_|history", Where::Code, "maintain_history"),
    ("fn hea|r", Where::Code, "parse, read or listen"),
    ("Pla|ce", Where::Types, "what it is a place of: TextPlace, SourceLocation, GlobalArgs"),
    ("Wor|ld", Where::Types, "a fixture named for what it sets up"),
    ("Ho|me", Where::Types, "a fixture named for what it sets up"),
    ("Read|ing", Where::Types, "what was read: OcrReading, GatheredText"),
    ("Wo|rk", Where::Types, "UnitOfWork, StageTask, AssetProgress"),
    ("Se|en", Where::Types, "what was seen: ReadItem, SeenFile"),
    ("Fou|nd", Where::Types, "what was found: ListedVersion"),
    ("End|ed", Where::Types, "what ended: ProcessExit, AttemptOutcome"),
    ("Ca|ll", Where::Types, "ApiCall, SystemCall, WriteCall"),
    ("Du|ty", Where::Types, "Availability, EnginePurpose"),
    ("Ho|ld", Where::Types, "DrainReason"),
    ("Te|ll", Where::Types, "Recipients"),
    ("To|ld", Where::Types, "S3ObjectFields"),
    ("Wh|y", Where::Types, "RejectReason, NotSearched"),
    ("Sa|id", Where::Types, "AttemptOutcome"),
    ("B|y", Where::Types, "Attribution"),
    ("Ta|lk", Where::Types, "WorkerConversation"),
    ("Sh|ot", Where::Types, "SampledFrame"),
    ("Lear|ned", Where::Types, "AttemptFacts, LearnedFact"),
    ("Clos|ing", Where::Types, "WithdrawalRecord"),
    ("Quest|ion", Where::Types, "AnswerRequest"),
    ("Trou|ble", Where::Types, "ErrorKind, incidents"),
    ("Swi|tch", Where::Types, "Availability"),
    ("Happen|ed", Where::Types, "an event named for what happened"),
    ("le|nd", Where::Files, "pooled_connection"),
    ("te|nd", Where::Files, "maintenance"),
    ("besi|de", Where::Files, "scans_and_refused_events"),
    ("pa|ce", Where::Files, "rate_limit"),
    ("she|lf", Where::Files, "shard_buffer"),
    ("kee|per", Where::Files, "lease_coordinator, watchdog"),
    ("tell|ing", Where::Files, "history_lines"),
    ("witnes|ses", Where::Files, "text_sources"),
    ("man|ners", Where::Files, "misbehaviours"),
    ("do|ors", Where::Files, "exits"),
    ("ma|rks", Where::Files, "flags"),
    ("twi|ns", Where::Files, "duplicates"),
    ("hou|se", Where::Files, "engine_context"),
    ("boa|rd", Where::Files, "progress_board"),
    ("du|ty", Where::Files, "availability"),
    ("fit|ness", Where::Files, "node_health"),
    ("stew|ard", Where::Files, "node_maintenance"),
    ("scan_|desk", Where::Files, "scan_batcher"),
    ("clos|ing", Where::Files, "withdrawal_record"),
    ("wor|ld", Where::Files, "fixture"),
    ("out|let", Where::Files, "progress_sink, span_queue"),
    ("set a|part", Where::Text, "quarantined, or moved"),
    ("sets a|part", Where::Text, "quarantines, or moves"),
    ("fol|lower", Where::Text, "duplicate"),
    ("be| it", Where::Text, "even if, or whether"),
    ("now and| then", Where::Text, "regularly"),
    ("take| in", Where::Text, "ingest, read or accept"),
    ("takes| in", Where::Text, "ingests, reads or accepts"),
];

fn is_text(file: &Path) -> bool {
    is_rust(file) || file.extension().is_some_and(|extension| extension == "md")
}

/// Whether the word stands in the text by itself: neither a letter, a digit nor a low line goes on with it.
fn has_word(text: &str, word: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let after = &text[at + word.len()..];
        !text[..at].ends_with(goes_on) && !after.starts_with(goes_on)
    })
}

fn defines_type(line: &str, name: &str) -> bool {
    let words: Vec<&str> = line.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
    words.windows(2).any(|pair| matches!(pair[0], "struct" | "enum" | "trait" | "type") && pair[1] == name)
}

fn breaks_rule(file: &Path, line: &str, word: &str, place: Where) -> bool {
    let is_code = is_rust(file) && !line.trim_start().starts_with("//");
    match place {
        Where::Code => is_code && has_word(line, word),
        Where::Types => is_code && defines_type(line, word),
        Where::Text => is_text(file) && has_word(line, word),
        Where::Files => false,
    }
}

#[test]
fn names_that_need_a_look_into_the_code_do_not_come_back() {
    let mut broken = Vec::new();
    for file in tracked().into_iter().filter(|file| is_text(file)) {
        let text = text_of(&file).expect("code and pages are text");
        for (written, place, instead) in WORDS {
            let word = written.replace('|', "");
            if matches!(place, Where::Files) {
                let named = is_rust(&file)
                    && file.with_extension("").iter().any(|part| part.to_str() == Some(&*word));
                broken.extend(named.then(|| format!("{}: a file named `{word}`: {instead}", file.display())));
                continue;
            }
            if !text.contains(&word) {
                continue;
            }
            let lines = text.lines().enumerate().filter(|(_, line)| breaks_rule(&file, line, &word, *place));
            broken.extend(lines.map(|(at, _)| format!("{}:{}: `{word}`: {instead}", file.display(), at + 1)));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_word_counts_by_itself_and_a_type_where_it_is_defined() {
    assert!(has_word("let a: Exit = b;", "Exit") && !has_word("ExitStatus and my_Exit", "Exit"));
    assert!(
        defines_type("pub(crate) struct Exit<'a> {", "Exit") && !defines_type("Self::Exit => 1,", "Exit")
    );
}
