//! The storyboard: sheets of tiles, one for each sample, and an index in WebVTT (W3C WebVTT) whose cues refer to the tiles by
//! media fragments (W3C Media Fragments URI 1.0, 4.2.2: `#xywh=x,y,w,h` in pixels).
//!
//! The worker draws the sheets. The engine writes the index, because players follow its addresses.

use std::fmt::Write;

use crate::messages::{Sample, SampleJob};

/// Name of the index.
pub const INDEX_NAME: &str = "storyboard.vtt";
/// The largest ratio of width to height of a tile: 2.4:1, the widest format of cinema. With it, the memory for tiles is
/// known before the first frame.
const TILE_ASPECT_MAX: (u32, u32) = (12, 5);

/// Name of a sheet, as in the index.
pub fn sheet_name(sheet: usize) -> String {
    format!("storyboard-{sheet:03}.jpg")
}

/// The largest width and height of a tile, for the height that a job asks for.
pub fn tile_max(tile_height: u32) -> (u32, u32) {
    let height = tile_height.clamp(16, 720);
    (height * TILE_ASPECT_MAX.0 / TILE_ASPECT_MAX.1, height)
}

/// The longest side of a poster. A side of a JPEG has at most 65,535 pixels (ITU-T T.81, B.2.2).
pub fn poster_side_max(side_max: u32) -> u32 {
    side_max.clamp(16, 8_192)
}

/// Where the tiles are on the sheets: row by row from the top left, each in a cell as large as the largest tile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    tiles: usize,
    columns: usize,
    rows: usize,
    cell_width: u32,
    cell_height: u32,
}

impl Layout {
    /// The layout of these samples.
    pub fn of(job: &SampleJob, samples: &[Sample]) -> Self {
        let most = |side: fn(&Sample) -> u32| samples.iter().map(side).max().unwrap_or(0);
        Self {
            tiles: samples.len(),
            columns: (job.columns as usize).max(1),
            rows: (job.rows as usize).max(1),
            cell_width: most(|sample| sample.tile_width),
            cell_height: most(|sample| sample.tile_height),
        }
    }

    /// Number of sheets.
    pub fn sheets(&self) -> usize {
        self.tiles.div_ceil(self.tiles_per_sheet())
    }

    /// Width and height of a sheet. The last may be smaller than the others.
    pub fn sheet_size(&self, sheet: usize) -> (u32, u32) {
        let before = sheet.saturating_mul(self.tiles_per_sheet());
        let tiles = self.tiles.saturating_sub(before).min(self.tiles_per_sheet());
        let cells = |count: usize, side: u32| u32::try_from(count).unwrap_or(u32::MAX).saturating_mul(side);
        (
            cells(tiles.min(self.columns), self.cell_width),
            cells(tiles.div_ceil(self.columns), self.cell_height),
        )
    }

    /// The sheet of a tile, and its left and upper side there.
    fn position(&self, tile: usize) -> (usize, usize, usize) {
        let cell = tile % self.tiles_per_sheet();
        let (x, y) = (cell % self.columns, cell / self.columns);
        (tile / self.tiles_per_sheet(), x * self.cell_width as usize, y * self.cell_height as usize)
    }

    fn tiles_per_sheet(&self) -> usize {
        self.columns.saturating_mul(self.rows)
    }
}

/// The text of the index. A tile is shown from its time to the time of the next one. The first is shown from the start of
/// the presentation, and the last until the end of the video.
pub fn index(job: &SampleJob, samples: &[Sample]) -> String {
    let layout = Layout::of(job, samples);
    let mut cues = String::from("WEBVTT\n");
    let borders = borders_ms(samples, job.start_ns.saturating_sub(job.lead_ns), job.end_ns);
    for (tile, (sample, border)) in samples.iter().zip(borders.windows(2)).enumerate() {
        if border[0] == border[1] {
            continue; // WebVTT requires an end after the start, and this tile is shown for less than a millisecond
        }
        let (sheet, x, y) = layout.position(tile);
        let (name, width, height) = (sheet_name(sheet), sample.tile_width, sample.tile_height);
        let (from, to) = (timestamp(border[0]), timestamp(border[1]));
        write!(cues, "\n{from} --> {to}\n{name}#xywh={x},{y},{width},{height}\n")
            .expect("writing to a string never fails");
    }
    cues
}

/// Starts of all cues and the end of the last, milliseconds from the start of the presentation. Each is rounded once, so that cues
/// are contiguous. They never decrease.
fn borders_ms(samples: &[Sample], start_ns: u64, end_ns: u64) -> Vec<u64> {
    let ms = |time_ns: u64| (time_ns.saturating_sub(start_ns).saturating_add(500_000)) / 1_000_000;
    let mut borders = vec![0];
    borders.extend(samples.iter().skip(1).map(|sample| ms(sample.time_ns)));
    let last = borders.last().copied().unwrap_or(0);
    borders.push(ms(end_ns).max(last + 1));
    borders
}

/// `HH:MM:SS.mmm`; hours have more than two digits from 100 hours on.
fn timestamp(ms: u64) -> String {
    let (s, ms) = (ms / 1000, ms % 1000);
    format!("{:02}:{:02}:{:02}.{ms:03}", s / 3600, s / 60 % 60, s % 60)
}

#[cfg(test)]
mod tests {
    use reelgate_flow::facts::{Rational, Rotation};

    use super::*;

    fn job(start_ns: u64, end_ns: u64) -> SampleJob {
        SampleJob {
            track: 0,
            start_ns,
            lead_ns: 0,
            end_ns,
            interval_ns: 1,
            samples_max: 100,
            keyframes_only: true,
            decoders: 1,
            in_flight_max: 1,
            rotation: Rotation::default(),
            pixel_aspect: Rational { num: 1, den: 1 },
            poster_side_max: 1280,
            tile_height: 16,
            columns: 2,
            rows: 2,
        }
    }

    fn samples(times_ns: &[u64]) -> Vec<Sample> {
        let sample = |time_ns: &u64| Sample {
            time_ns: *time_ns,
            luma: 0.0,
            sharpness: 0.0,
            fingerprint: 0,
            scene_score: 0.0,
            tile_width: 16,
            tile_height: 8,
        };
        times_ns.iter().map(sample).collect()
    }

    fn cues(times_ns: &[u64], start_ns: u64, end_ns: u64) -> String {
        index(&job(start_ns, end_ns), &samples(times_ns))
    }

    #[test]
    fn cues_are_contiguous_and_relative_to_the_videos_start() {
        let s = 1_000_000_000;
        let cues = cues(&[10 * s, 12 * s, 14 * s + 40_000_000, 16 * s, 3_700 * s], 10 * s, 3_711 * s);
        let expected = "WEBVTT\n\
            \n00:00:00.000 --> 00:00:02.000\nstoryboard-000.jpg#xywh=0,0,16,8\n\
            \n00:00:02.000 --> 00:00:04.040\nstoryboard-000.jpg#xywh=16,0,16,8\n\
            \n00:00:04.040 --> 00:00:06.000\nstoryboard-000.jpg#xywh=0,8,16,8\n\
            \n00:00:06.000 --> 01:01:30.000\nstoryboard-000.jpg#xywh=16,8,16,8\n\
            \n01:01:30.000 --> 01:01:41.000\nstoryboard-001.jpg#xywh=0,0,16,8\n";
        assert_eq!(cues, expected);
    }

    #[test]
    fn a_single_frame_and_a_late_first_frame_start_at_zero() {
        assert!(cues(&[5_000_000_000], 0, 5_040_000_000).contains("00:00:00.000 --> 00:00:05.040\n"));
        assert!(
            cues(&[0], 0, 0).contains("00:00:00.000 --> 00:00:00.001\n"),
            "a video without a duration still has a cue"
        );
    }

    #[test]
    fn tiles_closer_than_a_millisecond_share_a_cue() {
        let cues = cues(&[0, 1_000_000, 1_200_000, 9_000_000], 0, 10_000_000);
        assert_eq!(cues.matches("-->").count(), 3);
        assert!(cues.contains("00:00:00.001 --> 00:00:00.009\nstoryboard-000.jpg#xywh=0,8,16,8"), "{cues}");
    }

    #[test]
    fn sheets_are_as_large_as_their_tiles_need() {
        let mut five = samples(&[0, 1, 2, 3, 4]);
        five[3].tile_width = 20;
        let layout = Layout::of(&job(0, 9), &five);
        assert_eq!((layout.sheets(), layout.sheet_size(0), layout.sheet_size(1)), (2, (40, 16), (20, 8)));
        let none = Layout::of(&job(0, 9), &[]);
        assert_eq!((none.sheets(), none.sheet_size(0)), (0, (0, 0)));
    }

    #[test]
    fn times_at_the_end_of_their_range_do_not_overflow() {
        assert!(cues(&[0, u64::MAX], 0, u64::MAX).contains(" --> "));
    }
}
