//! `reelgate serve`: the long-running service.

use std::time::Duration;

use reelgate_actors::Engine;
use reelgate_actors::availability::DrainReason;
use reelgate_actors::signals::Signals;

use crate::cli::{GlobalArgs, ServeArgs};
use crate::config::Config;
use crate::exit::{ExitStatus, Failure};
use crate::http;
use crate::output::stderr;
use crate::telemetry::Telemetry;
use crate::verbs::refresh;
use crate::wiring::{self, EnginePurpose};

/// Between two checks that the engine lives.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// Watches the ingest directory until it is asked to stop.
pub async fn serve(global: &GlobalArgs, args: ServeArgs, log: Option<&str>) -> Result<ExitStatus, Failure> {
    let config = Config::load(global).await?;
    let signals = Signals::default();
    let _telemetry = Telemetry::start(&config, &wiring::node_name(&config), log, signals.spans())?;
    let context = wiring::context(&config, EnginePurpose::Serve, signals).await?;
    let engine = Engine::start(context).await?;
    let listen = args.listen.unwrap_or(config.raw.serve.listen);
    let (server, bound) = http::start(listen, std::sync::Arc::clone(engine.context()))?;
    let server_handle = server.handle();
    actix::spawn(server);
    stderr::say(&format!(
        "watching {}; health and metrics on http://{bound}",
        config.home.join("ingest").display()
    ));
    let exit = until_the_end(global, &config, &engine).await?;
    stderr::say(&format!("stopping: running tasks have {} s to finish", config.raw.serve.grace_s));
    let settled = engine.drain(config.grace()).await;
    server_handle.stop(true).await;
    wiring::close(&*engine.context().store).await;
    if !settled {
        return Err(Failure::Internal(
            "some tasks could not be given back in time; other nodes claim them when their leases expire"
                .into(),
        ));
    }
    stderr::say("stopped; unfinished work continues at the next start");
    Ok(exit)
}

/// Waits for a reason to end the service; returns its exit status.
async fn until_the_end(global: &GlobalArgs, config: &Config, engine: &Engine) -> Result<ExitStatus, Failure> {
    let context = engine.context();
    let mut stop = std::pin::pin!(wiring::stop_asked());
    let mut changed = std::pin::pin!(refresh::changed(global, config, &context.signals));
    loop {
        tokio::select! {
            () = &mut stop => return Ok(ExitStatus::Done),
            () = &mut changed => {
                stderr::say("the configuration has changed: start `reelgate serve` again to use the new one");
                return Ok(ExitStatus::Reconfigured);
            }
            () = tokio::time::sleep(CHECK_INTERVAL) => {}
        }
        if let Some(reason) = context.progress_board.dead() {
            return Err(Failure::Internal(format!(
                "the engine stopped: {reason}; run with --log info to see more"
            )));
        }
        if context.availability.reason(DrainReason::Leaving).is_some() {
            // The machine will be ended: tasks that cannot be finished are given back in time.
            return Ok(ExitStatus::Done);
        }
    }
}
