//! The ledger: what attempts used, and what it cost.

use reelgate_cost::charge::{Charge, Method};
use reelgate_cost::money::NanoUsd;
use reelgate_cost::resource::Resource;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::PortResult;
use reelgate_ports::records::{CostDays, LedgerRecord, LedgerRow, WorkSample};
use reelgate_ports::store::LedgerFilter;
use reelgate_store::work::UnitOfWork;
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};

use super::error::db;
use super::rows::{self, count, get, small, text, word};
use super::work::json;

/// Adds lines; a line whose attempt already has one for the resource is left out.
pub(super) async fn write(conn: &mut SqliteConnection, work: &UnitOfWork) -> PortResult<()> {
    if work.ledger.is_empty() {
        return Ok(());
    }
    let cells = work.ledger.iter().filter_map(|record| {
        let LedgerRecord { asset, task, attempt, at_ms, node_type, charge, part, units, waste } = record;
        let arrival = work.loaded.get(asset)?.row.arrival;
        let price = (charge.unit_price.nanos(), charge.unit, &charge.price_date, charge.amount.nanos());
        let used = (charge.resource.as_str(), charge.quantity, charge.method.as_str());
        Some((arrival, task, attempt, at_ms, node_type, used, price, u8::from(*waste), part, units))
    });
    let cells = json(&cells.collect::<Vec<_>>())?;
    sqlx::query(INSERT).bind(cells).execute(conn).await.map_err(db("write the ledger"))?;
    Ok(())
}

const INSERT: &str = "
    INSERT INTO ledger (asset, task, attempt, at_ms, node_type, resource, quantity, method, unit_price_nanos, unit, price_date,
                        amount_nanos, waste, part, units)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> '$[5][0]', value ->> '$[5][1]',
           value ->> '$[5][2]', value ->> '$[6][0]', value ->> '$[6][1]', value ->> '$[6][2]', value ->> '$[6][3]', value ->> 7,
           value ->> 8, value ->> 9
    FROM json_each(?) WHERE true ON CONFLICT DO NOTHING";

/// A page of the ledger.
pub(super) async fn read(pool: &SqlitePool, filter: &LedgerFilter) -> PortResult<Vec<LedgerRow>> {
    let after = filter.after.as_ref();
    let at = |ms: Option<u64>| ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX));
    let rows = sqlx::query(
        "SELECT l.*, a.id, a.key, a.size_bytes FROM ledger AS l JOIN assets AS a ON a.arrival = l.asset
         WHERE (?1 IS NULL OR l.asset = (SELECT arrival FROM assets WHERE id = ?1))
             AND (?2 IS NULL OR l.at_ms >= ?2) AND (?3 IS NULL OR l.at_ms < ?3)
             AND (?4 IS NULL OR (l.asset, l.task, l.attempt, l.resource)
                  > ((SELECT arrival FROM assets WHERE id = ?4), ?5, ?6, ?7))
         ORDER BY l.asset, l.task, l.attempt, l.resource LIMIT ?8",
    )
    .bind(filter.asset.as_ref().map(AssetId::as_str))
    .bind(at(filter.from_ms))
    .bind(at(filter.until_ms))
    .bind(after.map(|after| after.asset.as_str()))
    .bind(after.map(|after| after.task.text()))
    .bind(after.map(|after| after.attempt))
    .bind(after.map(|after| after.resource.as_str()))
    .bind(filter.lines_max)
    .fetch_all(pool)
    .await
    .map_err(db("read the ledger"))?;
    rows.iter().map(row).collect()
}

/// The last lines of successful attempts whose work is known, oldest first.
pub(super) async fn recent_work(pool: &SqlitePool, lines_max: u32) -> PortResult<Vec<WorkSample>> {
    let rows = sqlx::query(
        "SELECT task, part, node_type, resource, quantity, units FROM ledger WHERE units > 0 AND NOT waste
         ORDER BY at_ms DESC, asset DESC, task DESC, attempt DESC, resource DESC LIMIT ?",
    )
    .bind(lines_max)
    .fetch_all(pool)
    .await
    .map_err(db("read recent work"))?;
    let sample = |row: &SqliteRow| {
        Ok(WorkSample {
            task: rows::task_key(row)?,
            part: text(row, "part")?,
            node_type: text(row, "node_type")?,
            resource: word(Resource::parse, &text(row, "resource")?, "ledger.resource", "a resource")?,
            quantity: count(row, "quantity")?,
            units: count(row, "units")?,
        })
    };
    rows.iter().rev().map(sample).collect()
}

/// The charge of a line of the ledger or of a share; the names of the two columns of words are those that an error tells.
pub(super) fn charge(row: &SqliteRow, resource: &'static str, method: &'static str) -> PortResult<Charge> {
    Ok(Charge {
        resource: word(Resource::parse, &text(row, "resource")?, resource, "a resource")?,
        quantity: count(row, "quantity")?,
        unit_price: NanoUsd::new(get(row, "unit_price_nanos")?),
        unit: count(row, "unit")?,
        price_date: text(row, "price_date")?,
        amount: NanoUsd::new(get(row, "amount_nanos")?),
        method: word(Method::parse, &text(row, "method")?, method, "a method")?,
    })
}

fn row(row: &SqliteRow) -> PortResult<LedgerRow> {
    let charge = charge(row, "ledger.resource", "ledger.method")?;
    let record = LedgerRecord {
        asset: AssetId::new(text(row, "id")?),
        task: rows::task_key(row)?,
        attempt: small(row, "attempt")?,
        at_ms: count(row, "at_ms")?,
        node_type: text(row, "node_type")?,
        charge,
        part: text(row, "part")?,
        units: count(row, "units")?,
        waste: get(row, "waste")?,
    };
    Ok(LedgerRow { record, key: text(row, "key")?, size_bytes: count(row, "size_bytes")? })
}

/// Keeps that a day is closed; false if it was already.
pub(super) async fn keep_closed(conn: &mut SqliteConnection, day: u32, now_ms: u64) -> PortResult<bool> {
    let kept = sqlx::query("INSERT INTO closed_days (day, at_ms) VALUES (?, ?) ON CONFLICT DO NOTHING")
        .bind(day)
        .bind(i64::try_from(now_ms).unwrap_or(i64::MAX))
        .execute(conn)
        .await
        .map_err(db("close a day of the ledger"))?;
    Ok(kept.rows_affected() > 0)
}

/// Which days are over, and up to which they are closed.
pub(super) async fn days(pool: &SqlitePool, now_ms: u64) -> PortResult<CostDays> {
    let finished = CostDays::finished_at(now_ms);
    let closed: Option<u32> = sqlx::query_scalar("SELECT max(day) FROM closed_days WHERE day <= ?")
        .bind(finished)
        .fetch_one(pool)
        .await
        .map_err(db("look for closed days of the ledger"))?;
    Ok(CostDays { closed, finished })
}
