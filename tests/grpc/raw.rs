//! Callers that do not keep to the rules: bytes on a socket, and HTTP/2 with every step in one's own hand.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use bytes::Bytes;
use h2::{RecvStream, SendStream, client::SendRequest};
use http::{HeaderMap, HeaderValue, Request};
use prost::Message;
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A frame of HTTP/2 (RFC 9113 §4.1).
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A header as HPACK writes it without compression (RFC 7541 §6.2.2); `indexed` puts it into the table (§6.2.1).
pub(super) fn header(name: &str, value: &str, indexed: bool) -> Vec<u8> {
    let mut bytes = vec![if indexed { 0x40 } else { 0 }];
    for text in [name, value] {
        match u8::try_from(text.len()) {
            Ok(length) if length < 127 => bytes.push(length),
            _ => {
                let mut rest = text.len() - 127;
                bytes.push(127);
                while rest >= 128 {
                    bytes.push(u8::try_from(rest % 128).unwrap() | 128);
                    rest /= 128;
                }
                bytes.push(u8::try_from(rest).unwrap());
            }
        }
        bytes.extend(text.as_bytes());
    }
    bytes
}

/// The headers of a call.
pub(super) fn head(path: &str) -> Vec<u8> {
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "x"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    fields.iter().flat_map(|(name, value)| header(name, value, false)).collect()
}

/// A connection that has said what HTTP/2 connections begin with.
pub(super) fn begun(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(PREFACE).unwrap();
    stream.write_all(&frame(4, 0, 0, &[])).unwrap();
    stream
}

/// Reads until the other side closes; what it said. Nothing if it does not close within `PATIENCE`.
pub(super) fn until_closed(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let began = tokio::time::Instant::now();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut said = Vec::new();
    let mut buffer = [0; 4_096];
    while began.elapsed() < PATIENCE {
        match stream.read(&mut buffer) {
            Ok(0) => return Some(said),
            Ok(length) => said.extend(&buffer[..length]),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => return Some(said),
        }
    }
    None
}

/// A caller of one connection whose window for answers is `window` bytes, never widened by itself.
pub(super) struct Hand {
    sender: SendRequest<Bytes>,
    connection: JoinHandle<()>,
    widen: mpsc::Sender<u32>,
}

/// A call on its way.
pub(super) struct Calling {
    response: h2::client::ResponseFuture,
    pub(super) body: SendStream<Bytes>,
}

/// How a call ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) code: i32,
    pub(super) message: String,
    pub(super) messages: usize,
}

impl Hand {
    pub(super) async fn reach(address: SocketAddr, window: u32) -> Self {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let (sender, mut connection) = h2::client::Builder::new().initial_window_size(window).handshake(stream).await.unwrap();
        let (widen, mut widened) = mpsc::channel(1);
        let connection = tokio::spawn(async move {
            loop {
                tokio::select! {
                    // How it ends is seen by the calls.
                    _ = &mut connection => return,
                    Some(window) = widened.recv() => connection.set_initial_window_size(window).unwrap(),
                }
            }
        });
        Self { sender, connection, widen }
    }

    /// Begins to read.
    pub(super) async fn widen(&self, window: u32) {
        self.widen.send(window).await.unwrap();
    }

    /// Opens a call; its body is open.
    pub(super) async fn call(&self, method: &str, headers: &[(&'static str, &str)]) -> Calling {
        let mut request = Request::post(format!("http://x/tongguan.v1.{method}")).header("te", "trailers");
        request = request.header("content-type", "application/grpc");
        for (name, value) in headers {
            request = request.header(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let mut sender = self.sender.clone().ready().await.unwrap();
        let (response, body) = sender.send_request(request.body(()).unwrap(), false).unwrap();
        Calling { response, body }
    }

    /// Goes away without a word.
    pub(super) fn vanish(self) {
        self.connection.abort();
    }
}

/// A message as gRPC frames it.
pub(super) fn framed(message: &impl Message) -> Bytes {
    let bytes = message.encode_to_vec();
    let mut framed = vec![0];
    framed.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
    framed.extend(bytes);
    framed.into()
}

impl Calling {
    pub(super) fn send(&mut self, bytes: Bytes, last: bool) {
        // The call may have ended meanwhile; its end tells how.
        let _ = self.body.send_data(bytes, last);
    }

    /// The answer's body, once its head has come.
    pub(super) async fn answered(self) -> (HeaderMap, RecvStream, SendStream<Bytes>) {
        let response = timeout(PATIENCE, self.response).await.unwrap().unwrap();
        let (head, body) = response.into_parts();
        (head.headers, body, self.body)
    }

    /// Reads to the end.
    pub(super) async fn end(self) -> Ended {
        let (head, body, _sending) = self.answered().await;
        read(head, body).await
    }
}

/// Reads an answer to its end.
pub(super) async fn read(head: HeaderMap, mut body: RecvStream) -> Ended {
    if let Some(ended) = status(&head, 0) {
        return ended;
    }
    let mut bytes = Vec::new();
    while let Some(piece) = timeout(PATIENCE, body.data()).await.unwrap() {
        let piece = piece.unwrap();
        body.flow_control().release_capacity(piece.len()).unwrap();
        bytes.extend(piece);
    }
    let mut messages = 0;
    let mut rest = bytes.as_slice();
    while let [_, a, b, c, d, more @ ..] = rest {
        rest = &more[usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap()..];
        messages += 1;
    }
    let trailers = timeout(PATIENCE, body.trailers()).await.unwrap().unwrap().expect("an end says how it ended");
    status(&trailers, messages).unwrap()
}

fn status(headers: &HeaderMap, messages: usize) -> Option<Ended> {
    let status = tonic::Status::from_header_map(headers)?;
    Some(Ended { code: status.code().into(), message: status.message().to_owned(), messages })
}
