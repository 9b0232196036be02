//! What an edit list (ISO/IEC 14496-12, 8.6.6) shows of a track, and when.

/// One entry of an edit list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Edit {
    /// Ticks of the movie.
    pub duration: u64,
    /// Ticks of the track; `None` for a time without media.
    pub media_time: Option<i64>,
}

/// A part of the track's media and the time at which it is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// Ticks of the track.
    pub start: i64,
    /// Ticks of the track; `None` until the end of the media.
    pub end: Option<i64>,
    /// Ticks of the movie.
    pub shown: u64,
}

/// The spans in order. Without edits, all of the media is shown at its own times. `media_end` is the end of the last sample.
pub fn spans(edits: &[Edit], movie_timescale: u32, timescale: u32, media_end: i64) -> Vec<Span> {
    let whole = Span { start: 0, end: None, shown: 0 };
    let mut spans: Vec<Span> = Vec::new();
    let mut shown = 0u64;
    for (at, edit) in edits.iter().enumerate() {
        let begins = shown;
        shown = shown.saturating_add(edit.duration);
        let Some(start) = edit.media_time.filter(|start| *start < media_end) else { continue };
        let ticks = ticks(edit.duration, movie_timescale, timescale);
        // A duration of 0 in the last entry means the rest: fragments follow, or the writer did not know it (8.6.6.1).
        let is_rest = edit.duration == 0 && at + 1 == edits.len();
        if edit.duration == 0 && !is_rest {
            continue;
        }
        let end = if is_rest { None } else { Some(start.saturating_add(ticks)) };
        match spans.last_mut() {
            Some(last) if last.end == Some(start) => last.end = end,
            _ => spans.push(Span { start, end, shown: begins }),
        }
    }
    if spans.is_empty() { vec![whole] } else { spans }
}

/// A duration of the movie in ticks of the track, rounded up, so that rounding cuts no sample.
fn ticks(duration: u64, movie_timescale: u32, timescale: u32) -> i64 {
    let scaled = u128::from(duration) * u128::from(timescale);
    scaled
        .checked_div(u128::from(movie_timescale))
        .map_or(0, |_| i64::try_from(scaled.div_ceil(u128::from(movie_timescale))).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(duration: u64, media_time: i64) -> Edit {
        Edit { duration, media_time: Some(media_time) }
    }

    fn gap(duration: u64) -> Edit {
        Edit { duration, media_time: None }
    }

    fn of(edits: &[Edit]) -> Vec<Span> {
        spans(edits, 1_000, 90_000, 900_000)
    }

    #[test]
    fn without_an_edit_everything_is_shown() {
        let whole = Span { start: 0, end: None, shown: 0 };
        assert_eq!(of(&[]), [whole]);
        assert_eq!(of(&[gap(500)]), [whole], "a list that shows nothing is no list");
        assert_eq!(of(&[edit(500, 900_000)]), [whole], "it begins after the media");
    }

    #[test]
    fn an_edit_starts_inside_of_the_media_and_a_gap_delays_it() {
        assert_eq!(of(&[edit(2_000, 315_000)]), [Span { start: 315_000, end: Some(495_000), shown: 0 }]);
        let delayed = Span { start: 0, end: Some(90_000), shown: 500 };
        assert_eq!(of(&[gap(500), edit(1_000, 0)]), [delayed]);
    }

    #[test]
    fn edits_that_continue_each_other_are_one_and_others_are_not() {
        let one = Span { start: 0, end: Some(180_000), shown: 0 };
        assert_eq!(of(&[edit(1_000, 0), edit(1_000, 90_000)]), [one]);
        let twice = [
            Span { start: 0, end: Some(90_000), shown: 0 },
            Span { start: 0, end: Some(90_000), shown: 1_000 },
        ];
        assert_eq!(of(&[edit(1_000, 0), edit(1_000, 0)]), twice);
    }

    #[test]
    fn a_last_edit_without_a_duration_shows_the_rest() {
        assert_eq!(of(&[edit(0, 3_000)]), [Span { start: 3_000, end: None, shown: 0 }]);
        assert_eq!(of(&[edit(0, 3_000), edit(1, 0)]), [Span { start: 0, end: Some(90), shown: 0 }]);
    }

    #[test]
    fn durations_round_up_and_no_timescale_divides_by_zero() {
        assert_eq!(ticks(1, 600, 90_000), 150);
        assert_eq!(ticks(1, 1_000, 44_100), 45);
        assert_eq!(ticks(5, 0, 90_000), 0);
        assert_eq!(ticks(u64::MAX, 1, u32::MAX), i64::MAX);
    }
}
