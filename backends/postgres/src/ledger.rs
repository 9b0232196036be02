//! The ledger: what attempts used, and what it cost.

use reelgate_cost::charge::{Charge, Method};
use reelgate_cost::money::NanoUsd;
use reelgate_cost::resource::Resource;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::PortResult;
use reelgate_ports::records::{CostDays, LedgerRecord, LedgerRow, WorkSample};
use reelgate_ports::store::LedgerFilter;
use reelgate_store::work::UnitOfWork;
use sqlx::PgConnection;

use crate::error::{DbResult, db};
use crate::pg_store::PgStore;
use crate::rows::{large, small, task_key, word};
use crate::time::number;

/// The lines as columns.
#[derive(Default)]
struct Columns {
    asset: Vec<i64>,
    attempt: Vec<i32>,
    waste: Vec<bool>,
    at_ms: Vec<i64>,
    quantity: Vec<i64>,
    unit_price: Vec<i64>,
    unit: Vec<i64>,
    amount: Vec<i64>,
    task: Vec<String>,
    resource: Vec<String>,
    node_type: Vec<String>,
    price_date: Vec<String>,
    method: Vec<String>,
    part: Vec<String>,
    units: Vec<i64>,
}

impl Columns {
    fn of(work: &UnitOfWork) -> Self {
        let mut columns = Self::default();
        for record in &work.ledger {
            let Some(loaded) = work.loaded.get(&record.asset) else { continue };
            let charge = &record.charge;
            columns.asset.push(loaded.row.arrival);
            columns.attempt.push(i32::try_from(record.attempt).unwrap_or(i32::MAX));
            columns.waste.push(record.waste);
            columns.at_ms.push(number(record.at_ms));
            columns.quantity.push(number(charge.quantity));
            columns.unit_price.push(charge.unit_price.nanos());
            columns.unit.push(number(charge.unit));
            columns.amount.push(charge.amount.nanos());
            columns.task.push(record.task.text());
            columns.resource.push(charge.resource.as_str().to_owned());
            columns.node_type.push(record.node_type.clone());
            columns.price_date.push(charge.price_date.clone());
            columns.method.push(charge.method.as_str().to_owned());
            columns.part.push(record.part.clone());
            columns.units.push(number(record.units));
        }
        columns
    }
}

/// Adds lines; a line whose attempt already has one for the resource is left out.
pub(crate) async fn write(conn: &mut PgConnection, work: &UnitOfWork) -> DbResult<()> {
    if work.ledger.is_empty() {
        return Ok(());
    }
    let columns = Columns::of(work);
    sqlx::query!(
        "INSERT INTO ledger (asset, attempt, waste, at_ms, quantity, unit_price_nanos, unit, amount_nanos, task, resource,
                             node_type, price_date, method, part, units)
         SELECT * FROM unnest($1::bigint[], $2::integer[], $3::boolean[], $4::bigint[], $5::bigint[], $6::bigint[],
                              $7::bigint[], $8::bigint[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
                              $15::bigint[])
         ON CONFLICT DO NOTHING",
        &columns.asset,
        &columns.attempt,
        &columns.waste,
        &columns.at_ms,
        &columns.quantity,
        &columns.unit_price,
        &columns.unit,
        &columns.amount,
        &columns.task,
        &columns.resource,
        &columns.node_type,
        &columns.price_date,
        &columns.method,
        &columns.part,
        &columns.units,
    )
    .execute(conn)
    .await
    .map_err(db("write the ledger"))?;
    Ok(())
}

struct Row {
    id: String,
    key: String,
    size_bytes: i64,
    task: String,
    attempt: i32,
    at_ms: i64,
    node_type: String,
    resource: String,
    quantity: i64,
    unit_price_nanos: i64,
    unit: i64,
    price_date: String,
    amount_nanos: i64,
    method: String,
    part: String,
    units: i64,
    waste: bool,
}

impl Row {
    fn read(self) -> PortResult<LedgerRow> {
        let charge = Charge {
            resource: word(Resource::parse, &self.resource, "ledger.resource", "a resource")?,
            quantity: large(self.quantity, "ledger.quantity")?,
            unit_price: NanoUsd::new(self.unit_price_nanos),
            unit: large(self.unit, "ledger.unit")?,
            price_date: self.price_date,
            amount: NanoUsd::new(self.amount_nanos),
            method: word(Method::parse, &self.method, "ledger.method", "a method")?,
        };
        let record = LedgerRecord {
            asset: AssetId::new(self.id),
            task: task_key(&self.task)?,
            attempt: small(self.attempt, "ledger.attempt")?,
            at_ms: large(self.at_ms, "ledger.at_ms")?,
            node_type: self.node_type,
            charge,
            part: self.part,
            units: large(self.units, "ledger.units")?,
            waste: self.waste,
        };
        Ok(LedgerRow { record, key: self.key, size_bytes: large(self.size_bytes, "assets.size_bytes")? })
    }
}

/// Keeps that a day is closed; false if it was already.
pub(crate) async fn keep_closed(conn: &mut PgConnection, now_ms: i64, day: u32) -> DbResult<bool> {
    let kept = sqlx::query!(
        "INSERT INTO closed_days (day, at_ms) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        i32::try_from(day).unwrap_or(i32::MAX),
        now_ms,
    )
    .execute(conn)
    .await
    .map_err(db("close a day of the ledger"))?;
    Ok(kept.rows_affected() > 0)
}

impl PgStore {
    /// Which days are over, and up to which they are closed.
    pub(crate) async fn read_cost_days(&self) -> DbResult<CostDays> {
        let what = "look for closed days of the ledger";
        let now_ms = sqlx::query_scalar!(
            r#"SELECT coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS "now_ms!""#,
            self.time.given(),
        )
        .fetch_one(&self.writers)
        .await
        .map_err(db(what))?;
        let finished = CostDays::finished_at(large(now_ms, "the time")?);
        let closed = sqlx::query_scalar!(
            "SELECT max(day) FROM closed_days WHERE day <= $1",
            i32::try_from(finished).unwrap_or(i32::MAX),
        )
        .fetch_one(&self.writers)
        .await
        .map_err(db(what))?;
        let closed = closed.map(|day| small(day, "closed_days.day")).transpose()?;
        Ok(CostDays { closed, finished })
    }

    /// A page of the ledger.
    pub(crate) async fn read_ledger(&self, filter: &LedgerFilter) -> DbResult<Vec<LedgerRow>> {
        let after = filter.after.as_ref();
        let rows = sqlx::query_as!(
            Row,
            "SELECT a.id, a.key, a.size_bytes, l.task, l.attempt, l.at_ms, l.node_type, l.resource, l.quantity, l.unit_price_nanos, l.unit,
                    l.price_date, l.amount_nanos, l.method, l.part, l.units, l.waste
             FROM ledger AS l JOIN assets AS a ON a.arrival = l.asset
             WHERE ($1::text IS NULL OR l.asset = (SELECT arrival FROM assets WHERE id = $1))
                 AND ($2::bigint IS NULL OR l.at_ms >= $2) AND ($3::bigint IS NULL OR l.at_ms < $3)
                 AND ($4::text IS NULL OR (l.asset, l.task, l.attempt, l.resource)
                      > ((SELECT arrival FROM assets WHERE id = $4), $5::text, $6::integer, $7::text))
             ORDER BY l.asset, l.task, l.attempt, l.resource LIMIT $8",
            filter.asset.as_ref().map(AssetId::as_str),
            filter.from_ms.map(number),
            filter.until_ms.map(number),
            after.map(|after| after.asset.as_str()),
            after.map(|after| after.task.text()),
            after.map(|after| i32::try_from(after.attempt).unwrap_or(i32::MAX)),
            after.map(|after| after.resource.as_str()),
            i64::from(filter.lines_max),
        )
        .fetch_all(&self.readers)
        .await
        .map_err(db("read the ledger"))?;
        Ok(rows.into_iter().map(Row::read).collect::<PortResult<_>>()?)
    }

    /// The last lines of successful attempts whose work is known, oldest first.
    pub(crate) async fn read_recent_work(&self, lines_max: u32) -> DbResult<Vec<WorkSample>> {
        let rows = sqlx::query!(
            "SELECT task, part, node_type, resource, quantity, units FROM ledger WHERE units > 0 AND NOT waste
             ORDER BY at_ms DESC, asset DESC, task DESC, attempt DESC, resource DESC LIMIT $1",
            i64::from(lines_max),
        )
        .fetch_all(&self.readers)
        .await
        .map_err(db("read recent work"))?;
        let samples = rows.into_iter().rev().map(|row| {
            Ok(WorkSample {
                task: task_key(&row.task)?,
                part: row.part,
                node_type: row.node_type,
                resource: word(Resource::parse, &row.resource, "ledger.resource", "a resource")?,
                quantity: large(row.quantity, "ledger.quantity")?,
                units: large(row.units, "ledger.units")?,
            })
        });
        Ok(samples.collect::<PortResult<_>>()?)
    }
}
