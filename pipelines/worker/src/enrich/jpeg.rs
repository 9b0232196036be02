//! Encodes one picture or a sheet of tiles as JPEG (JFIF), directly from the planes.

use jpeg_encoder::{Encoder, ImageBuffer, JpegColorType, SamplingFactor};
use reelgate_flow::reason::{Code, Fault};

use super::picture::Picture;

/// Luma and chroma of the space that a tile does not fill: black.
const BLANK: [u8; 3] = [0, 128, 128];

/// Pictures in columns and rows, row by row from the top left. Each is at the top left of its cell.
pub struct Sheet<'a> {
    /// The last row may be incomplete.
    pub tiles: Vec<&'a Picture>,
    /// Cells in a row, at least 1.
    pub columns: usize,
    /// Pixels of a cell, at least those of the widest picture.
    pub cell_width: usize,
    /// Lines of a cell, at least those of the highest picture.
    pub cell_height: usize,
}

impl<'a> Sheet<'a> {
    pub fn single(picture: &'a Picture) -> Self {
        Self { tiles: vec![picture], columns: 1, cell_width: picture.width, cell_height: picture.height }
    }

    /// Encodes at `quality`, 1 to 100, with chroma in 4:2:0.
    ///
    /// Fails with `config_invalid` if the sheet is larger than JPEG allows (ITU-T T.81, B.2.2).
    pub fn encode(&self, quality: u8) -> Result<Vec<u8>, Fault> {
        let (width, height) = self.size();
        if width == 0 || height == 0 || width > usize::from(u16::MAX) || height > usize::from(u16::MAX) {
            let detail = format!("expected a sheet of 1 to 65535 pixels per side, found {width}x{height}");
            return Err(Fault::new(Code::ConfigInvalid, detail));
        }
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, quality.clamp(1, 100));
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        encoder
            .encode_image(self)
            .map_err(|_| Fault::new(Code::Internal, format!("could not encode a {width}x{height} JPEG")))?;
        Ok(bytes)
    }

    fn size(&self) -> (usize, usize) {
        let rows = self.tiles.len().div_ceil(self.columns.max(1));
        (self.tiles.len().min(self.columns) * self.cell_width, rows * self.cell_height)
    }
}

impl ImageBuffer for &Sheet<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        u16::try_from(self.size().0).unwrap_or(u16::MAX)
    }

    fn height(&self) -> u16 {
        u16::try_from(self.size().1).unwrap_or(u16::MAX)
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let (row, line) = (usize::from(y) / self.cell_height, usize::from(y) % self.cell_height);
        let first = row * self.columns;
        let across = self.tiles.len().min(self.columns);
        for column in 0..across {
            let tile = self.tiles.get(first + column).filter(|tile| line < tile.height);
            let drawn = tile.map_or(0, |tile| tile.width);
            if let Some(tile) = tile {
                buffers[0].extend_from_slice(&tile.luma[line * tile.width..][..tile.width]);
                extend_doubled(&mut buffers[1], &tile.blue, tile.width / 2, line / 2);
                extend_doubled(&mut buffers[2], &tile.red, tile.width / 2, line / 2);
            }
            for (buffer, blank) in buffers.iter_mut().zip(BLANK) {
                buffer.resize(buffer.len() + self.cell_width - drawn, blank);
            }
        }
    }
}

/// Appends one line of chroma at the width of luma. The encoder uses every second value.
fn extend_doubled(buffer: &mut Vec<u8>, plane: &[u8], width: usize, line: usize) {
    let values = &plane[line * width..][..width];
    buffer.extend(values.iter().flat_map(|value| [*value, *value]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_sheet_consist_of_its_tiles_and_black_for_the_rest() {
        let (a, b) = (Picture::grey(4, 2, |_, _| 1), Picture::grey(2, 2, |x, _| 2 + x as u8));
        let sheet = Sheet { tiles: vec![&a, &b, &b], columns: 2, cell_width: 4, cell_height: 4 };
        assert_eq!(sheet.size(), (8, 8));
        let luma = |y| {
            let mut buffers = Default::default();
            (&sheet).fill_buffers(y, &mut buffers);
            assert_eq!(buffers[1], vec![128; 8]);
            buffers[0].clone()
        };
        assert_eq!(luma(1), [1, 1, 1, 1, 2, 3, 0, 0]);
        assert_eq!(luma(2), [0; 8]);
        assert_eq!(luma(4), [2, 3, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn the_encoded_sheet_declares_its_size_and_a_sheet_that_is_too_large_is_refused() {
        let tile = Picture::grey(160, 90, |x, _| x as u8);
        let sheet = Sheet { tiles: vec![&tile; 7], columns: 5, cell_width: 160, cell_height: 90 };
        let bytes = sheet.encode(75).unwrap();
        let start_of_frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        assert_eq!(bytes[start_of_frame + 5..start_of_frame + 9], [0, 180, 3, 32]);
        let wide = Sheet { tiles: vec![&tile; 500], columns: 500, cell_width: 160, cell_height: 90 };
        assert_eq!(wide.encode(75).unwrap_err().code, Code::ConfigInvalid);
    }
}
