//! Reelgate: the gate through which video enters a company.
//!
//! This file only parses, dispatches and turns the outcome into an exit status; each verb has its own file.

mod cli;
mod config;
mod exit;
mod http;
mod output;
mod telemetry;
mod verbs;
mod wiring;

use clap::Parser;

use crate::cli::{Cli, Verb};
use crate::exit::{ExitStatus, Failure};

fn main() {
    reelgate_actors::panics::hide_messages(output::stderr::say);
    let exit = run();
    // The runtime is not dropped: actors between two awaits would return connections to a runtime that no longer exists.
    // What they were doing is a transaction, so it is complete or did not happen.
    std::process::exit(exit as i32)
}

fn run() -> ExitStatus {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::of_usage(&error),
    };
    let system = actix::System::new();
    let outcome = system.block_on(dispatch(cli));
    // It must not be dropped, see `main`.
    std::mem::forget(system);
    match outcome {
        Ok(exit) => exit,
        Err(failure) => {
            output::stderr::failure(&failure);
            failure.exit()
        }
    }
}

async fn dispatch(cli: Cli) -> Result<ExitStatus, Failure> {
    let (global, log) = (cli.global, cli.log.as_deref());
    // These two also export traces. They start both log and traces when they have loaded the configuration.
    let works = matches!(cli.verb, Verb::Run(_) | Verb::Serve(_));
    if !works {
        output::log::start(log, None);
    }
    match cli.verb {
        Verb::Run(args) => verbs::run::run(&global, args, log).await,
        Verb::Serve(args) => verbs::serve::serve(&global, args, log).await,
        Verb::Probe(args) => verbs::probe::probe(&global, args).await,
        Verb::Scan(args) => verbs::scan::scan(&global, args).await,
        Verb::List(args) => verbs::list::list(&global, args).await,
        Verb::Show(args) => verbs::show::show(&global, args).await,
        Verb::Why(args) => verbs::why::why(&global, args).await,
        Verb::Redrive(args) => verbs::redrive::redrive(&global, args).await,
        Verb::Redo(args) => verbs::redo::redo(&global, args).await,
        Verb::Quarantine(args) => verbs::decide::quarantine(&global, args).await,
        Verb::Approve(args) => verbs::approve::approve(&global, args).await,
        Verb::Release(args) => verbs::decide::release(&global, args).await,
        Verb::Erase(args) => verbs::decide::erase(&global, args).await,
        Verb::Redact(args) => verbs::redact::redact(&global, args).await,
        Verb::Hold(args) => verbs::decide::hold(&global, args).await,
        Verb::Feedback(args) => verbs::decide::feedback(&global, args).await,
        Verb::Audit(verb) => verbs::audit::audit(&global, verb).await,
        Verb::Fleet(verb) => verbs::fleet::fleet(&global, verb).await,
        Verb::Cost(verb) => verbs::cost::cost(&global, verb).await,
        Verb::Queue(args) => verbs::queue::queue(&global, args).await,
        Verb::Sweep(args) => verbs::sweep::sweep(&global, args).await,
        Verb::Import(args) => verbs::import::import(&global, args).await,
        Verb::Migrate => verbs::migrate::migrate(&global).await,
        #[cfg(feature = "aws")]
        Verb::Upload(args) => verbs::upload::upload(&global, args).await,
        #[cfg(feature = "aws")]
        Verb::Events(verb) => verbs::events::events(&global, verb).await,
        #[cfg(feature = "aws")]
        Verb::Presign(args) => verbs::presign::link(&global, args).await,
        #[cfg(not(feature = "aws"))]
        Verb::Upload(_) | Verb::Events(_) | Verb::Presign(_) => Err(wiring::aws::absent("this command")),
        Verb::Verify(args) => verbs::verify::verify(&global, args).await,
        Verb::Check(args) => verbs::check::check(&global, args).await,
        Verb::Signals(verb) => verbs::signals::signals(verb),
        Verb::Sim(args) => verbs::sim::sim(&args),
    }
}
