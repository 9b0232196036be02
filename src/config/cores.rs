//! How many cores this machine has: the size of what the configuration leaves open.

/// Cores of this machine.
pub fn cores() -> u16 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u16::try_from(cores).unwrap_or(u16::MAX)
}
