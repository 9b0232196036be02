//! `reelgate presign`: prints a link for one upload by a producer without credentials.

use std::time::Duration;

use reelgate_aws::location::Location;
use reelgate_aws::presign::{PresignOrder, presign};
use serde_json::json;

use crate::cli::{GlobalArgs, PresignArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::{stderr, table};
use crate::verbs::to_json;
use crate::wiring::aws;

/// Prints the link; prints the headers that the request needs on standard error.
pub async fn link(global: &GlobalArgs, args: PresignArgs) -> Result<ExitStatus, Failure> {
    let config = Config::load(global).await?;
    let usage = |error: reelgate_ports::error::PortError| Failure::Usage(error.to_string());
    let to = Location::parse(&args.to).map_err(usage)?;
    let transfer = aws::transfer(&config, [to.bucket.as_str()]);
    let order = PresignOrder {
        owner: transfer.owners.get(&to.bucket).cloned(),
        path_style: transfer.path_style,
        to,
        expires: duration(&args.expires)?,
        size_bytes: args.size,
        content_type: args.content_type,
        new_only: args.new_only,
    };
    let signed = presign(&aws::sdk(&config).await, &order).await?;
    if args.json {
        let headers: serde_json::Map<_, _> =
            signed.headers.into_iter().map(|(name, value)| (name, value.into())).collect();
        table::print(&to_json(&json!({"method": "PUT", "url": signed.url, "headers": headers}))?)?;
        return Ok(ExitStatus::Done);
    }
    for (name, value) in &signed.headers {
        stderr::say(&format!("send it with the header {name}: {value}"));
    }
    table::print(&signed.url)?;
    Ok(ExitStatus::Done)
}

/// Reads `90s`, `15m`, `12h` or `7d`.
fn duration(text: &str) -> Result<Duration, Failure> {
    let seconds = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400)]
        .into_iter()
        .find_map(|(unit, seconds)| text.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| {
        Failure::Usage(format!("--expires: expected a time such as 90s, 15m, 12h or 7d, found `{text}`"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_unit() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("12h", 43_200), ("7d", 604_800)] {
            assert_eq!(duration(text).unwrap(), Duration::from_secs(seconds));
        }
        for text in ["", "5", "m", "-1m", "1.5h", "99999999999999999999d"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
