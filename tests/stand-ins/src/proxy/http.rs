//! The proxy for HTTP. Requests are forwarded unchanged, so their signatures stay valid. Every request has its own
//! connection to the server.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use super::bend::{Bending, Bent, Broken, bend};
use super::fault::{Asked, Fault, Hit};
use super::wire::{Cutter, End, Wire};
use crate::runtime::single_threaded;

type Rule = Arc<dyn Fn(&Asked) -> Fault + Send + Sync>;
type Answer = Response<Either<Full<Bytes>, Bent>>;

/// A proxy on loopback; it ends when this value is dropped.
pub struct FaultProxy {
    endpoint: String,
    state: Arc<ProxyState>,
    runtime: Option<tokio::runtime::Runtime>,
}

struct ProxyState {
    behind: String,
    rule: Mutex<Rule>,
    asked: AtomicU64,
    hits: Mutex<Vec<Hit>>,
}

impl FaultProxy {
    /// Starts a proxy in front of `endpoint` (`http://host:port`). Without a rule it injects no fault.
    pub fn before(endpoint: &str) -> Self {
        let behind = endpoint.strip_prefix("http://").expect("expected an endpoint http://host:port");
        let state = Arc::new(ProxyState {
            behind: behind.trim_end_matches('/').to_owned(),
            rule: Mutex::new(Arc::new(|_| Fault::None)),
            asked: AtomicU64::new(0),
            hits: Mutex::new(Vec::new()),
        });
        let runtime = single_threaded();
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = std::net::TcpListener::bind(address).expect("loopback has a free port");
        listener.set_nonblocking(true).expect("a socket can be non-blocking");
        let address = listener.local_addr().expect("a bound socket has an address");
        runtime.spawn(accept(listener, state.clone()));
        Self { endpoint: format!("http://{address}"), state, runtime: Some(runtime) }
    }

    /// The endpoint that clients use instead of the server's.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Sets the rule that selects the fault of each request.
    pub fn on(&self, rule: impl Fn(&Asked) -> Fault + Send + Sync + 'static) {
        *self.state.rule.lock().expect("no rule panics while it is exchanged") = Arc::new(rule);
    }

    /// Injects `fault` into the next `times` requests that `which` selects, and nothing into others.
    pub fn next(&self, times: u64, fault: Fault, which: impl Fn(&Asked) -> bool + Send + Sync + 'static) {
        let left = AtomicU64::new(times);
        let one_less = |left: u64| left.checked_sub(1);
        self.on(move |asked| {
            let takes =
                which(asked) && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok();
            if takes { fault.clone() } else { Fault::None }
        });
    }

    /// Every fault that took effect so far, in order.
    pub fn hits(&self) -> Vec<Hit> {
        self.state.hits.lock().expect("nobody panics with this lock").clone()
    }

    /// Number of requests so far.
    pub fn asked(&self) -> u64 {
        self.state.asked.load(Ordering::Relaxed)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background(); // blocking is not allowed inside a test's own runtime
        }
    }
}

async fn accept(listener: std::net::TcpListener, state: Arc<ProxyState>) {
    let listener = TcpListener::from_std(listener).expect("the runtime accepts the listener");
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let cutter = Cutter::default();
        let state = state.clone();
        let wire = TokioIo::new(Wire::new(stream, cutter.clone()));
        let service = service_fn(move |request| serve(request, state.clone(), cutter.clone()));
        let mut server = hyper::server::conn::http1::Builder::new();
        server.timer(TokioTimer::new()).preserve_header_case(true);
        tokio::spawn(server.serve_connection(wire, service));
    }
}

async fn serve(request: Request<Incoming>, state: Arc<ProxyState>, cutter: Cutter) -> Result<Answer, Broken> {
    let asked = state.ask(&request);
    let rule = state.rule.lock().expect("no rule panics while it is exchanged").clone();
    let fault = rule(&asked);
    let hit = {
        let (state, fault) = (state.clone(), fault.clone());
        move || state.hits.lock().expect("nobody panics with this lock").push(Hit { asked, fault })
    };
    match fault {
        Fault::None => forward(request, Bending::Pass, &state, cutter, || ()).await,
        Fault::Answer { status, content_type, body } => {
            hit();
            answer(request, status, content_type, body).await
        }
        Fault::Late(pause) => {
            hit();
            tokio::time::sleep(pause).await;
            forward(request, Bending::Pass, &state, cutter, || ()).await
        }
        Fault::ResetUpload { after } => {
            let cut = Bending::Cut { after, end: End::Reset };
            let request = request.map(|body| bend(body, cut, cutter.clone(), hit));
            forward(request, Bending::Pass, &state, cutter, || ()).await
        }
        Fault::Unanswered => {
            let answer = call(request, &state).await?;
            answer.into_body().collect().await?;
            hit();
            Err("the response is lost".into())
        }
        Fault::Slow { .. }
        | Fault::Reset { .. }
        | Fault::Truncated { .. }
        | Fault::Shortened { .. }
        | Fault::Flipped { .. } => forward(request, Bending::of_answer(&fault), &state, cutter, hit).await,
    }
}

/// Forwards a request, and its response with changes.
async fn forward<B>(
    request: Request<B>,
    bending: Bending,
    state: &ProxyState,
    cutter: Cutter,
    hit: impl FnOnce() + Send + 'static,
) -> Result<Answer, Broken>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Broken>,
{
    let mut answer = call(request, state).await?;
    let length =
        answer.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if let (Bending::Shorten { after }, Some(length)) = (bending, length) {
        answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length.min(after)));
    }
    Ok(answer.map(|body| Either::Right(bend(body, bending, cutter, hit))))
}

/// Sends a request to the server, over its own connection.
async fn call<B>(request: Request<B>, state: &ProxyState) -> Result<Response<Incoming>, Broken>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Broken>,
{
    let stream = TcpStream::connect(&state.behind).await?;
    stream.set_nodelay(true)?;
    let mut client = hyper::client::conn::http1::Builder::new();
    client.preserve_header_case(true);
    let (mut sender, connection) = client.handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?)
}

/// Answers instead of the server, after reading the whole request as a server would.
async fn answer(
    request: Request<Incoming>,
    status: u16,
    content_type: &'static str,
    body: String,
) -> Result<Answer, Broken> {
    let mut upload = request.into_body();
    while let Some(frame) = upload.frame().await {
        frame?;
    }
    let mut answer = Response::new(Either::Left(Full::from(body)));
    *answer.status_mut() = StatusCode::from_u16(status)?;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    Ok(answer)
}

impl ProxyState {
    fn ask<B>(&self, request: &Request<B>) -> Asked {
        let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
        Asked {
            number: self.asked.fetch_add(1, Ordering::Relaxed),
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            target: target.unwrap_or_default().to_owned(),
        }
    }
}
