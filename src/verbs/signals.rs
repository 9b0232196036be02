//! `reelgate signals`: writes dashboards, rules and alarms, which are made from the same catalogue as the metrics.

use reelgate_signals::{alarms, cloudwatch, grafana, rules};

use crate::cli::SignalsVerb;
use crate::exit::{ExitStatus, Failure};
use crate::output::table;

/// Writes the files and prints their paths.
pub fn signals(verb: SignalsVerb) -> Result<ExitStatus, Failure> {
    let (args, files) = match verb {
        SignalsVerb::Grafana(args) => (args, grafana::files()),
        SignalsVerb::Cloudwatch(args) => (args, cloudwatch::files()),
        SignalsVerb::Rules(args) => (args, rules::files()),
        SignalsVerb::Alarms(args) => (args, alarms::files()),
    };
    let refused = |what: &str, error: std::io::Error| {
        Failure::Usage(format!("--out: expected a directory that can be written, found {what}: {error}"))
    };
    std::fs::create_dir_all(&args.out).map_err(|error| refused(&args.out.display().to_string(), error))?;
    for (name, text) in files {
        let path = args.out.join(name);
        std::fs::write(&path, text).map_err(|error| refused(&path.display().to_string(), error))?;
        table::print(&table::clean(&path.display().to_string()))?;
    }
    Ok(ExitStatus::Done)
}
