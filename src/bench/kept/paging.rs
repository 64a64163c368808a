//! Pages of the console, over HTTP, as somebody who is signed in.

use std::collections::BTreeMap;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

use super::{Times, making::Filled};
use crate::bench::{Error, micros};

/// Looks at every page in turn, so many times.
pub(super) async fn pages(address: &str, filled: &Filled, rounds: usize) -> Result<BTreeMap<String, Times>, Error> {
    let cookie = sign_in(address).await?;
    let mut times: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for round in 0..rounds {
        let life = filled.one(round).ok_or_else(|| Error::Wrong("nothing was copied".to_owned()))?;
        let paths = [
            ("/".to_owned(), "/".to_owned()),
            ("/find".to_owned(), format!("/find?numbers={}+{}", life.waybill_no, life.inventory_no)),
            ("/find?state=closed".to_owned(), "/find?state=closed".to_owned()),
            ("/declarations/ID".to_owned(), format!("/declarations/{}", life.id)),
            ("/deliveries".to_owned(), "/deliveries".to_owned()),
            ("/unmatched".to_owned(), "/unmatched".to_owned()),
            ("/quarantined".to_owned(), "/quarantined".to_owned()),
            ("/audit".to_owned(), "/audit".to_owned()),
            ("/audit?number=ORDER".to_owned(), format!("/audit?number={}", life.order_no)),
            ("/metrics".to_owned(), "/metrics".to_owned()),
        ];
        for (name, path) in paths {
            let began = Instant::now();
            let (status, _) =
                send(address, &format!("GET {path} HTTP/1.1\r\nhost: {address}\r\ncookie: {cookie}\r\nconnection: close\r\n\r\n")).await?;
            times.entry(name).or_default().push(micros(began.elapsed()));
            if status != 200 {
                return Err(Error::Wrong(format!("{path} is answered with {status}")));
            }
        }
    }
    Ok(times.into_iter().map(|(what, all)| (what, Times::of(all))).collect())
}

/// Where no key is configured anybody on this machine may sign in.
async fn sign_in(address: &str) -> Result<String, Error> {
    let form = "content-type: application/x-www-form-urlencoded\r\ncontent-length: 0\r\nconnection: close";
    let (status, answer) = send(address, &format!("POST /sign-in HTTP/1.1\r\nhost: {address}\r\n{form}\r\n\r\n")).await?;
    let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next());
    cookie.map(str::to_owned).ok_or_else(|| Error::Wrong(format!("nobody is signed in: {status}")))
}

/// Sends a request on a connection of its own: the status, and all that was answered.
async fn send(address: &str, request: &str) -> Result<(u16, String), Error> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Ok((status, answer))
}
