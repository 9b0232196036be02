//! The proxy that knows only bytes: for PostgreSQL, whose sessions break in the middle of a commit.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::runtime;

/// What becomes of bytes on their way from client to server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Passing {
    /// They arrive.
    On,
    /// The connection is reset instead of them.
    Cut,
    /// They arrive, and the connection is reset once the server answers them: did it happen?
    Unanswered,
}

type Rule = Arc<dyn Fn(&[u8]) -> Passing + Send + Sync>;

/// A proxy on loopback; gone with this value.
pub struct TcpProxy {
    port: u16,
    state: Arc<ProxyState>,
    runtime: Option<tokio::runtime::Runtime>,
}

struct ProxyState {
    behind: SocketAddr,
    rule: Mutex<Rule>,
    weather: watch::Sender<Weather>,
    opened: AtomicU64,
    cut: AtomicU64,
}

/// What holds for all connections at the moment.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Weather {
    /// Counts the orders to cut what is connected.
    cuts: u64,
    refusing: bool,
    delay: Duration,
}

impl TcpProxy {
    /// Starts in front of a port of the loopback, harmless until told otherwise.
    pub fn before(port: u16) -> Self {
        let state = Arc::new(ProxyState {
            behind: SocketAddr::from(([127, 0, 0, 1], port)),
            rule: Mutex::new(Arc::new(|_| Passing::On)),
            weather: watch::Sender::new(Weather::default()),
            opened: AtomicU64::new(0),
            cut: AtomicU64::new(0),
        });
        let runtime = runtime();
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        listener.set_nonblocking(true).expect("a listener of the runtime");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        runtime.spawn(accept(listener, state.clone()));
        Self { port, state, runtime: Some(runtime) }
    }

    /// Where clients shall connect instead.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Resets every connection there is; new ones are welcome.
    pub fn cut(&self) {
        self.state.weather.send_modify(|weather| weather.cuts += 1);
    }

    /// Resets every connection there is and every new one, until told otherwise.
    pub fn refuse(&self, refusing: bool) {
        self.state.weather.send_modify(|weather| {
            weather.refusing = refusing;
            weather.cuts += u64::from(refusing);
        });
    }

    /// From now on bytes take this much longer, each way.
    pub fn delay(&self, delay: Duration) {
        self.state.weather.send_modify(|weather| weather.delay = delay);
    }

    /// From now on `rule` judges what clients send, as it comes: a piece is what one read returned, so a
    /// short message that was awaited is one piece.
    pub fn on(&self, rule: impl Fn(&[u8]) -> Passing + Send + Sync + 'static) {
        *self.state.rule.lock().expect("no rule panics while it is exchanged") = Arc::new(rule);
    }

    /// Connections opened so far, refused ones aside.
    pub fn opened(&self) -> u64 {
        self.state.opened.load(Ordering::Relaxed)
    }

    /// Connections that this proxy reset so far, refused ones included.
    pub fn cut_so_far(&self) -> u64 {
        self.state.cut.load(Ordering::Relaxed)
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background(); // waiting is not allowed inside a test's own runtime
        }
    }
}

async fn accept(listener: std::net::TcpListener, state: Arc<ProxyState>) {
    let listener = TcpListener::from_std(listener).expect("a listener of the runtime");
    while let Ok((client, _)) = listener.accept().await {
        if state.weather.borrow().refusing {
            state.cut.fetch_add(1, Ordering::Relaxed);
            reset(&client);
            continue;
        }
        state.opened.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(connect(client, state.clone()));
    }
}

/// One connection, from its beginning to its end.
async fn connect(client: TcpStream, state: Arc<ProxyState>) {
    let mut weather = state.weather.subscribe();
    let cuts = weather.borrow_and_update().cuts;
    let Ok(server) = TcpStream::connect(state.behind).await else { return reset(&client) };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let is_cut = tokio::select! {
        cut = carry(&mut from_client, &mut to_server, &mut from_server, &mut to_client, &state) => cut,
        _ = weather.wait_for(|now| now.cuts != cuts) => true,
    };
    if is_cut {
        state.cut.fetch_add(1, Ordering::Relaxed);
        reset(to_client.as_ref());
        reset(to_server.as_ref());
    }
}

/// Carries bytes both ways until one side ends; whether a rule cut it.
async fn carry(
    from_client: &mut OwnedReadHalf,
    to_server: &mut OwnedWriteHalf,
    from_server: &mut OwnedReadHalf,
    to_client: &mut OwnedWriteHalf,
    state: &ProxyState,
) -> bool {
    let (mut sent, mut received) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    let mut unanswered = false;
    loop {
        let passed = tokio::select! {
            read = from_client.read(&mut sent) => {
                let piece = &sent[..read.unwrap_or_default()];
                let rule = state.rule.lock().expect("no rule panics while it is exchanged").clone();
                match rule(piece) {
                    Passing::Cut => return true,
                    Passing::Unanswered => unanswered = true,
                    Passing::On => {}
                }
                pass(piece, to_server, state).await
            }
            read = from_server.read(&mut received) => {
                if unanswered {
                    return true;
                }
                pass(&received[..read.unwrap_or_default()], to_client, state).await
            }
        };
        if passed.is_err() {
            return false;
        }
    }
}

/// Sends a piece on, late where that is the order; an empty one is the end.
async fn pass(piece: &[u8], to: &mut OwnedWriteHalf, state: &ProxyState) -> std::io::Result<()> {
    if piece.is_empty() {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    let delay = state.weather.borrow().delay;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    to.write_all(piece).await
}

/// Makes the end of this connection a reset.
fn reset(stream: &TcpStream) {
    // Fails only where the peer is gone already, which is as good.
    let _ = stream.set_zero_linger();
}
