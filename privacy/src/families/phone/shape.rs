//! The shape of a written number: groups of digits, their separators, an extension. Also shapes that are no phone
//! number.

use crate::bytes::{at, gap_end, is_digit, number, run_end};

/// Most groups that are read; a phone number has fewer.
const GROUPS_MAX: usize = 7;
/// Most digits of a group that are read.
const GROUP_DIGITS_MAX: usize = 18;
/// Most digits of an extension.
const EXTENSION_DIGITS_MAX: usize = 6;

/// One run of digits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group<'t> {
    pub digits: &'t str,
    /// Index after the group's last byte, its closing parenthesis included.
    pub end: usize,
    pub in_parentheses: bool,
    /// The sign before it: a space, `-`, `.` or `/`; `None` at the start and next to a parenthesis. See [`separator_at`].
    pub separator: Option<u8>,
}

/// A number as it is written.
#[derive(Clone, Debug)]
pub(super) struct Shape<'t> {
    pub start: usize,
    /// Whether it starts with `+`.
    pub plus: bool,
    pub groups: Vec<Group<'t>>,
}

impl<'t> Shape<'t> {
    /// Reads as many groups as there are from `start`.
    pub fn read(text: &'t [u8], start: usize) -> Option<Shape<'t>> {
        let plus = at(text, start) == Some(b'+');
        if !plus && too_short(text, start) {
            return None;
        }
        let mut shape = Shape { start, plus, groups: Vec::new() };
        let mut from = start + usize::from(plus);
        let mut separator = None;
        while shape.groups.len() < GROUPS_MAX {
            let in_parentheses = at(text, from) == Some(b'(');
            let first = from + usize::from(in_parentheses);
            let last = run_end(text, first, GROUP_DIGITS_MAX, |b| b.is_ascii_digit());
            let open = in_parentheses && at(text, last) != Some(b')');
            if first == last || open {
                break;
            }
            let end = last + usize::from(in_parentheses);
            let digits = std::str::from_utf8(&text[first..last]).unwrap_or_default();
            shape.groups.push(Group { digits, end, in_parentheses, separator });
            (separator, from) = separator_at(text, end);
            let parted = separator.is_some() || in_parentheses || at(text, from) == Some(b'(');
            if !parted {
                break;
            }
        }
        (!shape.groups.is_empty()).then_some(shape)
    }

    /// The number of the first `count` groups.
    pub fn first(&self, count: usize) -> Shape<'t> {
        Shape { groups: self.groups.iter().take(count).copied().collect(), ..*self }
    }

    /// Index after the last byte.
    pub fn end(&self) -> usize {
        self.groups.last().map_or(self.start, |group| group.end)
    }

    /// All digits. For an international number without the trunk zero in parentheses, as in `+44 (0)20`.
    pub fn digits(&self) -> String {
        let dialled = |group: &&Group| !(self.plus && group.in_parentheses && group.digits == "0");
        self.groups.iter().filter(dialled).map(|group| group.digits).collect()
    }

    /// Length of each group.
    pub fn widths(&self) -> Vec<usize> {
        self.groups.iter().map(|group| group.digits.len()).collect()
    }

    /// Whether all separators are the same sign. The separator after a group in parentheses may differ, and so may a
    /// slash after an area code.
    pub fn evenly_parted(&self) -> bool {
        let bound = |pair: &&[Group]| !pair[0].in_parentheses && pair[1].separator != Some(b'/');
        let pairs = self.groups.windows(2).filter(bound);
        let mut signs = pairs.map(|pair| pair[1].separator);
        let first = signs.next();
        signs.all(|sign| Some(sign) == first)
    }

    /// Whether `sign` separates any two groups.
    pub fn parted_by(&self, sign: u8) -> bool {
        self.groups.iter().any(|group| group.separator == Some(sign))
    }

    /// Whether the groups look like a date or a time: `2023-05-09…`, `20230509 114830`, `09.05.2023`, `11.48.30`.
    pub fn like_a_date_or_time(&self) -> bool {
        let values: Vec<u32> = self.groups.iter().filter_map(|g| number(g.digits.as_bytes())).collect();
        let year = |v: u32| (1900..=2099).contains(&v);
        let day_and_month = |a: u32, b: u32| (1..=31).contains(&a.max(b)) && (1..=12).contains(&a.min(b));
        match (values.as_slice(), self.widths().as_slice()) {
            ([v, ..], [8, ..]) if year(v / 10_000) && day_and_month(v % 100, v / 100 % 100) => true,
            ([y, m, d, ..], [4, 1..=2, 1..=2, ..]) if year(*y) && day_and_month(*m, *d) => true,
            ([d, m, y, ..], [1..=2, 1..=2, 4, ..]) if year(*y) && day_and_month(*m, *d) => true,
            ([_, _, _], [2, 2, 2]) => self.parted_by(b'.') || self.parted_by(b'-'),
            _ => false,
        }
    }
}

/// The sign that parts two groups at `end`, and where it ends. Several spaces, tabs and the signs that stand for a space
/// count as one space, and a sign between spaces as that sign.
fn separator_at(text: &[u8], end: usize) -> (Option<u8>, usize) {
    let next = gap_end(text, end);
    let sign = match &text[end..next] {
        [sign @ (b' ' | b'-' | b'.' | b'/')] | [b' ', sign @ (b'-' | b'.' | b'/'), b' '] => *sign,
        gap if gap.iter().all(|b| matches!(b, b' ' | b'\t')) && !gap.is_empty() => b' ',
        b"+" | b"|" if is_digit(at(text, next)) => b' ',
        [sign @ (b' ' | b'-' | b'.' | b'/'), ..] => return (Some(*sign), end + 1),
        _ => return (None, end),
    };
    (Some(sign), next)
}

/// Whether the run of digits at `start` is too short for a number and nothing follows it. This holds for nearly every
/// number in a text, so it is checked before anything is allocated.
fn too_short(text: &[u8], start: usize) -> bool {
    let end = run_end(text, start, 7, |b| b.is_ascii_digit());
    let (_, next) = separator_at(text, end);
    (1..7).contains(&(end - start)) && !is_digit(at(text, next)) && at(text, next) != Some(b'(')
}

/// End of an extension after `end` (`x1234`, ` x 12`, ` ext. 12`); `None` if there is none.
pub(super) fn extension_end(text: &[u8], end: usize) -> Option<usize> {
    let word = run_end(text, end, 1, |b| b == b' ');
    let word_end = run_end(text, word, 3, |b| b.is_ascii_alphabetic());
    if !matches!(text[word..word_end].to_ascii_lowercase().as_slice(), b"x" | b"ext") {
        return None;
    }
    let digits = run_end(text, word_end, 2, |b| b == b'.' || b == b' ');
    let last = run_end(text, digits, EXTENSION_DIGITS_MAX, |b| b.is_ascii_digit());
    (last > digits && !is_digit(at(text, last))).then_some(last)
}
