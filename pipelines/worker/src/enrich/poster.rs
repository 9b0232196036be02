//! Chooses the poster among the sampled frames: sharp, well lit, rich in tones, and not at cuts, fades or the ends.

use super::measure::{Measures, richness};

/// The best mean luma of a poster, a little below the middle of the range.
const LUMA_BEST: f32 = 110.0;
/// A frame whose mean luma differs from the best by this much has the lowest score.
const LUMA_RANGE: f32 = 110.0;
/// Part of the video at each end that is avoided: leaders, titles, credits, fades.
const ENDS: f64 = 0.05;

/// One candidate, in order of time.
pub struct Candidate<'a> {
    /// Presentation time, stream time.
    pub time_ns: u64,
    pub measures: &'a Measures,
    /// Distance from the previous candidate, 0 to 1.
    pub scene_score: f32,
}

/// Position of the best candidate; `None` without candidates. Among equal ones, the earliest is chosen.
pub fn choose(candidates: &[Candidate], start_ns: u64, end_ns: u64) -> Option<usize> {
    let sharpest = candidates.iter().map(|one| one.measures.sharpness).fold(0.0, f32::max);
    let scores = candidates.iter().enumerate().map(|(index, one)| {
        let next = candidates.get(index + 1).map_or(0.0, |next| next.scene_score);
        let score = quality(one, sharpest) * calm(one.scene_score, next);
        // If all frames are equal (a black video), only the position in the video counts.
        (score + 0.001) * position_score(one.time_ns, start_ns, end_ns, index == 0)
    });
    let mut best = None;
    for (index, score) in scores.enumerate() {
        if best.is_none_or(|(_, highest)| score > highest) {
            best = Some((index, score));
        }
    }
    best.map(|(index, _)| index)
}

/// 0 to 1. Sharpness counts by its logarithm, because very high values come from noise.
fn quality(one: &Candidate, sharpest: f32) -> f32 {
    let sharpness = if sharpest > 0.0 { one.measures.sharpness.ln_1p() / sharpest.ln_1p() } else { 0.0 };
    let light = 1.0 - ((one.measures.luma - LUMA_BEST).abs() / LUMA_RANGE).min(1.0);
    sharpness * light.sqrt() * richness(&one.measures.histogram)
}

/// 0.7 to 1. A frame that differs much from a neighbour is probably at a cut or in a fade.
fn calm(before: f32, after: f32) -> f32 {
    1.0 - 0.3 * before.max(after).clamp(0.0, 1.0)
}

fn position_score(time_ns: u64, start_ns: u64, end_ns: u64, first: bool) -> f32 {
    let at = time_ns.saturating_sub(start_ns) as f64 / end_ns.saturating_sub(start_ns).max(1) as f64;
    if first {
        return 0.3;
    }
    if (ENDS..=1.0 - ENDS).contains(&at) { 1.0 } else { 0.6 }
}

#[cfg(test)]
mod tests {
    use super::super::measure::{distance, measure};
    use super::super::picture::Picture;
    use super::*;

    fn chosen(pictures: &[Picture]) -> Option<usize> {
        let measures: Vec<Measures> = pictures.iter().map(measure).collect();
        let candidates: Vec<Candidate> = measures
            .iter()
            .enumerate()
            .map(|(index, measures)| Candidate {
                time_ns: index as u64 * 100,
                measures,
                scene_score: index
                    .checked_sub(1)
                    .map_or(0.0, |before| distance(&measures.histogram, &self::histogram(&pictures[before]))),
            })
            .collect();
        choose(&candidates, 0, pictures.len() as u64 * 100)
    }

    fn histogram(picture: &Picture) -> super::super::measure::Histogram {
        measure(picture).histogram
    }

    fn scene(brightness: usize) -> Picture {
        Picture::grey(64, 36, |x, y| ((x * 7 + y * 13) % 120 + brightness) as u8)
    }

    fn flat(luma: u8) -> Picture {
        Picture::grey(64, 36, |_, _| luma)
    }

    #[test]
    fn black_white_and_the_first_frame_are_avoided() {
        assert_eq!(chosen(&[scene(50), flat(0), flat(255), scene(50), flat(0)]), Some(3));
    }

    #[test]
    fn a_well_lit_frame_is_preferred_to_a_dark_one() {
        assert_eq!(chosen(&[flat(0), scene(0), scene(50), scene(0), flat(0)]), Some(2));
    }

    #[test]
    fn a_picture_is_preferred_to_a_title_on_black() {
        let title = Picture::grey(64, 36, |x, y| if y == 18 && x % 3 == 0 { 255 } else { 0 });
        assert_eq!(chosen(&[flat(0), title.clone(), scene(60), title, flat(0)]), Some(2));
    }

    #[test]
    fn a_black_video_one_frame_and_no_frame_are_handled() {
        assert_eq!(chosen(&[flat(0), flat(0), flat(0)]), Some(1));
        assert_eq!(chosen(&[flat(0)]), Some(0));
        assert_eq!(chosen(&[]), None);
    }
}
