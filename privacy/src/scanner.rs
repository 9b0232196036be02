//! Reads lines as they come, and what spans two of them.
//!
//! Captions cut sentences where the line is full, so a card number may end in the next cue; and roll-up captions show the
//! same line again, one row higher. So the end of the last line and what was found in it wait until the next line is
//! known. Nothing else is kept: memory does not grow with the text.
//!
//! Lines are neighbours where surface, element name and track agree and, if they have times, at most ten seconds part
//! them. Between neighbours
//! - a value may go on from one line into the next, read with one space between them; without times, where lines are
//!   those of any file, only a value that a check digit proves;
//! - a keyword at the end of a timed line counts at the start of the next;
//! - a value of a timed line that the next one shows again (on the picture: any line of the next moment, in the same spot)
//!   is one occurrence, shown longer.

use reelgate_flow::place::{FrameBox, TextPlace};

use crate::candidate::Strength;
use crate::classifier::{Classifier, char_places};
use crate::finding::{Finding, Location, Tally};
use crate::identifier::Kind;
use crate::keywords::Lists;
use crate::line::Line;
use crate::ocr::ON_SCREEN_TEXT;
use crate::overlap::{Match, resolve};
use crate::reader::Around;
use crate::text;

/// Bytes of a line that a value spanning two lines may use on each side, less where that would cut a character.
const SEAM_BYTES_MAX: usize = 64;
/// Longest pause between two lines that still belong together, nanoseconds.
const PAUSE_MAX_NS: u64 = 10_000_000_000;

/// Values of one moment that wait for the next; a hostile text may put everything at one time.
const WAITING_MAX: usize = 1024;

/// Reads lines one after the other; see [`Classifier::scanner`].
pub struct Scanner<'c> {
    classifier: &'c Classifier,
    tally: Tally,
    name: Name,
    last: Option<Last>,
}

/// The element name that lines shared so far, and what it says.
#[derive(Default)]
struct Name {
    field: String,
    lists: Lists,
    matches: Vec<Match>,
    masked: String,
}

/// The line before.
struct Last {
    address: TextPlace,
    /// Its last [`SEAM_BYTES_MAX`] bytes.
    tail: String,
    /// Characters of the line before `tail`.
    tail_start: usize,
    /// What was found in it and is not counted yet.
    found: Vec<PendingValue>,
    /// The same of earlier lines that begin when it does: a picture may show many.
    same_moment: Vec<PendingValue>,
    /// The same of the lines that began before those.
    moment_before: Vec<PendingValue>,
}

/// A value that is not counted yet.
struct PendingValue {
    kind: Kind,
    strength: Strength,
    confidence: u8,
    /// The value itself, to know it again in the next line; it never leaves the scanner.
    value: String,
    location: Location,
}

impl Classifier {
    /// Reads lines one after the other, and keeps no more of them than the end of the last.
    pub fn scanner(&self) -> Scanner<'_> {
        Scanner::new(self)
    }

    /// Everything found in `lines`, one finding per identifier, the most severe first.
    ///
    /// Element names are read as well: a value hidden in a tag's name counts, and is masked in the address.
    pub fn scan<'a>(&self, lines: impl Iterator<Item = Line<'a>>) -> Vec<Finding> {
        let mut scanner = self.scanner();
        lines.for_each(|line| scanner.push(line));
        scanner.finish()
    }
}

impl<'c> Scanner<'c> {
    fn new(classifier: &'c Classifier) -> Scanner<'c> {
        Scanner { classifier, tally: Tally::default(), name: Name::default(), last: None }
    }

    /// Reads the next line. Lines of one track are expected one after the other, in the order of their times.
    pub fn push(&mut self, line: Line<'_>) {
        self.push_at(&line.address, line.text);
    }

    /// As [`Scanner::push`], for many lines that share most of an address: nothing of it is copied that is known already.
    pub fn push_at(&mut self, address: &TextPlace, text: &str) {
        if self.name.field != address.field {
            self.name = self.named(&address.field);
        }
        self.count_name(address);
        let prepared = prepared(address, text);
        let text = prepared.as_deref().unwrap_or(text);
        let mut found = self.found_in(text, address);
        let (mut same_moment, mut moment_before) = (Vec::new(), Vec::new());
        if self.last.as_ref().is_some_and(|last| last.holds_anything() || last.may_go_on(text, address))
            && let Some(last) = self.last.take()
        {
            (same_moment, moment_before) = self.join(last, text, address, &mut found);
        }
        let last = self.last.get_or_insert_with(|| Last::new(address));
        last.remember(address, text);
        (last.found, last.same_moment, last.moment_before) = (found, same_moment, moment_before);
    }

    /// Settles what the line before holds together with this one. Answers with what waits on: of other lines of this
    /// moment, and of the moment before.
    fn join(
        &mut self,
        mut last: Last,
        text: &str,
        address: &TextPlace,
        found: &mut Vec<PendingValue>,
    ) -> (Vec<PendingValue>, Vec<PendingValue>) {
        let neighbours = last.is_neighbour_of(address);
        if neighbours && last.may_go_on(text, address) {
            self.read_seam(&mut last, text, address, found);
        }
        let Last { address: last_address, found: last_found, mut same_moment, mut moment_before, .. } = last;
        same_moment.extend(last_found);
        if !neighbours {
            self.count(moment_before);
            self.count(same_moment);
            return (Vec::new(), Vec::new());
        }
        if address.start_ns.is_none() || last_address.start_ns != address.start_ns {
            self.count(std::mem::replace(&mut moment_before, std::mem::take(&mut same_moment)));
        } else if same_moment.len() > WAITING_MAX {
            self.count(std::mem::take(&mut same_moment));
        }
        moment_before.retain(|earlier| !shown_again(earlier, found));
        (same_moment, moment_before)
    }

    /// The findings, one per identifier, the most severe first.
    pub fn finish(mut self) -> Vec<Finding> {
        if let Some(last) = self.last.take() {
            [last.moment_before, last.same_moment, last.found]
                .into_iter()
                .for_each(|found| self.count(found));
        }
        let classifier = self.classifier;
        self.tally.into_findings(|kind, count| classifier.severity(kind, count))
    }

    fn named(&self, field: &str) -> Name {
        let matches = resolve(self.classifier.matches(field, Around::default()));
        let mut masked = String::with_capacity(field.len());
        let mut done = 0;
        for m in &matches {
            masked.push_str(&field[done..m.start]);
            masked.push_str(&self.classifier.masked(m.reading.kind, &field[m.start..m.end]));
            done = m.end;
        }
        masked.push_str(&field[done..]);
        let lists = self.classifier.reader().lists_in_name(field);
        Name { field: field.to_owned(), lists, matches, masked }
    }

    /// The address as it may leave: its element name masked.
    fn outgoing(&self, address: &TextPlace) -> TextPlace {
        TextPlace { field: self.name.masked.clone(), ..address.clone() }
    }

    /// Counts what stands in the element's name.
    fn count_name(&mut self, address: &TextPlace) {
        let Name { field, matches, .. } = &self.name;
        if matches.is_empty() {
            return;
        }
        let places = char_places(field, matches);
        let found: Vec<PendingValue> =
            matches.iter().zip(places).map(|(m, place)| self.found(m, field, place, address)).collect();
        self.count(found);
    }

    fn count(&mut self, found: Vec<PendingValue>) {
        found.into_iter().for_each(|found| self.tally.add(found.kind, || found.location));
    }

    fn around(&self) -> Around<'_> {
        Around { name: &self.name.field, lists: self.name.lists }
    }

    /// What stands in `text`, and the text as it was understood where that differs.
    fn matches(&self, text: &str, surface: &str) -> (Option<String>, Vec<Match>) {
        if surface == ON_SCREEN_TEXT {
            return self.classifier.matches_on_screen(text, self.around());
        }
        (None, self.classifier.matches(text, self.around()))
    }

    fn found_in(&self, text: &str, address: &TextPlace) -> Vec<PendingValue> {
        let (corrected, matches) = self.matches(text, &address.surface);
        if matches.is_empty() {
            return Vec::new(); // nearly every line; what follows would cost more than the reading
        }
        let text = corrected.as_deref().unwrap_or(text);
        let places = char_places(text, &matches);
        let found = matches.iter().zip(places).map(|(m, place)| self.found(m, text, place, address));
        found.collect()
    }

    fn found(
        &self,
        m: &Match,
        text: &str,
        (start, end): (usize, usize),
        address: &TextPlace,
    ) -> PendingValue {
        let value = &text[m.start..m.end];
        let kind = m.reading.kind;
        let masked = self.classifier.masked(kind, value);
        let fingerprint = self.classifier.fingerprint(kind, value);
        PendingValue {
            kind,
            strength: m.strength,
            confidence: m.reading.confidence,
            value: value.to_owned(),
            location: Location { address: self.outgoing(address), start, end, masked, fingerprint },
        }
    }

    /// Finds what the end of the line before and the start of this one say only together.
    fn read_seam(&self, last: &mut Last, text: &str, address: &TextPlace, found: &mut Vec<PendingValue>) {
        let head = &text[..text.floor_char_boundary(SEAM_BYTES_MAX)];
        let timed = address.start_ns.is_some();
        let joined = format!("{} {head}", last.tail);
        let seam = last.tail.len();
        let (corrected, matches) = self.matches(&joined, &address.surface);
        let joined = corrected.unwrap_or(joined);
        let places = char_places(&joined, &matches);
        let tail_chars = last.tail.chars().count();
        let cut = head.len() < text.len();
        for (m, (start, end)) in matches.iter().zip(places) {
            if m.end <= seam || (cut && m.end == joined.len()) {
                continue;
            }
            let crosses = m.start < seam;
            if crosses && (timed || m.strength == Strength::Checksum) {
                let place = (last.tail_start + start, last.tail_start + end);
                let both = last.address.to(address);
                last.take_over(self.found(m, &joined, place, &both), end - tail_chars - 1, found);
            } else if !crosses && timed {
                let place = (start - tail_chars - 1, end - tail_chars - 1);
                if found.iter().all(|f| f.location.end <= place.0 || place.1 <= f.location.start) {
                    found.push(self.found(m, &joined, place, address));
                    found.sort_by_key(|f| f.location.start);
                }
            }
        }
    }
}

impl Last {
    fn new(address: &TextPlace) -> Last {
        Last {
            address: address.clone(),
            tail: String::new(),
            tail_start: 0,
            found: Vec::new(),
            same_moment: Vec::new(),
            moment_before: Vec::new(),
        }
    }

    fn remember(&mut self, address: &TextPlace, text: &str) {
        let TextPlace { surface, field, track, start_ns, end_ns, frame_box, line } = address;
        if self.address.surface != *surface || self.address.field != *field {
            self.address = address.clone();
        }
        (self.address.track, self.address.frame_box, self.address.line) = (*track, *frame_box, *line);
        (self.address.start_ns, self.address.end_ns) = (*start_ns, *end_ns);
        let cut = text.ceil_char_boundary(text.len().saturating_sub(SEAM_BYTES_MAX));
        self.tail.clear();
        self.tail.push_str(&text[cut..]);
        self.tail_start = text[..cut].chars().count();
    }

    fn holds_anything(&self) -> bool {
        !(self.found.is_empty() && self.same_moment.is_empty() && self.moment_before.is_empty())
    }

    /// Whether the start of `text` is worth reading together with the end of this line.
    fn may_go_on(&self, text: &str, address: &TextPlace) -> bool {
        let head = &text.as_bytes()[..text.len().min(SEAM_BYTES_MAX)];
        match address.start_ns {
            Some(_) => head.iter().any(u8::is_ascii_digit),
            None => could_go_on(self.tail.as_bytes(), head),
        }
    }

    fn is_neighbour_of(&self, next: &TextPlace) -> bool {
        let TextPlace { surface, field, track, start_ns, end_ns, .. } = &self.address;
        let pause = match (end_ns.or(*start_ns), next.start_ns) {
            (Some(end), Some(start)) => start.saturating_sub(end) <= PAUSE_MAX_NS,
            (None, None) => true,
            _ => false,
        };
        let same_place = (surface, field, track) == (&next.surface, &next.field, &next.track);
        pause && same_place && surface != text::FILE_NAME
    }

    /// Puts `spanning`, which ends at `end` in the next line, in the place of what each line had of it alone, unless one of
    /// those is surer.
    fn take_over(&mut self, spanning: PendingValue, end: usize, next: &mut Vec<PendingValue>) {
        let rank = |f: &PendingValue| (f.strength, f.confidence);
        let touches_here = |f: &PendingValue| f.location.end > spanning.location.start;
        let touches_next = |f: &PendingValue| f.location.start < end;
        let beaten =
            self.found.iter().filter(|f| touches_here(f)).chain(next.iter().filter(|f| touches_next(f)));
        if beaten.into_iter().any(|f| rank(f) > rank(&spanning)) {
            return;
        }
        next.retain(|f| !touches_next(f));
        self.found.retain(|f| !touches_here(f));
        self.found.push(spanning);
    }
}

/// The text as it is read, where that differs: a name without its endings, a cue without its line breaks. No character
/// moves.
fn prepared(address: &TextPlace, text: &str) -> Option<String> {
    if address.surface == text::FILE_NAME {
        return Some(text::file_name(text));
    }
    let broken = address.start_ns.is_some() && text.as_bytes().contains(&b'\n');
    broken.then(|| text.replace('\n', " "))
}

/// Whether the last word of one line and the first of the next could be parts of one number: letters, digits and dashes
/// only, and a digit among them. The times and indices of subtitle files could not.
fn could_go_on(tail: &[u8], head: &[u8]) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-';
    let last_word = tail.iter().rev().take_while(|b| **b != b' ');
    let first_word = head.iter().take_while(|b| **b != b' ');
    let touch = tail.last().is_some_and(plain) && head.first().is_some_and(plain);
    touch
        && last_word.clone().chain(first_word.clone()).all(plain)
        && last_word.chain(first_word).any(u8::is_ascii_digit)
}

/// Whether `earlier` is the same value as one of `now`, in the same spot if it has one; that one then stands for both.
fn shown_again(earlier: &PendingValue, now: &mut [PendingValue]) -> bool {
    let (Some(start), address) = (earlier.location.address.start_ns, &earlier.location.address) else {
        return false;
    };
    let again = now.iter_mut().find(|f| {
        let place = &f.location.address;
        let fresh = place.start_ns.is_some_and(|own| own > start);
        fresh
            && f.kind == earlier.kind
            && f.value == earlier.value
            && same_spot(address.frame_box, place.frame_box)
    });
    let Some(again) = again else {
        return false;
    };
    let until = again.location.address.end_ns.max(address.end_ns);
    let spot = address.frame_box.zip(again.location.address.frame_box).map(|(a, b)| a.around(b));
    again.location = earlier.location.clone();
    again.location.address.end_ns = until;
    again.location.address.frame_box = spot;
    true
}

/// Whether two boxes cover each other by half or more of what they cover together; places without boxes are one.
fn same_spot(a: Option<FrameBox>, b: Option<FrameBox>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => {
            let overlap = |a0: u32, a_len: u32, b0: u32, b_len: u32| {
                let end = a0.saturating_add(a_len).min(b0.saturating_add(b_len));
                u64::from(end.saturating_sub(a0.max(b0)))
            };
            let area = |b: FrameBox| u128::from(b.width) * u128::from(b.height);
            let common = u128::from(overlap(a.x, a.width, b.x, b.width))
                * u128::from(overlap(a.y, a.height, b.y, b.height));
            common * 2 >= area(a) + area(b) - common
        }
        _ => false,
    }
}
