//! Reads the configuration: defaults, then the file, then the Parameter Store, then the environment.

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Format, Serialized, Toml};
use reelgate_actors::engine_context::{Credits, Roles};
use reelgate_flow::policy::Policy;
use reelgate_pipelines::recipes::template::TemplateError;

use super::config_error::{describe, out_of_range};
use super::layer::Environment;
use super::paths::is_file;
use super::profiles::{profiles, rules};
use super::{Config, Raw};
use crate::cli::GlobalArgs;
use crate::exit::Failure;
use crate::wiring::aws;

/// Prefix of the environment variables that override the file.
const ENV_PREFIX: &str = "REELGATE__";

impl Config {
    /// Reads, merges and checks; the error of an unknown key names the key and its file.
    pub async fn load(global: &GlobalArgs) -> Result<Self, Failure> {
        let mut figment = Figment::from(Serialized::defaults(Raw::default()));
        if let Some(file) = config_file(global)? {
            figment = figment.merge(Toml::file_exact(file));
        }
        let environment = Environment::of_prefix(ENV_PREFIX);
        let local: Raw = extract(&figment.clone().merge(&environment))?;
        if local.aws.parameters.is_empty() {
            return Self::check(global, local, &figment.merge(&environment));
        }
        // The Parameter Store overrides the file, and the environment overrides both.
        let remote = aws::parameters(&local.aws).await?;
        let all = figment.merge(remote).merge(&environment);
        Self::check(global, extract(&all)?, &all)
    }

    fn check(global: &GlobalArgs, raw: Raw, layers: &Figment) -> Result<Self, Failure> {
        let usage = |what: String| Failure::Usage(out_of_range(&what, layers));
        raw.media.validate().map_err(|error| usage(error.to_string()))?;
        raw.validate().map_err(usage)?;
        let path_template = raw.publish.path_template.parse();
        let path_template = path_template.map_err(|error: TemplateError| usage(error.to_string()))?;
        let home = std::path::absolute(&global.home)
            .map_err(|error| Failure::Usage(format!("--home: cannot be made absolute: {error}")))?;
        let cores = super::cores::cores();
        let or_cores = |configured: u16| if configured == 0 { cores } else { configured };
        let roles = roles(&raw.node.roles).map_err(usage)?;
        let credits = Credits {
            light: if roles.light { raw.engine.light_tasks } else { 0 },
            heavy: if roles.heavy { or_cores(raw.engine.heavy_tasks) } else { 0 },
            inspections: or_cores(raw.engine.inspections),
        };
        let rates = raw.cost.rates(cores).map_err(usage)?;
        let caps = raw.cost.caps.caps().map_err(usage)?;
        let policy = Policy {
            rules: rules(&raw.profiles, &raw.privacy.rules),
            surfaces: raw.privacy.required_surfaces(&raw.media.screen_text),
            approval_ms: raw.privacy.approval_ms(),
        };
        let profiles = profiles(&raw.profiles, &raw.media).map_err(usage)?;
        Ok(Self { home, raw, roles, credits, path_template, policy, profiles, rates, caps })
    }
}

fn extract(figment: &Figment) -> Result<Raw, Failure> {
    figment.extract().map_err(|error| Failure::Usage(describe(&error)))
}

fn roles(words: &[String]) -> Result<Roles, String> {
    let mut roles = Roles { intake: false, light: false, heavy: false };
    for word in words {
        match word.as_str() {
            "all" => roles = Roles::ALL,
            "intake" => roles.intake = true,
            "light" => roles.light = true,
            "heavy" => roles.heavy = true,
            _ => {
                return Err(
                    "node.roles: expected `intake`, `light`, `heavy` or `all`, found another word".into()
                );
            }
        }
    }
    if words.is_empty() {
        Err("node.roles: expected at least one role, found none".into())
    } else {
        Ok(roles)
    }
}

/// `--config`, or `reelgate.toml` in the home where there is one.
fn config_file(global: &GlobalArgs) -> Result<Option<PathBuf>, Failure> {
    if let Some(file) = &global.config {
        if !is_file("--config", file)? {
            return Err(Failure::Usage(format!(
                "--config: expected a TOML file, found none at {}",
                file.display()
            )));
        }
        return Ok(Some(file.clone()));
    }
    let beside: &Path = &global.home.join("reelgate.toml");
    Ok(is_file("--home", beside)?.then(|| beside.to_path_buf()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn global(dir: &Path, text: &str) -> GlobalArgs {
        let file = dir.join("reelgate.toml");
        std::fs::write(&file, text).unwrap();
        GlobalArgs { home: dir.to_path_buf(), config: Some(file) }
    }

    #[tokio::test]
    async fn an_unknown_key_is_named_with_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let error =
            Config::load(&global(dir.path(), "[engine]\nlihgt_tasks = 3\n")).await.unwrap_err().to_string();
        assert!(error.contains("lihgt_tasks") && error.contains("reelgate.toml"), "{error}");
    }

    #[tokio::test]
    async fn the_printed_configuration_can_be_parsed_again() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::load(&global(dir.path(), "[engine]\nlease_ms = 40000\n")).await.unwrap();
        let printed = config.to_toml().unwrap();
        let again: Raw = toml::from_str(&printed).unwrap();
        assert_eq!(again.engine, config.raw.engine);
        assert_eq!(again.media, config.raw.media);
    }

    #[tokio::test]
    async fn a_value_out_of_range_says_what_was_expected() {
        let dir = tempfile::tempdir().unwrap();
        let error =
            Config::load(&global(dir.path(), "[engine]\nlease_ms = 10\n")).await.unwrap_err().to_string();
        assert!(error.contains("engine.lease_ms") && error.contains("1000"), "{error}");
        assert!(error.contains("reelgate.toml); see docs/reference/configuration.md"), "{error}");
    }
}
