//! `reelgate serve`: the long-running service.

use std::time::Duration;

use reelgate_actors::Engine;
use reelgate_actors::duty::Hold;
use reelgate_actors::signals::Signals;

use crate::cli::{Place, ServeArgs};
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::http;
use crate::output::talk;
use crate::telemetry::Telemetry;
use crate::verbs::refresh;
use crate::wiring::{self, Duty};

/// Between two looks whether the engine still lives.
const LOOK: Duration = Duration::from_millis(500);

/// Watches the ingest directory until it is asked to stop.
pub async fn serve(place: &Place, args: ServeArgs, log: Option<&str>) -> Result<Exit, Failure> {
    let config = Config::load(place).await?;
    let signals = Signals::default();
    let _telemetry = Telemetry::start(&config, &wiring::node_name(&config), log, signals.spans())?;
    let house = wiring::house(&config, Duty::Serve, signals).await?;
    let engine = Engine::start(house).await?;
    let listen = args.listen.unwrap_or(config.raw.serve.listen);
    let (server, bound) = http::start(listen, std::sync::Arc::clone(engine.house()))?;
    let server_handle = server.handle();
    actix::spawn(server);
    talk::say(&format!(
        "watching {}; health and metrics on http://{bound}",
        config.home.join("ingest").display()
    ));
    let exit = until_the_end(place, &config, &engine).await?;
    talk::say(&format!("stopping: running tasks get {} s", config.raw.serve.grace_s));
    let settled = engine.drain(config.grace()).await;
    server_handle.stop(true).await;
    wiring::close(&*engine.house().store).await;
    if !settled {
        return Err(Failure::Internal(
            "some work could not be given back in time; its leases run out by themselves".into(),
        ));
    }
    talk::say("stopped; everything unfinished goes on at the next start");
    Ok(exit)
}

/// Waits until somebody or something ends the service, and says how.
async fn until_the_end(place: &Place, config: &Config, engine: &Engine) -> Result<Exit, Failure> {
    let house = engine.house();
    let mut stop = std::pin::pin!(wiring::stop_asked());
    let mut changed = std::pin::pin!(refresh::changed(place, config, &house.signals));
    loop {
        tokio::select! {
            () = &mut stop => return Ok(Exit::Done),
            () = &mut changed => {
                talk::say("the configuration has changed: start again to go on with the new one");
                return Ok(Exit::Reconfigured);
            }
            () = tokio::time::sleep(LOOK) => {}
        }
        if let Some(why) = house.board.dead() {
            return Err(Failure::Internal(format!(
                "the engine stopped: {why}; run with --log info to see more"
            )));
        }
        if house.duty.reason(Hold::Leaving).is_some() {
            // The machine will be gone: what cannot be finished is given back while there is time.
            return Ok(Exit::Done);
        }
    }
}
