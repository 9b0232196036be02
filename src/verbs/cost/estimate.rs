//! `reelgate cost estimate`: what the work on files will probably cost, before any of it is done.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use reelgate_actors::estimator::{Estimator, StageEstimate, total};
use reelgate_actors::profiles::Profile;
use reelgate_actors::work::job_file;
use reelgate_actors::work::planned_work::{of_validation, planned_work};
use reelgate_cost::estimate::EstimateError;
use reelgate_flow::plain::counted;
use reelgate_flow::reason::Fault;
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::client::WorkerProgram;
use reelgate_pipelines::recipes::settings::Settings;
use reelgate_ports::records::{MediaEvent, SourceRecord};
use serde_json::{Value, json};

use crate::cli::EstimateArgs;
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::{stderr, table};
use crate::verbs::look::{self, Looked, Upload, look};
use crate::verbs::{run, to_json};
use crate::wiring::{self, Ports};

/// Uploads read from a listing at once.
const PAGE: usize = 1_000;

/// The stages of one file, and why it would be refused.
struct Estimated {
    name: String,
    stages: BTreeMap<&'static str, StageEstimate>,
    total: StageEstimate,
    note: Option<String>,
}

/// Prints what a file, the files below a directory, or the uploads below a prefix will probably cost.
pub async fn estimate(config: &Config, args: &EstimateArgs) -> Result<ExitStatus, Failure> {
    if let Some(name) = &args.profile {
        look::named(config, name)?;
    }
    let mut estimator = Estimator::first_day(config.rates.clone(), wiring::is_on_s3(config)).map_err(ours)?;
    if wiring::has_store(config)? {
        estimator.learn(&*wiring::existing_store(config).await?).await?;
    }
    let mut work = Estimation { config, args, estimator, worker: wiring::worker(config)?, all: Vec::new() };
    match Path::new(&args.target) {
        path if path.is_dir() => work.directory(path).await?,
        path if path.is_file() => work.file(path).await?,
        _ => work.uploads().await?,
    }
    work.print()
}

struct Estimation<'a> {
    config: &'a Config,
    args: &'a EstimateArgs,
    estimator: Estimator,
    worker: WorkerProgram,
    all: Vec<Estimated>,
}

impl Estimation<'_> {
    async fn directory(&mut self, path: &Path) -> Result<(), Failure> {
        let mut files: Vec<PathBuf> = Vec::new();
        run::walk(path, &mut files, &mut 0)?;
        for file in &files {
            self.file(file).await?;
        }
        Ok(())
    }

    async fn file(&mut self, path: &Path) -> Result<(), Failure> {
        let profile = look::profile(self.config, self.args.profile.as_deref(), path)?;
        let (size, looked) = look::look_at(&self.worker, self.settings(profile), path).await?;
        self.add(path.display().to_string(), size, looked)
    }

    /// The uploads of the ingest area below a prefix, as an import names it.
    async fn uploads(&mut self) -> Result<(), Failure> {
        let prefix = wiring::ingest_prefix(self.config, &self.args.target)?;
        if !wiring::has_store(self.config)? {
            return Err(self.none());
        }
        let ports = wiring::existing_ports(self.config).await?;
        let mut after: Option<String> = None;
        loop {
            let page = ports.objects.list(&prefix, after.as_deref(), PAGE).await?;
            for event in &page {
                self.upload(&ports, event).await?;
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.source.key.clone()),
                _ => break,
            }
        }
        if self.all.is_empty() { Err(self.none()) } else { Ok(()) }
    }

    fn none(&self) -> Failure {
        Failure::Usage(format!(
            "{}: expected a file, a directory, or a prefix with uploads, found none",
            self.args.target
        ))
    }

    async fn upload(&mut self, ports: &Ports, event: &MediaEvent) -> Result<(), Failure> {
        let key = event.source.key.as_str();
        let source = SourceRecord {
            id: event.source.clone(),
            sequencer: event.sequencer.clone(),
            size_bytes: event.size_bytes,
            location: event.location.clone(),
        };
        let profile = match &self.args.profile {
            Some(name) => Some(look::named(self.config, name)?),
            None => self.config.profiles.of_key(key),
        };
        let opened = ports.objects.open(&source).await?;
        let beside = ports.objects.sidecar(&source, job_file::SUFFIX, job_file::BYTES_MAX).await;
        let upload = Upload {
            size: opened.size_bytes,
            file: opened.file,
            name: key,
            job_file: beside.map_err(|error| error.source_fault()),
            given: Ok(Vec::new()),
        };
        let looked = look(&self.worker, self.settings(profile), upload).await?;
        self.add(key.to_owned(), source.size_bytes, looked)
    }

    fn settings<'s>(&'s self, profile: Option<&'s Profile>) -> &'s Settings {
        profile.map_or(&self.config.raw.media, |profile| &profile.settings)
    }

    fn add(&mut self, name: String, size: u64, looked: Looked) -> Result<(), Failure> {
        let mut work = vec![(TaskKey::Validate, of_validation(size))];
        let mut note = None;
        match (&looked.planned, looked.caption_file) {
            (Ok((inspection, plan)), _) => work.extend(planned_work(&inspection.facts, plan)),
            (Err(_), Some(format)) => note = Some(format!("a caption file ({format}), read with its film")),
            (Err(fault), None) => note = Some(refused(fault)),
        }
        let stages = self.estimator.by_stage(&work).map_err(ours)?;
        let total = total(&stages).map_err(ours)?;
        self.all.push(Estimated { name, stages, total, note });
        Ok(())
    }

    fn print(&self) -> Result<ExitStatus, Failure> {
        let mut stages: BTreeMap<&'static str, StageEstimate> = BTreeMap::new();
        for (stage, estimate) in self.all.iter().flat_map(|one| &one.stages) {
            let sum = stages.entry(stage).or_default();
            let both = BTreeMap::from([("", sum.clone()), (*stage, estimate.clone())]);
            *sum = total(&both).map_err(ours)?;
        }
        let sum = total(&stages).map_err(ours)?;
        if self.args.json {
            for one in &self.all {
                table::print(&to_json(&object(
                    "file",
                    &one.name,
                    &one.stages,
                    &one.total,
                    one.note.as_deref(),
                ))?)?;
            }
            table::print(&to_json(&object("total", &self.args.target, &stages, &sum, None))?)?;
            return Ok(ExitStatus::Done);
        }
        if let [_, _, ..] = &self.all[..] {
            let mut rows = table::narrowing(&[("file", 0), ("p50", 0), ("p90", 0), ("note", 1)]);
            for one in &self.all {
                let cost = one.total.cost;
                let note = one.note.clone().unwrap_or_default();
                rows.add_row([table::clean(&one.name), cost.p50.to_string(), cost.p90.to_string(), note]);
            }
            table::print(&rows.to_string())?;
        }
        let header = ["stage", "CPU p50", "CPU p90", "requests p50", "requests p90", "cost p50", "cost p90"];
        let mut rows = table::new(&header);
        for (stage, estimate) in stages.iter().chain([(&"total", &sum)]) {
            let seconds = |ms: u64| table::seconds(ms as f64 / 1_000.0);
            rows.add_row([
                (*stage).to_owned(),
                seconds(estimate.cpu_ms.0),
                seconds(estimate.cpu_ms.1),
                estimate.requests.0.to_string(),
                estimate.requests.1.to_string(),
                estimate.cost.p50.to_string(),
                estimate.cost.p90.to_string(),
            ]);
        }
        table::print(&rows.to_string())?;
        if let [one] = &self.all[..]
            && let Some(note) = &one.note
        {
            stderr::say(note);
        }
        self.say_what_counts(&sum);
        Ok(ExitStatus::Done)
    }

    fn say_what_counts(&self, sum: &StageEstimate) {
        stderr::say(&match self.config.rates.node() {
            Some(node) => format!(
                "{} on {}: {} for {} ms of one virtual CPU, of {}",
                counted(self.all.len() as u64, "file", "files"),
                node.node_type,
                node.price.usd,
                node.price.per,
                node.price.date
            ),
            None => "nothing has a price: cost.node_type is not set".to_owned(),
        });
        if wiring::is_on_s3(self.config) && sum.requests == (0, 0) {
            stderr::say(
                "requests to S3 are not in it: too few were counted so far to know how many it takes",
            );
        }
    }
}

fn refused(fault: &Fault) -> String {
    format!("would be refused after its validation: {}", fault.code.as_str())
}

fn object(
    kind: &str,
    name: &str,
    stages: &BTreeMap<&'static str, StageEstimate>,
    total: &StageEstimate,
    note: Option<&str>,
) -> Value {
    let used = |estimate: &StageEstimate| {
        json!({
            "cpu_p50_ms": estimate.cpu_ms.0,
            "cpu_p90_ms": estimate.cpu_ms.1,
            "requests_p50": estimate.requests.0,
            "requests_p90": estimate.requests.1,
            "p50_nanos": estimate.cost.p50.nanos(),
            "p90_nanos": estimate.cost.p90.nanos(),
        })
    };
    let by_stage: BTreeMap<&str, Value> = stages.iter().map(|(stage, one)| (*stage, used(one))).collect();
    json!({"kind": kind, "name": name, "total": used(total), "stages": by_stage, "note": note})
}

fn ours(error: EstimateError) -> Failure {
    Failure::Internal(format!("estimate: {error}"))
}
