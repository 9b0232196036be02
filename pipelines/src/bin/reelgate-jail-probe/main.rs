//! A test's stand-in for the media worker, which is never installed. The name of its file selects how it misbehaves,
//! because the client starts a worker without arguments. `escape-NAME` closes the real jail and then tries to leave it;
//! the other names break the protocol. Under its own name it stands in for the engine.

mod engine;
mod escapes;
mod holdings;
mod media;
mod misbehaviours;
mod replies;

use std::path::Path;

use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::jail;
use reelgate_pipelines::messages::Reply;
use replies::{greet, report, say};

fn main() {
    let name = std::env::args_os().next().unwrap_or_default();
    let name = Path::new(&name).file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    if name == env!("CARGO_BIN_NAME") {
        return engine::run();
    }
    match name.strip_prefix("escape-") {
        Some(escape) => {
            greet();
            if let Err(error) = jail::close() {
                return say(&Reply::Faulted(Fault::new(Code::WorkerUnavailable, error.to_string())));
            }
            say(&Reply::Jailed);
            report(&escapes::attempt(escape));
        }
        None => misbehaviours::misbehave(&name),
    }
}
