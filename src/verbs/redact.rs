//! `reelgate redact`.

use reelgate_actors::work::redaction::{HandRequest, NotRedacted, by_hand};
use reelgate_flow::place::FrameBox;
use reelgate_flow::plain::counted;
use reelgate_pipelines::messages::{RedactionStyle, Span};
use reelgate_pipelines::recipes::redact::Sighting;
use reelgate_ports::records::{Decided, HistoryEvent};

use crate::cli::{GlobalArgs, RedactArgs};
use crate::exit::{ExitStatus, Failure};
use crate::output::stderr;
use crate::verbs::decide::{decide, decision, open, say};

/// Makes parts of a published asset again without the given areas and times, or without its findings on screen.
pub async fn redact(global: &GlobalArgs, args: RedactArgs) -> Result<ExitStatus, Failure> {
    let (config, store, asset) = open(global, &args.decision.asset).await?;
    let places = args.boxes.iter().map(|text| sighting(text)).collect::<Result<Vec<_>, _>>()?;
    let mutes = args.mute.iter().map(|text| span("--mute", text)).collect::<Result<Vec<_>, _>>()?;
    let style = if args.blur { RedactionStyle::Blur } else { RedactionStyle::Fill };
    let asked = by_hand(&*store, &asset, HandRequest { places, style, mutes }).await;
    let (parts, redaction) = asked.map_err(|why| match why {
        NotRedacted::Refused(why) => Failure::Usage(format!("{asset}: {why}")),
        NotRedacted::Failed(fault) => Failure::Usage(format!("{asset}: {fault}")),
    })?;
    if parts.chunks.is_empty() && !parts.audio {
        let none = "none of its findings is on screen; give the areas to cover with --box or the times to silence with --mute";
        return Err(Failure::Usage(format!("{asset}: {none}")));
    }
    let is_copy = store.asset(&asset).await?.asset.linked_to.is_some();
    let encodes = (parts.chunks.len() + usize::from(parts.audio)) as u64;
    let encodes = match is_copy {
        true => "all its encodes are".to_owned(),
        false => counted(encodes, "encode is", "encodes are"),
    };
    let what = Decided::Redact { parts, redaction };
    decide(&config, &*store, &asset, decision(&config, what, &args.decision).await?).await?;
    let how = format!("{encodes} made again, and it is screened again before it is published");
    say(&asset, "is redacted", &how);
    // What becomes of other uploads of the content, as the store decided in the same transaction.
    let history = store.history(&asset).await?;
    let decided = history.iter().rposition(|line| line.event == HistoryEvent::Decided).unwrap_or(0);
    let others = history.iter().skip(decided).filter(|line| line.event == HistoryEvent::Redacting).skip(1);
    others.for_each(|line| stderr::say(&line.detail));
    Ok(ExitStatus::Done)
}

/// `X,Y,WIDTH,HEIGHT@FROM-TO`.
fn sighting(text: &str) -> Result<Sighting, Failure> {
    let expected = || {
        Failure::Usage(format!(
            "--box: expected X,Y,WIDTH,HEIGHT@FROM-TO such as 40,300,220,48@12.5-15, found `{text}`"
        ))
    };
    let (area, times) = text.split_once('@').ok_or_else(expected)?;
    let numbers: Result<Vec<u32>, _> = area.split(',').map(str::parse).collect();
    let area = match numbers.ok().as_deref() {
        Some(&[x, y, width, height]) if width > 0 && height > 0 => FrameBox { x, y, width, height },
        _ => return Err(expected()),
    };
    let Span { start_ns, end_ns } = span("--box", times)?;
    Ok(Sighting { start_ns, end_ns, area: Some(area), thing: 0 })
}

/// `FROM-TO` in seconds.
fn span(argument: &str, text: &str) -> Result<Span, Failure> {
    let expected =
        || Failure::Usage(format!("{argument}: expected FROM-TO in seconds such as 12.5-15, found `{text}`"));
    let ns = |text: &str| {
        let seconds: f64 = text.trim().parse().ok()?;
        // A day is longer than any upload may be.
        (0.0..=86_400.0).contains(&seconds).then_some((seconds * 1e9) as u64)
    };
    let (from, to) = text.split_once('-').ok_or_else(expected)?;
    match (ns(from), ns(to)) {
        (Some(start_ns), Some(end_ns)) if start_ns < end_ns => Ok(Span { start_ns, end_ns }),
        _ => Err(expected()),
    }
}
