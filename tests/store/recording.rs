//! What sellers record, and what is to be decided again because of it.

use std::{sync::Arc, time::Duration};

use tongguan::{
    clock::{Timestamp, parse_day},
    declaration::{DeclarationId, Kind},
    exemption::{Cause, OfLine, OfPeriod, PeriodKind, Proof, Said, Seller, SellerKind, Taxpayer, Trade},
    party::Tenant,
    store::{
        Application, Change, Decided, DecisionFilter, Lookup, Only, RecordKept, RecordKind, Recording, Redecision, RedecisionEnd,
        SellerFilter, Written,
    },
};
use uuid::Uuid;

use super::{
    World,
    samples::{START, order, tenant},
};

on_each_store!(
    a_record_is_kept_with_its_lines_and_read_with_its_declaration,
    a_key_is_bound_to_one_request_within_a_tenant,
    what_was_looked_at_must_still_be_so,
    of_two_that_record_at_once_both_are_kept_or_one_is_the_others,
    what_is_asked_for_again_begins_anew_whoever_is_at_it,
    profiles_and_periods_belong_to_a_tenant_and_the_last_profile_counts,
    what_is_to_be_decided_again_is_leased_once_and_gone_on_with,
    a_basis_is_noted_once,
    declarations_are_read_by_themselves_and_by_record,
    sellers_are_told_in_pages_with_what_they_said,
);

fn seller(code: &str, city: &str) -> Seller {
    Seller {
        code: code.into(),
        kind: SellerKind::Enterprise,
        role: Trade::Exporter,
        city: city.into(),
        taxpayer: Taxpayer::General,
        platform: None,
        income_tax: Default::default(),
        suspended: Vec::new(),
    }
}

fn contract(number: &str) -> Said {
    Said::Evidence { what: Proof::Contract, number: number.into(), on: parse_day("20261101").unwrap(), sha256: String::new() }
}

fn empty(world: &World, key: &str) -> Recording {
    let id = world.clockwork.id();
    Recording {
        id,
        tenant: Tenant::local(),
        kind: RecordKind::Evidence,
        key: key.into(),
        digest: [3; 32],
        body: "{}".into(),
        lines: Vec::new(),
        seller: None,
        period: None,
        expected: Vec::new(),
        again: None,
        entries: vec![world.entry("record_evidence", id)],
    }
}

fn again(recording: &Recording, seller: Option<&str>) -> Redecision {
    Redecision {
        id: recording.id,
        tenant: Some(recording.tenant.clone()),
        seller: seller.map(Into::into),
        cause: Cause::Evidence,
        why: "evidence".into(),
        seen: None,
        at: START,
    }
}

async fn keep(world: &World, recording: &Recording) -> RecordKept {
    world.store().record(START, recording.clone()).await.unwrap()
}

async fn a_record_is_kept_with_its_lines_and_read_with_its_declaration(world: World) {
    let (first, second) = (world.accept_one("O1", None).await, world.accept_one("O2", None).await);
    let one = Recording { lines: vec![(first, 1, contract("C1")), (second, 1, contract("C2"))], ..empty(&world, "a") };
    let later = Recording { lines: vec![(first, 1, contract("C3"))], ..empty(&world, "b") };
    assert_eq!(keep(&world, &one).await, RecordKept::New);
    assert_eq!(keep(&world, &later).await, RecordKept::New);
    let of = |number: &str| OfLine { line: 1, said: contract(number) };
    assert_eq!(world.shown(first).await.dossier.recorded.lines, [of("C1"), of("C3")], "in the order in which they were recorded");
    assert_eq!(world.shown(second).await.dossier.recorded.lines, [of("C2")]);
    assert_eq!(world.acts(one.id).await, ["record_evidence"]);
}

async fn a_key_is_bound_to_one_request_within_a_tenant(world: World) {
    let id = world.accept_one("O1", None).await;
    let one = Recording { lines: vec![(id, 1, contract("C1"))], ..empty(&world, "a") };
    assert_eq!(keep(&world, &one).await, RecordKept::New);
    assert_eq!(keep(&world, &one).await, RecordKept::New, "the same command again finds what it did");
    let same = Recording { lines: one.lines.clone(), ..empty(&world, "a") };
    assert_eq!(keep(&world, &same).await, RecordKept::Again(one.id, START));
    let other = Recording { digest: [4; 32], ..same.clone() };
    assert_eq!(keep(&world, &other).await, RecordKept::KeyConflict);
    let theirs = Recording { tenant: tenant("other"), lines: Vec::new(), ..other };
    let theirs = Recording { id: world.clockwork.id(), entries: Vec::new(), ..theirs };
    assert_eq!(keep(&world, &theirs).await, RecordKept::New, "keys belong to a tenant");
    assert_eq!(world.shown(id).await.dossier.recorded.lines.len(), 1);
    assert_eq!(world.acts(same.id).await, [] as [String; 0]);
}

async fn what_was_looked_at_must_still_be_so(world: World) {
    let id = world.accept_one("O1", None).await;
    let list = world.now(id, Kind::Inventory).await;
    let stale = Recording { expected: vec![(list.id, list.version + 1)], lines: vec![(id, 1, contract("C"))], ..empty(&world, "a") };
    assert_eq!(keep(&world, &stale).await, RecordKept::Stale);
    assert!(world.shown(id).await.dossier.recorded.lines.is_empty() && world.acts(stale.id).await.is_empty(), "nothing is kept half");
    let good = Recording { expected: vec![(list.id, list.version)], ..stale };
    assert_eq!(keep(&world, &good).await, RecordKept::New);
    let now = world.now(id, Kind::Inventory).await;
    assert_eq!(now.version, list.version + 1, "whoever decided on what was known before decides again");
    assert_eq!(tongguan::dossier::Document { version: list.version, ..now }, list);
}

async fn of_two_that_record_at_once_both_are_kept_or_one_is_the_others(world: World) {
    let id = world.accept_one("O1", None).await;
    let of = |key: &str, number: &str| Recording { lines: vec![(id, 1, contract(number))], ..empty(&world, key) };
    let [left, right] = [&world.handles[0], &world.handles[1]];
    for round in 0..10 {
        let (a, b) = (of(&format!("a{round}"), "A"), of(&format!("b{round}"), "B"));
        let (one, other) = tokio::join!(left.record(START, a), right.record(START, b));
        assert_eq!((one.unwrap(), other.unwrap()), (RecordKept::New, RecordKept::New));
        let (a, b) = (of(&format!("same{round}"), "C"), of(&format!("same{round}"), "C"));
        let (of_a, of_b) = (RecordKept::Again(a.id, START), RecordKept::Again(b.id, START));
        let (one, other) = tokio::join!(left.record(START, a), right.record(START, b));
        let kept = (one.unwrap(), other.unwrap());
        assert!(kept == (RecordKept::New, of_a) || kept == (of_b, RecordKept::New), "{kept:?}");
    }
    assert_eq!(world.shown(id).await.dossier.recorded.lines.len(), 30, "none got another's place");
}

async fn what_is_asked_for_again_begins_anew_whoever_is_at_it(world: World) {
    let id = world.accept_one("O1", None).await;
    let asked = |why: &str| Redecision {
        id: id.0,
        tenant: Some(Tenant::local()),
        seller: None,
        cause: Cause::Evidence,
        why: why.into(),
        seen: None,
        at: START,
    };
    let ask = async |why: &str| {
        let change = Change { again: Some(asked(why)), ..Change::default() };
        let application = Application { changes: vec![change], ..Application::default() };
        assert_eq!(world.store().apply(START, application).await.unwrap(), Written::Done);
    };
    ask("return 1").await;
    let lease = world.lease();
    assert_eq!(world.store().lease_redecision(START, lease).await.unwrap(), Some(asked("return 1")));
    let only = DecisionFilter { only: Some(Only::OfRecord(id.0)), limit: 10, ..DecisionFilter::default() };
    assert_eq!(world.store().decisions(only).await.unwrap().iter().map(|one| one.dossier.id).collect::<Vec<_>>(), [id]);
    ask("return 2").await;
    let ended = world.store().settle_redecision(lease.token, id.0, RedecisionEnd::Done).await.unwrap();
    assert_eq!(ended, Written::Stale, "what it read may not have been the last word");
    assert_eq!(world.store().lease_redecision(START, world.lease()).await.unwrap(), Some(asked("return 2")));
}

async fn profiles_and_periods_belong_to_a_tenant_and_the_last_profile_counts(world: World) {
    let id = world.accept_one("O1", None).await;
    let put = |key: &str, seller: Seller| Recording { kind: RecordKind::Seller, seller: Some(seller), ..empty(&world, key) };
    keep(&world, &put("a", seller("SELLER", "广州"))).await;
    keep(&world, &put("b", seller("SELLER", "东莞"))).await;
    keep(&world, &put("c", seller("OWNER", "深圳"))).await;
    keep(&world, &put("d", seller("STRANGER", "深圳"))).await;
    keep(&world, &Recording { tenant: tenant("other"), ..put("e", seller("SELLER", "上海")) }).await;
    let day = |text: &str| parse_day(text).unwrap();
    let said = |on: &str| OfPeriod {
        kind: PeriodKind::Statement,
        seller: "SELLER".into(),
        from: day("20261101"),
        to: day("20261130"),
        on: day(on),
    };
    for (key, on) in [("f", "20261130"), ("g", "20261201")] {
        keep(&world, &Recording { period: Some(said(on)), ..empty(&world, key) }).await;
    }
    let recorded = world.shown(id).await.dossier.recorded;
    let cities: Vec<_> = recorded.sellers.iter().map(|seller| (seller.code.as_str(), seller.city.as_str())).collect();
    assert_eq!(cities, [("OWNER", "深圳"), ("SELLER", "东莞")]);
    assert_eq!(recorded.periods, [said("20261130"), said("20261201")]);
    let ask = |name: &str, owner: &str| Lookup {
        tenant: tenant(name),
        idempotency_key: None,
        order: order("O9"),
        waybill: None,
        owner: owner.into(),
    };
    let asked = vec![ask("local", "OWNER"), ask("other", "OWNER"), ask("nobody", "OWNER"), ask("local", "SELLER")];
    let found = world.store().lookup(START, asked).await.unwrap();
    let codes = |place: usize| {
        let mut codes: Vec<_> = found[place].sellers.iter().map(|seller: &Arc<Seller>| seller.city.clone()).collect();
        codes.sort();
        codes
    };
    assert_eq!(
        (codes(0), codes(1), codes(2), codes(3)),
        (vec!["东莞".into(), "深圳".into()], vec!["上海".into()], vec![], vec!["东莞".into()])
    );
}

async fn what_is_to_be_decided_again_is_leased_once_and_gone_on_with(world: World) {
    let id = world.accept_one("O1", None).await;
    let one = Recording { lines: vec![(id, 1, contract("C1"))], ..empty(&world, "a") };
    let one = Recording { again: Some(again(&one, None)), ..one };
    let of_seller = empty(&world, "b");
    let of_seller = Recording { again: Some(again(&of_seller, Some("SELLER"))), ..of_seller };
    keep(&world, &one).await;
    keep(&world, &of_seller).await;
    let lease = world.lease();
    let found = world.store().lease_redecision(START, lease).await.unwrap();
    assert_eq!(found, one.again, "lines are decided at once");
    assert_eq!(world.store().lease_redecision(START, world.lease()).await.unwrap(), None, "a seller's only a moment later");
    let settle = async |token, id, end| world.store().settle_redecision(token, id, end).await.unwrap();
    assert_eq!(settle(Uuid::nil(), one.id, RedecisionEnd::Done).await, Written::Stale, "another's lease");
    let later = START + Duration::from_secs(10);
    assert_eq!(settle(lease.token, one.id, RedecisionEnd::Later(Some(id), later)).await, Written::Done);
    let moment = START + Duration::from_secs(3);
    let second = world.lease();
    assert_eq!(world.store().lease_redecision(moment, second).await.unwrap(), of_seller.again);
    assert_eq!(settle(second.token, of_seller.id, RedecisionEnd::Done).await, Written::Done);
    let third = world.lease();
    let found = world.store().lease_redecision(later, third).await.unwrap().unwrap();
    assert_eq!((found.id, found.seen), (one.id, Some(id)), "gone on with where it ended");
    assert_eq!(settle(third.token, one.id, RedecisionEnd::Later(None, later)).await, Written::Done);
    let fourth = world.lease();
    assert_eq!(world.store().lease_redecision(later, fourth).await.unwrap().unwrap().seen, Some(id), "where it was");
    // Whoever had it is gone: its lease ends by itself.
    let ended = fourth.until + Duration::from_secs(1);
    let fifth = world.lease();
    assert_eq!(world.store().lease_redecision(ended, fifth).await.unwrap().map(|found| found.id), Some(one.id));
    assert_eq!(settle(fourth.token, one.id, RedecisionEnd::Done).await, Written::Stale);
    assert_eq!(settle(fifth.token, one.id, RedecisionEnd::Done).await, Written::Done);
    assert_eq!(world.store().lease_redecision(Timestamp::NEVER, world.lease()).await.unwrap(), None);
}

async fn a_basis_is_noted_once(world: World) {
    let everything = |at| Redecision {
        id: world.clockwork.id(),
        tenant: None,
        seller: None,
        cause: Cause::Version,
        why: "basis".into(),
        seen: None,
        at,
    };
    let first = everything(START);
    assert!(world.store().note_basis([1; 32], first.clone()).await.unwrap());
    assert!(!world.store().note_basis([1; 32], everything(START)).await.unwrap());
    let later = START + Duration::from_secs(3_600);
    assert!(world.store().note_basis([2; 32], everything(later)).await.unwrap());
    let found = world.store().lease_redecision(later, world.lease()).await.unwrap().unwrap();
    assert_eq!(found, first);
    assert!(!found.is_of_record());
}

async fn declarations_are_read_by_themselves_and_by_record(world: World) {
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(world.accept_one(&format!("O{n}"), None).await);
    }
    ids.sort();
    let lines = [3, 1, 4].map(|n| (ids[n], 1, contract("C"))).to_vec();
    let record = Recording { lines, ..empty(&world, "a") };
    keep(&world, &record).await;
    let read = async |filter: DecisionFilter| -> Vec<DeclarationId> {
        let found: Vec<Decided> = world.store().decisions(filter).await.unwrap();
        found.into_iter().map(|decided| decided.dossier.id).collect()
    };
    let only = |only| DecisionFilter { only: Some(only), limit: 2, ..DecisionFilter::default() };
    assert_eq!(read(only(Only::OfRecord(record.id))).await, [ids[1], ids[3]]);
    assert_eq!(read(DecisionFilter { after: Some(ids[3]), ..only(Only::OfRecord(record.id)) }).await, [ids[4]]);
    let these = || Only::These(vec![ids[2], DeclarationId(Uuid::nil()), ids[0]]);
    assert_eq!(read(only(these())).await, [ids[2], ids[0]], "what is not there is left out");
    assert_eq!(read(DecisionFilter { tenant: Some(tenant("other")), ..only(these()) }).await, []);
}

async fn sellers_are_told_in_pages_with_what_they_said(world: World) {
    let profile = |key: &str, code: &str, whose: Tenant| Recording {
        tenant: whose,
        kind: RecordKind::Seller,
        seller: Some(seller(code, "广州市")),
        ..empty(&world, key)
    };
    for (key, code, whose) in [("a", "S1", Tenant::local()), ("b", "S2", Tenant::local()), ("c", "S1", tenant("other"))] {
        assert_eq!(keep(&world, &profile(key, code, whose)).await, RecordKept::New);
    }
    let day = |text: &str| parse_day(text).unwrap();
    let period =
        OfPeriod { seller: "S1".into(), kind: PeriodKind::Statement, from: day("20261001"), to: day("20261031"), on: day("20261102") };
    assert_eq!(keep(&world, &Recording { period: Some(period), kind: RecordKind::Statement, ..empty(&world, "d") }).await, RecordKept::New);
    let asked = |tenant, after, limit| SellerFilter { tenant, after, limit };
    let told = async |filter| {
        let found = world.store().sellers(filter).await.unwrap();
        let sellers: Vec<_> =
            found.sellers.iter().map(|kept| format!("{} {} {:?}", kept.tenant, kept.seller.code, kept.statements)).collect();
        // Ids of one millisecond come in any order.
        let mut kinds: Vec<_> = found.records.iter().map(|record| record.kind.clone()).collect();
        kinds.sort();
        (sellers, kinds)
    };
    let (s1, s2, other) = ("local S1 (1, Some(\"2026-10-31\"))", "local S2 (0, None)", "other S1 (0, None)");
    assert_eq!(
        told(asked(None, None, 10)).await,
        (vec![s1.into(), s2.into(), other.into()], ["seller", "seller", "seller", "statement"].map(str::to_owned).to_vec())
    );
    assert_eq!(told(asked(None, Some(("local".into(), "S1".into())), 1)).await.0, [s2]);
    assert_eq!(told(asked(Some(tenant("other")), None, 10)).await, (vec![other.into()], vec!["seller".to_owned()]));
    assert_eq!(told(asked(Some(tenant("nobody")), None, 10)).await, (vec![], vec![]));
}
