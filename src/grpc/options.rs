//! How wide the door is.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::listener::{Bounds, TlsOptions};

/// How wide the door is. `docs/bounds.md` says of every bound what happens beyond it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Where it listens.
    pub listen: String,
    /// Connections at a time. Each may hold a mebibyte that nobody has read yet, and a file descriptor.
    pub connections: usize,
    /// Connections at a time from one address: one caller leaves room for others.
    pub connections_per_address: usize,
    /// Seconds in which a new connection must have begun to speak HTTP/2, and have ended its TLS handshake.
    pub handshake_s: u64,
    /// Seconds between questions whether a silent caller is still there; it has as long to answer, at most 20.
    pub keepalive_s: u64,
    /// Seconds for which a caller may take nothing of what it is sent.
    pub stall_s: u64,
    /// Seconds after which a stream is ended on which nothing is sent.
    pub idle_s: u64,
    /// Seconds that connections get to end when the gateway stops.
    pub drain_s: u64,
    /// Seconds after which a call that is not a stream is given up.
    pub request_timeout_s: u64,
    /// Kibibytes of the largest request. A declaration with 100 lines in which every text is as long as it may be has 1,400.
    pub request_kib: usize,
    /// Streams open at a time on one connection.
    pub streams_per_connection: u32,
    /// Calls worked on at a time for one connection.
    pub calls_per_connection: usize,
    /// Calls worked on at a time in all: each may hold one request.
    pub calls: usize,
    /// Calls worked on at a time for one API key.
    pub calls_per_key: usize,
    /// Items of one stream that are worked on at a time.
    pub items_in_flight: usize,
    /// SubmitStream and PushWaybills calls open at a time, of all callers.
    pub streams: usize,
    /// The same for one API key.
    pub streams_per_key: usize,
    /// Watch and Tail calls open at a time, of all callers.
    pub followers: usize,
    /// The same for one API key.
    pub followers_per_key: usize,
    /// Encryption; without it keys and declarations cross the network in the clear.
    pub tls: Option<TlsOptions>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8650".into(),
            // Half of the 1,024 file descriptors that a process has by custom.
            connections: 512,
            connections_per_address: 256,
            handshake_s: 10,
            keepalive_s: 30,
            stall_s: 60,
            idle_s: 900,
            drain_s: 15,
            request_timeout_s: 30,
            request_kib: 2_048,
            streams_per_connection: 256,
            calls_per_connection: 256,
            calls: 512,
            calls_per_key: 256,
            items_in_flight: 256,
            streams: 256,
            streams_per_key: 64,
            followers: 256,
            followers_per_key: 64,
            tls: None,
        }
    }
}

/// The longest that anything is waited for.
const LONGEST_S: u64 = 86_400;
/// How long a caller has for its answer to a keepalive question, at most.
const PONG_S: u64 = 20;

/// An HTTP/2 connection begins with these many bytes (RFC 9113 §3.4); a TLS one with more.
const PREFACE_BYTES: usize = 24;

/// Says in HTTP/2's own way why a connection is closed: settings, then GOAWAY with ENHANCE_YOUR_CALM.
fn farewell() -> Vec<u8> {
    const WHY: &[u8] = "连接过多，请稍后重试 / too many connections: come back later".as_bytes();
    const HEAD: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let Ok(length) = u8::try_from(WHY.len() + 8) else { return Vec::new() };
    let goaway = [0, 0, length, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xb];
    [&HEAD, goaway.as_slice(), WHY].concat()
}

impl Options {
    /// What bounds connections.
    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            connections: self.connections,
            connections_per_address: self.connections_per_address,
            handshake: Self::seconds(self.handshake_s),
            preface: PREFACE_BYTES,
            silence: self.silence(),
            stall: Self::seconds(self.stall_s),
            // Whoever is sent much answers what it is asked in between.
            answers_count: false,
            farewell: if self.tls.is_none() { farewell() } else { Vec::new() },
        }
    }

    pub(super) fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds.clamp(1, LONGEST_S))
    }

    /// Between two questions whether a caller is there.
    pub(super) fn keepalive(&self) -> Duration {
        Self::seconds(self.keepalive_s)
    }

    /// For the answer to that question.
    pub(super) fn pong(&self) -> Duration {
        Self::seconds(self.keepalive_s.clamp(1, PONG_S))
    }

    /// A connection on which nothing came for so long is dead: two questions were not answered.
    pub(super) fn silence(&self) -> Duration {
        self.keepalive() + self.pong() + Self::seconds(self.handshake_s)
    }
}
