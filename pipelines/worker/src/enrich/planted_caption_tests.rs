//! Values in every written form, planted in captions of line 21 (CEA-608) and of digital television (CEA-708), are collected in
//! a form in which the classifier finds them. The files are made here.

use cea608_types::Cea608Writer;
use cea608_types::tables::{Channel, Code, Control, ControlCode, Field, PreambleAddressCode, PreambleType};
use cea708_types::tables::{Anchor, Code as TvCode, DefineWindowArgs, Ext1, WindowBits};
use reelgate_pipelines::messages::TextLine;

use super::captioned_video::{PICTURE_NS, TRIPLETS_MAX, captioned, line21};
use super::planted_tests::written_forms::{Planted, planted};
use super::planted_tests::{collected, documented, named, surprises, unix};

/// The caption data of a caption or of a picture.
type Triplets = Vec<[u8; 3]>;

/// Columns of the screen of line 21.
const COLUMNS: usize = 32;
/// Columns of a window on a wide picture.
const WINDOW_COLUMNS: usize = 42;
/// Rows of either.
const ROWS: usize = 15;
/// Bytes of a block of one service.
const BLOCK_BYTES_MAX: usize = 31;

/// What is not found in rows that move up, in addition: the form, and the values. Each row is a text of its own, as it appears and
/// disappears alone.
const ROLL_UP_LIMITS: &[(&str, &[&str])] = &[
    ("line breaks", &["phone", "ssn"]),
    ("line breaks of Windows", &["phone", "ssn"]),
    ("percent-encoded full-width digits", &["card", "iban", "phone", "nhs", "position"]),
    ("decimal references", &["iban", "token", "login", "position"]),
    ("hexadecimal references", &["iban", "nhs", "token", "login", "position"]),
    ("escapes of JSON", &["iban", "nhs", "token", "login", "position"]),
    ("escapes of C", &["token", "position"]),
    ("SubRip font", &["iban"]),
    ("TTML span", &["iban"]),
    ("SubStation karaoke", &["iban"]),
    ("ruby", &["iban"]),
];

/// The rows of a text. Words are broken only where one is longer than a row.
fn rows(text: &str, columns: usize) -> Vec<String> {
    let mut rows = Vec::new();
    for paragraph in text.split('\n') {
        let mut row: Vec<char> = Vec::new();
        for (number, word) in paragraph.split(' ').enumerate() {
            let word: Vec<char> = word.chars().collect();
            if number > 0 && row.len() + 1 + word.len() <= columns {
                row.push(' ');
            } else if number > 0 {
                rows.push(std::mem::take(&mut row));
            }
            row.extend(word);
            while row.len() > columns {
                let rest = row.split_off(columns);
                rows.push(std::mem::replace(&mut row, rest));
            }
        }
        rows.push(row);
    }
    assert!(rows.len() <= ROWS, "{text}");
    rows.into_iter().map(String::from_iter).collect()
}

/// Pictures with these captions one after another, and the times of the first and the last picture of each.
fn pictures(captions: &[Triplets]) -> (Vec<Triplets>, Vec<(u64, u64)>) {
    let (mut pictures, mut times) = (Vec::new(), Vec::new());
    for triplets in captions {
        let first = pictures.len();
        pictures.extend(triplets.chunks(TRIPLETS_MAX).map(<[_]>::to_vec));
        times.push((first as u64 * PICTURE_NS, (pictures.len() - 1) as u64 * PICTURE_NS));
    }
    (pictures, times)
}

/// What is wrong with the captions of these values.
fn wrong(name: &str, shown: &[Planted], limits: &[(&str, &[&str])], captions: &[Triplets]) -> Vec<String> {
    let (pictures, times) = pictures(captions);
    let lines = collected(&captioned(&pictures), "caption");
    assert!(lines.len() >= shown.len(), "{name}: {} lines of {} captions", lines.len(), shown.len());
    let of = |index: usize, _: &Planted| -> Vec<TextLine> {
        let (first, last) = times[index];
        let is_it = |line: &&TextLine| line.start_ns.is_some_and(|start| (first..=last).contains(&start));
        lines.iter().filter(is_it).cloned().collect()
    };
    surprises(name, true, shown, limits, of)
}

/// The code of a character of line 21. Its transparent space stands for the no-break space.
fn code(c: char) -> Option<Code> {
    match c {
        '\u{A0}' => Some(control(Control::TransparentSpace)),
        c => Code::from_char(c, Channel::ONE),
    }
}

fn control(control: Control) -> Code {
    Code::Control(ControlCode::new(Field::ONE, Channel::ONE, control))
}

/// The values that line 21 can show: it lacks most signs beyond ASCII and has no invisible characters. Such values are not
/// planted.
fn shown_in_line21() -> Vec<Planted> {
    let is_shown = |one: &Planted| unix(&one.text).chars().all(|c| c == '\n' || code(c).is_some());
    planted().into_iter().filter(is_shown).collect()
}

/// How line 21 shows a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Style {
    /// The whole caption appears at once.
    PopOn,
    /// The characters appear one after another.
    PaintOn,
    /// The rows move up.
    RollUp,
    /// In the text service, whose rows move up.
    Text,
}

/// The triplets that show a text.
fn in_line21(text: &str, style: Style) -> Triplets {
    let mut writer = Cea608Writer::default();
    let rows = rows(&unix(text), COLUMNS);
    let start: &[Control] = match style {
        Style::PopOn => &[Control::ResumeCaptionLoading, Control::EraseNonDisplayedMemory],
        Style::PaintOn => &[Control::ResumeDirectionCaptioning, Control::EraseDisplayedMemory],
        Style::RollUp => &[Control::RollUp4],
        Style::Text => &[Control::ResumeTextDisplay],
    };
    start.iter().for_each(|start| writer.push(control(*start)));
    for (number, row) in (ROWS - rows.len()..).zip(&rows) {
        if matches!(style, Style::RollUp | Style::Text) {
            writer.push(control(Control::CarriageReturn));
        } else {
            let start = PreambleAddressCode::new(number as u8, false, PreambleType::Indent0);
            writer.push(control(Control::PreambleAddress(start)));
        }
        row.chars().for_each(|c| writer.push(code(c).expect("only what can be shown is planted")));
    }
    if style == Style::PopOn {
        writer.push(control(Control::EndOfCaption));
    }
    let mut triplets = Vec::new();
    while writer.n_codes() > 0 {
        let pair = writer.pop().map(|byte| byte & 0x7f);
        // Control codes come twice (CTA-608-E, 8.3).
        let times = if (0x10..=0x1f).contains(&pair[0]) { 2 } else { 1 };
        triplets.extend(std::iter::repeat_n(line21(pair), times));
    }
    triplets
}

#[test]
fn captions_of_line_21_are_searched_in_every_form() {
    let shown = shown_in_line21();
    assert_eq!((shown.len(), planted().len()), (891, 1_250));
    let mut all = Vec::new();
    for style in [Style::PopOn, Style::PaintOn, Style::RollUp, Style::Text] {
        let captions: Vec<_> = shown.iter().map(|one| in_line21(&one.text, style)).collect();
        let limits = if matches!(style, Style::RollUp | Style::Text) { ROLL_UP_LIMITS } else { &[] };
        all.extend(wrong(&format!("{style:?}"), &shown, limits, &captions));
    }
    assert_eq!(all, [""; 0]);
}

/// The code of a character of digital television. What its own sets lack has a code of 16 bits.
fn tv_code(c: char) -> Option<TvCode> {
    match c {
        '\u{A0}' => Some(TvCode::Ext1(Ext1::NonBreakingTransparentSpace)),
        c => TvCode::from_char(c).or_else(|| u16::try_from(u32::from(c)).ok().map(TvCode::P16)),
    }
}

/// The triplets that show a text in a window of service 1, `number` packets after the first.
fn in_service(text: &str, number: &mut u8) -> Triplets {
    let window = DefineWindowArgs::new(
        0,
        0,
        Anchor::BottomMiddle,
        false,
        74,
        105,
        ROWS as u8 - 1,
        WINDOW_COLUMNS as u8 - 1,
        true,
        true,
        false,
        1,
        1,
    );
    let mut codes = vec![TvCode::DeleteWindows(WindowBits::ZERO), TvCode::DefineWindow(window)];
    for (at, row) in rows(&unix(text), WINDOW_COLUMNS).iter().enumerate() {
        codes.extend((at > 0).then_some(TvCode::CR));
        codes.extend(row.chars().map(|c| tv_code(c).expect("only what can be shown is planted")));
    }
    codes.push(TvCode::DisplayWindows(WindowBits::ZERO));
    let mut blocks = vec![Vec::new()];
    for code in codes {
        let mut bytes = Vec::new();
        code.write(&mut bytes).unwrap();
        match blocks.last_mut() {
            Some(block) if block.len() + bytes.len() <= BLOCK_BYTES_MAX => block.extend(bytes),
            _ => blocks.push(bytes),
        }
    }
    let mut triplets = Vec::new();
    for block in blocks {
        let mut packet = [&[0, 1 << 5 | block.len() as u8], &block[..]].concat();
        packet.resize(packet.len().next_multiple_of(2), 0);
        packet[0] = *number << 6 | (packet.len() / 2) as u8;
        *number = (*number + 1) % 4;
        let kind = |at: usize| if at == 0 { 0xff } else { 0xfe };
        triplets.extend(packet.chunks(2).enumerate().map(|(at, pair)| [kind(at), pair[0], pair[1]]));
    }
    triplets
}

#[test]
fn captions_of_digital_television_are_searched_in_every_form() {
    let is_shown = |one: &Planted| unix(&one.text).chars().all(|c| c == '\n' || tv_code(c).is_some());
    let shown: Vec<_> = planted().into_iter().filter(is_shown).collect();
    assert_eq!((shown.len(), planted().len()), (1_195, 1_250));
    let mut number = 0;
    let captions: Vec<_> = shown.iter().map(|one| in_service(&one.text, &mut number)).collect();
    assert_eq!(wrong("windows", &shown, &[], &captions), [""; 0]);
}

#[test]
fn the_documentation_names_every_limit_of_captions() {
    assert_eq!(documented("roll-up captions"), named(ROLL_UP_LIMITS));
}
