//! Freezes an attempt before one of its steps, for tests.

use std::cell::RefCell;
use std::sync::mpsc::{Receiver, Sender};

thread_local! {
    pub static FREEZE: RefCell<Option<Freeze>> = const { RefCell::new(None) };
}

/// Freezes its thread before one of its steps.
pub struct Freeze {
    /// Steps that it takes before.
    pub left: usize,
    /// Told when it is frozen.
    pub frozen: Sender<()>,
    /// What it waits for.
    pub thaw: Receiver<()>,
}

/// Called before every step of a file system that others may see or that moves something.
pub fn step() {
    FREEZE.with_borrow_mut(|freeze| {
        let Some(this) = freeze else { return };
        if this.left > 0 {
            this.left -= 1;
            return;
        }
        this.frozen.send(()).unwrap();
        this.thaw.recv().unwrap();
        *freeze = None;
    });
}
