//! Writes the changes of a unit of work: a few statements, each for all rows of several tables.

mod assets;
mod tasks;

use reelgate_flow::asset::TaskState;
use reelgate_store::work::LearnedFact;
use sqlx::PgConnection;

use crate::error::{DbResult, db};
use crate::unit::Unit;
use crate::{budgets, decisions, jobs, ledger, metadata, outbox, products, proposals};

/// What a transaction wrote.
#[derive(Debug)]
pub(crate) struct Written {
    /// Its number, to look up its outcome; `None` if it wrote nothing.
    pub xid: Option<String>,
    /// Invariants that were found broken, by id.
    pub violations: Vec<String>,
    /// There is something new to claim.
    pub claimable: bool,
}

/// Writes everything.
pub(crate) async fn write(conn: &mut PgConnection, mut unit: Unit) -> DbResult<Written> {
    for learned in std::mem::take(&mut unit.work.learned) {
        write_learned(conn, &mut unit, learned).await?;
    }
    let owed = outbox::owed(conn, &unit).await?;
    assets::insert(conn, &unit).await?;
    let mut xid = assets::write(conn, &unit, owed).await?;
    tasks::write(conn, &unit).await?;
    ledger::write(conn, &unit.work).await?;
    budgets::write(conn, &unit.work).await?;
    if xid.is_none() {
        xid = sqlx::query_scalar!("SELECT pg_current_xact_id_if_assigned()::text")
            .fetch_one(conn)
            .await
            .map_err(db("name a transaction"))?;
    }
    let starts = |loaded: &reelgate_store::work::Loaded| {
        let ready = |task| loaded.row.core.tasks.get(task).is_some_and(|t| t.state == TaskState::Ready);
        loaded.touched.iter().any(ready)
    };
    let claimable = unit.work.loaded.values().any(starts);
    Ok(Written { xid, violations: unit.work.violations, claimable })
}

async fn write_learned(conn: &mut PgConnection, unit: &mut Unit, learned: LearnedFact) -> DbResult<()> {
    match learned {
        LearnedFact::Product { asset, task, attempt, result, outputs } => {
            let asset = unit.work.at(&asset)?.row.arrival;
            products::write(conn, asset, task, attempt, &result, &outputs).await
        }
        LearnedFact::Jobs(asset, planned) => {
            jobs::write(conn, unit.work.at(&asset)?.row.arrival, &planned).await
        }
        LearnedFact::Facts(asset, media) => {
            let arrival = unit.work.at(&asset)?.row.arrival;
            unit.media.insert(arrival, (media.container.as_str().to_owned(), media.duration_ns));
            products::write_media(conn, arrival, &media).await
        }
        LearnedFact::Metadata(asset, entries) => {
            metadata::write(conn, unit.work.at(&asset)?.row.arrival, &entries).await
        }
        LearnedFact::Packaged { asset, renditions, left_out } => {
            products::write_package(conn, unit.work.at(&asset)?.row.arrival, &renditions, &left_out).await
        }
        LearnedFact::Findings(asset, rows) => {
            products::write_findings(conn, unit.work.at(&asset)?.row.arrival, &rows).await
        }
        LearnedFact::MoreFindings(asset, rows) => {
            products::add_findings(conn, unit.work.at(&asset)?.row.arrival, &rows).await
        }
        LearnedFact::Redaction(asset, redaction) => {
            decisions::write_redaction(conn, unit.work.at(&asset)?.row.arrival, &redaction).await
        }
        LearnedFact::SameRedaction { asset, original } => {
            let asset = unit.work.at(&asset)?.row.arrival;
            let original = unit.work.at(&original)?.row.arrival;
            decisions::copy_redaction(conn, asset, original).await
        }
        LearnedFact::Decision(asset, decision, approver) => {
            let arrival = unit.work.at(&asset)?.row.arrival;
            decisions::write(conn, unit.work.now_ms, arrival, &decision, approver.as_ref()).await
        }
        LearnedFact::Proposal(asset, proposal) => {
            proposals::write(conn, unit.work.at(&asset)?.row.arrival, proposal.as_ref()).await
        }
        LearnedFact::Erased(asset) => {
            // What is written after it (the certificate, the asset's own row) stays.
            let row = &mut unit.work.at(&asset)?.row;
            row.source.location = String::new();
            decisions::erase(conn, row.arrival).await
        }
    }
}
