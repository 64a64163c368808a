//! Connections to the tiles: so many in all and from one address, each of which must go on. What goes beyond is closed.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::serve::Listener;
use futures_util::future::BoxFuture;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Instant, Sleep, sleep},
};

use super::Options;

/// After a connection could not be taken: nearly always there are no file descriptors left.
const REST: Duration = Duration::from_millis(100);
/// What connections get to end when the gateway stops.
const DRAIN: Duration = Duration::from_secs(2);

/// A listener that takes in only as many as there is room for.
pub(super) struct Bounded {
    listener: TcpListener,
    places: Arc<Places>,
    silence: Duration,
    cut: watch::Receiver<bool>,
}

struct Places {
    most: usize,
    most_of_one: usize,
    taken: Mutex<HashMap<IpAddr, usize>>,
}

impl Bounded {
    pub(super) fn new(listener: TcpListener, options: &Options, cut: watch::Receiver<bool>) -> Self {
        let places = Places { most: options.connections, most_of_one: options.connections_per_address, taken: Mutex::default() };
        Self { listener, places: Arc::new(places), silence: options.silence(), cut }
    }
}

impl Places {
    fn take(self: &Arc<Self>, address: SocketAddr) -> Option<Place> {
        let address = address.ip().to_canonical();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_one = taken.get(&address).copied().unwrap_or(0);
        if taken.values().sum::<usize>() >= self.most || of_one >= self.most_of_one {
            return None;
        }
        taken.insert(address, of_one + 1);
        Some(Place { address, places: Arc::clone(self) })
    }
}

/// One connection's place; free again when it is dropped.
struct Place {
    address: IpAddr,
    places: Arc<Places>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&self.address)),
        }
    }
}

impl Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    if let Some(place) = self.places.take(address) {
                        return (Connection::new(stream, place, self.silence, self.cut.clone()), address);
                    }
                    tracing::debug!("a connection to the tiles is closed: there are too many");
                }
                Err(error) => {
                    tracing::warn!(error.message = %error, "无法接受连接 · a connection to the tiles cannot be taken now");
                    sleep(REST).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends by itself when nothing moves on it.
pub(super) struct Connection {
    stream: TcpStream,
    _place: Place,
    silence: Duration,
    end: Pin<Box<Sleep>>,
    cut: BoxFuture<'static, ()>,
}

impl Connection {
    fn new(stream: TcpStream, place: Place, silence: Duration, mut cut: watch::Receiver<bool>) -> Self {
        let cut = async move {
            // Nobody left to say so is no reason to end.
            if cut.wait_for(|cut| *cut).await.is_err() {
                std::future::pending::<()>().await;
            }
            sleep(DRAIN).await;
        };
        Self { stream, _place: place, silence, end: Box::pin(sleep(silence)), cut: Box::pin(cut) }
    }

    /// Goes on when something moved; else waits for it, but not for ever.
    fn moved<T>(&mut self, context: &mut Context<'_>, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.end.as_mut().reset(Instant::now() + self.silence);
            return done;
        }
        if self.cut.as_mut().poll(context).is_pending() {
            ready!(self.end.as_mut().poll(context));
        }
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "nothing moves on the connection")))
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.moved(context, read)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.moved(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
