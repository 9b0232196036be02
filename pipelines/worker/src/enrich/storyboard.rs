//! Storyboard sheets. The engine writes the index that refers to their tiles
//! ([`reelgate_pipelines::recipes::storyboard`]), so they are drawn as its layout says.

use rayon::prelude::*;
use reelgate_flow::reason::Fault;

use super::jpeg::Sheet;
use super::picture::Picture;

/// JPEG quality: enough for a preview of a hundred pixels.
const QUALITY: u8 = 75;

/// Columns and rows of a sheet.
#[derive(Clone, Copy)]
pub struct Grid {
    /// Cells in a row.
    pub columns: usize,
    /// Rows of a full sheet.
    pub rows: usize,
}

/// Places the tiles on sheets in their order, and encodes the sheets.
pub fn sheets(tiles: &[&Picture], grid: Grid) -> Result<Vec<Vec<u8>>, Fault> {
    let grid = Grid { columns: grid.columns.max(1), rows: grid.rows.max(1) };
    let cell_width = tiles.iter().map(|tile| tile.width).max().unwrap_or(0);
    let cell_height = tiles.iter().map(|tile| tile.height).max().unwrap_or(0);
    tiles
        .par_chunks(grid.columns.saturating_mul(grid.rows))
        .map(|tiles| {
            Sheet { tiles: tiles.to_vec(), columns: grid.columns, cell_width, cell_height }.encode(QUALITY)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_holds_as_many_tiles_as_its_grid() {
        let picture = Picture::grey(16, 8, |_, _| 9);
        let count =
            |tiles: usize| sheets(&vec![&picture; tiles], Grid { columns: 2, rows: 2 }).unwrap().len();
        assert_eq!([0, 1, 4, 5].map(count), [0, 1, 1, 2]);
    }
}
