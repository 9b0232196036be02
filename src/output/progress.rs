//! Progress of a run: bars on a terminal, plain lines elsewhere. A bar moves once there is a plan, and an ETA is shown once
//! this process has made progress.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use reelgate_actors::progress_board::{AssetProgress, ProgressBoard};
use reelgate_flow::ids::AssetId;
use reelgate_flow::plain::counted;

use crate::output::stderr;
use crate::output::table::{clean, seconds};

/// Between two plain lines.
const PLAIN_INTERVAL: Duration = Duration::from_secs(10);
/// Steps of a bar.
const STEPS: u64 = 1_000;

pub enum Progress {
    /// Bars.
    Bars(MultiProgress, BTreeMap<AssetId, ProgressBar>),
    /// Lines; when the last one was written.
    Lines(Instant),
}

impl Progress {
    /// Bars where standard error is a terminal.
    pub fn new() -> Self {
        if std::io::stderr().is_terminal() {
            return Self::Bars(MultiProgress::new(), BTreeMap::new());
        }
        Self::Lines(Instant::now())
    }

    /// Shows the current state of the board. `left` assets have not ended.
    pub fn show(&mut self, progress_board: &ProgressBoard, left: u64, name: &dyn Fn(&AssetId) -> String) {
        match self {
            Self::Bars(all, bars) => {
                let works: BTreeMap<AssetId, AssetProgress> = progress_board.snapshot().into_iter().collect();
                bars.retain(|asset, bar| {
                    let keep = works.contains_key(asset);
                    if !keep {
                        bar.finish_and_clear();
                    }
                    keep
                });
                for (asset, work) in &works {
                    let bar = bars.entry(asset.clone()).or_insert_with(|| add_bar(all, clean(&name(asset))));
                    bar.set_position(work.fraction().map_or(0, |done| (done * STEPS as f64) as u64));
                    bar.set_message(describe(work));
                }
            }
            Self::Lines(last) if last.elapsed() >= PLAIN_INTERVAL => {
                *last = Instant::now();
                for (asset, work) in progress_board.snapshot() {
                    stderr::say(&format!("  {}: {}", clean(&name(&asset)), describe(&work)));
                }
                let running = counted(progress_board.running() as u64, "task", "tasks");
                stderr::say(&format!("  {left} not ended yet, {running} running"));
            }
            Self::Lines(_) => {}
        }
    }

    /// Prints to standard output. Bars are taken off the terminal for that time.
    pub fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        match self {
            Self::Bars(all, _) => all.suspend(print),
            Self::Lines(_) => print(),
        }
    }

    /// Clears what is shown.
    pub fn end(&mut self) {
        if let Self::Bars(all, bars) = self {
            bars.values().for_each(ProgressBar::finish_and_clear);
            // A terminal that was closed cannot be cleared, and need not be.
            let _ = all.clear();
        }
    }
}

/// Joins the others before it gets anything to show: a bar on its own would draw a line that stays.
fn add_bar(all: &MultiProgress, name: String) -> ProgressBar {
    let bar = all.add(ProgressBar::new(STEPS));
    let style = ProgressStyle::with_template("{prefix:24!} {bar:20} {wide_msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_prefix(name);
    bar
}

fn describe(work: &AssetProgress) -> String {
    let Some(done) = work.fraction() else { return work.stage.to_owned() };
    let percent = done * 100.0;
    match work.eta_s() {
        Some(eta) if done < 1.0 => format!("{percent:.0} %, about {} left, {}", seconds(eta), work.stage),
        _ => format!("{percent:.0} %, {}", work.stage),
    }
}
