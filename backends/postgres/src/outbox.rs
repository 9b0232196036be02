//! The outbox: a notice is written in the transaction of the state it reports. Each of its deliveries is held by one node at a
//! time, and removed only once the receiver has accepted it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use reelgate_flow::asset::{NoticeKind, Phase, Severity};
use reelgate_flow::ids::{AssetId, NoticeId, ReceiverName};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::identity;
use reelgate_ports::records::{HistoryRecord, NoticeRecord};
use reelgate_ports::store::DeliveriesOwed;
use reelgate_store::history_lines::{self, MediaSummary};
use reelgate_store::session::RemovedNotice;
use reelgate_store::work::Loaded;
use sqlx::PgConnection;

use crate::documents::{document, json};
use crate::error::{DbResult, db};
use crate::outbox_position::OutboxPosition;
use crate::pg_store::PgStore;
use crate::products;
use crate::rows::{large, small, word};
use crate::time::number;
use crate::unit::Unit;

/// Notices to write, one list for each column.
#[derive(Default)]
pub(crate) struct Owed {
    pub id: Vec<String>,
    pub asset: Vec<i64>,
    pub kind: Vec<&'static str>,
    pub body: Vec<String>,
}

/// A row of a due notice.
struct Due {
    id: String,
    asset: Option<String>,
    kind: String,
    body: String,
    tries: i32,
}

impl Due {
    fn read(self) -> PortResult<NoticeRecord> {
        Ok(NoticeRecord {
            id: NoticeId::new(self.id),
            asset: AssetId::new(self.asset.unwrap_or_default()),
            kind: word(NoticeKind::parse, &self.kind, "outbox.kind", "a kind of notice")?,
            body: document(&self.body, "outbox.body")?,
            tries: small(self.tries, "outbox.tries")?,
        })
    }
}

/// The notices that a unit of work owes. The facts in them that are not in the asset's row are written already.
pub(crate) async fn owed(conn: &mut PgConnection, unit: &Unit) -> DbResult<Owed> {
    let mut owed = Owed::default();
    let work = &unit.work;
    let ended: Vec<(&Loaded, NoticeKind)> =
        work.owed.iter().filter_map(|(id, kind)| Some((work.loaded.get(id)?, *kind))).collect();
    if ended.is_empty() {
        return Ok(owed);
    }
    for (loaded, kind) in ended {
        let row = &loaded.row;
        let id = identity::notice_id(&row.id, kind, row.notice_number(kind, work.now_ms));
        let told = summary(conn, unit, loaded).await?;
        let body = history_lines::notice_body(&id, kind, work.now_ms, &row.record(), &told);
        owed.id.push(id.as_str().to_owned());
        owed.asset.push(row.arrival);
        owed.kind.push(kind.as_str());
        owed.body.push(body.to_string());
    }
    Ok(owed)
}

/// Reads only what can be there: most refused uploads have neither ladder nor findings.
async fn summary(conn: &mut PgConnection, unit: &Unit, loaded: &Loaded) -> DbResult<MediaSummary> {
    let (row, core) = (&loaded.row, &loaded.row.core);
    let mut summary = MediaSummary::default();
    if let Some((container, duration_ns)) = unit.media.get(&row.arrival) {
        summary.container = Some(container.clone());
        summary.duration_ns = Some(*duration_ns);
    }
    if core.phase == Phase::Published {
        let shown = row.linked_to.as_ref().unwrap_or(&row.id);
        summary.renditions = products::renditions(&mut *conn, shown).await?;
        summary.left_out = products::left_out(&mut *conn, shown).await?;
    }
    if core.severity > Severity::None {
        summary.findings = products::findings(conn, row.arrival).await?;
    }
    Ok(summary)
}

impl PgStore {
    /// Due rows of a receiver, oldest first; those that are not addressed have the receiver ''. Where they are held, nobody
    /// else gets them for that long.
    pub(crate) async fn due_notices(
        &self,
        receiver: &str,
        notices_max: u16,
        hold_ms: u64,
    ) -> DbResult<Vec<NoticeRecord>> {
        let begun = Instant::now();
        let position = self.outbox_position(receiver);
        let whole = position.looked.is_due();
        let from = if whole { i64::MIN } else { position.from.load(Ordering::Relaxed) };
        let rows = sqlx::query_as!(
            Due,
            r#"WITH clock AS MATERIALIZED (
                   SELECT coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS ms
               ), due AS MATERIALIZED (
                   SELECT number FROM outbox
                   WHERE receiver = $5 AND number >= $2 AND due_at_ms <= (SELECT ms FROM clock)
                   ORDER BY number LIMIT $3 FOR UPDATE SKIP LOCKED
               ), held AS (
                   UPDATE outbox SET due_at_ms = (SELECT ms FROM clock) + $4::bigint
                   FROM due WHERE outbox.number = due.number AND $4::bigint > 0
               )
               SELECT o.id, o.kind, o.body, o.tries, a.id AS "asset?"
               FROM due JOIN outbox AS o ON o.number = due.number LEFT JOIN assets AS a ON a.arrival = o.asset
               ORDER BY o.number"#,
            self.time.given(),
            from,
            i64::from(notices_max),
            number(hold_ms),
            receiver,
        )
        .fetch_all(&self.writers)
        .await
        .map_err(db("read notices"))?;
        if whole {
            position.looked.took(begun.elapsed());
        }
        self.look_on_from(receiver, &position, from).await?;
        Ok(rows.into_iter().map(Due::read).collect::<PortResult<_>>()?)
    }

    fn outbox_position(&self, receiver: &str) -> Arc<OutboxPosition> {
        // A position is only a hint, and each change of the map is one call.
        let mut positions = self.outbox_positions.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(positions.entry(receiver.to_owned()).or_default())
    }

    /// Remembers below which number nothing of the receiver is left, so that finished rows which the database cannot tidy
    /// away yet are not stepped over again and again. What was committed late is found by the next look at the whole.
    async fn look_on_from(&self, receiver: &str, position: &OutboxPosition, from: i64) -> DbResult<()> {
        let first = sqlx::query_scalar!(
            "SELECT number FROM outbox WHERE receiver = $1 AND number >= $2 ORDER BY number LIMIT 1",
            receiver,
            from,
        )
        .fetch_optional(&self.writers)
        .await
        .map_err(db("look for the oldest notice"))?;
        if let Some(first) = first {
            position.from.store(first, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Replaces notices by one row for each of their receivers.
    pub(crate) async fn address(&self, notices: &[(NoticeId, Vec<ReceiverName>)]) -> DbResult<()> {
        let all: Vec<String> = notices.iter().map(|(id, _)| id.as_str().to_owned()).collect();
        let (mut ids, mut receivers) = (Vec::new(), Vec::new());
        for (id, of) in notices {
            for receiver in of {
                ids.push(id.as_str().to_owned());
                receivers.push(receiver.as_str().to_owned());
            }
        }
        sqlx::query!(
            "WITH addressed AS (
                 DELETE FROM outbox WHERE receiver = '' AND id = ANY($2)
                 RETURNING number, id, asset, kind, body, tries, owed_at_ms
             )
             INSERT INTO outbox (id, receiver, asset, kind, body, tries, owed_at_ms, due_at_ms)
             SELECT a.id, r.receiver, a.asset, a.kind, a.body, a.tries, a.owed_at_ms,
                    coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
             FROM addressed AS a JOIN unnest($3::text[], $4::text[]) AS r (id, receiver) ON r.id = a.id
             ORDER BY a.number
             ON CONFLICT DO NOTHING",
            self.time.given(),
            &all,
            &ids,
            &receivers,
        )
        .execute(&self.writers)
        .await
        .map_err(db("address notices"))?;
        Ok(())
    }

    /// Puts a delivery back and counts the try.
    pub(crate) async fn defer(&self, receiver: &ReceiverName, id: &NoticeId, delay_ms: u64) -> DbResult<()> {
        let what = "defer a notice";
        let changed = sqlx::query!(
            "UPDATE outbox SET tries = tries + 1,
                 due_at_ms = coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) + $2
             WHERE receiver = $3 AND id = $4",
            self.time.given(),
            number(delay_ms),
            receiver.as_str(),
            id.as_str(),
        )
        .execute(&self.writers)
        .await
        .map_err(db(what))?;
        if changed.rows_affected() == 0 {
            return Err(PortError::new(
                Port::Store,
                ErrorKind::Missing,
                what,
                format!("expected notice {id} for {receiver} in the outbox, found none"),
            )
            .into());
        }
        Ok(())
    }

    /// Ends deliveries to other receivers that have been due for `unserved_ms`; returns how many, by receiver.
    pub(crate) async fn end_deliveries(
        &self,
        receivers: &[ReceiverName],
        unserved_ms: u64,
    ) -> DbResult<Vec<(ReceiverName, u64)>> {
        let names: Vec<String> = receivers.iter().map(|name| name.as_str().to_owned()).collect();
        let ended = sqlx::query!(
            r#"WITH ended AS (
                   DELETE FROM outbox WHERE receiver <> '' AND receiver <> ALL($2) AND due_at_ms <=
                       coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) - $3
                   RETURNING receiver
               )
               SELECT receiver AS "receiver!", count(*) AS "n!" FROM ended GROUP BY receiver ORDER BY receiver"#,
            self.time.given(),
            &names,
            number(unserved_ms),
        )
        .fetch_all(&self.writers)
        .await
        .map_err(db("end deliveries without a receiver"))?;
        let counts =
            ended.into_iter().map(|row| Ok((ReceiverName::new(row.receiver), large(row.n, "a count")?)));
        Ok(counts.collect::<PortResult<_>>()?)
    }

    /// What each receiver has not got yet.
    pub(crate) async fn deliveries_owed(&self) -> DbResult<Vec<DeliveriesOwed>> {
        let rows = sqlx::query!(
            r#"SELECT receiver, count(*) AS "n!", greatest(0, min(
                   coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)) - min(owed_at_ms))
                   AS "oldest_ms!"
               FROM outbox WHERE receiver <> '' GROUP BY receiver ORDER BY receiver"#,
            self.time.given(),
        )
        .fetch_all(&self.readers)
        .await
        .map_err(db("count the deliveries that are owed"))?;
        let owed = rows.into_iter().map(|row| {
            Ok(DeliveriesOwed {
                receiver: ReceiverName::new(row.receiver),
                notices: large(row.n, "a count")?,
                oldest_ms: large(row.oldest_ms, "an age")?,
            })
        });
        Ok(owed.collect::<PortResult<_>>()?)
    }
}

/// Puts notices that concern no asset into the outbox.
pub(crate) async fn put(conn: &mut PgConnection, now_ms: i64, notices: &[NoticeRecord]) -> DbResult<()> {
    let text = |of: fn(&NoticeRecord) -> String| notices.iter().map(of).collect::<Vec<_>>();
    sqlx::query!(
        "INSERT INTO outbox (id, kind, body, tries, owed_at_ms, due_at_ms)
         SELECT id, kind, body, 0, $1::bigint, $1::bigint FROM unnest($2::text[], $3::text[], $4::text[]) AS n (id, kind, body)",
        now_ms,
        &text(|notice| notice.id.as_str().to_owned()),
        &text(|notice| notice.kind.as_str().to_owned()),
        &text(|notice| notice.body.to_string()),
    )
    .execute(conn)
    .await
    .map(drop)
    .map_err(db("write notices"))
}

/// Takes deliveries of a receiver out of the outbox.
pub(crate) async fn remove(
    conn: &mut PgConnection,
    receiver: &ReceiverName,
    ids: &[NoticeId],
) -> DbResult<Vec<RemovedNotice>> {
    let ids: Vec<String> = ids.iter().map(|id| id.as_str().to_owned()).collect();
    let gone = sqlx::query!(
        r#"DELETE FROM outbox AS o WHERE o.receiver = $2 AND o.id = ANY($1)
           RETURNING o.id, o.kind, o.tries, (SELECT a.id FROM assets AS a WHERE a.arrival = o.asset) AS "asset?""#,
        &ids,
        receiver.as_str(),
    )
    .fetch_all(conn)
    .await
    .map_err(db("remove delivered notices"))?;
    let mut removed = Vec::with_capacity(gone.len());
    for row in gone {
        removed.push(RemovedNotice {
            id: NoticeId::new(row.id),
            asset: AssetId::new(row.asset.unwrap_or_default()),
            kind: row.kind,
            tries: small(row.tries, "outbox.tries")?,
        });
    }
    Ok(removed)
}

/// Adds lines to the history of assets that are not loaded.
pub(crate) async fn add_history(conn: &mut PgConnection, lines: &[(AssetId, HistoryRecord)]) -> DbResult<()> {
    let ids: Vec<String> = lines.iter().map(|(id, _)| id.as_str().to_owned()).collect();
    let lines: Vec<String> = lines.iter().map(|(_, line)| json(&[line])).collect::<PortResult<_>>()?;
    sqlx::query!(
        "INSERT INTO history_commits (asset, lines)
         SELECT a.arrival, new_lines.lines FROM unnest($1::text[], $2::text[]) AS new_lines (id, lines)
         JOIN assets AS a ON a.id = new_lines.id",
        &ids,
        &lines,
    )
    .execute(conn)
    .await
    .map_err(db("write the history of delivered notices"))?;
    Ok(())
}
