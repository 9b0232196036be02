//! The money of assets, and the accounts in which it counts.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_cost::estimate::Estimate;
use reelgate_cost::money::NanoUsd;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::PortResult;
use reelgate_ports::records::{AccountSums, AssetBudget, EstimateRow};
use reelgate_store::session::Money;
use reelgate_store::work::UnitOfWork;
use sqlx::sqlite::SqliteRow;
use sqlx::{Sqlite, SqliteConnection, SqliteExecutor, SqlitePool};

use super::error::{corrupt, db};
use super::ledger;
use super::rows::{count, get, text};
use super::work::json;

/// Adds the lines of the ledger that wait, then reads the money of loaded assets.
pub(super) async fn money(
    conn: &mut SqliteConnection,
    work: &mut UnitOfWork,
    assets: &BTreeSet<AssetId>,
) -> PortResult<BTreeMap<AssetId, Money>> {
    ledger::write(conn, work).await?;
    work.ledger.clear();
    let rows = sqlx::query(
        "SELECT a.id, b.*, (SELECT coalesce(sum(amount_nanos), 0) FROM ledger AS l WHERE l.asset = a.arrival) AS ledger_nanos
         FROM assets AS a LEFT JOIN budgets AS b ON b.asset = a.arrival
         WHERE a.id IN (SELECT value FROM json_each(?))",
    )
    .bind(json(assets)?)
    .fetch_all(conn)
    .await
    .map_err(db("read the money of assets"))?;
    let money = |row: &SqliteRow| {
        let cost = NanoUsd::new(get(row, "ledger_nanos")?);
        Ok((AssetId::new(text(row, "id")?), Money { cost, budget: budget(row)? }))
    };
    rows.iter().map(money).collect()
}

fn budget(row: &SqliteRow) -> PortResult<AssetBudget> {
    let optional = |column| Ok(get::<Option<i64>>(row, column)?.map(NanoUsd::new));
    let amount = |column| Ok(optional(column)?.unwrap_or_default());
    let accounts = get::<Option<String>>(row, "accounts")?;
    let read = |text: String| {
        serde_json::from_str(&text).map_err(|_| corrupt("budgets.accounts", "a list of names as JSON"))
    };
    let estimated = optional("p50_nanos")?.zip(optional("p90_nanos")?);
    Ok(AssetBudget {
        estimated: estimated.map(|(p50, p90)| Estimate { p50, p90 }),
        reserved: amount("reserved_nanos")?,
        accounts: accounts.map(read).transpose()?.unwrap_or_default(),
        booked: amount("booked_nanos")?,
        cost: optional("cost_nanos")?,
    })
}

/// Writes the money of assets and the changes of accounts.
pub(super) async fn write(conn: &mut SqliteConnection, work: &UnitOfWork) -> PortResult<()> {
    let what = "write the money of assets";
    let mut budgets = Vec::with_capacity(work.budgets.len());
    for (id, budget) in &work.budgets {
        let Some(loaded) = work.loaded.get(id) else { continue };
        let AssetBudget { estimated, reserved, accounts, booked, cost } = budget;
        let nanos = |amount: Option<NanoUsd>| amount.map(NanoUsd::nanos);
        budgets.push((
            loaded.row.arrival,
            (nanos(estimated.map(|one| one.p50)), nanos(estimated.map(|one| one.p90))),
            (reserved.nanos(), booked.nanos(), nanos(*cost)),
            json(accounts)?,
        ));
    }
    if !budgets.is_empty() {
        sqlx::query(UPSERT_BUDGETS).bind(json(&budgets)?).execute(&mut *conn).await.map_err(db(what))?;
    }
    let accounts = work.account_changes.iter();
    let accounts: Vec<_> =
        accounts.map(|(name, change)| (name, change.spent.nanos(), change.reserved.nanos())).collect();
    if !accounts.is_empty() {
        sqlx::query(CHANGE_ACCOUNTS).bind(json(&accounts)?).execute(conn).await.map_err(db(what))?;
    }
    Ok(())
}

const UPSERT_BUDGETS: &str = "
    INSERT OR REPLACE INTO budgets (asset, p50_nanos, p90_nanos, reserved_nanos, booked_nanos, cost_nanos, accounts)
    SELECT value ->> 0, value ->> '$[1][0]', value ->> '$[1][1]', value ->> '$[2][0]', value ->> '$[2][1]',
           value ->> '$[2][2]', value ->> 3
    FROM json_each(?)";

const CHANGE_ACCOUNTS: &str = "
    INSERT INTO accounts (name, spent_nanos, reserved_nanos)
    SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?) WHERE true
    ON CONFLICT (name) DO UPDATE SET
        spent_nanos = spent_nanos + excluded.spent_nanos, reserved_nanos = reserved_nanos + excluded.reserved_nanos";

/// The sums of accounts.
pub(super) async fn sums<'a>(
    on: impl SqliteExecutor<'_>,
    names: impl IntoIterator<Item = &'a String>,
) -> PortResult<BTreeMap<String, AccountSums>> {
    let names: Vec<&String> = names.into_iter().collect();
    let rows = sqlx::query::<Sqlite>("SELECT * FROM accounts WHERE name IN (SELECT value FROM json_each(?))")
        .bind(json(&names)?)
        .fetch_all(on)
        .await
        .map_err(db("read accounts"))?;
    let sums = |row: &SqliteRow| {
        let amount = |column| Ok(NanoUsd::new(get(row, column)?));
        let sums = AccountSums { spent: amount("spent_nanos")?, reserved: amount("reserved_nanos")? };
        Ok((text(row, "name")?, sums))
    };
    rows.iter().map(sums).collect()
}

/// Assets that wait for money, in order of arrival.
pub(super) async fn waiting(
    conn: &mut SqliteConnection,
    after: Option<&AssetId>,
    assets_max: u32,
) -> PortResult<Vec<AssetId>> {
    let ids: Vec<String> = sqlx::query_scalar(
        "SELECT id FROM assets WHERE reason_code = 'budget_exceeded' AND phase = 'failed'
             AND arrival > coalesce((SELECT arrival FROM assets WHERE id = ?), 0)
         ORDER BY arrival LIMIT ?",
    )
    .bind(after.map(AssetId::as_str))
    .bind(assets_max)
    .fetch_all(conn)
    .await
    .map_err(db("look for assets that wait for money"))?;
    Ok(ids.into_iter().map(AssetId::new).collect())
}

/// What assets were estimated to cost and did cost, after an asset.
pub(super) async fn estimates(
    pool: &SqlitePool,
    after: Option<&AssetId>,
    rows_max: u32,
) -> PortResult<Vec<EstimateRow>> {
    let rows = sqlx::query(
        "SELECT a.id, a.key, a.size_bytes, b.p50_nanos, b.p90_nanos, b.cost_nanos
         FROM budgets AS b JOIN assets AS a ON a.arrival = b.asset
         WHERE b.cost_nanos IS NOT NULL AND b.p50_nanos IS NOT NULL AND b.p90_nanos IS NOT NULL
             AND b.asset > coalesce((SELECT arrival FROM assets WHERE id = ?), 0)
         ORDER BY b.asset LIMIT ?",
    )
    .bind(after.map(AssetId::as_str))
    .bind(rows_max)
    .fetch_all(pool)
    .await
    .map_err(db("read estimates"))?;
    let estimate = |row: &SqliteRow| {
        let amount = |column| Ok(NanoUsd::new(get(row, column)?));
        Ok(EstimateRow {
            asset: AssetId::new(text(row, "id")?),
            key: text(row, "key")?,
            size_bytes: count(row, "size_bytes")?,
            estimated: Estimate { p50: amount("p50_nanos")?, p90: amount("p90_nanos")? },
            cost: amount("cost_nanos")?,
        })
    };
    rows.iter().map(estimate).collect()
}
