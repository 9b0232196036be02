//! How a running node adopts a changed configuration: it reads the configuration regularly, and if a setting has changed
//! it ends, so that its service manager starts it with the new one. It refuses a configuration that it could not start
//! with, and keeps its own.

use std::time::Duration;

use reelgate_actors::signals::{ConfigLook, Signals};

use crate::cli::GlobalArgs;
use crate::config::{Config, changes, setting_of};
use crate::exit::Failure;
use crate::wiring;

/// Returns once the configuration differs from `running`. Never returns where nothing is read from the Parameter Store:
/// whoever changes a file on this machine can restart the node.
pub async fn changed(global: &GlobalArgs, running: &Config, signals: &Signals) {
    let aws = &running.raw.aws;
    if aws.parameters.is_empty() || aws.refresh_s == 0 {
        return std::future::pending().await;
    }
    loop {
        tokio::time::sleep(pause(aws.refresh_s, fastrand::f64())).await;
        match changed_settings(global, running).await {
            Ok(names) if names.is_empty() => signals.config_looked(ConfigLook::Same),
            Ok(names) => return signals.config_looked(ConfigLook::Changed(&names)),
            Err(Failure::Port(error)) => signals.config_looked(ConfigLook::Unreachable(&error)),
            Err(Failure::Usage(message) | Failure::Internal(message)) => {
                signals.config_looked(ConfigLook::Refused(setting_of(&message)));
            }
        }
    }
}

/// Names of the settings that have changed; an error where the node could not start with them.
async fn changed_settings(global: &GlobalArgs, running: &Config) -> Result<Vec<String>, Failure> {
    let found = Config::load(global).await?;
    let names = changes(&running.raw, &found.raw);
    if !names.is_empty() {
        wiring::prove(&found).await?;
    }
    Ok(names)
}

/// Between half the interval and one and a half times the interval (`random` is from 0 to 1), so that the nodes of a fleet
/// do not read the configuration, and end, at the same time.
fn pause(interval_s: u64, random: f64) -> Duration {
    Duration::from_secs(interval_s).mul_f64(0.5 + random)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn global(dir: &std::path::Path, text: &str) -> GlobalArgs {
        let file = dir.join("reelgate.toml");
        std::fs::write(&file, text).unwrap();
        GlobalArgs { home: dir.to_path_buf(), config: Some(file) }
    }

    #[tokio::test]
    async fn a_configuration_that_a_node_could_not_start_with_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let running = Config::load(&global(dir.path(), "")).await.unwrap();
        let changed = global(dir.path(), "[engine]\nlease_ms = 40000\n");
        assert_eq!(changed_settings(&changed, &running).await.unwrap(), ["engine.lease_ms"]);
        for (text, setting) in [
            ("[engine]\nlease_ms = 1\n", "engine.lease_ms"),
            ("[store]\nurl = \"mysql://host\"\n", "store.url"),
            ("[events]\nurl = \"kafka://topic\"\n", "events.url"),
            ("[notices]\nurls = [\"mail:somebody\"]\n", "notices.urls"),
        ] {
            let refused = changed_settings(&global(dir.path(), text), &running).await.unwrap_err();
            assert_eq!(setting_of(&refused.to_string()), Some(setting));
        }
    }

    #[test]
    fn nodes_read_the_configuration_at_different_times() {
        assert_eq!(pause(300, 0.0), Duration::from_secs(150));
        assert_eq!(pause(300, 1.0), Duration::from_secs(450));
    }
}
