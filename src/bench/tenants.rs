//! How long another tenant's numbers take to be answered, beside numbers of nothing; and how long wrong keys take that differ early or late.

use std::{collections::BTreeMap, hint::black_box};

use serde::Serialize;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Error, load};
use crate::{
    access::{Access, KeyOptions, Options as AccessOptions, new_key},
    clock::Clockwork,
    config::Config,
    gateway::Gateway,
    grpc::client::{Client, Question},
    node,
    party::Role,
    store::ListFilter,
};

/// Declarations of the other tenant.
const DECLARATIONS: usize = 1_000;
/// Keys that a wrong one is compared with.
const KEYS: usize = 1_000;
/// Rounds, of which the median counts.
const RUNS: usize = 5;

/// Of one call; medians of the rounds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Beside {
    /// Another tenant's.
    theirs_ns: u64,
    /// Nothing's.
    nothing_ns: u64,
    /// Theirs by nothing's.
    theirs_per_mille: u64,
}

/// Of one kind of key.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Compared {
    /// The median of the rounds.
    nanoseconds: u64,
}

/// One run, as the JSON line tells it.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    bench: &'static str,
    store: &'static str,
    /// Calls about another tenant's and about nothing, in turn.
    pub answers: BTreeMap<&'static str, Beside>,
    /// Telling whose a key is, among a thousand.
    pub keys: BTreeMap<&'static str, Compared>,
    /// What was run.
    conditions: &'static str,
}

/// Asks for both in turn, so many times in each round.
///
/// # Errors
/// If anything is answered that should not be.
pub async fn run(calls: usize, config: &Config, clockwork: &Clockwork) -> Result<Report, Error> {
    let mut config = config.clone();
    config.node.roles = vec![node::Role::Intake, node::Role::Sequence];
    let mut plain = BTreeMap::new();
    for (name, tenant, role) in
        [("own", "own", Role::Administrator), ("seller", "rival", Role::Seller), ("carrier", "rival", Role::Carrier)]
    {
        let (key, sha256) = new_key(clockwork);
        config.access.keys.push(KeyOptions { name: name.to_owned(), tenant: tenant.to_owned(), role, sha256, until: None, person: None });
        plain.insert(name, key);
    }
    let gateway = Gateway::start(&config, clockwork).await?;
    let server = gateway.address().map(|address| format!("http://{address}")).unwrap_or_default();
    let key = |name| plain.get(name).map(String::as_str);
    let options = load::Options { server: server.clone(), declarations: DECLARATIONS, first: 0, rate: None, alone: false, trust: None };
    load::run_as(&options, key("own"), clockwork).await?;
    let kept = gateway.store().list(ListFilter { limit: u32::try_from(DECLARATIONS).unwrap_or(u32::MAX), ..ListFilter::default() }).await?;
    let (seller, carrier) = (Client::connect(&server, key("seller"), None).await?, Client::connect(&server, key("carrier"), None).await?);
    let mut answers = BTreeMap::new();
    for what in ["Get", "Delete", "GetFollowUp", "GetWaybill"] {
        let client = if what == "GetWaybill" { &carrier } else { &seller };
        let question = |round: usize, theirs: bool| {
            let dossier = kept.dossiers.get(round % kept.dossiers.len().max(1))?;
            let id = if theirs { dossier.id.0 } else { clockwork.id() };
            Some(match what {
                "Get" => Question::Declaration(id.to_string()),
                "Delete" => Question::Delete(id.to_string()),
                "GetFollowUp" => Question::FollowUp(if theirs { dossier.documents.first()?.id.0 } else { id }.to_string()),
                _ => {
                    let number = if theirs { dossier.waybill_no.clone()? } else { format!("BX{round:012}") };
                    Question::Waybill(dossier.declaration.inventory.carrier.code.clone(), number)
                }
            })
        };
        answers.insert(what, beside(client, calls, question).await?);
    }
    gateway.stop().await;
    Ok(Report {
        bench: "tenants",
        store: if config.store.postgres.is_some() { "postgres" } else { "sqlite" },
        answers,
        keys: keys(calls, clockwork)?,
        conditions: "over gRPC on the same machine, another tenant's and nothing's in turn, the mean of the middle half of each round, the median of 5 rounds; keys: 1,000 known ones, \
                     told apart by the digest of the whole",
    })
}

async fn beside(client: &Client, calls: usize, question: impl Fn(usize, bool) -> Option<Question>) -> Result<Beside, Error> {
    let mut rounds = Vec::with_capacity(RUNS);
    for run in 0..RUNS {
        let mut times = [Vec::with_capacity(calls), Vec::with_capacity(calls)];
        for call in 0..calls {
            // Which comes first changes each time.
            for side in [call % 2, 1 - call % 2] {
                let asked = question(run * calls + call, side == 0).ok_or_else(|| Error::Wrong("nothing is kept".to_owned()))?;
                let began = Instant::now();
                if client.is_there(asked.clone()).await? {
                    return Err(Error::Wrong(format!("{asked:?} was answered")));
                }
                let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
                times.get_mut(side).into_iter().for_each(|times| times.push(took));
            }
        }
        let [theirs, nothing] = times.map(middle_half);
        rounds.push((theirs, nothing));
    }
    let middle = |of: fn(&(u64, u64)) -> u64| {
        let mut all: Vec<u64> = rounds.iter().map(of).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied().unwrap_or_default()
    };
    Ok(Beside {
        theirs_ns: middle(|(theirs, _)| *theirs),
        nothing_ns: middle(|(_, nothing)| *nothing),
        theirs_per_mille: middle(|(theirs, nothing)| theirs.saturating_mul(1_000).checked_div(*nothing).unwrap_or(0)),
    })
}

/// The mean of the middle half.
fn middle_half(mut times: Vec<u64>) -> u64 {
    times.sort_unstable();
    let quarter = times.len() / 4;
    let middle = times.get(quarter..times.len() - quarter).unwrap_or_default();
    middle.iter().sum::<u64>().checked_div(u64::try_from(middle.len()).unwrap_or(u64::MAX)).unwrap_or(0)
}

/// How long it takes to tell whose a key is: the first that is known, the last, one that differs from a known one in its last character, and
/// one that has nothing in common with any.
fn keys(calls: usize, clockwork: &Clockwork) -> Result<BTreeMap<&'static str, Compared>, Error> {
    let (mut options, mut plain) = (AccessOptions::default(), Vec::new());
    for number in 0..KEYS {
        let (key, sha256) = new_key(clockwork);
        options.keys.push(KeyOptions {
            name: format!("k{number}"),
            tenant: "own".to_owned(),
            role: Role::Seller,
            sha256,
            until: None,
            person: None,
        });
        plain.push(key);
    }
    let access = Access::new(&options).map_err(|error| Error::Wrong(error.to_string()))?;
    let known = |place: usize| plain.get(place).cloned().unwrap_or_default();
    let mut near = known(0);
    let last = near.pop().map_or('A', |last| if last == 'A' { 'B' } else { 'A' });
    near.push(last);
    let far = format!("tgk_{}", Uuid::nil().simple());
    let asked = [
        ("the first known", known(0)),
        ("the last known", known(KEYS - 1)),
        ("wrong in the last character", near),
        ("wrong throughout", far),
    ];
    let mut rounds: BTreeMap<&'static str, Vec<u64>> = BTreeMap::new();
    let calls = u32::try_from(calls).unwrap_or(u32::MAX).max(1);
    for _ in 0..RUNS {
        for (what, key) in &asked {
            let authorization = format!("Bearer {key}");
            let began = Instant::now();
            for _ in 0..calls {
                let _ = black_box(access.identify(black_box(Some(&authorization))));
            }
            let each = (began.elapsed() / calls).as_nanos();
            rounds.entry(what).or_default().push(u64::try_from(each).unwrap_or(u64::MAX));
        }
    }
    let middle = |mut all: Vec<u64>| {
        all.sort_unstable();
        Compared { nanoseconds: all.get(all.len() / 2).copied().unwrap_or(0) }
    };
    Ok(rounds.into_iter().map(|(what, all)| (what, middle(all))).collect())
}
