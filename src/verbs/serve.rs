//! `reelgate serve`: the long-running service.

use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
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
    let ended = watch(global, &args, &config, &engine).await;
    // Whatever the reason: tasks and shards are given back, and the store is closed only after its last call.
    stderr::say(&format!("stopping: running tasks have {} s to finish", config.raw.serve.grace_s));
    let left = engine.drain(config.grace()).await;
    if let Ok((_, server)) = &ended {
        server.stop(true).await;
    }
    let sealed = wiring::seal(&config, &*engine.context().store).await;
    wiring::close(&*engine.context().store).await;
    let (exit, _) = ended?;
    sealed?;
    if !left.is_empty() {
        return Err(Failure::Internal(format!(
            "expected every part of the engine to end in time, found some that did not: {}; tasks and shards that they \
             held are taken over when their leases expire",
            left.join(", ")
        )));
    }
    stderr::say("stopped; unfinished work continues at the next start");
    Ok(exit)
}

/// Serves until there is a reason to end; returns the exit status and the server, which still runs.
async fn watch(
    global: &GlobalArgs,
    args: &ServeArgs,
    config: &Config,
    engine: &Engine,
) -> Result<(ExitStatus, ServerHandle), Failure> {
    let listen = args.listen.unwrap_or(config.raw.serve.listen);
    let (server, bound) = http::start(listen, Arc::clone(engine.context()))?;
    let handle = server.handle();
    actix::spawn(server);
    stderr::say(&format!("{}; health and metrics on http://{bound}", wiring::source_of_uploads(config)));
    match until_the_end(global, config, engine).await {
        Ok(exit) => Ok((exit, handle)),
        Err(failure) => {
            handle.stop(true).await;
            Err(failure)
        }
    }
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
