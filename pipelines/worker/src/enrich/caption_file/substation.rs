//! SubStation Alpha, versions 4 and 4+: lines of fields in sections.

use super::super::text::TextFormat;
use super::blocks::clock;
use super::found::{Caption, Captions, add_other};

/// The columns of an event where the file does not name them.
const COLUMNS: [&str; 10] =
    ["layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text"];

/// Reads a file. What is not an event that is shown is other text. Attached fonts and pictures are neither.
pub fn read(text: &str) -> Captions {
    let mut found = Captions::default();
    let mut columns: Vec<String> = COLUMNS.map(str::to_owned).into();
    let mut section = String::new();
    for line in text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty()) {
        if line.starts_with('[') && line.ends_with(']') {
            section = line.to_ascii_lowercase();
            continue;
        }
        if matches!(section.as_str(), "[fonts]" | "[graphics]") {
            continue;
        }
        let (kind, value) = line.split_once(':').unwrap_or(("", line));
        match kind.trim().to_ascii_lowercase().as_str() {
            "format" if section == "[events]" => {
                columns = value.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
            }
            "dialogue" => match dialogue(value, &columns) {
                Some(caption) => found.captions.push(caption),
                None => add_other(&mut found, line),
            },
            _ => add_other(&mut found, line),
        }
    }
    found
}

fn dialogue(value: &str, columns: &[String]) -> Option<Caption> {
    let fields: Vec<&str> = value.splitn(columns.len().max(1), ',').collect();
    let field = |name: &str| {
        let at = columns.iter().position(|column| column == name)?;
        fields.get(at).copied()
    };
    let (start_ns, end_ns) = (clock(field("start")?.trim())?, clock(field("end")?.trim())?);
    let (speaker, text) = (field("name").unwrap_or_default().trim(), field("text")?);
    // As Matroska stores it, which the reader of tracks knows.
    let packet = format!("0,0,,{speaker},0,0,0,,{text}");
    let (words, shown) = (TextFormat::Ssa.words(packet.as_bytes()), TextFormat::Ssa.shown(packet.as_bytes()));
    (start_ns <= end_ns).then_some(Caption { start_ns, end_ns: Some(end_ns), words, shown })
}
