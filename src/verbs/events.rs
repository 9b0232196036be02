//! `reelgate events`.

use reelgate_flow::plain::counted;
use serde_json::json;

use crate::cli::{EventsVerb, GlobalArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::{stderr, table};
use crate::verbs::to_json;
use crate::wiring::{self, aws};

/// Sends the events of the dead-letter queue again. They end as any other event, so what is known already changes nothing.
pub async fn events(global: &GlobalArgs, verb: EventsVerb) -> Result<ExitStatus, Failure> {
    let EventsVerb::RedriveDlq { json } = verb;
    let config = Config::load(global).await?;
    let source = wiring::remote_events(&config).ok_or_else(|| {
        Failure::Usage("events.url: expected `kinesis://STREAM` or `sqs:QUEUE-URL`, found a directory".into())
    })?;
    let moved = aws::redrive_dead_letters(&config, source).await?;
    if json {
        table::print(&to_json(&json!({"moved": moved}))?)?;
    } else {
        let sent = counted(moved, "event", "events");
        stderr::say(&format!("{sent} sent again; look for what is refused in the log of the nodes"));
    }
    Ok(ExitStatus::Done)
}
