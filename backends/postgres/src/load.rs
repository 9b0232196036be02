//! Loads and locks assets and their tasks: first the assets in order of arrival, then their tasks in order, so that two
//! calls cannot deadlock.

use reelgate_flow::ids::AssetId;
use sqlx::PgConnection;

use crate::error::{DbResult, db};
use crate::rows::{AssetCells, TaskCells, asset_query, large};
use crate::time::count;
use crate::unit::Unit;

const WHAT: &str = "load assets";

/// Most assets with the same content that are looked at for one that can be shared.
const ORIGINALS_MAX: i64 = 8;

impl Unit {
    /// Loads assets and their tasks; unknown ids are left out.
    pub(crate) async fn load(&mut self, conn: &mut PgConnection, ids: &[AssetId]) -> DbResult<()> {
        let wanted: Vec<String> = self.work.not_loaded(ids).into_iter().map(str::to_owned).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let rows = asset_query!("WHERE a.id = ANY($1) ORDER BY a.arrival FOR UPDATE OF a", &wanted)
            .fetch_all(&mut *conn)
            .await
            .map_err(db(WHAT))?;
        self.add(conn, rows).await
    }

    /// Loads every version of these keys; keys are given by their hash.
    pub(crate) async fn load_versions(&mut self, conn: &mut PgConnection, keys: &[i64]) -> DbResult<()> {
        let rows = asset_query!("WHERE a.key_hash = ANY($1) ORDER BY a.arrival FOR UPDATE OF a", keys)
            .fetch_all(&mut *conn)
            .await
            .map_err(db("look for other versions"))?;
        self.add(conn, rows).await
    }

    /// Loads every asset whose name is of these families, given by their hash.
    pub(crate) async fn load_families(&mut self, conn: &mut PgConnection, families: &[i64]) -> DbResult<()> {
        let rows = asset_query!("WHERE a.family_hash = ANY($1) ORDER BY a.arrival FOR UPDATE OF a", families)
            .fetch_all(&mut *conn)
            .await
            .map_err(db("look for caption files and their films"))?;
        self.add(conn, rows).await
    }

    /// Loads the earliest assets with these contents whose result may be shared; contents are given by their hash.
    pub(crate) async fn load_shareable(&mut self, conn: &mut PgConnection, hashes: &[i64]) -> DbResult<()> {
        let originals = sqlx::query_scalar!(
            r#"SELECT original.arrival AS "arrival!" FROM unnest($1::bigint[]) AS wanted,
               LATERAL (SELECT a.arrival FROM contents AS c JOIN assets AS a ON a.arrival = c.asset
                        WHERE c.content_hash = wanted AND (a.linked_to IS NULL OR a.phase = 'published')
                            AND (a.phase IN ('processing', 'screened', 'published', 'quarantined', 'withdrawing')
                                OR (a.phase = 'received' AND a.flags LIKE '%redacted'))
                        ORDER BY c.asset LIMIT $2) AS original"#,
            hashes,
            ORIGINALS_MAX,
        )
        .fetch_all(&mut *conn)
        .await
        .map_err(db("look for the same content"))?;
        self.load_arrivals(conn, &originals).await
    }

    /// Loads the duplicates that wait for these assets.
    pub(crate) async fn load_duplicates(&mut self, conn: &mut PgConnection, of: &[String]) -> DbResult<()> {
        let rows = asset_query!(
            "WHERE a.linked_to = ANY($1) AND a.phase IN ('linked', 'screened') ORDER BY a.arrival FOR UPDATE OF a",
            of
        )
        .fetch_all(&mut *conn)
        .await
        .map_err(db("look for duplicates"))?;
        self.add(conn, rows).await
    }

    /// Loads every asset with these contents; contents are given by their hash.
    pub(crate) async fn load_same_content(
        &mut self,
        conn: &mut PgConnection,
        hashes: &[i64],
    ) -> DbResult<()> {
        let same = sqlx::query_scalar!("SELECT asset FROM contents WHERE content_hash = ANY($1)", hashes)
            .fetch_all(&mut *conn)
            .await
            .map_err(db("look for every asset with the same content"))?;
        self.load_arrivals(conn, &same).await
    }

    async fn load_arrivals(&mut self, conn: &mut PgConnection, arrivals: &[i64]) -> DbResult<()> {
        if arrivals.is_empty() {
            return Ok(());
        }
        let rows = asset_query!("WHERE a.arrival = ANY($1) ORDER BY a.arrival FOR UPDATE OF a", arrivals)
            .fetch_all(&mut *conn)
            .await
            .map_err(db(WHAT))?;
        self.add(conn, rows).await
    }

    /// Adds locked rows that are not loaded yet, with their tasks.
    async fn add(&mut self, conn: &mut PgConnection, rows: Vec<AssetCells>) -> DbResult<()> {
        let mut arrivals = Vec::with_capacity(rows.len());
        let mut ids = std::collections::BTreeMap::new();
        for mut cells in rows {
            if let (Some(container), Some(duration_ns)) = (cells.container.take(), cells.duration_ns) {
                self.media.insert(cells.arrival, (container, large(duration_ns, "assets.duration_ns")?));
            }
            if !self.given {
                self.work.now_ms = self.work.now_ms.max(count(cells.now_ms));
            }
            let row = cells.read()?;
            if self.work.loaded.contains_key(&row.id) {
                continue;
            }
            arrivals.push(row.arrival);
            ids.insert(row.arrival, row.id.clone());
            self.counted.insert(row.arrival, row.core.phase.as_str());
            self.work.add(row);
        }
        if arrivals.is_empty() {
            return Ok(());
        }
        for cells in tasks(conn, &arrivals).await? {
            let task = cells.read()?;
            let Some(id) = ids.get(&task.asset) else { continue };
            let key = (task.asset, task.key);
            if task.open {
                self.open.insert(key);
            } else {
                self.settled.insert(key);
            }
            if let Some(lease) = task.lease {
                self.leases.insert(key, lease);
            }
            self.work.add_task(id, task.key, task.record, task.extra)?;
        }
        Ok(())
    }
}

/// Settled tasks are not locked: only the holder of the asset's lock changes them.
async fn tasks(conn: &mut PgConnection, arrivals: &[i64]) -> DbResult<Vec<TaskCells>> {
    sqlx::query_as!(
        TaskCells,
        r#"WITH open AS MATERIALIZED (
               SELECT asset, task, attempts, uncounted, not_producers_fault, answered, wall_ms, cpu_ms, memory_bytes_max,
                      ready_at_ms, lease_owner, lease_until_ms, claimed_at_ms
               FROM open_tasks WHERE asset = ANY($1) ORDER BY asset, task FOR UPDATE
           )
           SELECT asset AS "asset!", task AS "task!", NULL AS "state?", attempts AS "attempts!",
                  uncounted AS "uncounted!", not_producers_fault AS "not_producers_fault!", answered AS "answered!",
                  wall_ms AS "wall_ms!", cpu_ms AS "cpu_ms!", memory_bytes_max AS "memory_bytes_max!",
                  ready_at_ms AS "ready_at_ms?", lease_owner AS "lease_owner?",
                  lease_until_ms AS "lease_until_ms?", claimed_at_ms AS "claimed_at_ms?"
           FROM open
           UNION ALL
           SELECT asset, task, state, attempts, uncounted, not_producers_fault, answered, wall_ms, cpu_ms, memory_bytes_max,
                  NULL, NULL, NULL, NULL
           FROM settled_tasks WHERE asset = ANY($1)"#,
        arrivals,
    )
    .fetch_all(conn)
    .await
    .map_err(db("load tasks"))
}
