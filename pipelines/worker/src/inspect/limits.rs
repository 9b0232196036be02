//! Limits on single numbers. The structural check and the survey of packets use them.

use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::MediaLimits;

/// Checks a picture's size. A side of 0 means "not declared" and passes.
pub fn picture(limits: &MediaLimits, width: u32, height: u32) -> Result<(), Fault> {
    let pixels = u64::from(width) * u64::from(height);
    if width > limits.side_max || height > limits.side_max || pixels > limits.pixels_max {
        let detail = format!(
            "a picture has {width} by {height} pixels, the limits are {} pixels and {} per side",
            limits.pixels_max, limits.side_max
        );
        return Err(Fault::new(Code::BudgetPixels, detail));
    }
    Ok(())
}
