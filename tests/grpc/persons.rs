//! What one person may not let go or destroy alone: a sender with much to send, and what has outlived its time.

use std::{sync::Arc, time::Duration};

use tongguan::{
    access::Caller,
    archivist::Target,
    desk::{self, Desk, Order, Verdict},
    party::{Actor, Role, Tenant},
    retention::Options,
    store::{Application, EntryFilter, KeptProposal, ProposalState},
};

use super::{
    samples::submit,
    world::{World, world},
};

const DAY: Duration = Duration::from_secs(86_400);

fn desk(world: &World, over: u32) -> Desk {
    let desk = Desk::new(Arc::clone(&world.store), world.clockwork.clone(), Arc::clone(&world.advisor), 5, vec!["national".to_owned()]);
    desk.with_two_persons_over(Some(over)).with_retention(Options::default())
}

fn order(person: &str, role: Role) -> Order {
    let actor = Actor::new(Tenant::local(), role, format!("key of {person}"));
    Order::new(Caller { actor, scope: None, person: Some(person.to_owned()) }, "已修复".to_owned(), false)
}

async fn stopped() -> World {
    let world = world(&[("acme", "acme", Role::Seller)]).await;
    for n in 0..3 {
        world.declarations("acme").submit(submit(&format!("A{n}"), &format!("W{n}"))).await.unwrap();
    }
    let stop = Application { stops: vec![("declarant".into(), "DxpRep 1001".into())], ..Application::default() };
    world.store.apply(world.clockwork.now(), stop).await.unwrap();
    world
}

#[tokio::test]
async fn a_sender_with_much_to_send_goes_on_once_a_second_person_approves() {
    let world = stopped().await;
    let (senders, operator) = (["declarant".to_owned()], |person| order(person, Role::Operator));
    let desk = desk(&world, 2);
    let report = desk.resume_senders(&operator("wang"), &senders).await.unwrap();
    assert!(report.told[0].en.contains("the 3 documents") && report.told[0].zh.contains("3 份"), "{report:?}");
    let id = report.proposal.expect("three are more than two");
    assert_eq!(world.store.stopped().await.unwrap().len(), 1, "nothing is done yet");
    assert!(desk.approve(&operator("wang"), id).await.is_err());
    let report = desk.approve(&operator("li"), id).await.unwrap();
    assert!(report.applied && report.approved.is_none(), "{report:?}");
    assert!(world.store.stopped().await.unwrap().is_empty());
    let told = EntryFilter { act: Some("resume_sender".into()), pending: true, limit: 10, ..EntryFilter::default() };
    let told = world.store.entries(told).await.unwrap();
    let changes: Vec<_> =
        told[0].entry.changes.iter().map(|change| (change.field.as_str(), change.from.as_str(), change.to.as_str())).collect();
    assert_eq!(changes, [("sender.declarant.stopped", "DxpRep 1001", ""), ("proposed_by", "", "wang")]);
    assert_eq!(desk.resume_senders(&operator("wang"), &senders).await.unwrap().told[0].verdict, Verdict::Already);
}

#[tokio::test]
async fn a_sender_with_little_to_send_goes_on_at_once() {
    let world = stopped().await;
    let report = desk(&world, 3).resume_senders(&order("wang", Role::Operator), &["declarant".to_owned()]).await.unwrap();
    assert!(report.applied && report.proposal.is_none(), "{report:?}");
    assert!(world.store.stopped().await.unwrap().is_empty());
}

/// A line of a preview, and the digest of it alone.
fn line(month: &str) -> (Vec<String>, String) {
    let lines = vec![format!("attempts {month}")];
    let digest = Target::digest_of(&lines);
    (lines, digest)
}

#[tokio::test]
async fn a_destruction_is_proposed_by_administrators_of_what_is_over_and_lapses() {
    let world = world(&[]).await;
    let desk = desk(&world, 1_000);
    let chief = |person| order(person, Role::Administrator);
    let (lines, digest) = line("2023-12");
    let refused = |told: Result<desk::Report, desk::Error>| told.unwrap_err().to_string();
    assert!(refused(desk.propose_destruction(&order("wang", Role::Operator), &lines, &digest).await).contains("role"));
    assert!(refused(desk.propose_destruction(&chief("wang"), &lines, "00").await).contains("preview it again"));
    for (lines, digest) in [line("2024-12"), line("2023-13"), line("")] {
        let report = desk.propose_destruction(&chief("wang"), &lines, &digest).await.unwrap();
        assert_eq!((report.refused(), report.proposal), (1, None), "{report:?}");
    }
    let unknown = vec![format!("archive 2014-01.1 {}", "0".repeat(64))];
    let report = desk.propose_destruction(&chief("wang"), &unknown, &Target::digest_of(&unknown)).await.unwrap();
    assert_eq!((report.refused(), report.proposal), (1, None), "{report:?}");
    let id = desk.propose_destruction(&chief("wang"), &lines, &digest).await.unwrap().proposal.unwrap();
    let kept = async |id| world.store.proposal(id).await.unwrap().unwrap();
    let told = |kept: &KeptProposal| desk::approved(kept, world.clockwork.now()).map_err(|error| error.to_string());
    assert!(told(&kept(id).await).unwrap_err().contains("no second person"));
    assert!(matches!(desk.approve(&order("zhao", Role::Operator), id).await, Err(desk::Error::Forbidden)));
    let report = desk.approve(&chief("li"), id).await.unwrap();
    assert_eq!((report.applied, report.approved), (false, Some(id)), "{report:?}");
    let approved = told(&kept(id).await).unwrap();
    assert_eq!((approved.proposed_by.as_str(), approved.approved_by.as_str()), ("wang", "li"));
    assert_eq!(approved.targets.iter().map(Target::to_string).collect::<Vec<_>>(), lines);
    world.clock.advance(DAY);
    assert!(told(&kept(id).await).unwrap_err().contains("lapsed"));
    // One that nobody decides, one that is declined, and one about something else.
    let id = desk.propose_destruction(&chief("wang"), &lines, &digest).await.unwrap().proposal.unwrap();
    world.clock.advance(DAY);
    assert!(desk.approve(&chief("li"), id).await.unwrap_err().to_string().contains("lapsed"));
    let id = desk.propose_destruction(&chief("wang"), &lines, &digest).await.unwrap().proposal.unwrap();
    desk.decline(&chief("li"), id).await.unwrap();
    assert!(told(&kept(id).await).unwrap_err().contains("declined"));
    let other = KeptProposal { act: "hold".into(), state: ProposalState::Done, ..kept(id).await };
    assert!(told(&other).unwrap_err().contains("not to destroy"));
    for (act, count) in [("propose", 3), ("approve", 1), ("decline", 1), ("destroy", 0)] {
        let filter = EntryFilter { act: Some(act.into()), pending: true, limit: 10, ..EntryFilter::default() };
        assert_eq!(world.store.entries(filter).await.unwrap().len(), count, "{act}");
    }
}
