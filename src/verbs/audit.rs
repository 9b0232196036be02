//! `reelgate audit`: exports the audit log, and verifies an export with nothing but its file.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use reelgate_ports::audit::{Chain, verify};

use crate::cli::{AuditVerb, GlobalArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::stderr;
use crate::wiring;

/// Most records of one call of the store.
const RECORDS_MAX: u32 = 1_000;

/// Exports or verifies.
pub async fn audit(global: &GlobalArgs, verb: AuditVerb) -> Result<ExitStatus, Failure> {
    match verb {
        AuditVerb::Export { file } => export(global, &file).await,
        AuditVerb::Verify { file } => check(&file),
    }
}

async fn export(global: &GlobalArgs, file: &Path) -> Result<ExitStatus, Failure> {
    let config = Config::load(global).await?;
    let store = wiring::existing_store(&config).await?;
    while store.seal(RECORDS_MAX).await? > 0 {}
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
    stderr::say(&format!("{after} records; keep the seal: {seal}"));
    Ok(ExitStatus::Done)
}

fn check(file: &Path) -> Result<ExitStatus, Failure> {
    let opened =
        File::open(file).map_err(|error| Failure::Usage(format!("read {}: {error}", file.display())))?;
    match verify(BufReader::new(opened)) {
        Ok(seal) => {
            stderr::say(&format!(
                "{} records, complete and unchanged; the last one has SHA-256 {}",
                seal.records, seal.head
            ));
            Ok(ExitStatus::Done)
        }
        Err(broken) => {
            stderr::say(&format!("the export was changed: {broken}"));
            Ok(ExitStatus::NotAll)
        }
    }
}
