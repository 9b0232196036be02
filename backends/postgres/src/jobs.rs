//! The jobs of media tasks, one row each, so that a claim reads the job of its task and no other.

use reelgate_flow::ids::AssetId;
use reelgate_ports::records::{MediaProgress, TaskJob};
use sqlx::{PgConnection, PgPool};

use crate::error::{DbResult, db};
use crate::time::{count, number};

/// Replaces the jobs of an asset.
pub(crate) async fn write(conn: &mut PgConnection, asset: i64, jobs: &[TaskJob]) -> DbResult<()> {
    let tasks: Vec<String> = jobs.iter().map(|job| job.task.text()).collect();
    let media_ns: Vec<i64> = jobs.iter().map(|job| number(job.media_ns)).collect();
    let documents: Vec<String> = jobs.iter().map(|job| job.job.to_string()).collect();
    sqlx::query!(
        "WITH gone AS (DELETE FROM jobs WHERE asset = $1 AND task <> ALL ($2::text[]))
         INSERT INTO jobs (asset, task, media_ns, job)
         SELECT $1, task, media_ns, job FROM unnest($2::text[], $3::bigint[], $4::text[]) AS j (task, media_ns, job)
         ON CONFLICT (asset, task) DO UPDATE SET media_ns = excluded.media_ns, job = excluded.job",
        asset,
        &tasks,
        &media_ns,
        &documents,
    )
    .execute(conn)
    .await
    .map_err(db("write the jobs of tasks"))?;
    Ok(())
}

/// How much of the planned media work of an asset is done.
pub(crate) async fn progress(pool: &PgPool, asset: &AssetId) -> DbResult<MediaProgress> {
    let row = sqlx::query!(
        r#"SELECT coalesce(sum(j.media_ns), 0)::bigint AS "planned_ns!",
                  coalesce(sum(j.media_ns) FILTER (WHERE t.state = 'done'), 0)::bigint AS "done_ns!"
           FROM jobs AS j
           JOIN assets AS a ON a.arrival = j.asset
           LEFT JOIN settled_tasks AS t ON t.asset = j.asset AND t.task = j.task
           WHERE a.id = $1"#,
        asset.as_str(),
    )
    .fetch_one(pool)
    .await
    .map_err(db("read the progress of an asset"))?;
    Ok(MediaProgress { planned_ns: count(row.planned_ns), done_ns: count(row.done_ns) })
}
