//! Questions to the audit log over gRPC.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::{Times, making::Filled};
use crate::{
    bench::{Error, micros},
    grpc::{client::Client, proto::SearchRequest},
};

/// Asks for everything in turn, so many times.
pub(super) async fn ask(address: &str, filled: &Filled, rounds: usize) -> Result<BTreeMap<&'static str, Times>, Error> {
    let client = Client::connect(&format!("http://{address}"), None, None).await?;
    let mut times: BTreeMap<&'static str, Vec<u64>> = BTreeMap::new();
    for round in 0..rounds {
        let life = filled.one(round).ok_or_else(|| Error::Wrong("nothing was copied".to_owned()))?;
        let numbers = [
            ("order", life.order_no.clone()),
            ("waybill", life.waybill_no),
            ("enterprise number", life.enterprise_no),
            ("port number", life.port_no),
            ("inventory number", life.inventory_no),
            ("id", life.id.to_string()),
        ];
        for (what, number) in numbers {
            let began = Instant::now();
            let found = client.search(SearchRequest { number: number.clone(), ..SearchRequest::default() }).await?;
            times.entry(what).or_default().push(micros(began.elapsed()));
            if found.entries.is_empty() {
                return Err(Error::Wrong(format!("the log tells nothing of the {what} {number}")));
            }
        }
        let began = Instant::now();
        client.timeline(life.order_no).await?;
        times.entry("timeline of an order").or_default().push(micros(began.elapsed()));
        let by = |act: &str, actor: &str| SearchRequest { act: act.to_owned(), actor: actor.to_owned(), ..SearchRequest::default() };
        let pages = [("first page", by("", "")), ("first page of an act", by("receipt", "")), ("first page of an actor", by("", "local"))];
        for (what, asked) in pages {
            let began = Instant::now();
            let found = client.search(asked).await?;
            times.entry(what).or_default().push(micros(began.elapsed()));
            if found.entries.is_empty() {
                return Err(Error::Wrong(format!("{what} is empty")));
            }
        }
    }
    Ok(times.into_iter().map(|(what, all)| (what, Times::of(all))).collect())
}
