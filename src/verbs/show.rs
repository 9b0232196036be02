//! `reelgate show`.

use reelgate_flow::asset::{Flags, Response};
use reelgate_flow::facts::MediaFacts;
use reelgate_flow::ids::AssetId;
use reelgate_flow::left_out::LeftOut;
use reelgate_flow::surface::{Gap, SurfaceReport};
use reelgate_pipelines::messages::Loudness;
use reelgate_ports::records::{AssetDetail, Proposal};
use serde::Serialize;

use crate::cli::{AssetArgs, GlobalArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::json::{AssetLine, BesideLine};
use crate::output::places::first_places;
use crate::output::table::{self, clean, seconds};
use crate::verbs::progress::ProgressLine;
use crate::verbs::{asset_line, find_asset, local_time, to_json};
use crate::wiring;

/// What `--json` prints: the line of `run --json`, and what only waits.
#[derive(Serialize)]
struct ShownAsset {
    #[serde(flatten)]
    line: AssetLine,
    /// What waits for the approval of a second person; `null` if nothing does.
    proposal: Option<ProposalLine>,
    /// How far it is; `null` before it is planned and after it has ended.
    progress: Option<ProgressLine>,
}

/// A proposal that waits.
#[derive(Serialize)]
struct ProposalLine {
    /// Its name, for `approve`.
    id: String,
    /// `release` or `erase`.
    kind: &'static str,
    /// Who proposed it.
    by: String,
    /// The account that they used.
    how: String,
    /// Why.
    reason: String,
    /// When it expires, milliseconds since 1970.
    valid_until_ms: u64,
}

impl ProposalLine {
    fn new(proposal: Proposal) -> Self {
        let Proposal { id, decision, valid_until_ms, .. } = proposal;
        let kind = decision.what.as_str();
        Self { id, kind, by: decision.by.name, how: decision.by.how, reason: decision.reason, valid_until_ms }
    }
}

/// Prints everything about one asset.
pub async fn show(global: &GlobalArgs, args: AssetArgs) -> Result<ExitStatus, Failure> {
    let config = Config::load(global).await?;
    let store = wiring::existing_store(&config).await?;
    let (detail, line) = asset_line(&*store, &find_asset(&*store, &args.asset).await?).await?;
    let proposal = store.proposal(&detail.asset.id).await?;
    let progress = ProgressLine::read(&*store, &detail, &store.nodes().await?).await?;
    let shown = ShownAsset { line, proposal: proposal.map(ProposalLine::new), progress };
    if args.json {
        table::print(&to_json(&shown)?)?;
        return Ok(ExitStatus::Done);
    }
    let ShownAsset { line, proposal, progress } = shown;
    table::print(&summary(&detail, &line))?;
    if let Some(progress) = progress {
        table::print(&format!("progress  {progress}"))?;
    }
    if let Some(proposal) = &proposal {
        table::print(&waiting(&detail.asset.id, proposal))?;
    }
    if let Some(facts) = &detail.facts {
        table::print(&describe(facts, &line.left_out))?;
    }
    for BesideLine { asset_id, path, state } in &line.beside {
        table::print(&format!("beside    {} ({asset_id}, {})", clean(path), state.as_str()))?;
    }
    if !line.metadata.is_empty() {
        let mut rows = table::new(&["metadata", "value"]);
        for (name, value) in &line.metadata {
            let value = value.as_deref().map_or("not shown unless published".to_owned(), clean);
            rows.add_row([clean(name), value]);
        }
        table::print(&rows.to_string())?;
    }
    if !line.renditions.is_empty() {
        let mut rows = table::new(&["rendition", "codec", "size", "bit rate", "segments", "loudness"]);
        for one in &line.renditions {
            let size = if one.width > 0 { format!("{}x{}", one.width, one.height) } else { String::new() };
            let rate = format!("{:.2} Mb/s", one.bitrate as f64 / 1e6);
            let loudness = one.loudness.as_ref().map(loudness).unwrap_or_default();
            rows.add_row([&one.name, &one.codec, &size, &rate, &one.segments.to_string(), &loudness]);
        }
        table::print(&rows.to_string())?;
    }
    if !line.findings.is_empty() {
        let mut rows = table::new(&["finding", "severity", "count", "found by", "first places"]);
        for one in &line.findings {
            let count = one.count.to_string();
            let places = first_places(
                one.locations
                    .iter()
                    .map(|found| (&found.place, found.value.as_ref().map(|value| value.masked.as_str()))),
            );
            rows.add_row([one.kind.as_str(), one.severity.as_str(), &count, one.source.as_str(), &places]);
        }
        table::print(&rows.to_string())?;
    }
    if !line.surfaces.is_empty() {
        table::print(&surfaces(&line.surfaces))?;
    }
    let mut rows = table::new(&["stage", "attempts", "time"]);
    for one in &line.stages {
        rows.add_row([one.stage, &one.attempts.to_string(), &seconds(one.seconds)]);
    }
    table::print(&rows.to_string())?;
    Ok(ExitStatus::Done)
}

/// `-23.0 LUFS, range 4.5 LU, peak -1.0 dBTP`.
fn loudness(loudness: &Loudness) -> String {
    let Loudness { integrated_lufs, range_lu, true_peak_dbtp } = loudness;
    let (Some(integrated_lufs), Some(true_peak_dbtp)) = (integrated_lufs, true_peak_dbtp) else {
        return "below -70 LUFS".to_owned();
    };
    format!("{integrated_lufs:.1} LUFS, range {range_lu:.1} LU, peak {true_peak_dbtp:.1} dBTP")
}

fn summary(detail: &AssetDetail, line: &AssetLine) -> String {
    let asset = &detail.asset;
    let mut text = format!(
        "asset     {}\nsource    {} ({} bytes)\nsha256    {}\nreceived  {}\nstate     {}\nverdict   {} (severity {})",
        asset.id,
        clean(&asset.source.id.key),
        asset.source.size_bytes,
        asset.sha256.as_deref().unwrap_or("not computed"),
        local_time(asset.received_ms),
        asset.phase.as_str(),
        asset.verdict.as_str(),
        asset.severity.as_str(),
    );
    let decided = decided(&asset.flags);
    if !decided.is_empty() {
        text += &format!("\ndecided   {decided}");
    }
    if let Some(reason) = &line.reason {
        text +=
            &format!("\nreason    {}: {}\nadvice    {}", reason.code.as_str(), reason.message, reason.advice);
    }
    if let Some(original) = &line.linked_to {
        text += &format!("\nlinked to {original} (same content)");
    }
    if let Some(outputs) = &line.outputs {
        text += &format!("\nhls       {}\ndash      {}", clean(&outputs.hls), clean(&outputs.dash));
    }
    text
}

/// What waits for the approval of a second person.
fn waiting(asset: &AssetId, proposal: &ProposalLine) -> String {
    let ProposalLine { id, kind, by, how, reason, valid_until_ms } = proposal;
    let until = local_time(*valid_until_ms);
    format!(
        "proposal  {kind}, by {} ({}) until {until}: {}\napprove   reelgate approve {asset} {id}",
        clean(by),
        clean(how),
        clean(reason)
    )
}

/// The response of policy and the decisions of people; empty where policy only records and nobody decided.
fn decided(flags: &Flags) -> String {
    let asked = (flags.response > Response::Log).then(|| flags.response.as_str());
    let marked = [
        (flags.cleared, "released by a security officer"),
        (flags.held, "under hold: nothing of it may be removed or replaced"),
        (flags.redacted, "redacted"),
    ];
    let marked = marked.into_iter().filter_map(|(is_set, words)| is_set.then_some(words));
    asked.into_iter().chain(marked).collect::<Vec<_>>().join(", ")
}

/// The technical facts in a few lines.
pub fn describe(facts: &MediaFacts, left_out: &[LeftOut]) -> String {
    let mut text = format!(
        "container {}{}, {}, {:.2} Mb/s",
        facts.container.as_str(),
        if facts.brand.is_empty() { String::new() } else { format!(" ({})", clean(&facts.brand)) },
        seconds(facts.duration_ns as f64 / 1e9),
        facts.bitrate_bps as f64 / 1e6,
    );
    for video in &facts.video {
        let rate = match video.frame_rate {
            Some(rate) if rate.den == 1 => format!("{} fps", rate.num),
            Some(rate) => format!("{}/{} fps", rate.num, rate.den),
            None => "unknown rate".into(),
        };
        text += &format!(
            "\nvideo     #{} {} {} {}x{}, {rate}{}{}{}, {} frames, {} keyframes",
            video.track,
            clean(&video.codec),
            clean(&video.profile),
            video.width,
            video.height,
            if video.variable_rate { " (variable)" } else { "" },
            if video.interlaced { ", interlaced" } else { "" },
            if video.rotation.degrees > 0 {
                format!(", turned {}°", video.rotation.degrees)
            } else {
                String::new()
            },
            video.frames,
            video.keyframes,
        );
    }
    for audio in &facts.audio {
        let language = clean(&audio.language);
        let codec = clean(&audio.codec);
        text += &format!(
            "\naudio     #{} {codec} {} Hz, {} channels {language}",
            audio.track, audio.sample_rate, audio.channels
        );
    }
    for subtitle in &facts.subtitles {
        let language = clean(&subtitle.language);
        text += &format!("\nsubtitle  #{} {} {language}", subtitle.track, clean(&subtitle.codec));
    }
    for one in left_out {
        let named = [one.kind.as_str(), &clean(&one.codec), &clean(&one.language)].join(" ");
        let file = one.file.as_ref().map(|file| format!(" ({file})")).unwrap_or_default();
        text += &format!("\nleft out  {} {}{file}: {}", one.place(), named.trim_end(), one.reason());
    }
    for tag in &facts.tags {
        text += &format!("\ntag       {}", clean(&tag.name));
        // The store keeps only the names of an asset's tags.
        if !tag.value.is_empty() {
            text += &format!(" = {}", clean(&tag.value));
        }
    }
    text
}

/// How far each surface was analysed, as a table.
pub fn surfaces(reports: &[SurfaceReport]) -> String {
    let mut rows = table::new(&["surface", "analysed", "lines", "left out"]);
    for report in reports {
        let lines = if report.lines > 0 { report.lines.to_string() } else { String::new() };
        let gaps: Vec<String> = report.gaps.iter().map(Gap::label).collect();
        rows.add_row([report.surface.label(), report.state.label(), &lines, &gaps.join("\n")]);
    }
    rows.to_string()
}
