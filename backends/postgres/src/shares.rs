//! Shares of what nobody used alone on a day, and how long nodes were up.

use reelgate_cost::charge::{Charge, Method};
use reelgate_cost::money::NanoUsd;
use reelgate_cost::node::NodeRate;
use reelgate_cost::resource::Resource;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::PortResult;
use reelgate_ports::records::{NodeReport, ShareRecord, ShareRow};
use reelgate_ports::store::ShareFilter;
use sqlx::PgConnection;

use crate::documents::{document, json};
use crate::error::{DbResult, db};
use crate::pg_store::PgStore;
use crate::rows::{large, small, word};
use crate::time::number;

/// Adds shares; one that is there already stays as it is.
pub(crate) async fn write(conn: &mut PgConnection, shares: &[ShareRecord]) -> DbResult<()> {
    let numbers = |of: fn(&Charge) -> i64| shares.iter().map(|share| of(&share.charge)).collect::<Vec<_>>();
    let texts =
        |of: fn(&ShareRecord) -> &str| shares.iter().map(|share| of(share).to_owned()).collect::<Vec<_>>();
    let days: Vec<i32> = shares.iter().map(|share| i32::try_from(share.day).unwrap_or(i32::MAX)).collect();
    sqlx::query!(
        "INSERT INTO ledger_shares (day, asset, quantity, unit_price_nanos, unit, amount_nanos, resource, node_type, price_date, method)
         SELECT n.day, coalesce((SELECT a.arrival FROM assets AS a WHERE a.id = n.asset), 0), n.quantity, n.unit_price_nanos, n.unit,
                n.amount_nanos, n.resource, n.node_type, n.price_date, n.method
         FROM unnest($1::integer[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::text[],
                     $9::text[], $10::text[])
             AS n (day, asset, quantity, unit_price_nanos, unit, amount_nanos, resource, node_type, price_date, method)
         ON CONFLICT DO NOTHING",
        &days,
        &texts(|share| share.asset.as_ref().map_or("", AssetId::as_str)),
        &numbers(|charge| number(charge.quantity)),
        &numbers(|charge| charge.unit_price.nanos()),
        &numbers(|charge| number(charge.unit)),
        &numbers(|charge| charge.amount.nanos()),
        &texts(|share| share.charge.resource.as_str()),
        &texts(|share| &share.node_type),
        &texts(|share| &share.charge.price_date),
        &texts(|share| share.charge.method.as_str()),
    )
    .execute(conn)
    .await
    .map_err(db("write shares of a day"))?;
    Ok(())
}

struct Row {
    id: Option<String>,
    key: Option<String>,
    day: i32,
    node_type: String,
    resource: String,
    quantity: i64,
    unit_price_nanos: i64,
    unit: i64,
    price_date: String,
    amount_nanos: i64,
    method: String,
}

impl Row {
    fn read(self) -> PortResult<ShareRow> {
        let charge = Charge {
            resource: word(Resource::parse, &self.resource, "ledger_shares.resource", "a resource")?,
            quantity: large(self.quantity, "ledger_shares.quantity")?,
            unit_price: NanoUsd::new(self.unit_price_nanos),
            unit: large(self.unit, "ledger_shares.unit")?,
            price_date: self.price_date,
            amount: NanoUsd::new(self.amount_nanos),
            method: word(Method::parse, &self.method, "ledger_shares.method", "a method")?,
        };
        let (day, asset) = (small(self.day, "ledger_shares.day")?, self.id.map(AssetId::new));
        let record = ShareRecord { day, asset, node_type: self.node_type, charge };
        Ok(ShareRow { record, key: self.key.unwrap_or_default() })
    }
}

impl PgStore {
    /// A page of shares.
    pub(crate) async fn read_shares(&self, filter: &ShareFilter) -> DbResult<Vec<ShareRow>> {
        let after = filter.after.as_ref();
        let day = |day: u32| i32::try_from(day).unwrap_or(i32::MAX);
        let rows = sqlx::query_as!(
            Row,
            r#"SELECT a.id AS "id?", a.key AS "key?", s.day, s.node_type, s.resource, s.quantity, s.unit_price_nanos, s.unit,
                      s.price_date, s.amount_nanos, s.method
               FROM ledger_shares AS s LEFT JOIN assets AS a ON a.arrival = s.asset
               WHERE ($1::text IS NULL OR s.asset = (SELECT arrival FROM assets WHERE id = $1))
                   AND ($2::integer IS NULL OR s.day >= $2) AND ($3::integer IS NULL OR s.day < $3)
                   AND ($4::integer IS NULL OR (s.day, s.asset, s.resource, s.node_type)
                        > ($4, coalesce((SELECT arrival FROM assets WHERE id = $5::text), 0), $6::text, $7::text))
               ORDER BY s.day, s.asset, s.resource, s.node_type LIMIT $8"#,
            filter.asset.as_ref().map(AssetId::as_str),
            filter.from_day.map(day),
            filter.until_day.map(day),
            after.map(|after| day(after.day)),
            after.and_then(|after| after.asset.as_ref()).map(AssetId::as_str),
            after.map(|after| after.charge.resource.as_str()),
            after.map(|after| after.node_type.as_str()),
            i64::from(filter.lines_max),
        )
        .fetch_all(&self.readers)
        .await
        .map_err(db("read shares of days"))?;
        Ok(rows.into_iter().map(Row::read).collect::<PortResult<_>>()?)
    }

    /// Records that a process of a node is up.
    pub(crate) async fn record_uptime(&self, report: &NodeReport) -> DbResult<()> {
        let Some(rate) = &report.rate else { return Ok(()) };
        sqlx::query!(
            "WITH clock AS MATERIALIZED (
                 SELECT coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS ms
             )
             INSERT INTO node_uptimes (day, from_ms, until_ms, node, process, rate)
             SELECT (ms / 86400000)::integer, ms, ms, $2, $3, $4 FROM clock
             ON CONFLICT (day, node, process) DO UPDATE SET
                 rate = excluded.rate, until_ms = greatest(node_uptimes.until_ms, excluded.until_ms)",
            self.time.given(),
            report.node.as_str(),
            report.process,
            json(rate)?,
        )
        .execute(&self.writers)
        .await
        .map_err(db("record that a node is up"))?;
        Ok(())
    }

    /// How long nodes of each rate were up on a day.
    pub(crate) async fn read_uptimes(&self, day: u32) -> DbResult<Vec<(NodeRate, u64)>> {
        let rows = sqlx::query!(
            r#"SELECT rate, until_ms - from_ms AS "up_ms!" FROM node_uptimes WHERE day = $1 ORDER BY node, process"#,
            i32::try_from(day).unwrap_or(i32::MAX),
        )
        .fetch_all(&self.readers)
        .await
        .map_err(db("read how long nodes were up"))?;
        let read = |(rate, up_ms): (String, i64)| {
            Ok((document(&rate, "node_uptimes.rate")?, large(up_ms, "node_uptimes.until_ms")?))
        };
        Ok(rows.into_iter().map(|row| read((row.rate, row.up_ms))).collect::<PortResult<_>>()?)
    }
}
