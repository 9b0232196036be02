//! `reelgate audit`: exports the audit log, and verifies the log or an export against the seal that is kept outside of the database and those
//! of notices.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use reelgate_flow::plain::counted;
use reelgate_ports::audit::{Broken, Chain, Seal, Verifier, verify};
use reelgate_ports::store::Store;

use crate::cli::{AuditVerb, GlobalArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::stderr;
use crate::wiring;
use crate::wiring::aws::Aws;

/// Most records of one call of the store.
const RECORDS_MAX: u32 = 1_000;

/// Exports or verifies.
pub async fn audit(global: &GlobalArgs, verb: AuditVerb) -> Result<ExitStatus, Failure> {
    match verb {
        AuditVerb::Export { file } => export(global, &file).await,
        AuditVerb::Verify { file: Some(file), seal: given } => {
            let config = Config::load(global).await?;
            let opened = File::open(&file)
                .map_err(|error| Failure::Usage(format!("read {}: {error}", file.display())))?;
            let seals = Seals { kept: kept(&config).await?, given };
            Ok(report("the export", &seals, verify(BufReader::new(opened), seals.all())))
        }
        AuditVerb::Verify { file: None, seal: given } => {
            let config = Config::load(global).await?;
            let store = wiring::existing_store(&config).await?;
            let seals = Seals { kept: kept(&config).await?, given };
            Ok(report("the audit log", &seals, walk(&*store, seals.all()).await?))
        }
    }
}

/// What the log is compared with.
struct Seals {
    /// The seal that is kept outside of the database.
    kept: Option<Seal>,
    /// Those that the caller got in notices.
    given: Vec<Seal>,
}

impl Seals {
    /// The caller's first, as they were asked about.
    fn all(&self) -> Vec<Seal> {
        self.given.iter().chain(&self.kept).cloned().collect()
    }
}

/// The seal that is kept outside of the database.
async fn kept(config: &Config) -> Result<Option<Seal>, Failure> {
    Ok(wiring::seal_keeper(config, &Aws::new(config)).await?.kept().await?)
}

async fn export(global: &GlobalArgs, file: &Path) -> Result<ExitStatus, Failure> {
    let config = Config::load(global).await?;
    let store = wiring::existing_store(&config).await?;
    let sealed = wiring::seal(&config, &*store).await;
    let failed = |error: std::io::Error| Failure::Usage(format!("write {}: {error}", file.display()));
    let mut out = BufWriter::new(File::create(file).map_err(failed)?);
    let mut chain = Chain::default();
    let mut after = 0;
    loop {
        let records = store.audit(after, RECORDS_MAX).await?;
        let Some(last) = records.last() else { break };
        after = last.number;
        for record in &records {
            writeln!(out, "{}", record.line).map_err(failed)?;
        }
        chain = Chain::after(last);
    }
    let seal = serde_json::to_string(&chain.seal())
        .map_err(|error| Failure::Internal(format!("write the seal: {error}")))?;
    writeln!(out, "{seal}").map_err(failed)?;
    out.into_inner().map_err(|error| failed(error.into_error()))?.sync_all().map_err(failed)?;
    stderr::say(&format!("{}; keep the seal: {seal}", counted(after, "record", "records")));
    // The export is written in any case: it shows what there is.
    sealed?;
    Ok(ExitStatus::Done)
}

/// Checks every record of the database.
async fn walk(store: &dyn Store, kept: Vec<Seal>) -> Result<Result<Seal, Broken>, Failure> {
    let mut verifier = Verifier::against(kept);
    let mut after = 0;
    loop {
        let records = store.audit(after, RECORDS_MAX).await?;
        let Some(last) = records.last() else { return Ok(verifier.end()) };
        after = last.number;
        for record in &records {
            if let Err(broken) = verifier.record(record.number, &record.line) {
                return Ok(Err(broken));
            }
        }
    }
}

fn report(what: &str, seals: &Seals, verified: Result<Seal, Broken>) -> ExitStatus {
    match verified {
        Ok(seal) => {
            let names: Vec<String> =
                seals.all().iter().map(|seal| counted(seal.records, "record", "records")).collect();
            let compared = match &names[..] {
                [] => "no seal is kept to compare with".to_owned(),
                [one] => format!("with everything that the seal of {one} names"),
                several => format!("with everything that the seals of {} name", several.join(", ")),
            };
            let records = counted(seal.records, "record", "records");
            stderr::say(&format!(
                "{what}: {records}, complete and unchanged, {compared}; the last one has SHA-256 {}",
                seal.head
            ));
            ExitStatus::Done
        }
        Err(broken) => {
            let how = match &broken {
                Broken::RolledBack { kept, .. } | Broken::Replaced { kept } if seals.given.contains(kept) => {
                    " does not hold the seal that was given"
                }
                Broken::RolledBack { .. } | Broken::Replaced { .. } => "",
                _ => " was changed",
            };
            stderr::say(&format!("{what}{how}: {broken}"));
            ExitStatus::NotAll
        }
    }
}
