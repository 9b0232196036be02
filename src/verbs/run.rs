//! `reelgate run`: ingests files, waits until every asset of the home has ended, and prints the results.

mod ended_lines;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use reelgate_actors::signals::Signals;
use reelgate_actors::{Engine, spans};
use reelgate_flow::asset::Phase;
use reelgate_flow::ids::AssetId;
use reelgate_flow::plain::counted;
use reelgate_pipelines::gstreamer_version::GstreamerVersion;
use reelgate_ports::events::EventBatch;
use reelgate_ports::records::{AssetDetail, MediaEvent};
use reelgate_ports::store::{Backlog, Store};

use crate::cli::{GlobalArgs, RunArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::json::AssetLine;
use crate::output::progress::Progress;
use crate::output::stderr;
use crate::output::table::{self, clean, seconds};
use crate::telemetry::Telemetry;
use crate::verbs::fleet::told;
use crate::verbs::{asset_line, unended};
use crate::wiring::{self, EnginePurpose};
use ended_lines::EndedLines;

/// Between two updates of the shown progress.
const UPDATE_INTERVAL: Duration = Duration::from_millis(100);
/// Longest time that a finished run waits for the delivery of notices; the next run delivers the rest.
const NOTICES_GRACE: Duration = Duration::from_secs(10);
/// Most events of one transaction.
const BATCH_MAX: usize = 512;

/// Processes the paths and the unfinished assets of earlier runs.
pub async fn run(global: &GlobalArgs, args: RunArgs, log: Option<&str>) -> Result<ExitStatus, Failure> {
    let mut events = collect(&args)?;
    let config = Config::load(global).await?;
    config.profiles.prioritise(&mut events);
    let signals = Signals::default();
    let _telemetry = Telemetry::start(&config, &wiring::node_name(&config), log, signals.spans())?;
    let context = wiring::context(&config, EnginePurpose::Run, signals).await?;
    if let Some(pause) = context.store.heavy_pause().await? {
        return Err(Failure::Usage(told(&pause)));
    }
    let since = Instant::now();
    let left_over = unended(&*context.store, u32::MAX).await?;
    if !left_over.is_empty() {
        let unfinished = counted(left_over.len() as u64, "unfinished asset", "unfinished assets");
        stderr::say(&format!("what an earlier run left is processed first: {unfinished}"));
    }
    let mut wanted = left_over;
    for batch in events.chunks(BATCH_MAX) {
        let ingested = context.store.ingest(&EventBatch::of(batch)).await?;
        spans::uploads_ingested(&ingested);
        for ingested in ingested {
            if !wanted.contains(&ingested.asset) {
                wanted.push(ingested.asset);
            }
        }
    }
    let names: BTreeMap<AssetId, String> = names(&*context.store, &wanted).await?;
    let mut ended = args.json.then(|| EndedLines::new(&wanted));
    let engine = Engine::start(context).await?;
    let waited = wait(&engine, &names, ended.as_mut()).await;
    let finished = matches!(waited, Ok(false));
    // What does not end in time holds leases, which expire.
    engine.drain(if finished { config.grace() } else { Duration::ZERO }).await;
    let interrupted = match waited {
        Ok(interrupted) => interrupted,
        Err(failure) => {
            wiring::close(&*engine.context().store).await;
            return Err(failure);
        }
    };
    let mut assets = Vec::new();
    for asset in &wanted {
        assets.push(asset_line(&*engine.context().store, asset).await?);
    }
    let sealed = wiring::seal(&config, &*engine.context().store).await;
    wiring::close(&*engine.context().store).await;
    match ended {
        Some(mut ended) => assets.iter().try_for_each(|(detail, line)| ended.print_changed(detail, line))?,
        None => print_table(&assets, since.elapsed())?,
    }
    if let Some(warning) = engine.context().worker.gstreamer().and_then(GstreamerVersion::warning) {
        stderr::say(&format!("warning: {warning}"));
    }
    sealed?;
    if interrupted {
        stderr::say("interrupted; `reelgate run` on the same home continues from here");
        return Ok(ExitStatus::NotAll);
    }
    let done = |phase| matches!(phase, Phase::Published | Phase::Attached);
    let all = assets.iter().all(|(detail, _)| done(detail.asset.phase));
    Ok(if all { ExitStatus::Done } else { ExitStatus::NotAll })
}

/// Every file of the paths as an event; checksum sidecars and hidden files of directories are not uploads.
fn collect(args: &RunArgs) -> Result<Vec<MediaEvent>, Failure> {
    let (mut files, mut left_out) = (Vec::new(), 0);
    for path in &args.paths {
        let unusable = |error: std::io::Error| {
            Failure::Usage(format!("{}: expected a file or a directory: {error}", path.display()))
        };
        let path = std::path::absolute(path).map_err(unusable)?;
        if std::fs::metadata(&path).map_err(unusable)?.is_dir() {
            walk(&path, &mut files, &mut left_out)?;
        } else {
            files.push(path);
        }
    }
    let event = |path: &PathBuf| {
        wiring::event_for_path(path, args.force).map_err(|error| {
            Failure::Usage(format!("{}: {error}; expected a readable, ordinary file", path.display()))
        })
    };
    if left_out > 0 {
        let entries = counted(left_out, "link or special file", "links or special files");
        stderr::say(&format!("{entries} left out; name a link's target itself to process it"));
    }
    files.iter().map(event).collect()
}

/// Adds the ordinary files below a directory, and counts what is neither a file nor a directory.
pub(super) fn walk(dir: &Path, files: &mut Vec<PathBuf>, left_out: &mut u64) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::Usage(format!("{}: cannot be listed: {error}", dir.display()));
    let mut entries: Vec<_> =
        std::fs::read_dir(dir).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type().map_err(failed)?;
        let name = entry.file_name();
        let hidden = name.as_encoded_bytes().starts_with(b".");
        let ends = [".sha256", ".reelgate.toml"];
        let sidecar = ends.iter().any(|end| name.as_encoded_bytes().ends_with(end.as_bytes()));
        if hidden || sidecar {
            continue;
        }
        if kind.is_dir() {
            walk(&entry.path(), files, left_out)?;
        } else if kind.is_file() {
            files.push(entry.path());
        } else {
            *left_out += 1;
        }
    }
    Ok(())
}

async fn names(store: &dyn Store, assets: &[AssetId]) -> Result<BTreeMap<AssetId, String>, Failure> {
    let mut names = BTreeMap::new();
    for asset in assets {
        let key = store.asset(asset).await?.asset.source.id.key;
        names.insert(asset.clone(), file_name(&key));
    }
    Ok(names)
}

fn file_name(key: &str) -> String {
    key.rsplit('/').next().unwrap_or(key).to_owned()
}

/// Waits until every asset has ended; returns true where the user or the system asked to stop before.
async fn wait(
    engine: &Engine,
    names: &BTreeMap<AssetId, String>,
    mut ended: Option<&mut EndedLines>,
) -> Result<bool, Failure> {
    let context = engine.context();
    let mut progress = Progress::new();
    let mut stop = std::pin::pin!(wiring::stop_asked());
    let mut notices_since = None;
    let name = |asset: &AssetId| names.get(asset).cloned().unwrap_or_else(|| asset.to_string());
    let interrupted = loop {
        if let Some(reason) = context.progress_board.dead() {
            progress.end();
            return Err(Failure::Internal(format!(
                "the engine stopped: {reason}; run with --log info to see more"
            )));
        }
        let backlog = context.store.backlog().await?;
        let left = not_ended(&backlog);
        if let Some(ended) = &mut ended {
            ended.print_ended(&*context.store, &backlog, &progress).await?;
        }
        progress.show(&context.progress_board, left, &name);
        if left == 0 && !has_tasks(&backlog) {
            let since = *notices_since.get_or_insert_with(Instant::now);
            if backlog.outbox == 0 {
                break false;
            }
            if since.elapsed() > NOTICES_GRACE {
                stderr::say(&format!(
                    "{} could not be delivered yet; the next run delivers what is left",
                    counted(backlog.outbox, "notice", "notices")
                ));
                break false;
            }
        }
        tokio::select! {
            () = &mut stop => break true,
            () = context.progress_board.changed() => {}
            () = tokio::time::sleep(UPDATE_INTERVAL) => {}
        }
    };
    progress.end();
    Ok(interrupted)
}

/// Whether a task is due or running: the source of an asset under hold may still have to be kept after the asset has ended.
fn has_tasks(backlog: &Backlog) -> bool {
    backlog.ready.iter().chain(&backlog.leased).any(|(_, tasks)| *tasks > 0)
}

fn not_ended(backlog: &Backlog) -> u64 {
    backlog.assets.iter().filter(|(phase, _)| !phase.is_ended()).map(|(_, count)| count).sum()
}

fn print_table(ended: &[(AssetDetail, AssetLine)], took: Duration) -> Result<(), Failure> {
    let mut rows = table::narrowing(&[
        ("asset", 0),
        ("source", 0),
        ("state", 0),
        ("verdict", 2),
        ("reason", 1),
        ("duration", 3),
        ("renditions", 5),
        ("time per stage", 6),
        ("speed", 4),
    ]);
    let mut paths = Vec::new();
    let mut media_s = 0.0;
    let ids = table::ids(ended.iter().map(|(detail, _)| &detail.asset.id));
    for (id, (detail, line)) in ids.into_iter().zip(ended) {
        let duration_s = detail.facts.as_ref().map_or(0.0, |facts| facts.duration_ns as f64 / 1e9);
        let work_s: f64 = line.stages.iter().map(|stage| stage.seconds).sum();
        let stages: Vec<String> =
            line.stages.iter().map(|one| format!("{} {:.1}", one.stage, one.seconds)).collect();
        let renditions: Vec<&str> = line.renditions.iter().map(|one| one.name.as_str()).collect();
        if line.outputs.is_some() && line.linked_to.is_none() {
            media_s += duration_s;
        }
        let speed = line.outputs.is_some() && line.linked_to.is_none() && work_s > 0.0;
        rows.add_row(vec![
            id.into(),
            clean(&file_name(&line.source.path)).into(),
            table::phase(line.state),
            line.verdict.as_str().into(),
            line.reason.as_ref().map_or("", |reason| reason.code.as_str()).into(),
            if duration_s > 0.0 { seconds(duration_s) } else { String::new() }.into(),
            renditions.join(" ").into(),
            stages.join(", ").into(),
            comfy_table::Cell::new(if speed {
                format!("{:.1}x", duration_s / work_s)
            } else {
                String::new()
            }),
        ]);
        if let Some(outputs) = &line.outputs {
            paths.push(format!("play  {}", clean(&outputs.hls)));
        } else if let Some(reason) = &line.reason {
            let name = clean(&file_name(&line.source.path));
            paths.push(format!("{:<5} {name}: {} {}", line.state.as_str(), reason.message, reason.advice));
        }
    }
    table::print(&rows.to_string())?;
    for path in paths {
        table::print(&path)?;
    }
    let took_s = took.as_secs_f64();
    let of = |phase| ended.iter().filter(|(detail, _)| detail.asset.phase == phase).count();
    let (published, attached) = (of(Phase::Published), of(Phase::Attached));
    if attached > 0 {
        let files = counted(attached as u64, "caption file is", "caption files are");
        stderr::say(&format!("{files} attached to films"));
    }
    stderr::say(&format!(
        "{published} of {} published in {}: {} of media, {:.1}x real time",
        ended.len() - attached,
        seconds(took_s),
        seconds(media_s),
        media_s / took_s.max(0.001),
    ));
    Ok(())
}
