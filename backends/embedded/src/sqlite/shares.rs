//! Shares of what nobody used alone on a day, and how long nodes were up.

use reelgate_cost::line::day_of;
use reelgate_cost::node::NodeRate;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::PortResult;
use reelgate_ports::records::{NodeReport, ShareRecord, ShareRow};
use reelgate_ports::store::ShareFilter;
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};

use super::error::{corrupt, db};
use super::ledger;
use super::rows::{count, get, small, text};
use super::work::json;

/// Adds shares; one that is there already stays as it is.
pub(super) async fn write(conn: &mut SqliteConnection, shares: &[ShareRecord]) -> PortResult<()> {
    let cells = shares.iter().map(|share| {
        let ShareRecord { day, asset, node_type, charge } = share;
        let used = (charge.resource.as_str(), charge.quantity, charge.method.as_str());
        let price = (charge.unit_price.nanos(), charge.unit, &charge.price_date, charge.amount.nanos());
        (day, asset.as_ref().map(AssetId::as_str), node_type, used, price)
    });
    sqlx::query(
        "INSERT INTO ledger_shares (day, asset, node_type, resource, quantity, method, unit_price_nanos, unit, price_date, amount_nanos)
         SELECT value ->> 0, coalesce((SELECT arrival FROM assets WHERE id = value ->> 1), 0), value ->> 2, value ->> '$[3][0]',
                value ->> '$[3][1]', value ->> '$[3][2]', value ->> '$[4][0]', value ->> '$[4][1]', value ->> '$[4][2]',
                value ->> '$[4][3]'
         FROM json_each(?) WHERE true ON CONFLICT DO NOTHING",
    )
    .bind(json(&cells.collect::<Vec<_>>())?)
    .execute(conn)
    .await
    .map_err(db("write shares of a day"))?;
    Ok(())
}

/// A page of shares.
pub(super) async fn read(pool: &SqlitePool, filter: &ShareFilter) -> PortResult<Vec<ShareRow>> {
    let after = filter.after.as_ref();
    let rows = sqlx::query(
        "SELECT s.*, a.id, a.key FROM ledger_shares AS s LEFT JOIN assets AS a ON a.arrival = s.asset
         WHERE (?1 IS NULL OR s.asset = (SELECT arrival FROM assets WHERE id = ?1))
             AND (?2 IS NULL OR s.day >= ?2) AND (?3 IS NULL OR s.day < ?3)
             AND (?4 IS NULL OR (s.day, s.asset, s.resource, s.node_type)
                  > (?4, coalesce((SELECT arrival FROM assets WHERE id = ?5), 0), ?6, ?7))
         ORDER BY s.day, s.asset, s.resource, s.node_type LIMIT ?8",
    )
    .bind(filter.asset.as_ref().map(AssetId::as_str))
    .bind(filter.from_day)
    .bind(filter.until_day)
    .bind(after.map(|after| after.day))
    .bind(after.and_then(|after| after.asset.as_ref()).map(AssetId::as_str))
    .bind(after.map(|after| after.charge.resource.as_str()))
    .bind(after.map(|after| after.node_type.as_str()))
    .bind(filter.lines_max)
    .fetch_all(pool)
    .await
    .map_err(db("read shares of days"))?;
    rows.iter().map(row).collect()
}

fn row(row: &SqliteRow) -> PortResult<ShareRow> {
    let charge = ledger::charge(row, "ledger_shares.resource", "ledger_shares.method")?;
    let asset: Option<String> = get(row, "id")?;
    let key: Option<String> = get(row, "key")?;
    let (day, node_type) = (small(row, "day")?, text(row, "node_type")?);
    let record = ShareRecord { day, asset: asset.map(AssetId::new), node_type, charge };
    Ok(ShareRow { record, key: key.unwrap_or_default() })
}

/// Records that a process of a node is up.
pub(super) async fn node_up(pool: &SqlitePool, now_ms: u64, report: &NodeReport) -> PortResult<()> {
    let Some(rate) = &report.rate else { return Ok(()) };
    sqlx::query(
        "INSERT INTO node_uptimes (day, node, process, rate, from_ms, until_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?5)
         ON CONFLICT DO UPDATE SET rate = excluded.rate, until_ms = max(until_ms, excluded.until_ms)",
    )
    .bind(day_of(now_ms))
    .bind(report.node.as_str())
    .bind(&report.process)
    .bind(json(rate)?)
    .bind(i64::try_from(now_ms).unwrap_or(i64::MAX))
    .execute(pool)
    .await
    .map_err(db("record that a node is up"))?;
    Ok(())
}

/// How long nodes of each rate were up on a day.
pub(super) async fn uptimes(pool: &SqlitePool, day: u32) -> PortResult<Vec<(NodeRate, u64)>> {
    let rows = sqlx::query(
        "SELECT rate, until_ms - from_ms AS up_ms FROM node_uptimes WHERE day = ? ORDER BY node, process",
    )
    .bind(day)
    .fetch_all(pool)
    .await
    .map_err(db("read how long nodes were up"))?;
    let read = |row: &SqliteRow| {
        let rate =
            serde_json::from_str(&text(row, "rate")?).map_err(|_| corrupt("node_uptimes.rate", "a rate"))?;
        Ok((rate, count(row, "up_ms")?))
    };
    rows.iter().map(read).collect()
}
