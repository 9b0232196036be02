//! Storyboard sprites: sheets of tiles, and a WebVTT file (W3C WebVTT) whose cues refer to the tiles by media fragments
//! (W3C Media Fragments URI 1.0, 4.2.2: `#xywh=x,y,w,h` in pixels).

use std::fmt::Write;

use rayon::prelude::*;
use reelgate_flow::reason::Fault;

use super::jpeg::Sheet;
use super::picture::Picture;

/// JPEG quality: enough for a preview of a hundred pixels.
const QUALITY: u8 = 75;

pub struct Tile<'a> {
    /// Presentation time, stream time.
    pub time_ns: u64,
    pub picture: &'a Picture,
}

pub struct Storyboard {
    /// Encoded sheets in order.
    pub sheets: Vec<Vec<u8>>,
    /// The text of the WebVTT file.
    pub cues: String,
}

/// Columns and rows of a sheet.
#[derive(Clone, Copy)]
pub struct Grid {
    /// Cells in a row.
    pub columns: usize,
    /// Rows of a full sheet.
    pub rows: usize,
}

/// Name of a sheet, as in the cues.
pub fn sheet_name(sheet: usize) -> String {
    format!("storyboard-{sheet:03}.jpg")
}

/// Places the tiles on sheets, in order of time. A tile is shown from its time to the time of the next one. The first is
/// shown from the start of the video, and the last until its end.
pub fn storyboard(tiles: &[Tile], grid: Grid, start_ns: u64, end_ns: u64) -> Result<Storyboard, Fault> {
    let grid = Grid { columns: grid.columns.max(1), rows: grid.rows.max(1) };
    let per_sheet = grid.columns.saturating_mul(grid.rows);
    let cell_width = tiles.iter().map(|tile| tile.picture.width).max().unwrap_or(0);
    let cell_height = tiles.iter().map(|tile| tile.picture.height).max().unwrap_or(0);
    let sheets = tiles
        .par_chunks(per_sheet)
        .map(|tiles| {
            let tiles = tiles.iter().map(|tile| tile.picture).collect();
            Sheet { tiles, columns: grid.columns, cell_width, cell_height }.encode(QUALITY)
        })
        .collect::<Result<_, _>>()?;
    let mut cues = String::from("WEBVTT\n");
    let borders = borders_ms(tiles, start_ns, end_ns);
    for (index, (tile, border)) in tiles.iter().zip(borders.windows(2)).enumerate() {
        if border[0] == border[1] {
            continue; // WebVTT requires an end after the start, and this tile is shown for less than a millisecond
        }
        let (sheet, cell) = (index / per_sheet, index % per_sheet);
        let (x, y) = (cell % grid.columns * cell_width, cell / grid.columns * cell_height);
        let (name, shape) = (sheet_name(sheet), format!("{},{}", tile.picture.width, tile.picture.height));
        let (from, to) = (timestamp(border[0]), timestamp(border[1]));
        write!(cues, "\n{from} --> {to}\n{name}#xywh={x},{y},{shape}\n")
            .expect("writing to a string never fails");
    }
    Ok(Storyboard { sheets, cues })
}

/// Starts of all cues and the end of the last, milliseconds from the start of the video. Each is rounded once, so that cues
/// are contiguous. They never decrease.
fn borders_ms(tiles: &[Tile], start_ns: u64, end_ns: u64) -> Vec<u64> {
    let ms = |time_ns: u64| (time_ns.saturating_sub(start_ns) + 500_000) / 1_000_000;
    let mut borders = vec![0];
    borders.extend(tiles.iter().skip(1).map(|tile| ms(tile.time_ns)));
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
    use super::*;

    const GRID: Grid = Grid { columns: 2, rows: 2 };

    fn cues(times_ns: &[u64], start_ns: u64, end_ns: u64) -> (usize, String) {
        let picture = Picture::grey(16, 8, |_, _| 9);
        let tiles: Vec<Tile> =
            times_ns.iter().map(|time_ns| Tile { time_ns: *time_ns, picture: &picture }).collect();
        let storyboard = storyboard(&tiles, GRID, start_ns, end_ns).unwrap();
        (storyboard.sheets.len(), storyboard.cues)
    }

    #[test]
    fn cues_are_contiguous_and_relative_to_the_videos_start() {
        let s = 1_000_000_000;
        let (sheets, cues) =
            cues(&[10 * s, 12 * s, 14 * s + 40_000_000, 16 * s, 3_700 * s], 10 * s, 3_711 * s);
        assert_eq!(sheets, 2);
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
        assert!(cues(&[5_000_000_000], 0, 5_040_000_000).1.contains("00:00:00.000 --> 00:00:05.040\n"));
        assert!(
            cues(&[0], 0, 0).1.contains("00:00:00.000 --> 00:00:00.001\n"),
            "a video without a duration still has a cue"
        );
    }

    #[test]
    fn tiles_closer_than_a_millisecond_share_a_cue() {
        let (_, cues) = cues(&[0, 1_000_000, 1_200_000, 9_000_000], 0, 10_000_000);
        assert_eq!(cues.matches("-->").count(), 3);
        assert!(cues.contains("00:00:00.001 --> 00:00:00.009\nstoryboard-000.jpg#xywh=0,8,16,8"), "{cues}");
    }

    #[test]
    fn without_tiles_there_is_no_sheet() {
        assert_eq!(cues(&[], 0, 9), (0, String::from("WEBVTT\n")));
    }
}
