//! TTML (W3C Recommendation, Timed Text Markup Language 2): elements with times, within each other.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use reelgate_flow::reason::{Code, Fault};

use super::super::text::may_hold_a_value;
use super::found::{Caption, Captions, add_other};

/// Depth of elements that are read.
const DEPTH_MAX: usize = 64;

/// An open element.
struct Element {
    /// When it begins, nanoseconds.
    begin_ns: u64,
    end_ns: Option<u64>,
    /// A paragraph, or a part of one with times of its own: its text is a caption.
    is_caption: bool,
    text: String,
}

/// Reads a document. What is no caption is other text.
pub fn read(text: &str) -> Result<Captions, Fault> {
    let refused = |found: &str| Fault::new(Code::CaptionFormat, format!("expected TTML, found {found}"));
    let broken = |_| refused("XML that is not well-formed");
    let mut reader = Reader::from_str(text);
    let (mut found, mut open, mut clock) = (Captions::default(), Vec::<Element>::new(), Clock::default());
    let mut is_document = false;
    loop {
        match reader.read_event().map_err(broken)? {
            Event::Start(start) => {
                if open.is_empty() {
                    is_document = start.local_name().as_ref() == "tt";
                    clock = Clock::of(&start);
                }
                if !is_document {
                    return Err(refused("another document"));
                }
                if open.len() >= DEPTH_MAX {
                    return Err(refused("elements that are nested too deep"));
                }
                attributes(&start, &mut found);
                open.push(element(&start, &open, &clock));
            }
            Event::Empty(start) => {
                attributes(&start, &mut found);
                if start.local_name().as_ref() == "br" {
                    add(&mut found, &mut open, "\n");
                }
            }
            Event::End(_) => close(&mut found, open.pop()),
            Event::Text(text) => add(&mut found, &mut open, &spaced(&text)),
            Event::CData(text) => add(&mut found, &mut open, &spaced(&text)),
            Event::GeneralRef(name) => {
                let written = format!("&{};", &*name);
                let text = quick_xml::escape::unescape(&written).map(|text| text.into_owned());
                add(&mut found, &mut open, &text.unwrap_or(written));
            }
            Event::Comment(text) => add_other(&mut found, &text),
            Event::Eof if is_document && open.is_empty() => return Ok(found),
            Event::Eof => return Err(refused("a document that is cut off, or none")),
            Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

fn element(start: &BytesStart, open: &[Element], clock: &Clock) -> Element {
    let name = start.local_name().as_ref().to_owned();
    let parent = open.last();
    let time = |name: &str| attribute(start, name).and_then(|text| clock.parse(&text));
    let (begin, end, length) = (time("begin"), time("end"), time("dur"));
    let from_ns = parent.map_or(0, |parent| parent.begin_ns);
    let begin_ns = from_ns.saturating_add(begin.unwrap_or(0));
    let own_end = end.map(|end| from_ns.saturating_add(end));
    let by_length = length.map(|length| begin_ns.saturating_add(length));
    let ends = [own_end, by_length, parent.and_then(|parent| parent.end_ns)];
    let has_time = begin.is_some() || end.is_some() || length.is_some();
    let is_caption = name == "p" || (name == "span" && has_time);
    Element { begin_ns, end_ns: ends.into_iter().flatten().min(), is_caption, text: String::new() }
}

/// Adds text to the innermost caption, or to the other text.
fn add(found: &mut Captions, open: &mut [Element], text: &str) {
    match open.iter_mut().rev().find(|element| element.is_caption) {
        Some(caption) => caption.text.push_str(text),
        None => add_other(found, text),
    }
}

fn close(found: &mut Captions, closed: Option<Element>) {
    let Some(Element { begin_ns, end_ns, is_caption: true, text, .. }) = closed else { return };
    let lines = text.split('\n').map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let shown = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    if !shown.is_empty() {
        found.captions.push(Caption { start_ns: begin_ns, end_ns, words: shown.clone(), shown });
    }
}

/// Line breaks of the file are spaces; only `br` breaks a line (8.2, `xml:space`).
fn spaced(text: &str) -> String {
    text.replace(['\n', '\r', '\t'], " ")
}

fn attribute(start: &BytesStart, name: &str) -> Option<String> {
    let mut all = start.attributes().flatten();
    let found = all.find(|attribute| attribute.key.local_name().as_ref() == name)?;
    quick_xml::escape::unescape(&found.value).ok().map(|text| text.into_owned())
}

/// Attributes that may hold a value are searched; nobody sees them.
fn attributes(start: &BytesStart, found: &mut Captions) {
    for attribute in start.attributes().flatten() {
        let value = quick_xml::escape::unescape(&attribute.value);
        if let Ok(value) = value.map(|value| value.into_owned())
            && may_hold_a_value(&value)
        {
            add_other(found, &value);
        }
    }
}

/// How the document counts frames and ticks (6.2).
struct Clock {
    frames_per_s: f64,
    ticks_per_s: f64,
}

impl Default for Clock {
    fn default() -> Self {
        Self { frames_per_s: 30.0, ticks_per_s: 1.0 }
    }
}

impl Clock {
    fn of(start: &BytesStart) -> Self {
        let number = |name: &str| {
            attribute(start, name)?.trim().parse::<f64>().ok().filter(|n| n.is_finite() && *n > 0.0)
        };
        let multiplier = attribute(start, "frameRateMultiplier").and_then(|text| {
            let mut parts = text.split_whitespace().map(|part| part.parse::<f64>().ok());
            let (num, den) = (parts.next()??, parts.next()??);
            (num > 0.0 && den > 0.0).then_some(num / den)
        });
        let frame_rate = number("frameRate");
        let frames_per_s = frame_rate.unwrap_or(30.0) * multiplier.unwrap_or(1.0);
        Self { frames_per_s, ticks_per_s: number("tickRate").or(frame_rate).unwrap_or(1.0) }
    }

    /// `01:02:03.5`, `01:02:03:12` with frames, `12.5s`, `500ms`, `10f`, `900t`.
    fn parse(&self, text: &str) -> Option<u64> {
        let text = text.trim();
        let parts: Vec<&str> = text.split(':').collect();
        let number = |text: &str| {
            let is_number =
                !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            is_number.then(|| text.parse::<f64>().ok()).flatten()
        };
        let seconds = match parts[..] {
            [hours, minutes, seconds] => {
                number(hours)? * 3_600.0 + number(minutes)? * 60.0 + number(seconds)?
            }
            [hours, minutes, seconds, frames] => {
                let whole = number(hours)? * 3_600.0 + number(minutes)? * 60.0 + number(seconds)?;
                whole + number(frames)? / self.frames_per_s
            }
            [offset] => {
                let at = offset.find(|c: char| c.is_ascii_alphabetic())?;
                let (value, metric) = offset.split_at(at);
                number(value)?
                    * match metric {
                        "h" => 3_600.0,
                        "m" => 60.0,
                        "s" => 1.0,
                        "ms" => 0.001,
                        "f" => 1.0 / self.frames_per_s,
                        "t" => 1.0 / self.ticks_per_s,
                        _ => return None,
                    }
            }
            _ => return None,
        };
        // A hundred hours and more are no time of a film.
        (seconds < 360_000.0).then(|| (seconds * 1_000_000.0).round() as u64 * 1_000)
    }
}
