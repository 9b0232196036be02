//! Measures one picture: brightness, sharpness, a fingerprint and a histogram. Sums are integers, so that the same pixels
//! give the same numbers on every machine.

use super::picture::Picture;

/// Classes of the luma histogram. Each has four grey levels.
pub const CLASSES: usize = 64;

/// Number of pixels per class of luma.
pub type Histogram = [u32; CLASSES];

/// The measures of one picture.
#[derive(Clone, PartialEq, Debug)]
pub struct Measures {
    /// Mean luma, 0 to 255.
    pub luma: f32,
    /// Variance of the Laplacian of luma; 0 for a flat picture.
    pub sharpness: f32,
    /// 64-bit difference hash.
    pub fingerprint: u64,
    pub histogram: Histogram,
}

pub fn measure(picture: &Picture) -> Measures {
    let sum: u64 = picture.luma.iter().map(|luma| u64::from(*luma)).sum();
    Measures {
        luma: (sum as f64 / picture.luma.len().max(1) as f64) as f32,
        sharpness: sharpness(picture),
        fingerprint: fingerprint(picture),
        histogram: histogram(picture),
    }
}

/// Total variation distance: half the sum of the absolute differences of the two distributions. It is 0 for equal and 1
/// for disjoint ones.
pub fn distance(a: &Histogram, b: &Histogram) -> f32 {
    let total = |histogram: &Histogram| histogram.iter().map(|n| u64::from(*n)).sum::<u64>().max(1) as f64;
    let (total_a, total_b) = (total(a), total(b));
    let differences = a.iter().zip(b).map(|(a, b)| (f64::from(*a) / total_a - f64::from(*b) / total_b).abs());
    (differences.sum::<f64>() / 2.0).min(1.0) as f32
}

/// Shannon entropy of the histogram, divided by its maximum: 0 for a single grey, 1 if all greys are equally frequent.
pub fn richness(histogram: &Histogram) -> f32 {
    let total = histogram.iter().map(|n| u64::from(*n)).sum::<u64>().max(1) as f64;
    let shares = histogram.iter().filter(|n| **n > 0).map(|n| f64::from(*n) / total);
    let bits: f64 = shares.map(|share| -share * share.log2()).sum();
    (bits / (CLASSES as f64).log2()) as f32
}

fn histogram(picture: &Picture) -> Histogram {
    let mut histogram = [0; CLASSES];
    for luma in &picture.luma {
        histogram[usize::from(*luma) * CLASSES / 256] += 1;
    }
    histogram
}

/// Variance of the 4-neighbour Laplacian over the inner pixels (Pech-Pacheco et al., "Diatom autofocusing in
/// brightfield microscopy", ICPR 2000).
fn sharpness(picture: &Picture) -> f32 {
    let (width, height) = (picture.width, picture.height);
    if width < 3 || height < 3 {
        return 0.0;
    }
    let (mut sum, mut squares, mut count) = (0i64, 0i64, 0i64);
    for y in 1..height - 1 {
        let above = &picture.luma[(y - 1) * width..y * width];
        let line = &picture.luma[y * width..(y + 1) * width];
        let below = &picture.luma[(y + 1) * width..(y + 2) * width];
        for x in 1..width - 1 {
            let around =
                i64::from(above[x]) + i64::from(below[x]) + i64::from(line[x - 1]) + i64::from(line[x + 1]);
            let laplacian = around - 4 * i64::from(line[x]);
            sum += laplacian;
            squares += laplacian * laplacian;
            count += 1;
        }
    }
    let mean = sum as f64 / count as f64;
    (squares as f64 / count as f64 - mean * mean).max(0.0) as f32
}

/// Difference hash: the picture is divided into 9 by 8 cells. Each pair of neighbours in a row gives one bit, which is set
/// if the right cell is brighter. The first pair is the highest bit.
fn fingerprint(picture: &Picture) -> u64 {
    const COLUMNS: usize = 9;
    const ROWS: usize = 8;
    let mut hash = 0;
    for row in 0..ROWS {
        let means: [u64; COLUMNS] =
            std::array::from_fn(|column| cell_mean(picture, (column, COLUMNS), (row, ROWS)));
        for pair in means.windows(2) {
            hash = hash << 1 | u64::from(pair[1] > pair[0]);
        }
    }
    hash
}

/// Mean luma of one cell, in 256ths. If the picture is smaller than the grid, a cell is one pixel.
fn cell_mean(picture: &Picture, (column, columns): (usize, usize), (row, rows): (usize, usize)) -> u64 {
    let span = |index: usize, of: usize, length: usize| {
        let from = (index * length / of).min(length - 1);
        from..((index + 1) * length / of).max(from + 1)
    };
    let columns = span(column, columns, picture.width);
    let (mut sum, mut count) = (0u64, 0u64);
    for y in span(row, rows, picture.height) {
        let line = &picture.luma[y * picture.width..][columns.clone()];
        sum += line.iter().map(|luma| u64::from(*luma)).sum::<u64>();
        count += line.len() as u64;
    }
    sum * 256 / count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_picture_has_its_own_luma_and_no_detail() {
        let measures = measure(&Picture::grey(32, 18, |_, _| 77));
        assert_eq!((measures.luma, measures.sharpness, measures.fingerprint), (77.0, 0.0, 0));
        assert_eq!(measures.histogram[77 / 4], 32 * 18);
        assert_eq!(richness(&measures.histogram), 0.0);
    }

    #[test]
    fn blur_lowers_sharpness() {
        let sharp = Picture::grey(64, 64, |x, _| if x / 4 % 2 == 0 { 0 } else { 255 });
        let soft = Picture::grey(64, 64, |x, _| (128.0 + 127.0 * (x as f64 / 64.0 * 50.0).sin() * 0.3) as u8);
        assert!(measure(&sharp).sharpness > 4.0 * measure(&soft).sharpness);
    }

    #[test]
    fn the_sharpness_of_a_single_bright_line_is_the_textbook_value() {
        // Inner columns 1, 2, 3 of a 5 by 3 picture have the Laplacians 10, -20, 10: mean 0, variance 200.
        let picture =
            Picture { width: 5, height: 3, ..Picture::grey(5, 3, |x, _| if x == 2 { 10 } else { 0 }) };
        assert_eq!(sharpness(&picture), 200.0);
    }

    #[test]
    fn the_fingerprint_distinguishes_rising_from_falling_and_ignores_size() {
        let rising =
            |width, height| measure(&Picture::grey(width, height, move |x, _| (x * 200 / width) as u8));
        assert_eq!(rising(180, 80).fingerprint, u64::MAX);
        assert_eq!(rising(90, 42).fingerprint, u64::MAX);
        assert_eq!(measure(&Picture::grey(180, 80, |x, _| (200 - x) as u8)).fingerprint, 0);
        let one_bit = Picture::grey(90, 80, |x, y| if x < 10 && y < 10 { 0 } else { 50 });
        assert_eq!(measure(&one_bit).fingerprint, 1 << 63);
    }

    #[test]
    fn the_smallest_picture_is_measured() {
        let measures = measure(&Picture::grey(2, 2, |x, _| (x * 100) as u8));
        assert_eq!((measures.luma, measures.sharpness), (50.0, 0.0));
    }

    #[test]
    fn distance_is_0_for_equal_and_1_for_disjoint_histograms() {
        let dark = measure(&Picture::grey(16, 16, |_, _| 0)).histogram;
        let bright = measure(&Picture::grey(32, 32, |_, _| 255)).histogram;
        let half = measure(&Picture::grey(16, 16, |x, _| if x < 8 { 0 } else { 255 })).histogram;
        assert_eq!(distance(&dark, &dark), 0.0);
        assert_eq!(distance(&dark, &bright), 1.0);
        assert_eq!(distance(&dark, &half), 0.5);
    }
}
