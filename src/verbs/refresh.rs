//! What a running node does about a configuration that changes under it: it looks now and then, and where the settings
//! in effect are others it ends, so that whoever watches over it starts it anew with them. A configuration that it
//! could not start with is refused, and the node goes on with the one it has.

use std::time::Duration;

use reelgate_actors::signals::{ConfigLook, Signals};

use crate::cli::GlobalArgs;
use crate::config::{Config, changes, setting_of};
use crate::exit::Failure;
use crate::wiring;

/// Returns once the configuration is another one than `running`. Never where none is read from the Parameter Store:
/// what is on this machine is changed by somebody who can restart the node.
pub async fn changed(global: &GlobalArgs, running: &Config, signals: &Signals) {
    let aws = &running.raw.aws;
    if aws.parameters.is_empty() || aws.refresh_s == 0 {
        return std::future::pending().await;
    }
    loop {
        tokio::time::sleep(pause(aws.refresh_s, fastrand::f64())).await;
        match look(global, running).await {
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
async fn look(global: &GlobalArgs, running: &Config) -> Result<Vec<String>, Failure> {
    let found = Config::load(global).await?;
    let names = changes(&running.raw, &found.raw);
    if !names.is_empty() {
        wiring::prove(&found).await?;
    }
    Ok(names)
}

/// From half the interval to one and a half of it, by chance (`random` from 0 to 1), so that the nodes of a fleet do
/// not look, and end, at once.
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
        assert_eq!(look(&changed, &running).await.unwrap(), ["engine.lease_ms"]);
        for (text, setting) in [
            ("[engine]\nlease_ms = 1\n", "engine.lease_ms"),
            ("[store]\nurl = \"mysql://host\"\n", "store.url"),
            ("[events]\nurl = \"kafka://topic\"\n", "events.url"),
            ("[notices]\nurls = [\"mail:somebody\"]\n", "notices.urls"),
        ] {
            let refused = look(&global(dir.path(), text), &running).await.unwrap_err();
            assert_eq!(setting_of(&refused.to_string()), Some(setting));
        }
    }

    #[test]
    fn nodes_look_at_different_times() {
        assert_eq!(pause(300, 0.0), Duration::from_secs(150));
        assert_eq!(pause(300, 1.0), Duration::from_secs(450));
    }
}
