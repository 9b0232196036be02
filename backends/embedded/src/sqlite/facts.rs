//! The facts of the media in typed tables. Values are bound one by one: tags may hold any character.

use reelgate_flow::facts::{
    AudioFacts, Chapter, Colour, Container, MediaFacts, Rational, Rotation, SubtitleFacts, Tag, VideoFacts,
};
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::error::{corrupt, db};
use super::rows::{count, get, optional_count, small, text};

const WRITE: &str = "write the facts of the media";
const READ: &str = "read the facts of the media";

/// Replaces the facts of an asset.
pub(super) async fn write(conn: &mut SqliteConnection, asset: i64, media: &MediaFacts) -> PortResult<()> {
    // The rows of its tracks, tags and chapters go with it.
    sqlx::query("DELETE FROM media WHERE asset = ?")
        .bind(asset)
        .execute(&mut *conn)
        .await
        .map_err(db(WRITE))?;
    sqlx::query("INSERT INTO media VALUES (?, ?, ?, ?, ?, ?, ?)")
        .bind(asset)
        .bind(media.container.as_str())
        .bind(&media.brand)
        .bind(media.declared_duration_ns.map(int).transpose()?)
        .bind(int(media.duration_ns)?)
        .bind(int(media.bitrate_bps)?)
        .bind(media.other_tracks)
        .execute(&mut *conn)
        .await
        .map_err(db(WRITE))?;
    for (ordinal, video) in (0_i64..).zip(&media.video) {
        write_video(conn, asset, ordinal, video).await?;
    }
    for (ordinal, audio) in (0_i64..).zip(&media.audio) {
        write_audio(conn, asset, ordinal, audio).await?;
    }
    for (ordinal, subtitle) in (0_i64..).zip(&media.subtitles) {
        sqlx::query("INSERT INTO subtitle_tracks VALUES (?, ?, ?, ?, ?, ?)")
            .bind(asset)
            .bind(ordinal)
            .bind(subtitle.track)
            .bind(&subtitle.codec)
            .bind(int(subtitle.cues)?)
            .bind(&subtitle.language)
            .execute(&mut *conn)
            .await
            .map_err(db(WRITE))?;
    }
    for (ordinal, tag) in (0_i64..).zip(&media.tags) {
        sqlx::query("INSERT INTO tags VALUES (?, ?, ?, ?, ?)")
            .bind(asset)
            .bind(ordinal)
            .bind(tag.track)
            .bind(&tag.name)
            .bind(&tag.value)
            .execute(&mut *conn)
            .await
            .map_err(db(WRITE))?;
    }
    for (ordinal, chapter) in (0_i64..).zip(&media.chapters) {
        sqlx::query("INSERT INTO chapters VALUES (?, ?, ?, ?, ?)")
            .bind(asset)
            .bind(ordinal)
            .bind(int(chapter.start_ns)?)
            .bind(chapter.end_ns.map(int).transpose()?)
            .bind(&chapter.title)
            .execute(&mut *conn)
            .await
            .map_err(db(WRITE))?;
    }
    Ok(())
}

async fn write_video(
    conn: &mut SqliteConnection,
    asset: i64,
    ordinal: i64,
    video: &VideoFacts,
) -> PortResult<()> {
    sqlx::query(
        "INSERT INTO video_tracks VALUES
         (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(asset)
    .bind(ordinal)
    .bind(video.track)
    .bind(&video.codec)
    .bind(&video.profile)
    .bind(&video.level)
    .bind(video.width)
    .bind(video.height)
    .bind(video.pixel_aspect.num)
    .bind(video.pixel_aspect.den)
    .bind(video.rotation.degrees)
    .bind(video.rotation.mirrored)
    .bind(video.frame_rate.map(|rate| rate.num))
    .bind(video.frame_rate.map(|rate| rate.den))
    .bind(video.variable_rate)
    .bind(video.interlaced)
    .bind(video.bit_depth)
    .bind(&video.chroma)
    .bind(&video.colour.primaries)
    .bind(&video.colour.transfer)
    .bind(&video.colour.matrix)
    .bind(&video.colour.range)
    .bind(&video.colour.mastering)
    .bind(int(video.frames)?)
    .bind(int(video.start_ns)?)
    .bind(int(video.end_ns)?)
    .bind(int(video.bytes)?)
    .bind(int(video.keyframes)?)
    .bind(video.gop_frames_max)
    .bind(&video.language)
    .bind(video.decodable)
    .execute(conn)
    .await
    .map_err(db(WRITE))?;
    Ok(())
}

async fn write_audio(
    conn: &mut SqliteConnection,
    asset: i64,
    ordinal: i64,
    audio: &AudioFacts,
) -> PortResult<()> {
    sqlx::query("INSERT INTO audio_tracks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(asset)
        .bind(ordinal)
        .bind(audio.track)
        .bind(&audio.codec)
        .bind(audio.sample_rate)
        .bind(audio.channels)
        .bind(int(audio.start_ns)?)
        .bind(int(audio.end_ns)?)
        .bind(int(audio.bytes)?)
        .bind(int(audio.packets)?)
        .bind(&audio.language)
        .bind(audio.decodable)
        .execute(conn)
        .await
        .map_err(db(WRITE))?;
    Ok(())
}

/// The facts of an asset, where they are known.
pub(super) async fn read(conn: &mut SqliteConnection, asset: &AssetId) -> PortResult<Option<MediaFacts>> {
    let media = rows(
        &mut *conn,
        "SELECT * FROM media WHERE asset = (SELECT arrival FROM assets WHERE id = ?)",
        asset,
    );
    let Some(row) = media.await?.pop() else { return Ok(None) };
    let video = rows(
        &mut *conn,
        "SELECT * FROM video_tracks WHERE asset = (SELECT arrival FROM assets WHERE id = ?) ORDER BY ordinal",
        asset,
    )
    .await?;
    let audio = rows(
        &mut *conn,
        "SELECT * FROM audio_tracks WHERE asset = (SELECT arrival FROM assets WHERE id = ?) ORDER BY ordinal",
        asset,
    )
    .await?;
    let subtitles = rows(
        &mut *conn,
        "SELECT * FROM subtitle_tracks WHERE asset = (SELECT arrival FROM assets WHERE id = ?) ORDER BY ordinal",
        asset,
    )
    .await?;
    let tags = rows(
        &mut *conn,
        "SELECT * FROM tags WHERE asset = (SELECT arrival FROM assets WHERE id = ?) ORDER BY ordinal",
        asset,
    )
    .await?;
    let chapters = rows(
        &mut *conn,
        "SELECT * FROM chapters WHERE asset = (SELECT arrival FROM assets WHERE id = ?) ORDER BY ordinal",
        asset,
    )
    .await?;
    Ok(Some(MediaFacts {
        container: container(&text(&row, "container")?)?,
        brand: text(&row, "brand")?,
        declared_duration_ns: optional_count(&row, "declared_duration_ns")?,
        duration_ns: count(&row, "duration_ns")?,
        bitrate_bps: count(&row, "bitrate_bps")?,
        video: video.iter().map(read_video).collect::<PortResult<_>>()?,
        audio: audio.iter().map(read_audio).collect::<PortResult<_>>()?,
        subtitles: subtitles.iter().map(read_subtitle).collect::<PortResult<_>>()?,
        other_tracks: small(&row, "other_tracks")?,
        tags: tags.iter().map(read_tag).collect::<PortResult<_>>()?,
        chapters: chapters.iter().map(read_chapter).collect::<PortResult<_>>()?,
    }))
}

async fn rows(conn: &mut SqliteConnection, sql: &'static str, asset: &AssetId) -> PortResult<Vec<SqliteRow>> {
    sqlx::query(sql).bind(asset.as_str()).fetch_all(conn).await.map_err(db(READ))
}

fn read_video(row: &SqliteRow) -> PortResult<VideoFacts> {
    let rate = match (get::<Option<u32>>(row, "frame_rate_num")?, get::<Option<u32>>(row, "frame_rate_den")?)
    {
        (Some(num), Some(den)) => Some(ratio(num, den)?),
        _ => None,
    };
    Ok(VideoFacts {
        track: small(row, "track")?,
        codec: text(row, "codec")?,
        profile: text(row, "profile")?,
        level: text(row, "level")?,
        width: small(row, "width")?,
        height: small(row, "height")?,
        pixel_aspect: ratio(small(row, "pixel_aspect_num")?, small(row, "pixel_aspect_den")?)?,
        rotation: Rotation { degrees: small(row, "rotation_degrees")?, mirrored: get(row, "mirrored")? },
        frame_rate: rate,
        variable_rate: get(row, "variable_rate")?,
        interlaced: get(row, "interlaced")?,
        bit_depth: small(row, "bit_depth")?,
        chroma: text(row, "chroma")?,
        colour: Colour {
            primaries: text(row, "primaries")?,
            transfer: text(row, "transfer")?,
            matrix: text(row, "matrix")?,
            range: text(row, "range")?,
            mastering: text(row, "mastering")?,
        },
        frames: count(row, "frames")?,
        start_ns: count(row, "start_ns")?,
        end_ns: count(row, "end_ns")?,
        bytes: count(row, "bytes")?,
        keyframes: count(row, "keyframes")?,
        gop_frames_max: small(row, "gop_frames_max")?,
        language: text(row, "language")?,
        decodable: get(row, "decodable")?,
    })
}

fn read_audio(row: &SqliteRow) -> PortResult<AudioFacts> {
    Ok(AudioFacts {
        track: small(row, "track")?,
        codec: text(row, "codec")?,
        sample_rate: small(row, "sample_rate")?,
        channels: small(row, "channels")?,
        start_ns: count(row, "start_ns")?,
        end_ns: count(row, "end_ns")?,
        bytes: count(row, "bytes")?,
        packets: count(row, "packets")?,
        language: text(row, "language")?,
        decodable: get(row, "decodable")?,
    })
}

fn read_subtitle(row: &SqliteRow) -> PortResult<SubtitleFacts> {
    Ok(SubtitleFacts {
        track: small(row, "track")?,
        codec: text(row, "codec")?,
        cues: count(row, "cues")?,
        language: text(row, "language")?,
    })
}

fn read_tag(row: &SqliteRow) -> PortResult<Tag> {
    Ok(Tag { track: get(row, "track")?, name: text(row, "name")?, value: text(row, "value")? })
}

fn read_chapter(row: &SqliteRow) -> PortResult<Chapter> {
    Ok(Chapter {
        start_ns: count(row, "start_ns")?,
        end_ns: optional_count(row, "end_ns")?,
        title: text(row, "title")?,
    })
}

fn ratio(num: u32, den: u32) -> PortResult<Rational> {
    Rational::new(num, den).ok_or_else(|| corrupt("video_tracks", "a ratio without 0 below"))
}

fn container(word: &str) -> PortResult<Container> {
    let read = serde_json::from_value(serde_json::Value::String(word.to_owned()));
    read.map_err(|_| corrupt("media.container", "a container family"))
}

fn int(value: u64) -> PortResult<i64> {
    let refuse = |_| {
        PortError::new(
            Port::Store,
            ErrorKind::Invalid,
            WRITE,
            "expected a number below 2^63, found a larger one",
        )
    };
    i64::try_from(value).map_err(refuse)
}
