//! Time is what the caller says it is: nothing depends on the clock of the machine, or of another one that runs a database.

use std::time::Duration;

use tongguan::{
    clock::Timestamp,
    declaration::Kind,
    queue::Lease,
    state::State,
    store::{Acceptance, Accepted, Application, Change, Disposition, Lookup, Outcome, Settlement, WaybillAccepted, Written},
};
use uuid::Uuid;

use super::{
    World, changing,
    log::{place, restore},
    samples::{CARRIER, START, order},
};

on_each_store!(
    a_life_can_be_lived_at_any_time,
    leases_end_when_they_say_and_not_before,
    a_waybill_number_lives_for_half_a_year_to_the_moment,
    a_clock_that_goes_back_does_no_harm,
);

async fn a_life_can_be_lived_at_any_time(world: World) {
    for (n, now) in [Timestamp(0), Timestamp(1), START, Timestamp::NEVER - Duration::from_secs(86_400 * 366)].into_iter().enumerate() {
        life(&world, &format!("{n}"), now).await;
    }
}

/// Everything that happens in a life, at one moment.
async fn life(world: &World, name: &str, now: Timestamp) {
    let lease = Lease { token: world.clockwork.id(), until: now + Duration::from_secs(60) };
    let mut acceptance = world.acceptance(&format!("O{name}"), Some(&format!("W{name}")));
    acceptance.documents[1].gate_at = Some(now);
    let id = acceptance.id;
    assert_eq!(world.store().accept(now, vec![acceptance]).await.unwrap(), [Accepted::New(id)]);
    assert_eq!(world.shown(id).await.dossier.accepted_at, now);
    let pushed = world.waybill(&format!("W{name}"));
    let answer = world.store().accept_waybills(now, vec![pushed.clone()]).await.unwrap();
    assert_eq!(answer, [WaybillAccepted::New { id: pushed.id, declaration: Some(id) }]);
    assert!(world.store().gates(now, 10).await.unwrap().iter().any(|gated| gated.dossier.id == id));
    assert_eq!(world.now(id, Kind::Inventory).await.gate_at, Some(now));
    let order = world.now(id, Kind::Order).await;
    let batches = world.store().lease_documents(now, lease, 10).await.unwrap();
    assert!(batches.iter().flat_map(|batch| &batch.documents).any(|leased| leased.document.id == order.id));
    let packing = world.packing(vec![order.id], Kind::Order);
    let message = packing.id;
    assert_eq!(world.store().pack(now, lease.token, packing).await.unwrap(), Written::Done);
    let deliveries = world.store().lease_deliveries(now, lease, "guangzhou", 10).await.unwrap();
    assert_eq!(deliveries.iter().map(|delivery| (delivery.message, delivery.sealed_at)).collect::<Vec<_>>(), [(message, now)]);
    let outcome = Outcome::Delivered { silent_at: Timestamp::NEVER };
    let settlement = Settlement { message, attempt: 1, outcome, entries: Vec::new() };
    assert_eq!(world.store().settle(now, lease.token, vec![settlement]).await.unwrap(), [Written::Done]);
    world.store().keep(now, vec![world.arrival(name)]).await.unwrap();
    let arrivals = world.store().lease_arrivals(now, lease, None, 10).await.unwrap();
    assert_eq!(arrivals.iter().map(|arrival| arrival.at).collect::<Vec<_>>(), [now]);
    let mut moved = world.now(id, Kind::Order).await;
    moved.state = State::Declaring;
    let read = arrivals.iter().map(|arrival| (arrival.id, Disposition::Read)).collect();
    let application = Application { token: Some(lease.token), arrivals: read, ..changing(moved) };
    assert_eq!(world.store().apply(now, application).await.unwrap(), Written::Done);
    let mut inventory = world.now(id, Kind::Inventory).await;
    inventory.gate_at = None;
    world.change(now, inventory).await;
    assert!(world.store().take_role(now, "sequencer", Uuid::from_u128(1), now).await.unwrap());
    let pending = world.store().pending_entries(100).await.unwrap();
    let mut tree = restore(&world.store().log_head().await.unwrap());
    assert_eq!(world.store().sequence(now, place(&mut tree, &pending)).await.unwrap(), Written::Done);
    assert_eq!(world.store().last_checkpoint().await.unwrap().unwrap().at, now);
    let waiting: Vec<_> = batches.iter().flat_map(|batch| &batch.documents).map(|leased| leased.document.id).collect();
    world.store().give_back(lease.token, waiting, Timestamp::NEVER).await.unwrap();
}

async fn leases_end_when_they_say_and_not_before(world: World) {
    let id = world.accept_one("O1", None).await;
    world.store().keep(START, vec![world.arrival("a")]).await.unwrap();
    let moment = Duration::from_micros(1);
    let lease = || world.lease();
    let until = lease().until;
    assert_eq!(world.store().lease_documents(START, lease(), 10).await.unwrap().len(), 1);
    assert_eq!(world.store().lease_documents(until - moment, lease(), 10).await.unwrap().len(), 0);
    let held = lease();
    assert_eq!(world.store().lease_documents(until, held, 10).await.unwrap().len(), 1);
    let document = world.now(id, Kind::Order).await.id;
    // It ended, but nobody else has taken it: what was done under it still counts.
    let much_later = until + Duration::from_secs(86_400);
    assert_eq!(world.store().pack(much_later, held.token, world.packing(vec![document], Kind::Order)).await.unwrap(), Written::Done);
    let sent = async |now| {
        let lease = Lease { until: now + Duration::from_secs(60), ..lease() };
        world.store().lease_deliveries(now, lease, "guangzhou", 10).await.unwrap().len()
    };
    assert_eq!(sent(START).await, 0, "sealed later than that");
    assert_eq!((sent(much_later).await, sent(much_later).await), (1, 0));
    let read = async |now| world.store().lease_arrivals(now, lease(), None, 10).await.unwrap().len();
    assert_eq!((read(START).await, read(until - moment).await, read(until).await), (1, 0, 1));
}

async fn a_waybill_number_lives_for_half_a_year_to_the_moment(world: World) {
    let life = Duration::from_secs(183 * 24 * 3_600);
    let moment = Duration::from_micros(1);
    world.accept_one("O1", Some("W1")).await;
    world.store().accept_waybills(START, vec![world.waybill("W1"), world.waybill("W2")]).await.unwrap();
    let ask = || {
        vec![Lookup {
            tenant: tongguan::party::Tenant::local(),
            idempotency_key: None,
            order: order("O9"),
            waybill: Some((CARRIER.into(), "W1".into())),
            owner: "OWNER".into(),
        }]
    };
    assert!(world.store().lookup(START + life, ask()).await.unwrap()[0].waybill_taken);
    assert!(!world.store().lookup(START + life + moment, ask()).await.unwrap()[0].waybill_taken);
    assert_eq!(world.store().accept(START + life, vec![world.acceptance("O2", Some("W1"))]).await.unwrap(), [Accepted::WaybillTaken]);
    let other = |waybill_no: &str| tongguan::store::WaybillAcceptance { digest: [5; 32], ..world.waybill(waybill_no) };
    let taken = world.store().accept_waybills(START + life, vec![other("W1"), other("W2")]).await.unwrap();
    assert_eq!(taken, [WaybillAccepted::Taken; 2]);
    let new = world.acceptance("O2", Some("W1"));
    let id = new.id;
    assert_eq!(world.store().accept(START + life + moment, vec![new]).await.unwrap(), [Accepted::New(id)]);
    assert_eq!(world.shown(id).await.dossier.document(Kind::Waybill), None, "the old waybill is not its");
    let (first, second) = (other("W1"), other("W2"));
    let ids = [first.id, second.id];
    let answers = world.store().accept_waybills(START + life + moment, vec![first, second]).await.unwrap();
    assert_eq!(
        answers,
        [WaybillAccepted::New { id: ids[0], declaration: Some(id) }, WaybillAccepted::New { id: ids[1], declaration: None }]
    );
    assert_eq!(world.store().find(None, &["W1".into(), "W2".into()]).await.unwrap().len(), 4, "old uses are still found");
}

async fn a_clock_that_goes_back_does_no_harm(world: World) {
    let later = START + Duration::from_secs(30);
    let acceptance = world.acceptance("O1", None);
    let id = acceptance.id;
    world.store().accept(later, vec![acceptance.clone()]).await.unwrap();
    let again = Acceptance { id: tongguan::declaration::DeclarationId(world.clockwork.id()), ..acceptance };
    assert_eq!(world.store().accept(START, vec![again]).await.unwrap(), [Accepted::Again(id)]);
    let document = world.now(id, Kind::Inventory).await;
    let early = Change {
        expected: vec![(document.id, document.version)],
        documents: vec![document],
        assessment: Some((id, "[2]".into())),
        ..Change::default()
    };
    world.store().apply(START - Duration::from_secs(3_600), Application { changes: vec![early], ..Application::default() }).await.unwrap();
    assert_eq!(world.shown(id).await.assessments, ["{}", "[2]"], "as decided, not as dated");
}
