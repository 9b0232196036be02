//! A client's connection that another task can cut, with an orderly close or a reset.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How a connection ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// FIN: written bytes arrive, then the end.
    Close,
    /// RST: bytes that were not read yet are lost.
    Reset,
}

/// Cuts a connection.
#[derive(Clone, Default)]
pub(super) struct Cutter {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    ordered: Option<End>,
    reader: Option<Waker>,
}

impl Cutter {
    pub(super) fn cut(&self, end: End) {
        let mut state = self.lock();
        state.ordered = Some(end);
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }

    fn ordered(&self) -> Option<End> {
        self.lock().ordered
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with this lock")
    }
}

/// The connection.
pub(super) struct Wire {
    stream: TcpStream,
    cutter: Cutter,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, cutter: Cutter) -> Self {
        Self { stream, cutter }
    }

    fn check(&self) -> io::Result<()> {
        match self.cutter.ordered() {
            Some(_) => Err(io::ErrorKind::ConnectionAborted.into()),
            None => Ok(()),
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.cutter.ordered() == Some(End::Reset) {
            // This fails only if the peer is already gone, which is fine.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.cutter.lock().reader = Some(cx.waker().clone());
        self.check()?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.cutter.ordered() == Some(End::Reset) {
            return Poll::Ready(Ok(())); // a FIN now would be an orderly close instead of the reset
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
