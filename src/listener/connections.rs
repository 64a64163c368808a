//! Connections before anybody has said who calls: so many in all and from one address, each of which must begin to speak, go on to
//! answer, and take what it is sent. What goes beyond is closed, so that nobody can wait the door full.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::{Stream, future::BoxFuture, stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Instant, Sleep, sleep},
};

use super::Bounds;

/// After a connection could not be taken: nearly always there are no file descriptors left.
const REST: Duration = Duration::from_millis(100);
/// Told in the log again after so many that were turned away.
const TOLD_EVERY: u64 = 1_000;

/// Connections as they come, as long as there is room. `cut` ends all of them.
pub(super) fn incoming(
    listener: TcpListener,
    bounds: &Bounds,
    cut: watch::Receiver<bool>,
) -> impl Stream<Item = io::Result<Connection>> + use<> {
    let bounds = bounds.clone();
    let places = Arc::new(Places {
        most: bounds.connections,
        most_of_one: bounds.connections_per_address,
        farewell: bounds.farewell.clone(),
        taken: Mutex::default(),
    });
    stream::unfold((listener, places), move |(listener, places)| {
        let (cut, bounds) = (cut.clone(), bounds.clone());
        async move {
            loop {
                match listener.accept().await {
                    Ok((stream, address)) => {
                        if let Some(place) = places.take(address) {
                            // Without it small answers wait for large ones.
                            drop(stream.set_nodelay(true));
                            return Some((Ok(Connection::new(stream, place, bounds, cut)), (listener, places)));
                        }
                        places.turn_away(&stream);
                    }
                    Err(error) => {
                        tracing::warn!(error.message = %error, "无法接受连接 · a connection cannot be taken now");
                        sleep(REST).await;
                    }
                }
            }
        }
    })
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
    turned_away: u64,
}

#[derive(Debug)]
struct Places {
    most: usize,
    most_of_one: usize,
    /// What whoever is turned away is told.
    farewell: Vec<u8>,
    taken: Mutex<Taken>,
}

impl Places {
    fn take(self: &Arc<Self>, address: SocketAddr) -> Option<Place> {
        let address = address.ip().to_canonical();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_one = taken.by_address.get(&address).copied().unwrap_or(0);
        if taken.all >= self.most || of_one >= self.most_of_one {
            if taken.turned_away.is_multiple_of(TOLD_EVERY) {
                tracing::warn!(connections = taken.all, "连接过多，新的连接被关闭 · too many connections: new ones are closed");
            }
            taken.turned_away = taken.turned_away.wrapping_add(1);
            return None;
        }
        taken.all += 1;
        taken.by_address.insert(address, of_one + 1);
        Some(Place { address, places: Arc::clone(self) })
    }

    /// Says why, as far as that goes without waiting.
    fn turn_away(&self, stream: &TcpStream) {
        if !self.farewell.is_empty() {
            // Whoever is gone already misses nothing.
            drop(stream.try_write(&self.farewell));
        }
    }
}

/// One connection's place; free again when it is dropped.
#[derive(Debug)]
struct Place {
    address: IpAddr,
    places: Arc<Places>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        match taken.by_address.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.by_address.remove(&self.address)),
        }
    }
}

/// A connection that ends by itself when its caller does not do its part.
pub struct Connection {
    stream: TcpStream,
    place: Place,
    bounds: Bounds,
    /// How much of the beginning has come.
    begun: usize,
    /// When something must have come.
    next: Pin<Box<Sleep>>,
    /// When something must have been taken, while something is to be sent.
    taken: Option<Pin<Box<Sleep>>>,
    cut: BoxFuture<'static, ()>,
}

impl Connection {
    fn new(stream: TcpStream, place: Place, bounds: Bounds, mut cut: watch::Receiver<bool>) -> Self {
        let cut = async move {
            // Nobody left to say so is no reason to end.
            if cut.wait_for(|cut| *cut).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let next = Box::pin(sleep(bounds.handshake));
        Self { stream, place, bounds, begun: 0, next, taken: None, cut: Box::pin(cut) }
    }

    /// Where it comes from.
    pub(super) fn address(&self) -> IpAddr {
        self.place.address
    }

    fn is_cut(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.cut.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the gateway has stopped")),
            Poll::Pending => Ok(()),
        }
    }

    /// Waits for what is to be sent to be taken, but not for ever.
    fn sending<T>(&mut self, context: &mut Context<'_>, sent: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if sent.is_ready() {
            self.taken = None;
            if self.bounds.answers_count && self.begun >= self.bounds.preface {
                self.next.as_mut().reset(Instant::now() + self.bounds.silence);
            }
            return sent;
        }
        self.is_cut(context)?;
        let stall = self.bounds.stall;
        ready!(self.taken.get_or_insert_with(|| Box::pin(sleep(stall))).as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the caller takes nothing")))
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        if let read @ Poll::Ready(_) = Pin::new(&mut this.stream).poll_read(context, buffer) {
            this.begun = this.begun.saturating_add(buffer.filled().len() - before);
            if this.begun >= this.bounds.preface {
                this.next.as_mut().reset(Instant::now() + this.bounds.silence);
            }
            return read;
        }
        this.is_cut(context)?;
        ready!(this.next.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the caller is silent")))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.sending(context, sent)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, pieces: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.sending(context, sent)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = Pin::new(&mut self.stream).poll_flush(context);
        self.sending(context, sent)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
