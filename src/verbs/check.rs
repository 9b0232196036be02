//! `reelgate check`: checks the configuration and the access to every port; changes nothing.

use reelgate_pipelines::client::worker_groups;
use reelgate_pipelines::gstreamer_version::GstreamerVersion;

use crate::cli::{CheckArgs, GlobalArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::{stderr, table};
use crate::wiring::{self, CheckedWorker};

/// Prints a list of ticks.
pub async fn check(global: &GlobalArgs, args: CheckArgs) -> Result<ExitStatus, Failure> {
    let config = Config::load(global).await?;
    if args.print_config {
        table::print(config.to_toml()?.trim_end())?;
        return Ok(ExitStatus::Done);
    }
    let (mut all, mut usable) = (true, true);
    let mut tick = |what: &str, result: Result<String, Failure>| {
        let line = match &result {
            Ok(found) => format!("✓ {what}: {found}"),
            Err(failure) => format!("✗ {what}: {failure}"),
        };
        all &= result.is_ok();
        usable &= !matches!(result, Err(Failure::Usage(_)));
        table::print(&line)
    };
    tick("configuration", Ok("valid".into()))?;
    let worker = wiring::check_worker(&config).map_err(Failure::from);
    let warning = worker.as_ref().ok().and_then(|worker| GstreamerVersion::warning(&worker.gstreamer));
    let answer = |worker: CheckedWorker| format!("jailed and answering, GStreamer {}", worker.gstreamer);
    tick("media worker", worker.map(answer))?;
    // Without them the other limits hold, so this is no failure.
    let groups =
        worker_groups().unwrap_or_else(|reason| format!("none, only limits of each process: {reason}"));
    tick("control groups of workers", Ok(groups))?;
    tick("surfaces", wiring::check_surfaces(&config).map_err(Failure::from))?;
    for (port, found) in wiring::check_ports(&config).await {
        tick(&port, found)?;
    }
    if let Some(warning) = warning {
        stderr::say(&format!("warning: {warning}"));
    }
    if all {
        return Ok(ExitStatus::Done);
    }
    stderr::say("a check failed; the lines with ✗ show what was expected and found");
    Ok(if usable { ExitStatus::NotAll } else { ExitStatus::Usage })
}
