//! The verbs, one file each.

pub mod approve;
pub mod audit;
pub mod check;
pub mod cost;
pub mod decide;
#[cfg(feature = "aws")]
pub mod events;
pub mod fleet;
pub mod import;
pub mod list;
mod look;
pub mod migrate;
#[cfg(feature = "aws")]
pub mod presign;
mod principal;
pub mod probe;
mod progress;
pub mod queue;
pub mod redact;
pub mod redo;
pub mod redrive;
mod refresh;
pub mod run;
pub mod scan;
pub mod serve;
pub mod show;
pub mod signals;
pub mod sim;
pub mod sweep;
#[cfg(feature = "aws")]
pub mod upload;
pub mod verify;
pub mod why;

use reelgate_actors::work::package::packaged_of;
use reelgate_flow::asset::Phase;
use reelgate_flow::ids::AssetId;
use reelgate_flow::plain::is_plain;
use reelgate_ports::caption_files::{attached_to, films_of, is_film};
use reelgate_ports::records::{AssetDetail, AssetRecord};
use reelgate_ports::store::{AssetFilter, Store};

use crate::exit::Failure;
use crate::output::json::{AssetLine, BesideLine};

/// The asset whose id begins with what the user typed.
async fn find_asset(store: &dyn Store, typed: &str) -> Result<AssetId, Failure> {
    let found = store.find(&typed.to_ascii_lowercase()).await?;
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Failure::Usage(format!(
            "no asset begins with `{typed}`; `reelgate list` shows the assets of this home"
        ))),
        many => {
            let ids: Vec<&str> = many.iter().map(AssetId::as_str).collect();
            Err(Failure::Usage(format!(
                "`{typed}` fits several assets: {}; type more characters",
                ids.join(", ")
            )))
        }
    }
}

/// An asset with its line. A copy shares the outputs of its original, and what packaging left.
async fn asset_line(store: &dyn Store, asset: &AssetId) -> Result<(AssetDetail, AssetLine), Failure> {
    let detail = store.asset(asset).await?;
    let packaged = packaged_of(store, &detail.asset).await;
    let packaged = packaged.map_err(|fault| Failure::Internal(fault.to_string()))?;
    let mut line = AssetLine::new(&detail, packaged.as_ref());
    line.beside = beside(store, &detail.asset).await?;
    Ok((detail, line))
}

/// The caption files of a film, or the films of a caption file.
async fn beside(store: &dyn Store, asset: &AssetRecord) -> Result<Vec<BesideLine>, Failure> {
    if !asset.flags.captioned && is_film(&asset.source.id.key) {
        return Ok(Vec::new());
    }
    let family = store.family(&asset.id).await?;
    let files = attached_to(asset, &family).into_iter().map(|(file, ..)| file);
    Ok(films_of(asset, &family).into_iter().chain(files).map(BesideLine::new).collect())
}

/// A line of JSON. Characters that steer a terminal or hide are escaped, as JSON allows for every character of a text.
fn to_json<T: serde::Serialize>(value: &T) -> Result<String, Failure> {
    let json =
        serde_json::to_string(value).map_err(|error| Failure::Internal(format!("write JSON: {error}")))?;
    if json.chars().all(is_plain) {
        return Ok(json);
    }
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_plain(c) {
            escaped.push(c);
        } else {
            escaped.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    Ok(escaped)
}

/// Milliseconds since 1970 as local time.
fn local_time(at_ms: u64) -> String {
    let timestamp = i64::try_from(at_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    match timestamp {
        Some(timestamp) => {
            timestamp.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
        }
        None => format!("{at_ms} ms"),
    }
}

/// Assets that have not ended, in order of arrival; at most `limit`.
async fn unended(store: &dyn Store, limit: u32) -> Result<Vec<AssetId>, Failure> {
    let phases = Phase::ALL.iter().copied().filter(|phase| !phase.is_ended()).collect();
    let filter = AssetFilter { phases, limit, ..AssetFilter::default() };
    Ok(store.assets(&filter).await?.into_iter().map(|asset| asset.id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_or_steers_is_escaped_in_json_and_reads_back_unchanged() {
        for text in
            ["plain ä 漢", "a\u{202e}4pm.exe", "\u{1b}[2J", "tag \u{e0041} above the first plane", "\u{200b}"]
        {
            let json = to_json(&text).unwrap();
            assert!(json.chars().all(is_plain), "{json}");
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
        assert_eq!(to_json(&"漢").unwrap(), "\"漢\"");
    }
}
