//! Proposals that wait for a second person, and the state of the rule that asks for one.

use reelgate_flow::ids::AssetId;
use reelgate_ports::error::PortResult;
use reelgate_ports::records::{HistoryRecord, Proposal};
use sqlx::{SqliteConnection, SqliteExecutor};

use super::error::{corrupt, db};
use super::work::json;

/// The proposal that waits for an asset.
pub(super) async fn of_asset(on: impl SqliteExecutor<'_>, asset: &AssetId) -> PortResult<Option<Proposal>> {
    let stored: Option<String> = sqlx::query_scalar(
        "SELECT proposal FROM proposals WHERE asset = (SELECT arrival FROM assets WHERE id = ?)",
    )
    .bind(asset.as_str())
    .fetch_optional(on)
    .await
    .map_err(db("read a proposal"))?;
    let read =
        |text: String| serde_json::from_str(&text).map_err(|_| corrupt("proposals.proposal", "a proposal"));
    stored.map(read).transpose()
}

/// Stores the proposal that waits for an asset from now on, if any.
pub(super) async fn write(
    conn: &mut SqliteConnection,
    asset: i64,
    proposal: Option<&Proposal>,
) -> PortResult<()> {
    let Some(proposal) = proposal else {
        let delete = sqlx::query("DELETE FROM proposals WHERE asset = ?").bind(asset).execute(conn);
        return delete.await.map(drop).map_err(db("remove a proposal"));
    };
    sqlx::query(
        "INSERT INTO proposals VALUES (?, ?) ON CONFLICT (asset) DO UPDATE SET proposal = excluded.proposal",
    )
    .bind(asset)
    .bind(json(proposal)?)
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("write a proposal"))
}

/// Whether the rule of two people was on at the last decision.
pub(super) async fn rule(conn: &mut SqliteConnection) -> PortResult<bool> {
    let is_on: Option<bool> =
        sqlx::query_scalar("SELECT is_on FROM recorded_rules WHERE rule = 'two_people'")
            .fetch_optional(conn)
            .await
            .map_err(db("read the rule of two people"))?;
    Ok(is_on.unwrap_or(false))
}

/// Stores the state of the rule, and a line for the audit log.
pub(super) async fn keep_rule(
    conn: &mut SqliteConnection,
    is_on: bool,
    line: &HistoryRecord,
) -> PortResult<()> {
    let what = "keep the rule of two people";
    sqlx::query(
        "INSERT INTO recorded_rules VALUES ('two_people', ?) ON CONFLICT (rule) DO UPDATE SET is_on = excluded.is_on",
    )
    .bind(is_on)
    .execute(&mut *conn)
    .await
    .map_err(db(what))?;
    sqlx::query("INSERT INTO audit_pending (asset, line) VALUES ('', ?)")
        .bind(json(line)?)
        .execute(conn)
        .await
        .map(drop)
        .map_err(db(what))
}
