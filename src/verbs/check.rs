//! `reelgate check`: checks the configuration and the access to every port; changes nothing.

use reelgate_ports::error::PortResult;

use crate::cli::{CheckArgs, GlobalArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::output::{stderr, table};
use crate::wiring::{self, Access};

/// Prints a list of ticks.
pub async fn check(global: &GlobalArgs, args: CheckArgs) -> Result<ExitStatus, Failure> {
    let config = Config::load(global).await?;
    if args.print_config {
        table::print(config.to_toml()?.trim_end())?;
        return Ok(ExitStatus::Done);
    }
    let mut all = true;
    let mut tick = |what: &str, result: PortResult<String>| {
        let line = match &result {
            Ok(found) => format!("✓ {what}: {found}"),
            Err(error) => format!("✗ {what}: {error}"),
        };
        all &= result.is_ok();
        table::print(&line)
    };
    tick("configuration", Ok("valid".into()))?;
    tick("media worker", wiring::check_worker(&config))?;
    tick("surfaces", wiring::check_surfaces(&config))?;
    if !config.home.exists() {
        tick(
            "home",
            Ok(format!("{} does not exist yet; `run` or `serve` creates it", config.home.display())),
        )?;
    } else {
        match wiring::ports(&config, Access::Inspect).await {
            Ok(ports) => {
                tick("store", ports.store.check().await)?;
                tick("objects", ports.objects.check().await)?;
                tick("ingest", ports.events.check().await)?;
                if let Some(scanner) = &ports.scanner {
                    tick("scanner", scanner.check().await)?;
                }
                for receiver in &ports.notices {
                    tick("notices", receiver.port.check().await)?;
                }
            }
            Err(Failure::Port(error)) => tick("ports", Err(error))?,
            Err(other) => return Err(other),
        }
    }
    if all {
        return Ok(ExitStatus::Done);
    }
    stderr::say("a check failed; the lines with ✗ show what was expected and found");
    Ok(ExitStatus::NotAll)
}
