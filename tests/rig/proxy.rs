//! Trouble on the way to a server: a TCP proxy on loopback that is slow, mute or gone, and that cuts connections at a chosen moment.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp},
    sync::watch,
    task::JoinHandle,
};

/// What the way is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Nothing is amiss.
    Fair,
    /// Every answer comes so much later.
    Slow(Duration),
    /// New connections end at once.
    Refusing,
    /// Connections are taken, and nothing passes either way.
    Mute,
}

/// When the next cut comes: with so many requests still to pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// The request does not arrive.
    Before(u32),
    /// The request arrives and is worked on; its answer is lost.
    After(u32),
}

/// What both directions of every connection know.
struct Way {
    weather: watch::Receiver<Weather>,
    /// Counts the times that all connections were cut.
    cuts: watch::Receiver<u32>,
    next: Mutex<Option<Cut>>,
}

/// A proxy before a server on this machine.
pub struct Proxy {
    pub port: u16,
    weather: watch::Sender<Weather>,
    cuts: watch::Sender<u32>,
    way: Arc<Way>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Opens a fair way to the server at a port.
    pub async fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (weather, weather_of_way) = watch::channel(Weather::Fair);
        let (cuts, cuts_of_way) = watch::channel(0);
        let way = Arc::new(Way { weather: weather_of_way, cuts: cuts_of_way, next: Mutex::default() });
        let task = tokio::spawn(listen(listener, server, Arc::clone(&way)));
        Self { port, weather, cuts, way, task }
    }

    /// Changes what the way is like, for connections that are open and for new ones.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Cuts every connection that is open now.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Lets so many requests pass and cuts the connection of the next one before it arrives.
    pub fn lose_request_after(&self, requests: u32) {
        *self.way.next.lock().unwrap() = Some(Cut::Before(requests));
    }

    /// Lets so many requests pass and cuts the connection of the next one once the server has answered it; the answer is lost.
    pub fn lose_answer_after(&self, requests: u32) {
        *self.way.next.lock().unwrap() = Some(Cut::After(requests));
    }

    /// Whether a cut that was asked for has not come yet; it will not come any more.
    pub fn take_back(&self) -> bool {
        self.way.next.lock().unwrap().take().is_some()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.cut();
    }
}

async fn listen(listener: TcpListener, server: u16, way: Arc<Way>) {
    while let Ok((client, _)) = listener.accept().await {
        if *way.weather.borrow() != Weather::Refusing {
            tokio::spawn(carry(client, server, Arc::clone(&way)));
        }
    }
}

/// What becomes of a request.
enum Fate {
    Passes,
    Lost,
    AnswerLost,
}

impl Way {
    fn fate(&self) -> Fate {
        let mut next = self.next.lock().unwrap();
        match *next {
            None => Fate::Passes,
            Some(Cut::Before(0)) => {
                *next = None;
                Fate::Lost
            }
            Some(Cut::After(0)) => {
                *next = None;
                Fate::AnswerLost
            }
            Some(Cut::Before(more)) => {
                *next = Some(Cut::Before(more - 1));
                Fate::Passes
            }
            Some(Cut::After(more)) => {
                *next = Some(Cut::After(more - 1));
                Fate::Passes
            }
        }
    }

    async fn audible(&self) {
        // The proxy itself being gone ends the connection elsewhere.
        drop(self.weather.clone().wait_for(|weather| *weather != Weather::Mute).await);
    }
}

async fn carry(client: TcpStream, server: u16, way: Arc<Way>) {
    let mut cuts = way.cuts.clone();
    cuts.mark_unchanged();
    let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await else { return };
    drop(client.set_nodelay(true));
    drop(server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let (deaf, deafness) = watch::channel(false);
    tokio::select! {
        () = requests(from_client, to_server, &way, deaf) => {}
        () = answers(from_server, to_client, &way, deafness) => {}
        _ = cuts.changed() => {}
    }
}

/// Carries requests; ends when the connection is to be cut.
async fn requests(mut from: tcp::OwnedReadHalf, mut to: tcp::OwnedWriteHalf, way: &Way, deaf: watch::Sender<bool>) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        way.audible().await;
        let fate = way.fate();
        if matches!(fate, Fate::Lost) {
            return;
        }
        if matches!(fate, Fate::AnswerLost) {
            deaf.send_replace(true);
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

/// Carries answers; ends at the first one that is to be lost.
async fn answers(mut from: tcp::OwnedReadHalf, mut to: tcp::OwnedWriteHalf, way: &Way, deaf: watch::Receiver<bool>) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        way.audible().await;
        let weather = *way.weather.borrow();
        if let Weather::Slow(by) = weather {
            tokio::time::sleep(by).await;
        }
        if *deaf.borrow() || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
