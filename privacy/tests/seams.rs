//! Values across two lines: values cut by the end of a cue, keywords in the cue before, lines that are shown again.

use reelgate_flow::place::FrameBox;
use reelgate_privacy::{Finding, Line};

use crate::{CLASSIFIER, line};

const SECOND: u64 = 1_000_000_000;

/// A cue of two seconds that starts at `second`.
fn cue(text: &str, second: u64) -> Line<'_> {
    let mut cue = line(text, "subtitle", "cue");
    cue.address.track = Some(3);
    (cue.address.start_ns, cue.address.end_ns) = (Some(second * SECOND), Some((second + 2) * SECOND));
    cue
}

fn scan<'a>(lines: impl IntoIterator<Item = Line<'a>>) -> Vec<Finding> {
    CLASSIFIER.scan(lines.into_iter())
}

/// For each finding: id, count, and start and end of the first place, seconds.
fn summary(findings: &[Finding]) -> Vec<(&'static str, u64, u64, u64)> {
    let seconds = |time: Option<u64>| time.map_or(u64::MAX, |time| time / SECOND);
    findings
        .iter()
        .map(|f| {
            let address = &f.locations[0].address;
            (f.kind.id, f.count, seconds(address.start_ns), seconds(address.end_ns))
        })
        .collect()
}

const CARD: &str = "CREDIT_CARD_NUMBER";
const BARE_CARD: &str = "CREDIT_CARD_NUMBER_(NO_KEYWORD)";

#[test]
fn a_card_number_cut_by_the_end_of_a_cue_is_found_with_the_times_of_both() {
    let findings = scan([cue("it's 4539 5787", 1), cue("6362 1486, got it?", 3)]);
    assert_eq!(summary(&findings), [(BARE_CARD, 1, 1, 5)]);
    let place = &findings[0].locations[0];
    assert_eq!((place.start, place.end, place.masked.as_str()), (5, 24, "**** **** **** 1486"));
}

#[test]
fn a_number_cut_into_two_lines_of_one_cue_is_found() {
    assert_eq!(summary(&scan([cue("it's 4539 5787\n6362 1486", 1)])), [(BARE_CARD, 1, 1, 3)]);
}

#[test]
fn a_spanning_value_replaces_a_partial_match_in_one_line() {
    let findings = scan([cue("phone or card 4539 5787", 1), cue("6362 1486", 3)]);
    assert_eq!(summary(&findings), [(CARD, 1, 1, 5)]);
}

#[test]
fn lines_of_different_places_or_far_apart_are_not_joined() {
    let mut other_track = cue("6362 1486", 3);
    other_track.address.track = Some(4);
    assert_eq!(summary(&scan([cue("4539 5787", 1), other_track])), []);
    assert_eq!(summary(&scan([cue("4539 5787", 1), cue("6362 1486", 34)])), []);
    assert_eq!(summary(&scan([cue("4539 5787", 1), cue("6362 1486", 33)])), [(BARE_CARD, 1, 1, 35)]);
    let phone = |second| scan([cue("call 212 555", 1), cue("0123", second)]);
    assert_eq!(summary(&phone(14)), []);
    assert_eq!(summary(&phone(13)), [("PHONE_NUMBER", 1, 1, 15)]);
}

#[test]
fn a_number_with_a_check_digit_continues_after_other_cues_without_a_digit() {
    let between = |middle: &str| scan([cue("4539 5787", 1), cue(middle, 3), cue("6362 1486", 5)]);
    assert_eq!(summary(&between("hm\nyes")), [(BARE_CARD, 1, 1, 7)]);
    assert_eq!(summary(&between("take 2 then")), []);
    assert_eq!(summary(&scan([cue("call 212 555", 1), cue("hm", 3), cue("0123", 5)])), []);
    let mut other_track = cue("6362 1486", 5);
    other_track.address.track = Some(4);
    assert_eq!(summary(&scan([cue("4539 5787", 1), cue("hm", 3), other_track])), []);
}

#[test]
fn a_number_that_is_dictated_in_parts_is_found_once() {
    let parts = ["My card is 4539", "5787", "6362", "1486", "and thanks"];
    let findings = scan(parts.iter().zip([1, 4, 7, 10, 13]).map(|(text, second)| cue(text, second)));
    assert_eq!(summary(&findings), [(CARD, 1, 1, 12)]);
    let place = &findings[0].locations[0];
    assert_eq!((place.start, place.end, place.masked.as_str()), (11, 30, "**** **** **** 1486"));
    let wide = scan([cue("４５３９", 1), cue("５７８７", 4), cue("６３６２ １４８６", 7)]);
    assert_eq!(summary(&wide), [(BARE_CARD, 1, 1, 9)]);
}

#[test]
fn digits_of_another_form_continue_in_the_next_line() {
    assert_eq!(
        summary(&scan([cue("４５３９ ５７８７", 1), cue("６３６２ １４８６", 3)])),
        [(BARE_CARD, 1, 1, 5)]
    );
    let plain = scan([line("४५३९ ५७८७", "text", ""), line("६३६२ १४८६", "text", "")]);
    assert_eq!(plain.iter().map(|f| f.kind.id).collect::<Vec<_>>(), [BARE_CARD]);
}

#[test]
fn lines_without_times_are_joined_only_for_a_correct_check_digit() {
    let plain = |a: &'static str, b: &'static str| {
        scan([line(a, "text", ""), line(b, "text", "")]).iter().map(|f| f.kind.id).collect::<Vec<_>>()
    };
    assert_eq!(plain("4539 5787", "6362 1486"), [BARE_CARD]);
    assert_eq!(plain("phone 212 555", "0123"), [""; 0]);
    assert_eq!(plain("phone", "212 555 0123"), [""; 0]);
    assert_eq!(plain("536-90", "4399"), [""; 0]);
}

#[test]
fn a_keyword_in_the_cue_before_counts() {
    let findings = scan([cue("My social security number is", 1), cue("536 90 4399", 3)]);
    assert_eq!(summary(&findings), [("USA_SOCIAL_SECURITY_NUMBER", 1, 3, 5)]);
    let far = format!("My social security number is {}", "x".repeat(31));
    assert_eq!(summary(&scan([cue(&far, 1), cue("536 90 4399", 3)])), []);
}

#[test]
fn a_line_that_rolls_up_counts_once_and_lasts_until_it_is_gone() {
    let mail = "write to jane.doe@example.org";
    let rolled = format!("{mail}\nor call");
    let findings = scan([cue(mail, 1), cue(&rolled, 3), cue("or call\nme", 5)]);
    assert_eq!(summary(&findings), [("EMAIL_ADDRESS", 1, 1, 5)]);
    let later = scan([cue(mail, 1), cue("or call", 3), cue(mail, 5)]);
    assert_eq!(summary(&later), [("EMAIL_ADDRESS", 2, 1, 3)]);
    let two = scan([cue(mail, 1), cue("write to jane.doe@example.org or john@example.org", 3)]);
    assert_eq!(summary(&two), [("EMAIL_ADDRESS", 2, 1, 5)]);
}

#[test]
fn text_in_a_picture_counts_once_only_in_the_same_spot() {
    let seen = |x: u32, second: u64| {
        let mut seen = cue("jane.doe@example.org", second);
        seen.address.surface = "on_screen_text".to_owned();
        seen.address.frame_box = Some(FrameBox { x, y: 10, width: 100, height: 20 });
        seen
    };
    let still = scan([seen(100, 1), seen(110, 3)]);
    assert_eq!(
        (still[0].count, still[0].locations[0].address.frame_box),
        (1, Some(FrameBox { x: 100, y: 10, width: 110, height: 20 }))
    );
    assert_eq!(scan([seen(100, 1), seen(300, 3)])[0].count, 2);
    let both = scan([seen(100, 1), seen(300, 1), seen(100, 3), seen(300, 3), seen(100, 5)]);
    let ends: Vec<_> =
        both[0].locations.iter().map(|place| place.address.end_ns.map(|end| end / SECOND)).collect();
    assert_eq!(
        (both[0].count, ends),
        (2, vec![Some(5), Some(7)]),
        "two lines of one picture, one of them longer"
    );
}

#[test]
fn no_value_is_lost_in_any_order_of_lines() {
    let mut scanner = CLASSIFIER.scanner();
    for i in 0..40 {
        scanner.push(cue(if i % 2 == 0 { "4539 5787" } else { "6362 1486" }, i * 2));
    }
    let findings = scanner.finish();
    assert_eq!((findings[0].count, findings[0].additional_occurrences), (20, 5));
}
