//! The money of assets, and the accounts in which it counts.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_cost::estimate::Estimate;
use reelgate_cost::money::NanoUsd;
use reelgate_flow::ids::AssetId;
use reelgate_ports::records::{AccountSums, AssetBudget, EstimateRow};
use reelgate_store::session::Money;
use reelgate_store::work::UnitOfWork;
use sqlx::{PgConnection, PgExecutor};

use crate::documents::{document, json};
use crate::error::{DbResult, db};
use crate::ledger;
use crate::pg_store::PgStore;
use crate::time::count;

/// Adds the lines of the ledger that wait, then reads the money of loaded assets.
pub(crate) async fn money(
    conn: &mut PgConnection,
    work: &mut UnitOfWork,
    assets: &BTreeSet<AssetId>,
) -> DbResult<BTreeMap<AssetId, Money>> {
    ledger::write(conn, work).await?;
    work.ledger.clear();
    let ids: Vec<String> = assets.iter().map(|id| id.as_str().to_owned()).collect();
    let rows = sqlx::query!(
        r#"SELECT a.id AS "id!", b.p50_nanos AS "p50_nanos?", b.p90_nanos AS "p90_nanos?", b.reserved_nanos AS "reserved_nanos?",
                  b.booked_nanos AS "booked_nanos?", b.cost_nanos AS "cost_nanos?", b.accounts AS "accounts?",
                  (SELECT coalesce(sum(amount_nanos), 0) FROM ledger AS l WHERE l.asset = a.arrival)::bigint AS "ledger_nanos!"
           FROM assets AS a LEFT JOIN budgets AS b ON b.asset = a.arrival WHERE a.id = ANY ($1::text[])"#,
        &ids,
    )
    .fetch_all(conn)
    .await
    .map_err(db("read the money of assets"))?;
    let mut money = BTreeMap::new();
    for row in rows {
        let amount = |nanos: Option<i64>| nanos.map(NanoUsd::new);
        let estimated = amount(row.p50_nanos).zip(amount(row.p90_nanos));
        let accounts = row.accounts.map(|text| document(&text, "budgets.accounts")).transpose()?;
        let budget = AssetBudget {
            estimated: estimated.map(|(p50, p90)| Estimate { p50, p90 }),
            reserved: amount(row.reserved_nanos).unwrap_or_default(),
            accounts: accounts.unwrap_or_default(),
            booked: amount(row.booked_nanos).unwrap_or_default(),
            cost: amount(row.cost_nanos),
        };
        money.insert(AssetId::new(row.id), Money { cost: NanoUsd::new(row.ledger_nanos), budget });
    }
    Ok(money)
}

/// The money of assets as columns.
#[derive(Default)]
struct Columns {
    asset: Vec<i64>,
    p50: Vec<Option<i64>>,
    p90: Vec<Option<i64>>,
    reserved: Vec<i64>,
    booked: Vec<i64>,
    cost: Vec<Option<i64>>,
    accounts: Vec<String>,
}

/// Writes the money of assets and the changes of accounts. No row of an account is locked before everything else is written, and all
/// callers lock them in the same order.
pub(crate) async fn write(conn: &mut PgConnection, work: &UnitOfWork) -> DbResult<()> {
    let mut columns = Columns::default();
    for (id, budget) in &work.budgets {
        let Some(loaded) = work.loaded.get(id) else { continue };
        columns.asset.push(loaded.row.arrival);
        columns.p50.push(budget.estimated.map(|one| one.p50.nanos()));
        columns.p90.push(budget.estimated.map(|one| one.p90.nanos()));
        columns.reserved.push(budget.reserved.nanos());
        columns.booked.push(budget.booked.nanos());
        columns.cost.push(budget.cost.map(NanoUsd::nanos));
        columns.accounts.push(json(&budget.accounts)?);
    }
    if !columns.asset.is_empty() {
        sqlx::query!(
            "INSERT INTO budgets (asset, p50_nanos, p90_nanos, reserved_nanos, booked_nanos, cost_nanos, accounts)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[])
             ON CONFLICT (asset) DO UPDATE SET
                 p50_nanos = excluded.p50_nanos, p90_nanos = excluded.p90_nanos, reserved_nanos = excluded.reserved_nanos,
                 booked_nanos = excluded.booked_nanos, cost_nanos = excluded.cost_nanos, accounts = excluded.accounts",
            &columns.asset,
            &columns.p50 as &[Option<i64>],
            &columns.p90 as &[Option<i64>],
            &columns.reserved,
            &columns.booked,
            &columns.cost as &[Option<i64>],
            &columns.accounts,
        )
        .execute(&mut *conn)
        .await
        .map_err(db("write the money of assets"))?;
    }
    let names: Vec<String> = work.account_changes.keys().cloned().collect();
    if names.is_empty() {
        return Ok(());
    }
    let spent: Vec<i64> = work.account_changes.values().map(|change| change.spent.nanos()).collect();
    let reserved: Vec<i64> = work.account_changes.values().map(|change| change.reserved.nanos()).collect();
    sqlx::query!(
        "INSERT INTO accounts (name, spent_nanos, reserved_nanos)
         SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS c (name, spent, reserved) ORDER BY name
         ON CONFLICT (name) DO UPDATE SET
             spent_nanos = accounts.spent_nanos + excluded.spent_nanos,
             reserved_nanos = accounts.reserved_nanos + excluded.reserved_nanos",
        &names,
        &spent,
        &reserved,
    )
    .execute(conn)
    .await
    .map_err(db("write accounts"))?;
    Ok(())
}

/// The sums of accounts.
pub(crate) async fn sums(
    on: impl PgExecutor<'_>,
    names: &[String],
) -> DbResult<BTreeMap<String, AccountSums>> {
    let rows = sqlx::query!(
        "SELECT name, spent_nanos, reserved_nanos FROM accounts WHERE name = ANY ($1::text[])",
        names,
    )
    .fetch_all(on)
    .await
    .map_err(db("read accounts"))?;
    let sums = |spent, reserved| AccountSums { spent: NanoUsd::new(spent), reserved: NanoUsd::new(reserved) };
    Ok(rows.into_iter().map(|row| (row.name, sums(row.spent_nanos, row.reserved_nanos))).collect())
}

/// Assets that wait for money, in order of arrival.
pub(crate) async fn waiting(
    conn: &mut PgConnection,
    after: Option<&AssetId>,
    assets_max: u32,
) -> DbResult<Vec<AssetId>> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM assets WHERE reason_code = 'budget_exceeded' AND phase = 'failed'
             AND arrival > coalesce((SELECT arrival FROM assets WHERE id = $1), 0)
         ORDER BY arrival LIMIT $2",
        after.map(AssetId::as_str),
        i64::from(assets_max),
    )
    .fetch_all(conn)
    .await
    .map_err(db("look for assets that wait for money"))?;
    Ok(ids.into_iter().map(AssetId::new).collect())
}

impl PgStore {
    /// What assets were estimated to cost and did cost, after an asset.
    pub(crate) async fn read_estimates(
        &self,
        after: Option<&AssetId>,
        rows_max: u32,
    ) -> DbResult<Vec<EstimateRow>> {
        let rows = sqlx::query!(
            r#"SELECT a.id, a.key, a.size_bytes, b.p50_nanos AS "p50_nanos!", b.p90_nanos AS "p90_nanos!",
                      b.cost_nanos AS "cost_nanos!"
               FROM budgets AS b JOIN assets AS a ON a.arrival = b.asset
               WHERE b.cost_nanos IS NOT NULL AND b.p50_nanos IS NOT NULL AND b.p90_nanos IS NOT NULL
                   AND b.asset > coalesce((SELECT arrival FROM assets WHERE id = $1), 0)
               ORDER BY b.asset LIMIT $2"#,
            after.map(AssetId::as_str),
            i64::from(rows_max),
        )
        .fetch_all(&self.readers)
        .await
        .map_err(db("read estimates"))?;
        let estimate = |p50, p90| Estimate { p50: NanoUsd::new(p50), p90: NanoUsd::new(p90) };
        let rows = rows.into_iter().map(|row| EstimateRow {
            asset: AssetId::new(row.id),
            key: row.key,
            size_bytes: count(row.size_bytes),
            estimated: estimate(row.p50_nanos, row.p90_nanos),
            cost: NanoUsd::new(row.cost_nanos),
        });
        Ok(rows.collect())
    }

    /// The sums of accounts.
    pub(crate) async fn read_accounts(&self, names: &[String]) -> DbResult<BTreeMap<String, AccountSums>> {
        sums(&self.readers, names).await
    }
}
