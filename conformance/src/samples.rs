//! Plain records for tests: an upload, a report of a task, a report of a node.

use std::sync::atomic::{AtomicU64, Ordering};

use reelgate_flow::ids::{AssetId, NodeId, Sequencer, SourceId};
use reelgate_flow::task::Lane;
use reelgate_ports::objects::Turn;
use reelgate_ports::order::Priority;
use reelgate_ports::records::{
    AttemptCost, Decided, Decision, Ending, EventKind, Fence, MediaEvent, NodeReport, Principal, StageCost,
    TaskReport, UsageRecord,
};

/// A completed upload; a higher version is a newer one.
pub fn event(key: &str, version: u64) -> MediaEvent {
    MediaEvent {
        kind: EventKind::Created,
        priority: Priority::Normal,
        source: SourceId { bucket: "ingest".into(), key: key.into(), version: version.to_string() },
        sequencer: Sequencer::from_nanos(version),
        size_bytes: 1_000 + version,
        location: format!("ingest/{key}"),
        force: false,
    }
}

/// A person who works under an account of their own.
pub fn principal(name: &str) -> Principal {
    Principal { name: name.into(), how: format!("account of {name} on media-7") }
}

/// A decision by Ann.
pub fn decision(what: Decided) -> Decision {
    Decision { what, by: principal("ann"), reason: "ticket 7".into(), expires_ms: None }
}

/// The end of an attempt on this node.
pub fn report(fence: &Fence, node: &NodeId, ending: Ending) -> TaskReport {
    TaskReport {
        fence: fence.clone(),
        node: node.clone(),
        sha256: None,
        facts: None,
        metadata: None,
        ending,
        usage: UsageRecord { wall_ms: 12, cpu_ms: 7, memory_bytes_max: 4_096 },
        cost: AttemptCost::default(),
    }
}

/// A node with both lanes that works.
pub fn node_report(name: &str) -> NodeReport {
    NodeReport {
        node: NodeId::new(name),
        process: "a".into(),
        roles: vec!["light".into(), "heavy".into()],
        version: "1.2.3".into(),
        capacity: vec![(Lane::Light, 8), (Lane::Heavy, 2)],
        in_flight: vec![(Lane::Heavy, 1)],
        state: "working".into(),
        reason: String::new(),
        costs: vec![StageCost { stage: "transcode".into(), tasks: 3, wall_ms: 20_000 }],
        rate: None,
    }
}

/// A turn later than every earlier one of this process.
pub fn next_turn(asset: &AssetId) -> Turn {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    Turn { asset: asset.clone(), number: NUMBER.fetch_add(1, Ordering::Relaxed) }
}
