//! How far an asset is and how long it will take, from what the store knows. No node is asked, so every program that reads the
//! store says the same.

use reelgate_flow::asset::TaskState;
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_ports::records::{HistoryEvent, HistoryRecord, MediaProgress, NodeRecord, TaskRow};

use super::work_left::{UNMEASURED_MS, costs};

/// The stages after the last encode, in which nobody is waited for.
const LAST_STAGES: [TaskKey; 3] = [TaskKey::Screen, TaskKey::Package, TaskKey::Publish];

/// How far an asset is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Progress {
    /// The part of its media that finished tasks worked through, 0 to 1.
    pub done: f64,
    /// Seconds until it is published; `None` while all its heavy tasks wait for a node.
    pub left_s: Option<f64>,
}

/// How far an asset is; `None` before it is planned. Tasks that run are credited with the time since they were claimed. How long the
/// others take is told by the finished ones of the same asset, and before there are any, by the means of their stages on all nodes.
/// An external scanner may take longer, and is not counted.
pub fn progress(
    now_ms: u64,
    media: MediaProgress,
    tasks: &[TaskRow],
    history: &[HistoryRecord],
    nodes: &[NodeRecord],
) -> Option<Progress> {
    if media.planned_ns == 0 {
        return None;
    }
    let costs = costs(nodes);
    let cost_ms = |task: TaskKey| costs.get(task.stage()).copied();
    let heavy = || tasks.iter().filter(|row| row.task.lane() == Lane::Heavy);
    let open: Vec<TaskKey> =
        heavy().filter(|row| row.state == TaskState::Ready).map(|row| row.task).collect();
    let running_ms: Vec<u64> =
        open.iter().filter_map(|task| Some(now_ms.saturating_sub(claimed_ms(history, *task)?))).collect();
    let spent_ms: u64 = heavy().filter(|row| row.state == TaskState::Done).map(|row| row.wall_ms).sum();
    let left_ns = media.planned_ns.saturating_sub(media.done_ns);
    let work_ms = match media.done_ns {
        0 => open.iter().map(|task| cost_ms(*task).unwrap_or(UNMEASURED_MS)).sum(),
        done_ns => spent_ms as f64 * left_ns as f64 / done_ns as f64,
    };
    let share_ms = work_ms / open.len().max(1) as f64;
    let credit_ms: f64 = running_ms.iter().map(|ms| (*ms as f64).min(share_ms)).sum();
    let is_open = |task: &TaskKey| tasks.iter().all(|row| row.task != *task || row.state != TaskState::Done);
    let last_ms: f64 = LAST_STAGES.into_iter().filter(is_open).filter_map(cost_ms).sum();
    let heavy_ms = match (open.len(), running_ms.len()) {
        (0, _) => Some(0.0),
        (_, 0) => None,
        (_, running) => Some((work_ms - credit_ms) / running as f64),
    };
    Some(Progress {
        done: (media.done_ns as f64 / media.planned_ns as f64).min(1.0),
        left_s: heavy_ms.map(|heavy_ms| (heavy_ms + last_ms) / 1_000.0),
    })
}

/// When the attempt of a task that runs now was claimed; `None` if none runs.
fn claimed_ms(history: &[HistoryRecord], task: TaskKey) -> Option<u64> {
    let last = history.iter().rev().find(|line| line.task == Some(task))?;
    (last.event == HistoryEvent::Claimed).then_some(last.at_ms)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use reelgate_conformance::samples::node_report;
    use reelgate_ports::records::{NodeReport, StageCost};

    use super::*;

    const SECOND_NS: u64 = 1_000_000_000;

    fn row(task: TaskKey, state: TaskState, wall_ms: u64) -> TaskRow {
        TaskRow { task, lane: task.lane(), state, attempts: 1, wall_ms, cpu_ms: wall_ms }
    }

    fn chunk(chunk: u16) -> TaskKey {
        TaskKey::Video { chunk }
    }

    fn claimed(task: TaskKey, at_ms: u64) -> HistoryRecord {
        HistoryRecord {
            sequence: 1,
            at_ms,
            event: HistoryEvent::Claimed,
            task: Some(task),
            attempt: Some(1),
            node: None,
            wall_ms: None,
            detail: String::new(),
        }
    }

    fn media(done_s: u64) -> MediaProgress {
        MediaProgress { planned_ns: 80 * SECOND_NS, done_ns: done_s * SECOND_NS }
    }

    fn node() -> NodeRecord {
        let cost = |stage: &str, wall_ms| StageCost { stage: stage.into(), tasks: 1, wall_ms };
        let costs = vec![cost("transcode", 30_000), cost("package", 500), cost("publish", 1_500)];
        let report = NodeReport { costs, ..node_report("n") };
        NodeRecord { report, first_seen_ms: 0, silent_ms: 0, drain_ordered: false }
    }

    #[test]
    fn nothing_is_said_before_there_is_a_plan() {
        assert_eq!(progress(0, MediaProgress::default(), &[], &[], &[]), None);
    }

    #[test]
    fn finished_chunks_tell_how_long_the_others_take() {
        let tasks = [
            row(chunk(0), TaskState::Done, 10_000),
            row(chunk(1), TaskState::Ready, 0),
            row(chunk(2), TaskState::Ready, 0),
            row(chunk(3), TaskState::Ready, 0),
        ];
        let history = [claimed(chunk(1), 1_000), claimed(chunk(2), 3_000)];
        let found = progress(7_000, media(20), &tasks, &history, &[node()]).unwrap();
        // Three chunks of 10 s, of which 6 s and 4 s are done, by two at once; then packaging and publishing.
        assert_eq!(found, Progress { done: 0.25, left_s: Some((30.0 - 10.0) / 2.0 + 2.0) });
    }

    #[test]
    fn the_means_of_the_nodes_count_before_the_first_chunk_has_ended() {
        let tasks = [row(chunk(0), TaskState::Ready, 0), row(chunk(1), TaskState::Ready, 0)];
        let found = |now_ms| progress(now_ms, media(0), &tasks, &[claimed(chunk(0), 0)], &[node()]).unwrap();
        assert_eq!(found(0).left_s, Some(62.0));
        assert_eq!(found(10_000).left_s, Some(52.0));
        assert_eq!(
            found(90_000).left_s,
            Some(32.0),
            "a task that takes longer than expected is about to end"
        );
    }

    #[test]
    fn an_asset_whose_heavy_tasks_all_wait_has_no_time() {
        let found = progress(0, media(0), &[row(chunk(0), TaskState::Ready, 0)], &[], &[node()]).unwrap();
        assert_eq!(found, Progress { done: 0.0, left_s: None });
    }

    #[test]
    fn what_is_encoded_has_its_last_stages_left() {
        let tasks = [row(chunk(0), TaskState::Done, 10_000), row(TaskKey::Package, TaskState::Done, 500)];
        let found = progress(0, media(80), &tasks, &[], &[node()]).unwrap();
        assert_eq!(found, Progress { done: 1.0, left_s: Some(1.5) });
    }
}
