//! `reelgate audit`: the log exported, and an export verified without anything else.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use reelgate_ports::audit::{Chain, verify};

use crate::cli::{AuditVerb, Place};
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::output::talk;
use crate::wiring;

/// Records read at once.
const PIECE: u32 = 1_000;

/// Exports or verifies.
pub async fn audit(place: &Place, verb: AuditVerb) -> Result<Exit, Failure> {
    match verb {
        AuditVerb::Export { file } => export(place, &file).await,
        AuditVerb::Verify { file } => check(&file),
    }
}

async fn export(place: &Place, file: &Path) -> Result<Exit, Failure> {
    let config = Config::load(place).await?;
    let store = wiring::existing_store(&config).await?;
    while store.seal(PIECE).await? > 0 {}
    let failed = |error: std::io::Error| Failure::Usage(format!("write {}: {error}", file.display()));
    let mut out = BufWriter::new(File::create(file).map_err(failed)?);
    let mut chain = Chain::default();
    let mut after = 0;
    loop {
        let records = store.audit(after, PIECE).await?;
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
    talk::say(&format!("{after} records; keep the seal: {seal}"));
    Ok(Exit::Done)
}

fn check(file: &Path) -> Result<Exit, Failure> {
    let opened =
        File::open(file).map_err(|error| Failure::Usage(format!("read {}: {error}", file.display())))?;
    match verify(BufReader::new(opened)) {
        Ok(seal) => {
            talk::say(&format!(
                "{} records, whole and unchanged; the last one has SHA-256 {}",
                seal.records, seal.head
            ));
            Ok(Exit::Done)
        }
        Err(broken) => {
            talk::say(&format!("not as it was exported: {broken}"));
            Ok(Exit::NotAll)
        }
    }
}
