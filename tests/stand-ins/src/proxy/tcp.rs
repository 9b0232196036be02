//! The proxy for plain bytes: for PostgreSQL sessions that break in the middle of a commit.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::runtime::single_threaded;

/// What happens to bytes from client to server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Passing {
    /// The bytes are forwarded.
    On,
    /// The connection is reset before they are forwarded.
    Cut,
    /// The bytes are forwarded, and the connection is reset when the server answers.
    Unanswered,
}

type Rule = Arc<dyn Fn(&[u8]) -> Passing + Send + Sync>;

/// A proxy on loopback; it ends when this value is dropped.
pub struct TcpProxy {
    port: u16,
    state: Arc<ProxyState>,
    runtime: Option<tokio::runtime::Runtime>,
}

struct ProxyState {
    behind: SocketAddr,
    rule: Mutex<Rule>,
    conditions: watch::Sender<Conditions>,
    opened: AtomicU64,
    ended: AtomicU64,
    cut: AtomicU64,
}

/// The current conditions of all connections.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Conditions {
    /// Number of orders to cut all connections.
    cuts: u64,
    refusing: bool,
    delay: Duration,
}

impl TcpProxy {
    /// Starts a proxy in front of a loopback port. Without a rule it injects no fault.
    pub fn before(port: u16) -> Self {
        let state = Arc::new(ProxyState {
            behind: SocketAddr::from(([127, 0, 0, 1], port)),
            rule: Mutex::new(Arc::new(|_| Passing::On)),
            conditions: watch::Sender::new(Conditions::default()),
            opened: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            cut: AtomicU64::new(0),
        });
        let runtime = single_threaded();
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
        listener.set_nonblocking(true).expect("a socket can be non-blocking");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        runtime.spawn(accept(listener, state.clone()));
        Self { port, state, runtime: Some(runtime) }
    }

    /// The port that clients use instead of the server's.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Resets all current connections; new ones are accepted.
    pub fn cut(&self) {
        self.state.conditions.send_modify(|now| now.cuts += 1);
    }

    /// With `true`, resets all current connections and refuses new ones; with `false`, accepts new ones again.
    pub fn refuse(&self, refusing: bool) {
        self.state.conditions.send_modify(|now| {
            now.refusing = refusing;
            now.cuts += u64::from(refusing);
        });
    }

    /// Delays bytes in both directions.
    pub fn delay(&self, delay: Duration) {
        self.state.conditions.send_modify(|now| now.delay = delay);
    }

    /// Sets the rule for the bytes of clients. A piece is what one read returns, so a short message is one piece.
    pub fn on(&self, rule: impl Fn(&[u8]) -> Passing + Send + Sync + 'static) {
        *self.state.rule.lock().expect("no rule panics while it is exchanged") = Arc::new(rule);
    }

    /// Number of connections so far, without refused ones.
    pub fn opened(&self) -> u64 {
        self.state.opened.load(Ordering::Relaxed)
    }

    /// Number of connections that were opened and have ended, by a reset or not.
    pub fn ended(&self) -> u64 {
        self.state.ended.load(Ordering::Relaxed)
    }

    /// Number of connections that this proxy has reset, including refused ones.
    pub fn cut_so_far(&self) -> u64 {
        self.state.cut.load(Ordering::Relaxed)
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background(); // blocking is not allowed inside a test's own runtime
        }
    }
}

async fn accept(listener: std::net::TcpListener, state: Arc<ProxyState>) {
    let listener = TcpListener::from_std(listener).expect("the runtime accepts the listener");
    while let Ok((client, _)) = listener.accept().await {
        if state.conditions.borrow().refusing {
            state.cut.fetch_add(1, Ordering::Relaxed);
            reset(&client);
            continue;
        }
        state.opened.fetch_add(1, Ordering::Relaxed);
        let state = state.clone();
        tokio::spawn(async move {
            connect(client, &state).await;
            state.ended.fetch_add(1, Ordering::Relaxed);
        });
    }
}

/// Serves one connection to its end.
async fn connect(client: TcpStream, state: &ProxyState) {
    let mut conditions = state.conditions.subscribe();
    let cuts = conditions.borrow_and_update().cuts;
    let Ok(server) = TcpStream::connect(state.behind).await else { return reset(&client) };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let is_cut = tokio::select! {
        cut = carry(&mut from_client, &mut to_server, &mut from_server, &mut to_client, state) => cut,
        _ = conditions.wait_for(|now| now.cuts != cuts) => true,
    };
    if is_cut {
        state.cut.fetch_add(1, Ordering::Relaxed);
        reset(to_client.as_ref());
        reset(to_server.as_ref());
    }
}

/// Forwards bytes in both directions until one side ends; returns whether a rule cut the connection.
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

/// Forwards a piece after the current delay; an empty piece is the end.
async fn pass(piece: &[u8], to: &mut OwnedWriteHalf, state: &ProxyState) -> std::io::Result<()> {
    if piece.is_empty() {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    let delay = state.conditions.borrow().delay;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    to.write_all(piece).await
}

/// Makes the connection end with a reset.
fn reset(stream: &TcpStream) {
    // This fails only if the peer is already gone, which is fine.
    let _ = stream.set_zero_linger();
}
