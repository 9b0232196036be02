//! Limits on single numbers, used by the structural check and while packets flow.

use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::MediaLimits;

/// Checks a picture's size; 0 by 0 is "not said" and passes.
pub fn picture(limits: &MediaLimits, width: u32, height: u32) -> Result<(), Fault> {
    let pixels = u64::from(width) * u64::from(height);
    if width > limits.side_max || height > limits.side_max || pixels > limits.pixels_max {
        let detail = format!(
            "a picture of {width} by {height}, the limits are {} pixels and {} a side",
            limits.pixels_max, limits.side_max
        );
        return Err(Fault::new(Code::BudgetPixels, detail));
    }
    Ok(())
}
