//! What the stand-in sends to the engine.

use std::io::{self, Write};

use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::messages::{Job, Reply, WIRE_VERSION};
use reelgate_pipelines::wire;

/// Says hello like the real worker.
pub fn greet() {
    say(&Reply::Hello { version: WIRE_VERSION, gstreamer: "0.0.0".to_owned() });
}

/// Says hello and claims to be jailed.
pub fn pretend() {
    greet();
    say(&Reply::Jailed);
}

/// Pretends, and waits for the job as the real worker does: until then the engine knows that it runs.
pub fn take_job() {
    pretend();
    wire::read_message::<Job>(io::stdin(), "job").expect("the engine sends a job");
}

pub fn say(reply: &Reply) {
    wire::write_message(io::stdout(), reply).expect("the engine reads the replies");
    io::stdout().flush().expect("the engine reads the replies");
}

/// Reports something to the test as the detail of a fault.
pub fn report(what: &str) {
    say(&Reply::Faulted(Fault::new(Code::Internal, what)));
}
