//! Proposals that wait for a second person, and the state of the rule that asks for one.

use reelgate_flow::ids::AssetId;
use reelgate_ports::records::{HistoryRecord, Proposal};
use sqlx::{PgConnection, PgExecutor};

use crate::documents::{document, json};
use crate::error::{DbResult, db};
use crate::pg_store::PgStore;

/// The proposal that waits for an asset.
pub(crate) async fn of_asset(on: impl PgExecutor<'_>, asset: &AssetId) -> DbResult<Option<Proposal>> {
    let stored = sqlx::query_scalar!(
        "SELECT p.proposal FROM proposals AS p JOIN assets AS a ON a.arrival = p.asset WHERE a.id = $1",
        asset.as_str(),
    )
    .fetch_optional(on)
    .await
    .map_err(db("read a proposal"))?;
    Ok(stored.map(|text| document(&text, "proposals.proposal")).transpose()?)
}

/// Stores the proposal that waits for an asset from now on, if any.
pub(crate) async fn write(conn: &mut PgConnection, asset: i64, proposal: Option<&Proposal>) -> DbResult<()> {
    let Some(proposal) = proposal else {
        let delete = sqlx::query!("DELETE FROM proposals WHERE asset = $1", asset).execute(conn);
        return delete.await.map(drop).map_err(db("remove a proposal"));
    };
    sqlx::query!(
        "INSERT INTO proposals (asset, proposal) VALUES ($1, $2)
         ON CONFLICT (asset) DO UPDATE SET proposal = excluded.proposal",
        asset,
        json(proposal)?,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("write a proposal"))
}

/// Whether the rule of two people was on at the last decision.
pub(crate) async fn rule(conn: &mut PgConnection) -> DbResult<bool> {
    let is_on = sqlx::query_scalar!("SELECT is_on FROM recorded_rules WHERE rule = 'two_people'")
        .fetch_optional(conn)
        .await
        .map_err(db("read the rule of two people"))?;
    Ok(is_on.unwrap_or(false))
}

/// Stores the state of the rule, and a line for the audit log.
pub(crate) async fn keep_rule(conn: &mut PgConnection, is_on: bool, line: &HistoryRecord) -> DbResult<()> {
    sqlx::query!(
        "WITH kept AS (INSERT INTO recorded_rules (rule, is_on) VALUES ('two_people', $1)
                       ON CONFLICT (rule) DO UPDATE SET is_on = excluded.is_on)
         INSERT INTO audit_pending (asset, lines) VALUES (NULL, $2)",
        is_on,
        json(&[line])?,
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("keep the rule of two people"))
}

impl PgStore {
    /// The proposal that waits for an asset.
    pub(crate) async fn read_proposal(&self, asset: &AssetId) -> DbResult<Option<Proposal>> {
        of_asset(&self.writers, asset).await
    }
}
