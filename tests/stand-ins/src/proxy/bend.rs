//! Bodies that pass the proxy: forwarded piece by piece, cut, slowed or corrupted.

use std::time::Duration;

use http_body_util::BodyExt;
use http_body_util::channel::{Channel, Sender};
use hyper::body::{Body, Bytes};

use super::fault::Fault;
use super::wire::{Cutter, End};

/// The error of a connection that ends early; hyper needs only some error.
pub(super) type Broken = Box<dyn std::error::Error + Send + Sync>;
/// A body after the proxy.
pub(super) type Bent = Channel<Bytes, Broken>;

/// How a body is changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Bending {
    Pass,
    Slow { bytes_per_s: u32 },
    Cut { after: u64, end: End },
    Shorten { after: u64 },
    Flip { at: u64 },
}

impl Bending {
    /// How a fault changes the response's body.
    pub(super) fn of_answer(fault: &Fault) -> Self {
        match *fault {
            Fault::Slow { bytes_per_s } => Self::Slow { bytes_per_s },
            Fault::Reset { after } => Self::Cut { after, end: End::Reset },
            Fault::Truncated { after } => Self::Cut { after, end: End::Close },
            Fault::Shortened { after } => Self::Shorten { after },
            Fault::Flipped { at } => Self::Flip { at },
            _ => Self::Pass,
        }
    }
}

/// Forwards `body` with changes. `hit` is called once, when the change takes effect; `cutter` cuts the client's connection.
pub(super) fn bend<B>(body: B, bending: Bending, cutter: Cutter, hit: impl FnOnce() + Send + 'static) -> Bent
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Send,
{
    let (sender, bent) = Channel::new(1);
    tokio::spawn(pump(body, bending, sender, cutter, hit));
    bent
}

async fn pump<B>(
    mut body: B,
    bending: Bending,
    mut sender: Sender<Bytes, Broken>,
    cutter: Cutter,
    hit: impl FnOnce(),
) where
    B: Body<Data = Bytes> + Unpin,
{
    let mut hit = Some(hit);
    let mut position = 0u64;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            cutter.cut(End::Close); // the sender ended early, so the proxy does too
            return sender.abort("the body ended early".into());
        };
        let Ok(piece) = frame.into_data() else { continue };
        let end = position.saturating_add(piece.len() as u64);
        let takes_effect = match bending {
            Bending::Pass => false,
            Bending::Slow { .. } => true,
            Bending::Cut { after, .. } | Bending::Shorten { after } => end > after,
            Bending::Flip { at } => (position..end).contains(&at),
        };
        if takes_effect && let Some(hit) = hit.take() {
            hit();
        }
        match pass(piece, position, bending, &mut sender).await {
            Passed::On => {}
            Passed::Last => return,
            Passed::Cut(end) => {
                cutter.cut(end);
                // Reading on makes hyper check the client's connection, which is cut.
                let _ = body.frame().await;
                return sender.abort("cut".into());
            }
        }
        position = end;
    }
}

/// What follows after a piece.
enum Passed {
    On,
    Last,
    Cut(End),
}

impl Passed {
    fn on_if(sent: bool) -> Self {
        if sent { Self::On } else { Self::Last }
    }
}

/// Forwards one piece with changes.
async fn pass(piece: Bytes, position: u64, bending: Bending, sender: &mut Sender<Bytes, Broken>) -> Passed {
    let within = |offset: u64| usize::try_from(offset.saturating_sub(position)).unwrap_or(usize::MAX);
    match bending {
        Bending::Slow { bytes_per_s } => Passed::on_if(slowly(piece, bytes_per_s, sender).await),
        Bending::Cut { after, end } if within(after) < piece.len() => {
            // The second send waits until the first piece was taken and therefore written.
            let _ = sender.send_data(piece.slice(..within(after))).await;
            let _ = sender.send_data(Bytes::new()).await;
            Passed::Cut(end)
        }
        Bending::Shorten { after } if within(after) < piece.len() => {
            let _ = sender.send_data(piece.slice(..within(after))).await;
            Passed::Last
        }
        Bending::Flip { at } if at >= position && within(at) < piece.len() => {
            let mut bytes = piece.to_vec();
            bytes[within(at)] ^= 1;
            Passed::on_if(sender.send_data(bytes.into()).await.is_ok())
        }
        Bending::Pass | Bending::Cut { .. } | Bending::Shorten { .. } | Bending::Flip { .. } => {
            Passed::on_if(sender.send_data(piece).await.is_ok())
        }
    }
}

async fn slowly(piece: Bytes, bytes_per_s: u32, sender: &mut Sender<Bytes, Broken>) -> bool {
    const PIECE_BYTES_MAX: usize = 16 << 10;
    let mut rest = piece;
    while !rest.is_empty() {
        let some = rest.split_to(rest.len().min(PIECE_BYTES_MAX));
        tokio::time::sleep(Duration::from_secs_f64(some.len() as f64 / f64::from(bytes_per_s.max(1)))).await;
        if sender.send_data(some).await.is_err() {
            return false;
        }
    }
    true
}
