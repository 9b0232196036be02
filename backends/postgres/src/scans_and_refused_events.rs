//! What a batch holds in addition to uploads: findings of an external scanner, and messages that cannot be parsed.

use reelgate_ports::events::RefusedEvent;
use reelgate_ports::records::ExternalScanEvent;
use sqlx::PgConnection;

use crate::error::{DbResult, db};
use crate::time::number;

/// Stores each finding once; returns the ids that were new.
pub(crate) async fn write_scans(
    conn: &mut PgConnection,
    now_ms: u64,
    scans: &[ExternalScanEvent],
) -> DbResult<Vec<String>> {
    let column = |of: fn(&ExternalScanEvent) -> String| scans.iter().map(of).collect::<Vec<String>>();
    let of_source = |of: fn(&reelgate_flow::ids::SourceId) -> &str| {
        let cell = |scan: &ExternalScanEvent| scan.source.as_ref().map(|id| of(id).to_owned());
        scans.iter().map(cell).collect::<Vec<Option<String>>>()
    };
    let samples: Vec<bool> = scans.iter().map(|scan| scan.sample).collect();
    sqlx::query_scalar!(
        "INSERT INTO scans (id, kind, severity, summary, sample, bucket, key, version, at_ms)
         SELECT *, $9::bigint FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::text[],
                                          $7::text[], $8::text[])
         ON CONFLICT (id) DO NOTHING RETURNING id",
        &column(|scan| scan.id.clone()),
        &column(|scan| scan.kind.clone()),
        &column(|scan| scan.severity.as_str().to_owned()),
        &column(|scan| scan.summary.to_string()),
        &samples,
        &of_source(|id| &id.bucket) as _,
        &of_source(|id| &id.key) as _,
        &of_source(|id| &id.version) as _,
        number(now_ms),
    )
    .fetch_all(conn)
    .await
    .map_err(db("write findings of an external scanner"))
}

/// Stores the locations of messages that could not be parsed.
pub(crate) async fn write_refused(
    conn: &mut PgConnection,
    now_ms: u64,
    refused: &[RefusedEvent],
) -> DbResult<()> {
    let column = |of: fn(&RefusedEvent) -> String| refused.iter().map(of).collect::<Vec<String>>();
    sqlx::query!(
        "INSERT INTO refused_events (location, sha256, reason, at_ms)
         SELECT *, $4::bigint FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT (location) DO NOTHING",
        &column(|event| event.location.clone()),
        &column(|event| event.sha256.clone()),
        &column(|event| event.reason.clone()),
        number(now_ms),
    )
    .execute(conn)
    .await
    .map_err(db("write refused events"))?;
    Ok(())
}
