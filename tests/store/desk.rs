//! What operations staff do: what is held back is not packed, what is paused is not sent, what was given up is taken up once.

use std::time::Duration;

use tongguan::{
    clock::Timestamp,
    declaration::{Kind, MessageId},
    dossier::Document,
    queue::Fault,
    state::State,
    store::{
        Application, Attached, Carriage, Change, DeliveryFilter, Disposition, KeptReceipt, MessageChange, Outcome, OverviewAsked, Pulse,
        RoadChange, RoadQueue, Settlement, Written,
    },
};
use uuid::Uuid;

use super::{
    World,
    samples::{START, order_key, receipt, tenant},
};

on_each_store!(
    what_is_held_back_is_not_packed_until_it_is_released,
    what_is_held_while_it_is_packed_is_not_packed,
    a_paused_road_takes_nothing_until_it_goes_on,
    what_was_given_up_is_taken_up_once,
    what_arrived_does_not_go_again,
    messages_that_are_not_over_are_told_in_pages,
    a_receipt_of_nobody_is_given_to_a_document_once,
    arrivals_that_were_put_aside_are_told_newest_first,
    documents_are_found_by_their_ids_and_their_declarations,
    how_much_waits_is_counted,
    what_moved_is_told_by_the_minute,
);

async fn set(world: &World, document: Document, on_hold: bool) {
    world.change(START, Document { on_hold, ..document }).await;
}

async fn what_is_held_back_is_not_packed_until_it_is_released(world: World) {
    let held = world.accept_one("O1", None).await;
    let other = world.accept_one("O2", None).await;
    set(&world, world.now(held, Kind::Order).await, true).await;
    assert!(world.now(held, Kind::Order).await.on_hold);
    let leased = async |now| {
        let batches = world.store().lease_documents(now, world.lease(), 10).await.unwrap();
        batches.iter().flat_map(|batch| &batch.documents).map(|leased| leased.document.declaration.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(leased(START).await, [other]);
    // Whatever else changes it, it stays held back.
    let document = world.now(held, Kind::Order).await;
    world.change(START, Document { needed_by: START, ..document }).await;
    assert_eq!(leased(START).await, []);
    // A waiting document that is held is not packed when its gate opens.
    let inventory = world.now(held, Kind::Inventory).await;
    world.change(START, Document { on_hold: true, ..inventory }).await;
    let inventory = world.now(held, Kind::Inventory).await;
    world.change(START, Document { state: State::Due, gate_at: None, ..inventory }).await;
    assert_eq!(leased(START).await, []);
    for kind in [Kind::Order, Kind::Inventory] {
        set(&world, world.now(held, kind).await, false).await;
    }
    assert_eq!(leased(START).await, [held, held]);
}

async fn what_is_held_while_it_is_packed_is_not_packed(world: World) {
    let id = world.accept_one("O1", None).await;
    let lease = world.lease();
    let batches = world.store().lease_documents(START, lease, 10).await.unwrap();
    let document = batches[0].documents[0].document.id;
    set(&world, world.now(id, Kind::Order).await, true).await;
    assert_eq!(world.store().pack(START, lease.token, world.packing(vec![document], Kind::Order)).await.unwrap(), Written::Stale);
    set(&world, world.now(id, Kind::Order).await, false).await;
    assert_eq!(
        world.store().pack(START, lease.token, world.packing(vec![document], Kind::Order)).await.unwrap(),
        Written::Stale,
        "its lease was revoked"
    );
    assert_eq!(world.pack_all().await.len(), 1);
}

async fn a_paused_road_takes_nothing_until_it_goes_on(world: World) {
    let id = world.accept_one("O1", None).await;
    world.accept_one("O2", None).await;
    let message = world.pack_all().await[0];
    let waiting = world.now(id, Kind::Inventory).await;
    world.change(START, Document { state: State::Due, gate_at: None, ..waiting }).await;
    let pause = |why: &str| Application { roads: vec![RoadChange::Paused("guangzhou".into(), why.into())], ..Application::default() };
    for why in ["repair", "again"] {
        assert_eq!(world.store().apply(START, pause(why)).await.unwrap(), Written::Done);
    }
    assert_eq!(world.store().paused().await.unwrap(), [("guangzhou".to_owned(), "repair".to_owned())], "the first reason stays");
    assert!(world.store().lease_deliveries(START, world.lease(), "guangzhou", 10).await.unwrap().is_empty());
    assert!(world.store().lease_documents(START, world.lease(), 10).await.unwrap().is_empty());
    let resume = Application { roads: vec![RoadChange::Resumed("guangzhou".into())], ..Application::default() };
    assert_eq!(world.store().apply(START, resume.clone()).await.unwrap(), Written::Done);
    assert_eq!(world.store().lease_deliveries(START, world.lease(), "guangzhou", 10).await.unwrap()[0].message, message);
    assert_eq!(world.store().lease_documents(START, world.lease(), 10).await.unwrap().len(), 1);
    assert_eq!(world.store().apply(START, resume).await.unwrap(), Written::Done);
    assert!(world.store().paused().await.unwrap().is_empty());
}

/// One message, given up in the way named.
async fn given_up(world: &World, order_no: &str, outcome: Outcome) -> MessageId {
    world.accept_one(order_no, None).await;
    let message = world.pack_all().await[0];
    let lease = world.lease();
    let attempt = world.store().lease_deliveries(START, lease, "guangzhou", 10).await.unwrap()[0].attempt;
    let ended = vec![Settlement { message, attempt, outcome, entries: Vec::new() }];
    assert_eq!(world.store().settle(START, lease.token, ended).await.unwrap(), [Written::Done]);
    message
}

fn shelved() -> Outcome {
    Outcome::Shelved { fault: Fault::Permanent("no such road".into()) }
}

fn unanswered() -> Outcome {
    Outcome::Delivered { silent_at: Timestamp::NEVER }
}

fn taking_up(change: MessageChange) -> Application {
    Application { messages: vec![change], ..Application::default() }
}

async fn what_was_given_up_is_taken_up_once(world: World) {
    for (order_no, outcome, carriage) in [("O1", shelved(), Carriage::Shelved), ("O2", unanswered(), Carriage::Unanswered)] {
        let message = given_up(&world, order_no, outcome).await;
        let far = START + Duration::from_secs(9 * 86_400);
        assert!(world.store().lease_deliveries(far, world.lease(), "guangzhou", 10).await.unwrap().is_empty());
        let with = world.store().messages_of(&[message]).await.unwrap().remove(0);
        assert_eq!((with.message.carriage, with.message.attempts, with.documents.len()), (carriage, 1, 1));
        assert_eq!(with.message.may_have_arrived, carriage == Carriage::Unanswered);
        let again = taking_up(MessageChange::Retried(message, START));
        assert_eq!(world.store().apply(START, again.clone()).await.unwrap(), Written::Done);
        assert_eq!(world.store().apply(START, again).await.unwrap(), Written::Stale, "it is given up no more");
        let lease = world.lease();
        let deliveries = world.store().lease_deliveries(START, lease, "guangzhou", 10).await.unwrap();
        assert_eq!((deliveries[0].message, deliveries[0].attempt, deliveries[0].failed), (message, 2, 0));
        assert_eq!(deliveries[0].bytes, b"<sealed/>", "the same bytes");
        let done = Settlement { message, attempt: 2, outcome: unanswered(), entries: Vec::new() };
        assert_eq!(world.store().settle(START, lease.token, vec![done]).await.unwrap(), [Written::Done]);
    }
}

async fn what_arrived_does_not_go_again(world: World) {
    let message = given_up(&world, "O1", unanswered()).await;
    let arrived = taking_up(MessageChange::Arrived(message));
    // All or nothing: beside one that is not given up neither is taken up.
    let both =
        Application { messages: vec![MessageChange::Arrived(message), MessageChange::Arrived(MessageId(Uuid::nil()))], ..arrived.clone() };
    assert_eq!(world.store().apply(START, both).await.unwrap(), Written::Stale);
    assert_eq!(world.store().apply(START, arrived.clone()).await.unwrap(), Written::Done);
    assert_eq!(world.store().apply(START, arrived).await.unwrap(), Written::Stale);
    assert_eq!(world.store().messages_of(&[message]).await.unwrap()[0].message.carriage, Carriage::Over);
    let far = START + Duration::from_secs(9 * 86_400);
    assert!(world.store().lease_deliveries(far, world.lease(), "guangzhou", 10).await.unwrap().is_empty());
    assert_eq!(world.store().apply(START, taking_up(MessageChange::Retried(message, START))).await.unwrap(), Written::Stale);
}

async fn messages_that_are_not_over_are_told_in_pages(world: World) {
    let shelved = given_up(&world, "O1", shelved()).await;
    let silent = given_up(&world, "O2", unanswered()).await;
    let delivered = given_up(&world, "O3", Outcome::Delivered { silent_at: START + Duration::from_secs(60) }).await;
    world.accept_one("O4", None).await;
    let queued = world.pack_all().await[0];
    let over = given_up(&world, "O5", unanswered()).await;
    world.store().apply(START, taking_up(MessageChange::Arrived(over))).await.unwrap();
    let told = async |filter: DeliveryFilter| {
        world.store().messages(filter).await.unwrap().into_iter().map(|message| message.id).collect::<Vec<_>>()
    };
    let all = || DeliveryFilter { limit: 100, ..DeliveryFilter::default() };
    // Of one moment: the ids alone say which is older.
    let mut sorted = vec![shelved, silent, delivered, queued];
    sorted.sort_unstable();
    assert_eq!(told(all()).await, sorted);
    assert_eq!(told(DeliveryFilter { limit: 3, ..all() }).await, sorted[..3]);
    assert_eq!(told(DeliveryFilter { after: Some(sorted[1]), ..all() }).await, sorted[2..]);
    for (carriage, expected) in [
        (Carriage::Shelved, vec![shelved]),
        (Carriage::Unanswered, vec![silent]),
        (Carriage::Delivered, vec![delivered]),
        (Carriage::Queued, vec![queued]),
        (Carriage::Over, Vec::new()),
    ] {
        assert_eq!(told(DeliveryFilter { carriage: Some(carriage), ..all() }).await, expected, "{carriage:?}");
    }
    assert_eq!(told(DeliveryFilter { road: Some("huangpu".into()), ..all() }).await, []);
    assert_eq!(told(DeliveryFilter { sender: Some("nobody".into()), ..all() }).await, []);
    let mine = DeliveryFilter { sender: Some("declarant".into()), road: Some("guangzhou".into()), ..all() };
    assert_eq!(told(mine).await.len(), 4);
    // Answered after all, it is over, whatever was said of it before.
    let answered = world.store().messages_of(&[silent]).await.unwrap().remove(0).documents.remove(0);
    world.change(START, Document { state: State::Stored, ..answered }).await;
    assert_eq!(told(DeliveryFilter { carriage: Some(Carriage::Unanswered), ..all() }).await, []);
    assert_eq!((told(all()).await.len(), world.store().overview(OverviewAsked::default()).await.unwrap().backlog.given_up), (3, 1));
    assert_eq!(world.store().messages_of(&[silent]).await.unwrap()[0].message.carriage, Carriage::Over);
    let first = world.store().messages(DeliveryFilter { carriage: Some(Carriage::Shelved), ..all() }).await.unwrap().remove(0);
    assert_eq!((first.sealed, first.reason.as_str(), first.due_at), (1, "cannot be sent: no such road", None));
    assert_eq!(world.store().sealed(shelved).await.unwrap().unwrap(), b"<sealed/>");
    assert_eq!(world.store().sealed(MessageId(Uuid::nil())).await.unwrap(), None);
}

/// An arrival with two receipts that match nothing.
async fn arrived(world: &World, name: &str, disposition: Disposition) -> Uuid {
    let arrival = world.arrival(name);
    let (id, lease) = (arrival.id, world.lease());
    world.store().keep(START, vec![arrival]).await.unwrap();
    world.store().lease_arrivals(START, lease, None, 10).await.unwrap();
    let kept =
        |ordinal| KeptReceipt { arrival: id, ordinal, at: START, receipt: receipt(order_key("NONE"), "2"), document: None, effect: false };
    let receipts = if disposition == Disposition::Read { vec![kept(0), kept(1)] } else { Vec::new() };
    let application = Application { token: Some(lease.token), arrivals: vec![(id, disposition)], receipts, ..Application::default() };
    assert_eq!(world.store().apply(START, application).await.unwrap(), Written::Done);
    id
}

async fn a_receipt_of_nobody_is_given_to_a_document_once(world: World) {
    let id = world.accept_one("O1", None).await;
    let document = world.now(id, Kind::Order).await;
    let arrival = arrived(&world, "a", Disposition::Read).await;
    let attached = Attached { arrival, ordinal: 1, document: document.id, effect: true };
    let declaring = Document { state: State::Declaring, ..document.clone() };
    let change = Change { expected: vec![(document.id, document.version)], documents: vec![declaring], ..Change::default() };
    let application = Application { attached: vec![attached], changes: vec![change], ..Application::default() };
    // What it was decided on must still be so.
    let mut late = application.clone();
    late.changes[0].expected[0].1 += 1;
    assert_eq!(world.store().apply(START, late).await.unwrap(), Written::Stale);
    let nobodys = Attached { ordinal: 7, ..attached };
    let both = Application { attached: vec![attached, nobodys], ..application.clone() };
    assert_eq!(world.store().apply(START, both).await.unwrap(), Written::Stale);
    assert_eq!(world.store().unmatched(10).await.unwrap().len(), 2);
    assert_eq!(world.now(id, Kind::Order).await, document, "nothing was kept half");
    assert_eq!(world.store().apply(START, application).await.unwrap(), Written::Done);
    let again = Application { attached: vec![attached], ..Application::default() };
    assert_eq!(world.store().apply(START, again).await.unwrap(), Written::Stale, "it has a document");
    assert_eq!(world.now(id, Kind::Order).await.state, State::Declaring);
    let unmatched = world.store().unmatched(10).await.unwrap();
    assert_eq!(unmatched.iter().map(|kept| kept.ordinal).collect::<Vec<_>>(), [0]);
    let shown = world.shown(id).await;
    assert_eq!(shown.receipts.iter().map(|kept| (kept.ordinal, kept.effect)).collect::<Vec<_>>(), [(1, true)]);
    let nobody = tongguan::declaration::DocumentId(Uuid::nil());
    assert!(world.store().receipt(arrival, 0, nobody).await.unwrap().is_some());
    assert!(world.store().receipt(arrival, 1, nobody).await.unwrap().is_none());
    assert_eq!(world.store().receipt(arrival, 1, document.id).await.unwrap().unwrap().document, Some(document.id));
}

async fn arrivals_that_were_put_aside_are_told_newest_first(world: World) {
    let mut made = Vec::new();
    for name in ["a", "b", "c"] {
        made.push((arrived(&world, name, Disposition::Quarantined(format!("why {name}"))).await, name));
    }
    // Of one moment: the ids alone say which is the newest.
    made.sort_unstable();
    let (ids, names): (Vec<_>, Vec<_>) = made.into_iter().unzip();
    let read = arrived(&world, "d", Disposition::Read).await;
    let told = world.store().quarantined(None, 2).await.unwrap();
    let expected = [(ids[2], format!("why {}", names[2])), (ids[1], format!("why {}", names[1]))];
    assert_eq!(told.iter().map(|arrival| (arrival.id, arrival.reason.clone())).collect::<Vec<_>>(), expected);
    assert_eq!((told[0].road.as_str(), told[0].name.as_str(), told[0].at, told[0].size), ("guangzhou", names[2], START, 4));
    let rest = world.store().quarantined(Some(ids[1]), 2).await.unwrap();
    assert_eq!(rest.iter().map(|arrival| arrival.id).collect::<Vec<_>>(), ids[..1]);
    let (arrival, bytes) = world.store().arrival(read).await.unwrap().unwrap();
    assert_eq!((arrival.reason.as_str(), bytes.as_slice()), ("", b"<r/>".as_slice()));
    assert!(world.store().arrival(Uuid::nil()).await.unwrap().is_none());
}

async fn documents_are_found_by_their_ids_and_their_declarations(world: World) {
    let (one, two) = (world.accept_one("O1", None).await, world.accept_one("O2", None).await);
    let order = world.now(one, Kind::Order).await;
    let found = async |asker: Option<&str>, ids: &[Uuid]| {
        let asker = asker.map(tenant);
        world.store().documents(asker.as_ref(), ids).await.unwrap().into_iter().map(|document| document.id).collect::<Vec<_>>()
    };
    assert_eq!(found(None, &[order.id.0]).await, [order.id]);
    assert_eq!(found(None, &[two.0, order.id.0, Uuid::nil()]).await.len(), 3);
    assert_eq!(found(None, &[one.0, order.id.0]).await.len(), 2, "each once");
    assert_eq!(found(Some("local"), &[one.0]).await.len(), 2);
    assert_eq!(found(Some("nobody"), &[one.0, order.id.0]).await, []);
    assert_eq!(found(None, &[]).await, []);
}

async fn how_much_waits_is_counted(world: World) {
    assert_eq!(world.store().overview(OverviewAsked::default()).await.unwrap(), tongguan::store::Overview::default());
    given_up(&world, "O1", shelved()).await;
    given_up(&world, "O2", unanswered()).await;
    world.accept_one("O3", None).await;
    world.pack_all().await;
    let due = world.accept_one("O4", None).await;
    let held = world.accept_one("O5", None).await;
    set(&world, world.now(held, Kind::Order).await, true).await;
    arrived(&world, "a", Disposition::Quarantined("why".into())).await;
    world.store().keep(START, vec![world.arrival("b")]).await.unwrap();
    let backlog = world.store().overview(OverviewAsked::default()).await.unwrap().backlog;
    assert_eq!((backlog.due, backlog.on_hold, backlog.queued, backlog.given_up, backlog.unread, backlog.quarantined), (1, 1, 1, 2, 1, 1));
    assert_eq!((backlog.oldest_queued, backlog.oldest_unread), (Some(START), Some(START)));
    // To the millisecond, as ids are.
    let made = backlog.oldest_due.unwrap();
    assert!(made <= START && made > START - Duration::from_millis(2), "{made:?} {due:?}");
}

async fn what_moved_is_told_by_the_minute(world: World) {
    let message = given_up(&world, "O1", unanswered()).await;
    let document = world.store().messages_of(&[message]).await.unwrap().remove(0).documents[0].id;
    let arrival = world.arrival("a");
    let (id, lease, later) = (arrival.id, world.lease(), START + Duration::from_secs(3));
    world.store().keep(START, vec![arrival]).await.unwrap();
    world.store().lease_arrivals(START, lease, None, 10).await.unwrap();
    let kept =
        KeptReceipt { arrival: id, ordinal: 0, at: later, receipt: receipt(order_key("O1"), "2"), document: Some(document), effect: false };
    let application =
        Application { token: Some(lease.token), arrivals: vec![(id, Disposition::Read)], receipts: vec![kept], ..Application::default() };
    assert_eq!(world.store().apply(later, application).await.unwrap(), Written::Done);
    world.accept_one("O2", None).await;
    let minute = Timestamp(START.0 / 60_000_000 * 60_000_000);
    let before = minute - Duration::from_secs(60);
    let asked = |tenant, since| OverviewAsked { tenant, since, minutes: vec![before, minute] };
    let found = world.store().overview(asked(None, minute)).await.unwrap();
    let quiet = Pulse { minute: before, ..Pulse::default() };
    let pulse = Pulse { minute, accepted: 2, sent: 1, arrived: 1, sending_ms: vec![0], answering_ms: vec![3_000] };
    assert_eq!(found.pulses, [quiet, pulse]);
    assert_eq!(found.offices.iter().map(|count| count.count).sum::<i64>(), 2);
    let needed = (START + Duration::from_secs(86_400)).0 / 60_000_000 * 60_000_000;
    assert_eq!(found.due.iter().map(|due| (due.minute.0, due.count, due.declaration.is_some())).collect::<Vec<_>>(), [(needed, 1, true)]);
    assert_eq!(found.roads, []);
    let theirs = world.store().overview(asked(Some(tenant("other")), minute)).await.unwrap();
    let tomorrow = world.store().overview(asked(None, START + Duration::from_secs(86_400))).await.unwrap();
    assert_eq!((theirs.offices, tomorrow.offices), (vec![], vec![]));
    world.pack_all().await;
    let roads = world.store().overview(asked(None, minute)).await.unwrap().roads;
    let road = RoadQueue { road: "guangzhou".into(), queued: 1, failing: 0, oldest: Some(START) };
    assert_eq!(roads, [road]);
}
