//! Reads lines one after the other, and values that span two lines.
//!
//! Captions break sentences when a line is full, so a card number may end in the next cue. Roll-up captions show the
//! same line again, one row higher. So the scanner keeps the end of the previous line and the values found in it until
//! it has read the next line. It keeps nothing else: memory does not grow with the text.
//!
//! Two lines are neighbours if surface, element name and track agree and, if they have times, at most ten seconds lie
//! between them. Between neighbours
//! - a value may continue from one line into the next, read with one space between them. If the lines have no times, they
//!   may be lines of any file, so only a value that a check digit proves may continue;
//! - a keyword at the end of a timed line counts at the start of the next line;
//! - a custom identifier reads the space between two timed lines as a part of either;
//! - a value of a timed line that the next line shows again is one occurrence that is shown longer. For text in pictures
//!   this holds for any line of the next moment in the same spot.
//!
//! Between timed lines that are no neighbours, an [`OpenNumber`] may continue.

use reelgate_flow::place::{FrameBox, TextPlace};

use crate::candidate::Strength;
use crate::classifier::{Classifier, char_places};
use crate::finding::{Finding, Location, Scan, Tally};
use crate::identifier::{Category, Kind};
use crate::keywords::Lists;
use crate::line::Line;
use crate::ocr::ON_SCREEN_TEXT;
use crate::open_number::{OpenNumber, could_continue, has_digit};
use crate::overlap::{Match, resolve};
use crate::reader::Around;
use crate::text;

/// Most bytes of each line that a value spanning two lines may use; fewer if the cut would split a character.
const SEAM_BYTES_MAX: usize = 64;
/// Longest pause between two lines that are neighbours, nanoseconds.
const PAUSE_MAX_NS: u64 = 10_000_000_000;

/// Most values of one moment that are kept until the next. A hostile text may put all its lines at one time.
const WAITING_MAX: usize = 1024;

/// Reads lines one after the other; see [`Classifier::scanner`].
pub struct Scanner<'c> {
    classifier: &'c Classifier,
    tally: Tally,
    name: ElementName,
    last: Option<PreviousLine>,
    open: Option<OpenNumber>,
}

/// The element name that the last lines shared, with what it says about them and the values found in it.
#[derive(Default)]
struct ElementName {
    field: String,
    lists: Lists,
    custom: Vec<bool>,
    matches: Vec<Match>,
    masked: String,
}

/// What is kept of the line before.
struct PreviousLine {
    address: TextPlace,
    /// Its last [`SEAM_BYTES_MAX`] bytes.
    tail: String,
    /// Characters of the line before `tail`.
    tail_start: usize,
    /// Values found in the line that are not counted yet.
    found: Vec<PendingValue>,
    /// The same for earlier lines with the same start time, because a picture may show many lines.
    same_moment: Vec<PendingValue>,
    /// The same for the lines of the moment before.
    moment_before: Vec<PendingValue>,
}

/// A value that is not counted yet.
struct PendingValue {
    kind: Kind,
    strength: Strength,
    confidence: u8,
    /// The value itself, to recognise it in the next line. It never leaves the scanner.
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
        self.scan_whole(lines).findings
    }

    /// As [`Classifier::scan`], with every place on screen.
    pub fn scan_whole<'a>(&self, lines: impl Iterator<Item = Line<'a>>) -> Scan {
        let mut scanner = self.scanner();
        lines.for_each(|line| scanner.push(line));
        scanner.finish_scan()
    }
}

impl<'c> Scanner<'c> {
    fn new(classifier: &'c Classifier) -> Scanner<'c> {
        Scanner { classifier, tally: Tally::default(), name: ElementName::default(), last: None, open: None }
    }

    /// Reads the next line. Lines of one track are expected one after the other, in the order of their times.
    pub fn push(&mut self, line: Line<'_>) {
        self.push_at(&line.address, line.text);
    }

    /// As [`Scanner::push`], for many lines that share most of an address: it copies only the parts that changed.
    pub fn push_at(&mut self, address: &TextPlace, text: &str) {
        if self.name.field != address.field {
            self.name = self.named(&address.field);
        }
        self.count_name(address);
        let prepared = prepared(address, text);
        let text = prepared.as_deref().unwrap_or(text);
        let mut found = self.found_in(text, address);
        let neighbour =
            self.open.is_some() && self.last.as_ref().is_some_and(|last| last.is_neighbour_of(address));
        let (mut same_moment, mut moment_before) = (Vec::new(), Vec::new());
        if self
            .last
            .as_ref()
            .is_some_and(|last| last.has_pending_values() || self.may_continue(last, text, address))
            && let Some(last) = self.last.take()
        {
            (same_moment, moment_before) = self.join(last, text, address, &mut found);
        }
        let ended = self.read_open_number(neighbour, text, address, &mut found);
        self.open = OpenNumber::after(self.open.take().filter(|_| !ended), text, address);
        let last = self.last.get_or_insert_with(|| PreviousLine::new(address));
        last.remember(address, text);
        (last.found, last.same_moment, last.moment_before) = (found, same_moment, moment_before);
    }

    /// Joins the previous line with this line. Returns the values that stay uncounted: those of other lines of this
    /// moment, and those of the moment before.
    fn join(
        &mut self,
        mut last: PreviousLine,
        text: &str,
        address: &TextPlace,
        found: &mut Vec<PendingValue>,
    ) -> (Vec<PendingValue>, Vec<PendingValue>) {
        let neighbours = last.is_neighbour_of(address);
        if neighbours
            && self.may_continue(&last, text, address)
            && self.read_seam(&mut last, text, address, found)
        {
            self.open = None;
        }
        let PreviousLine {
            address: last_address, found: last_found, mut same_moment, mut moment_before, ..
        } = last;
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
    pub fn finish(self) -> Vec<Finding> {
        self.finish_scan().findings
    }

    /// The findings with all their places on screen.
    pub fn finish_scan(mut self) -> Scan {
        if let Some(last) = self.last.take() {
            [last.moment_before, last.same_moment, last.found]
                .into_iter()
                .for_each(|found| self.count(found));
        }
        let classifier = self.classifier;
        self.tally.into_scan(|kind, count| classifier.severity(kind, count))
    }

    fn named(&self, field: &str) -> ElementName {
        let matches = resolve(self.classifier.matches(field, Around::default()));
        let mut masked = String::with_capacity(field.len());
        let mut done = 0;
        for m in &matches {
            masked.push_str(&field[done..m.start]);
            masked.push_str(&self.classifier.masked(m.reading.kind, &field[m.start..m.end]));
            done = m.end;
        }
        masked.push_str(&field[done..]);
        let (lists, custom) = self.classifier.named_by(field);
        ElementName { field: field.to_owned(), lists, custom, matches, masked }
    }

    /// The address with its element name masked, as findings show it.
    fn outgoing(&self, address: &TextPlace) -> TextPlace {
        TextPlace { field: self.name.masked.clone(), ..address.clone() }
    }

    /// Counts the values in the element's name.
    fn count_name(&mut self, address: &TextPlace) {
        let ElementName { field, matches, .. } = &self.name;
        if matches.is_empty() {
            return;
        }
        let places = char_places(field, matches);
        let found: Vec<PendingValue> =
            matches.iter().zip(places).map(|(m, place)| self.found(m, field, place, address)).collect();
        self.count(found);
    }

    fn count(&mut self, found: Vec<PendingValue>) {
        found.into_iter().for_each(|found| self.tally.add(found.kind, found.location));
    }

    fn around(&self) -> Around<'_> {
        Around { lists: self.name.lists, custom: &self.name.custom }
    }

    /// The matches in `text`, and the corrected text if text recognition had errors.
    fn matches(&self, text: &str, surface: &str) -> (Option<String>, Vec<Match>) {
        if surface == ON_SCREEN_TEXT {
            return self.classifier.matches_on_screen(text, self.around());
        }
        (None, self.classifier.matches(text, self.around()))
    }

    fn found_in(&self, text: &str, address: &TextPlace) -> Vec<PendingValue> {
        let (corrected, matches) = self.matches(text, &address.surface);
        if matches.is_empty() {
            return Vec::new(); // true for nearly every line, and the rest would cost more than reading it
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

    /// Whether a value may continue from the end of the previous line into `text`.
    fn may_continue(&self, last: &PreviousLine, text: &str, address: &TextPlace) -> bool {
        let head = &text[..text.floor_char_boundary(SEAM_BYTES_MAX)];
        match address.start_ns {
            Some(_) => has_digit(head) || self.classifier.has_custom(),
            None => could_continue(&last.tail, head),
        }
    }

    /// The end of one line and the start of the next, with one space between them, and the matches that need the space or
    /// the next line.
    fn seam(&self, tail: &str, text: &str, surface: &str) -> (String, Vec<Match>) {
        let head = &text[..text.floor_char_boundary(SEAM_BYTES_MAX)];
        let joined = format!("{tail} {head}");
        let (corrected, mut matches) = self.matches(&joined, surface);
        let joined = corrected.unwrap_or(joined);
        let (space, cut) = (tail.len(), head.len() < text.len());
        matches.retain_mut(|m| {
            let whole = m.end > space && !(cut && m.end == joined.len());
            // The space is in neither line, so a match that begins or ends with it is a match of one line.
            m.start += usize::from(m.start == space);
            m.end -= usize::from(m.end == space + 1);
            whole && m.start < m.end
        });
        (joined, matches)
    }

    /// Finds values that need both the end of the previous line and the start of this line. Returns whether a value is in
    /// both.
    fn read_seam(
        &self,
        last: &mut PreviousLine,
        text: &str,
        address: &TextPlace,
        found: &mut Vec<PendingValue>,
    ) -> bool {
        let timed = address.start_ns.is_some();
        let (joined, matches) = self.seam(&last.tail, text, &address.surface);
        let (space, next_line) = (last.tail.len(), last.tail.chars().count() + 1);
        let mut both = false;
        for (m, (start, end)) in matches.iter().zip(char_places(&joined, &matches)) {
            let place = (last.tail_start + start, last.tail_start + end);
            if m.start < space && m.end > space {
                if timed || m.strength == Strength::Checksum {
                    let address = last.address.to(address);
                    last.replace_overlapping(self.found(m, &joined, place, &address), end - next_line, found);
                    both = true;
                }
            } else if timed && m.end <= space {
                let value = self.found(m, &joined, place, &last.address);
                add_if_free(&mut last.found, value);
            } else if timed {
                add_if_free(found, self.found(m, &joined, (start - next_line, end - next_line), address));
            }
        }
        both
    }

    /// Finds values that earlier lines began and this line ends, and that a check digit proves. Returns whether there are.
    /// `neighbour` if this line and the one before it were joined already.
    fn read_open_number(
        &self,
        neighbour: bool,
        text: &str,
        address: &TextPlace,
        found: &mut Vec<PendingValue>,
    ) -> bool {
        let joined_already = |open: &&OpenNumber| neighbour && open.is_last_line;
        let open = self.open.as_ref().filter(|open| !joined_already(open));
        let Some(open) = open.filter(|open| open.may_continue(text, address)) else {
            return false;
        };
        let (joined, matches) = self.seam(&open.tail, text, &address.surface);
        let (space, next_line) = (open.tail.len(), open.tail.chars().count() + 1);
        let mut any = false;
        for (m, (start, end)) in matches.iter().zip(char_places(&joined, &matches)) {
            if m.start < space && m.end > space && m.strength == Strength::Checksum {
                let place = (open.tail_start + start, open.tail_start + end);
                let value = self.found(m, &joined, place, &open.address.to(address));
                found.retain(|f| f.location.start >= end - next_line || !compete(f.kind, value.kind));
                found.push(value);
                any = true;
            }
        }
        any
    }
}

impl PreviousLine {
    fn new(address: &TextPlace) -> PreviousLine {
        PreviousLine {
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

    fn has_pending_values(&self) -> bool {
        !(self.found.is_empty() && self.same_moment.is_empty() && self.moment_before.is_empty())
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

    /// Replaces the values that overlap `spanning` in either line, unless one of them is more certain. `spanning` ends
    /// at `end` in the next line.
    fn replace_overlapping(&mut self, spanning: PendingValue, end: usize, next: &mut Vec<PendingValue>) {
        let rank = |f: &PendingValue| (f.strength, f.confidence);
        let competes = |f: &PendingValue| compete(f.kind, spanning.kind);
        let touches_here = |f: &PendingValue| f.location.end > spanning.location.start && competes(f);
        let touches_next = |f: &PendingValue| f.location.start < end && competes(f);
        let overlapping =
            self.found.iter().filter(|f| touches_here(f)).chain(next.iter().filter(|f| touches_next(f)));
        if overlapping.into_iter().any(|f| rank(f) > rank(&spanning)) {
            return;
        }
        next.retain(|f| !touches_next(f));
        self.found.retain(|f| !touches_here(f));
        self.found.push(spanning);
    }
}

/// The text as it is read, if that differs: a file name without its endings, a cue without its line breaks. No
/// character changes its index.
fn prepared(address: &TextPlace, text: &str) -> Option<String> {
    if address.surface == text::FILE_NAME {
        return Some(text::file_name(text));
    }
    let broken = address.start_ns.is_some() && text.as_bytes().contains(&b'\n');
    broken.then(|| text.replace('\n', " "))
}

/// Whether only one of two overlapping values counts. A custom identifier counts in addition to any other.
fn compete(one: Kind, other: Kind) -> bool {
    let custom = [one, other].iter().any(|kind| kind.category == Category::CustomIdentifier);
    one == other || !custom
}

/// Adds `value` unless it overlaps one that is known already.
fn add_if_free(known: &mut Vec<PendingValue>, value: PendingValue) {
    let (start, end) = (value.location.start, value.location.end);
    let apart = |f: &PendingValue| f.location.end <= start || end <= f.location.start;
    if known.iter().all(|f| apart(f) || !compete(f.kind, value.kind)) {
        known.push(value);
        known.sort_by_key(|f| f.location.start);
    }
}

/// Whether `now` shows the value of `earlier` again, in the same spot if it has one. The later value then takes the
/// start of the earlier one and represents both.
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

/// Whether the common area of two boxes is at least half of their union. Two places without boxes are the same spot.
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
