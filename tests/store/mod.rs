//! What every store must do: the same commands, the same meanings.

use std::{sync::Arc, time::Duration};

use rust_decimal::Decimal;
use sqlx::{Connection, SqliteConnection, migrate::Migrator, sqlite::SqliteConnectOptions};
use tongguan::{
    audit::{Entry, leaf_hash},
    clock::{Clockwork, ManualClock, SeededEntropy, Timestamp, parse_day},
    declaration::{
        Action, Declaration, DeclarationId, DocumentGuid, DocumentId, EnterpriseNo, Inventory, InventoryLine, InvoiceStatus, Kind,
        MessageId, Order, OrderLine, OrderType, Statistics, Waybill, draft::OrderReference,
    },
    dossier::Document,
    lane::Lane,
    party::{Actor, Party, Role, Tenant},
    queue::{Fault, Lease},
    receipt::{Key, Receipt},
    state::State,
    store::{
        Acceptance, Accepted, Application, Arrival, Change, Disposition, EntryFilter, KeptReceipt, ListFilter, Lookup, NumberKind, Outcome,
        Packing, Sequencing, Settlement, Store, Subject, WaybillAcceptance, WaybillAccepted, Written, sqlite::Sqlite,
    },
};
use uuid::Uuid;

const START: Timestamp = Timestamp(1_795_000_000_000_000);
pub const CARRIER: &str = "91440101MA59CARR1X";

struct World {
    _folder: tempfile::TempDir,
    store: Sqlite,
    clockwork: Clockwork,
}

async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("tongguan.db")).await.unwrap();
    let clockwork = Clockwork::new(Arc::new(ManualClock::at(START)), Arc::new(SeededEntropy::new(1)));
    World { _folder: folder, store, clockwork }
}

pub fn party(code: &str) -> Party {
    Party { code: code.into(), name: "某公司".into() }
}

pub fn declaration(order_no: &str, waybill_no: Option<&str>) -> Declaration {
    let line = OrderLine {
        number: 1,
        item_no: "A1".into(),
        item_name: "T恤".into(),
        description: None,
        bar_code: None,
        unit: "011".into(),
        currency: "142".into(),
        quantity: Decimal::ONE,
        price: Decimal::TEN,
        total: Decimal::TEN,
        note: None,
    };
    let inventory_line = InventoryLine {
        number: 1,
        hs_code: "6109100010".into(),
        customs_name: "T恤".into(),
        specification: "棉".into(),
        country: "502".into(),
        legal_quantity: Decimal::ONE,
        legal_unit: "011".into(),
        second: None,
        invoice: InvoiceStatus::None,
        note: None,
    };
    Declaration {
        order: Order {
            order_no: order_no.into(),
            order_type: OrderType::Retail,
            platform: party("无"),
            seller: party("SELLER"),
            goods_value: Decimal::TEN,
            freight: Decimal::ZERO,
            currency: "142".into(),
            note: None,
            lines: vec![line],
        },
        inventory: Inventory {
            declared_at: "5141".into(),
            exits_at: "5141".into(),
            exit_date: parse_day("20261123").unwrap(),
            statistics: Statistics::Simplified,
            declarant: party("DECLARANT"),
            owner: party("OWNER"),
            owner_registered: true,
            trade_mode: "9610".into(),
            transport: "5".into(),
            vehicle: None,
            voyage: None,
            bill_no: Some("BILL1".into()),
            bag_no: None,
            site: None,
            licence_no: None,
            country: "502".into(),
            destination_port: "3151".into(),
            freight: Decimal::ZERO,
            freight_currency: "142".into(),
            insured_fee: Decimal::ZERO,
            insured_currency: "142".into(),
            wrap: "2".into(),
            packs: 1,
            gross_weight: Decimal::ONE,
            net_weight: Decimal::ONE,
            note: None,
            carrier: party(CARRIER),
            waybill_no: waybill_no.map(Into::into),
            lines: vec![inventory_line],
        },
    }
}

impl World {
    fn document(&self, kind: Kind, declaration: Option<DeclarationId>, state: State) -> Document {
        let id = self.clockwork.id();
        Document {
            id: DocumentId(id),
            version: 0,
            tenant: Tenant::local(),
            declaration,
            kind,
            action: Action::Add,
            guid: DocumentGuid(self.clockwork.id()),
            sender: if kind == Kind::Waybill { "carrier".into() } else { "declarant".into() },
            road: "guangzhou".into(),
            enterprise_no: (kind == Kind::Inventory).then(|| EnterpriseNo::from_id(id)),
            port_no: None,
            inventory_no: None,
            state,
            last_word: None,
            needed_by: START + Duration::from_secs(86_400),
            gate_at: (state == State::Waiting).then_some(START),
            lot: None,
            packed: 0,
            port_failures: 0,
            resent_at: None,
            message: None,
        }
    }

    fn entry(&self, act: &str, subject: Uuid) -> Entry {
        let actor = Actor { tenant: Tenant::local(), role: Role::Seller, name: "test".into() };
        Entry {
            id: self.clockwork.id(),
            at: self.clockwork.now(),
            actor,
            act: act.into(),
            subject,
            changes: Vec::new(),
            why: String::new(),
        }
    }

    fn acceptance(&self, order_no: &str, waybill_no: Option<&str>) -> Acceptance {
        let id = DeclarationId(self.clockwork.id());
        Acceptance {
            id,
            actor: Actor { tenant: Tenant::local(), role: Role::Seller, name: "test".into() },
            idempotency_key: None,
            digest: [7; 32],
            needed_by: START + Duration::from_secs(86_400),
            declaration: Arc::new(declaration(order_no, waybill_no)),
            warnings: Vec::new(),
            plan: Lane::default().plan(),
            documents: vec![self.document(Kind::Order, Some(id), State::Due), self.document(Kind::Inventory, Some(id), State::Waiting)],
            assessment: "{}".into(),
            entry: self.entry("accept", id.0),
        }
    }

    fn waybill(&self, waybill_no: &str) -> WaybillAcceptance {
        let document = self.document(Kind::Waybill, None, State::Due);
        WaybillAcceptance {
            id: document.id,
            actor: Actor { tenant: Tenant::parse("carrier").unwrap(), role: Role::Carrier, name: "test".into() },
            digest: [9; 32],
            waybill: Arc::new(Waybill {
                carrier: party(CARRIER),
                waybill_no: waybill_no.into(),
                freight: Decimal::ONE,
                insured_fee: Decimal::ZERO,
                currency: "142".into(),
                gross_weight: Decimal::ONE,
                packs: 1,
                goods_info: "衣物".into(),
                seller: None,
                seller_telephone: None,
                note: None,
            }),
            order: None,
            entry: self.entry("accept_waybill", document.id.0),
            document: Some(document),
        }
    }

    async fn accept_one(&self, order_no: &str, waybill_no: Option<&str>) -> DeclarationId {
        let accepted = self.store.accept(START, vec![self.acceptance(order_no, waybill_no)]).await.unwrap();
        let [Accepted::New(id)] = accepted[..] else { panic!("{accepted:?}") };
        id
    }

    fn lease(&self) -> Lease {
        Lease::take(&self.clockwork, Duration::from_secs(60))
    }

    async fn pack_all(&self) -> Vec<MessageId> {
        let mut messages = Vec::new();
        let lease = self.lease();
        for batch in self.store.lease_documents(START, lease, 10).await.unwrap() {
            let packing = self.packing(batch.documents.iter().map(|leased| leased.document.id).collect(), batch.kind);
            messages.push(packing.id);
            assert_eq!(self.store.pack(START, lease.token, packing).await.unwrap(), Written::Done);
        }
        messages
    }

    fn packing(&self, documents: Vec<DocumentId>, kind: Kind) -> Packing {
        Packing {
            id: MessageId(self.clockwork.id()),
            sender: "declarant".into(),
            kind,
            road: "guangzhou".into(),
            bytes: b"<sealed/>".to_vec(),
            digest: [1; 32],
            needed_by: START,
            entries: documents.iter().map(|id| self.entry("pack", id.0)).collect(),
            documents,
        }
    }
}

#[tokio::test]
async fn the_same_request_gets_the_first_answer_and_another_is_refused() {
    let world = world().await;
    let first = world.accept_one("O1", Some("W1")).await;
    let again = world.store.accept(START, vec![world.acceptance("O1", Some("W1"))]).await.unwrap();
    assert_eq!(again, [Accepted::Again(first)]);
    let other_body = Acceptance { digest: [8; 32], ..world.acceptance("O1", Some("W1")) };
    let other_key = Acceptance { idempotency_key: Some("mine".into()), ..world.acceptance("O1", Some("W2")) };
    let same_waybill = world.acceptance("O2", Some("W1"));
    let results = world.store.accept(START, vec![other_body, other_key, same_waybill]).await.unwrap();
    assert_eq!(results, [Accepted::KeyConflict, Accepted::OrderTaken, Accepted::WaybillTaken]);
    assert_eq!(world.store.list(ListFilter { limit: 10, ..ListFilter::default() }).await.unwrap().len(), 1);
}

#[tokio::test]
async fn of_two_that_collide_in_one_batch_the_first_is_kept() {
    let world = world().await;
    let (a, b) = (world.acceptance("O1", Some("W1")), world.acceptance("O1", Some("W1")));
    let c = Acceptance { idempotency_key: Some("c".into()), ..world.acceptance("O1", Some("W3")) };
    let d = world.acceptance("O2", Some("W1"));
    let id = a.id;
    let results = world.store.accept(START, vec![a, b, c, d]).await.unwrap();
    assert_eq!(results, [Accepted::New(id), Accepted::Again(id), Accepted::OrderTaken, Accepted::WaybillTaken]);
}

#[tokio::test]
async fn lookup_tells_what_is_taken() {
    let world = world().await;
    let id = world.accept_one("O1", Some("W1")).await;
    let ask = |key: Option<&str>, order_no: &str, waybill: Option<&str>| Lookup {
        tenant: Tenant::local(),
        idempotency_key: key.map(str::to_owned),
        order: OrderReference { platform: "无".into(), seller: "SELLER".into(), order_no: order_no.into() },
        waybill: waybill.map(|no| (CARRIER.to_owned(), no.to_owned())),
    };
    let asked = vec![ask(None, "O1", Some("W1")), ask(Some("x"), "O2", Some("W1")), ask(Some("x"), "O2", None)];
    let found = world.store.lookup(START, asked.clone()).await.unwrap();
    assert_eq!(found[0].bound, Some(([7; 32], id)));
    assert!(found[0].order_taken && found[0].waybill_taken);
    assert!(!found[1].order_taken && found[1].waybill_taken);
    assert_eq!(found[2], tongguan::store::Found::default());
    let pushed = world.waybill("W9");
    let waybill = Arc::new(Waybill { seller: Some(party("OTHER")), ..Waybill::clone(&pushed.waybill) });
    world.store.accept_waybills(START, vec![WaybillAcceptance { waybill, ..pushed }]).await.unwrap();
    let found_pushed = world.store.lookup(START, vec![ask(None, "O9", Some("W9")), ask(None, "O9", None)]).await.unwrap();
    assert_eq!(found_pushed.into_iter().map(|found| found.waybill_seller).collect::<Vec<_>>(), [Some("OTHER".to_owned()), None]);
    let later = world.store.lookup(START + Duration::from_secs(184 * 86_400), asked).await.unwrap();
    assert!(!later[1].waybill_taken, "a carrier may use a number again after six months");
}

#[tokio::test]
async fn a_waybill_number_is_free_again_after_six_months() {
    let world = world().await;
    let old = world.accept_one("O1", Some("W1")).await;
    let later = START + Duration::from_secs(184 * 86_400);
    let new = world.acceptance("O2", Some("W1"));
    let id = new.id;
    assert_eq!(world.store.accept(later, vec![new]).await.unwrap(), [Accepted::New(id)]);
    let hits = world.store.find(None, &["W1".into()]).await.unwrap();
    assert_eq!(hits.iter().map(|hit| hit.declaration).collect::<Vec<_>>(), [Some(id), Some(old)], "both are found, the newer first");
}

#[tokio::test]
async fn a_waybill_meets_its_order_from_either_side() {
    let world = world().await;
    let waybill = world.waybill("W1");
    let first = waybill.id;
    assert_eq!(world.store.accept_waybills(START, vec![waybill]).await.unwrap(), [WaybillAccepted::New { id: first, declaration: None }]);
    let early = world.accept_one("O1", Some("W1")).await;
    let late = world.accept_one("O2", Some("W2")).await;
    let dossiers: Vec<_> = world.store.gates(START, 10).await.unwrap().into_iter().map(|gated| gated.dossier).collect();
    assert_eq!(dossiers.len(), 2);
    assert_eq!(dossiers[0].document(Kind::Waybill).unwrap().declaration, Some(early));
    assert!(dossiers[1].document(Kind::Waybill).is_none());
    let second = world.waybill("W2");
    let id = second.id;
    assert_eq!(
        world.store.accept_waybills(START, vec![second.clone()]).await.unwrap(),
        [WaybillAccepted::New { id, declaration: Some(late) }]
    );
    assert_eq!(
        world.store.accept_waybills(START, vec![second.clone()]).await.unwrap(),
        [WaybillAccepted::Again { id, declaration: Some(late) }]
    );
    assert_eq!(
        world.store.accept_waybills(START, vec![WaybillAcceptance { digest: [3; 32], ..second }]).await.unwrap(),
        [WaybillAccepted::Taken]
    );
    let kept = world.store.waybill(Some(&Tenant::local()), CARRIER, "W2").await.unwrap().expect("the seller sees its carrier's waybill");
    assert_eq!(kept.declaration, Some(late));
    assert!(world.store.waybill(Some(&Tenant::parse("other").unwrap()), CARRIER, "W2").await.unwrap().is_none());
}

#[tokio::test]
async fn a_waybill_that_names_its_order_gives_it_its_number() {
    let world = world().await;
    let order = |no: &str| Some(OrderReference { platform: "无".into(), seller: "SELLER".into(), order_no: no.into() });
    let after = world.accept_one("O1", None).await;
    let results = world.store.accept_waybills(START, vec![WaybillAcceptance { order: order("O1"), ..world.waybill("W1") }]).await.unwrap();
    assert!(matches!(results[..], [WaybillAccepted::New { declaration: Some(id), .. }] if id == after), "{results:?}");
    world.store.accept_waybills(START, vec![WaybillAcceptance { order: order("O2"), ..world.waybill("W2") }]).await.unwrap();
    let before = world.accept_one("O2", None).await;
    let dossiers = world.store.list(ListFilter { limit: 10, ..ListFilter::default() }).await.unwrap();
    assert_eq!(dossiers.iter().map(|dossier| dossier.id).collect::<Vec<_>>(), [after, before]);
    assert_eq!(dossiers.iter().map(|dossier| dossier.waybill_no.as_deref()).collect::<Vec<_>>(), [Some("W1"), Some("W2")]);
    assert!(dossiers.iter().all(|dossier| dossier.document(Kind::Waybill).is_some()));
    assert_eq!(world.store.find(None, &["W2".into()]).await.unwrap()[0].declaration, Some(before));
}

#[tokio::test]
async fn an_order_has_one_waybill_and_only_of_its_own_carrier() {
    let world = world().await;
    let order = |no: &str| Some(OrderReference { platform: "无".into(), seller: "SELLER".into(), order_no: no.into() });
    let named = |no: &str, order_no: &str| WaybillAcceptance { order: order(order_no), ..world.waybill(no) };
    let stranger = |no: &str, order_no: &str| {
        let acceptance = named(no, order_no);
        let waybill = Waybill { carrier: party("OTHER"), ..(*acceptance.waybill).clone() };
        WaybillAcceptance { waybill: Arc::new(waybill), ..acceptance }
    };
    let id = world.accept_one("O1", None).await;
    let results = world.store.accept_waybills(START, vec![stranger("X1", "O1"), named("W1", "O1"), named("W2", "O1")]).await.unwrap();
    let bound: Vec<_> = results
        .iter()
        .map(|result| if let WaybillAccepted::New { declaration, .. } = result { *declaration } else { panic!("{result:?}") })
        .collect();
    assert_eq!(bound, [None, Some(id), None]);
    world.store.accept_waybills(START, vec![stranger("X3", "O2"), named("W3", "O2"), named("W4", "O2")]).await.unwrap();
    let late = world.accept_one("O2", None).await;
    let shown = world.store.show(None, late).await.unwrap().unwrap();
    assert_eq!(shown.dossier.waybill_no.as_deref(), Some("W3"), "the first of its own carrier");
    assert_eq!(world.store.gates(START, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_store_is_served_by_one_and_is_no_other_programs() {
    let world = world().await;
    let file = world._folder.path().join("tongguan.db");
    assert!(Sqlite::open(&file).await.is_err(), "another gateway has it");
    world.accept_one("O1", None).await;
    std::fs::remove_file(&file).unwrap();
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(world.store.accept(START, vec![world.acceptance("O2", None)]).await.is_err(), "what nobody could find again is not taken in");
    let foreign = world._folder.path().join("foreign.db");
    let output = std::process::Command::new("python3")
        .args(["-c", "import sqlite3,sys; sqlite3.connect(sys.argv[1]).execute('create table t(x)')"])
        .arg(&foreign)
        .status();
    if output.is_ok_and(|status| status.success()) {
        assert!(matches!(Sqlite::open(&foreign).await, Err(tongguan::store::Error::Schema(_))));
    }
}

#[tokio::test]
async fn due_documents_are_leased_once_and_packed_under_their_token() {
    let world = world().await;
    for n in 0..101 {
        world.accept_one(&format!("O{n}"), None).await;
    }
    let lease = world.lease();
    let batches = world.store.lease_documents(START, lease, 10).await.unwrap();
    assert_eq!(batches.iter().map(|batch| batch.documents.len()).collect::<Vec<_>>(), [100], "one queue, a hundred at most");
    let rest = world.store.lease_documents(START, lease, 10).await.unwrap();
    assert_eq!(rest[0].documents.len(), 1);
    assert!(world.store.lease_documents(START, world.lease(), 10).await.unwrap().is_empty(), "what is leased is not leased again");
    let ids: Vec<_> = batches[0].documents.iter().map(|leased| leased.document.id).collect();
    let packing = world.packing(ids.clone(), Kind::Order);
    assert_eq!(world.store.pack(START, Uuid::nil(), packing.clone()).await.unwrap(), Written::Stale);
    assert_eq!(world.store.pack(START, lease.token, packing.clone()).await.unwrap(), Written::Done);
    assert_eq!(world.store.pack(START, lease.token, packing).await.unwrap(), Written::Done, "told again after an unknown commit");
    assert_eq!(
        world.store.pack(START, lease.token, world.packing(ids, Kind::Order)).await.unwrap(),
        Written::Stale,
        "not into a second message"
    );
    let expired = START + Duration::from_secs(61);
    let again = world.store.lease_documents(expired, world.lease(), 10).await.unwrap();
    assert_eq!(again[0].documents.len(), 1, "a lease ends by itself");
    world.store.give_back(lease.token, vec![rest[0].documents[0].document.id], expired).await.unwrap();
}

#[tokio::test]
async fn documents_of_a_lot_and_of_a_stopped_sender_stay_apart() {
    let world = world().await;
    let mut acceptances: Vec<_> = (0..4).map(|n| world.acceptance(&format!("O{n}"), None)).collect();
    acceptances[0].documents[0].lot = Some(Uuid::from_u128(1));
    acceptances[1].documents[0].lot = Some(Uuid::from_u128(2));
    world.store.accept(START, acceptances).await.unwrap();
    let sizes: Vec<_> =
        world.store.lease_documents(START, world.lease(), 10).await.unwrap().iter().map(|batch| batch.documents.len()).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 4);
    assert_eq!(sizes.len(), 3);
    let stop = Application { stops: vec![("declarant".into(), "1002".into())], ..Application::default() };
    world.store.apply(START, stop).await.unwrap();
    let later = START + Duration::from_secs(61);
    assert!(world.store.lease_documents(later, world.lease(), 10).await.unwrap().is_empty());
    assert_eq!(world.store.stopped().await.unwrap().len(), 1);
    world.store.resume(later, "declarant", world.entry("resume", Uuid::nil())).await.unwrap();
    assert_eq!(world.store.lease_documents(later, world.lease(), 10).await.unwrap().len(), 3);
}

#[tokio::test]
async fn tenants_share_a_batch_and_each_has_its_earliest_deadline_first() {
    let world = world().await;
    let small = Tenant::parse("small").unwrap();
    let mut acceptances: Vec<_> = (0..300).map(|n| world.acceptance(&format!("BIG{n}"), None)).collect();
    for n in 0..30 {
        let mut acceptance = world.acceptance(&format!("SMALL{n}"), None);
        acceptance.actor.tenant = small.clone();
        for document in &mut acceptance.documents {
            document.tenant = small.clone();
            document.needed_by = START + Duration::from_secs(90_000 - n);
        }
        acceptances.push(acceptance);
    }
    world.store.accept(START, acceptances).await.unwrap();
    let batch = world.store.lease_documents(START, world.lease(), 1).await.unwrap().remove(0);
    let of_small: Vec<_> = batch.documents.iter().map(|leased| &leased.document).filter(|document| document.tenant == small).collect();
    assert_eq!((batch.documents.len(), of_small.len()), (100, 30), "the smaller gets all of its half, the larger the rest");
    assert!(of_small.is_sorted_by_key(|document| document.needed_by));
    let next = world.store.lease_documents(START, world.lease(), 1).await.unwrap().remove(0);
    assert_eq!(next.documents.len(), 100);
}

#[tokio::test]
async fn deliveries_end_done_again_or_silent() {
    let world = world().await;
    let id = world.accept_one("O1", None).await;
    let message = world.pack_all().await[0];
    let lease = world.lease();
    assert!(world.store.lease_deliveries(START, lease, "huangpu", 10).await.unwrap().is_empty());
    let deliveries = world.store.lease_deliveries(START, lease, "guangzhou", 10).await.unwrap();
    assert_eq!((deliveries[0].message, deliveries[0].attempt, deliveries[0].bytes.as_slice()), (message, 1, b"<sealed/>".as_slice()));
    assert_eq!(deliveries[0].members[0].subject, id.0);
    let settle = |attempt, outcome| vec![Settlement { message, attempt, outcome, entries: Vec::new() }];
    let again = Outcome::Again { fault: Fault::Transient("no road".into()), at: START + Duration::from_secs(5) };
    assert_eq!(world.store.settle(START, Uuid::nil(), settle(1, again.clone())).await.unwrap(), [Written::Stale]);
    assert_eq!(world.store.settle(START, lease.token, settle(1, again)).await.unwrap(), [Written::Done]);
    assert!(world.store.lease_deliveries(START, lease, "guangzhou", 10).await.unwrap().is_empty());
    let soon = START + Duration::from_secs(5);
    let deliveries = world.store.lease_deliveries(soon, lease, "guangzhou", 10).await.unwrap();
    assert_eq!((deliveries[0].attempt, deliveries[0].failed), (2, 1));
    let silent_at = START + Duration::from_secs(60);
    assert_eq!(world.store.settle(soon, lease.token, settle(2, Outcome::Delivered { silent_at })).await.unwrap(), [Written::Done]);
    let shown = world.store.show(None, id).await.unwrap().unwrap();
    assert_eq!(shown.dossier.document(Kind::Order).unwrap().state, State::Delivered);
    let deliveries = world.store.lease_deliveries(silent_at, world.lease(), "guangzhou", 10).await.unwrap();
    assert_eq!((deliveries[0].attempt, deliveries[0].bytes.as_slice()), (3, b"<sealed/>".as_slice()), "silence: the same bytes again");
}

#[tokio::test]
async fn what_was_turned_away_is_not_declared_again_by_its_old_message() {
    let world = world().await;
    let (id, other) = (world.accept_one("O1", None).await, world.accept_one("O2", None).await);
    let message = world.pack_all().await[0];
    let lease = world.lease();
    let delivered = |attempt, at| vec![Settlement { message, attempt, outcome: Outcome::Delivered { silent_at: at }, entries: Vec::new() }];
    let (first, second) = (START + Duration::from_secs(10), START + Duration::from_secs(20));
    world.store.lease_deliveries(START, lease, "guangzhou", 10).await.unwrap();
    world.store.settle(START, lease.token, delivered(1, first)).await.unwrap();
    // Silence: the same bytes are on the road again when the port says of one document that it could not pass it on.
    assert_eq!(world.store.lease_deliveries(first, lease, "guangzhou", 10).await.unwrap().len(), 1);
    let free = world.store.show(None, id).await.unwrap().unwrap().dossier.document(Kind::Order).unwrap().clone();
    let free = Document { state: State::Due, port_failures: 1, ..free };
    let change = Change { expected: vec![(free.id, free.version)], documents: vec![free], ..Change::default() };
    world.store.apply(first, Application { changes: vec![change], ..Application::default() }).await.unwrap();
    assert!(world.store.lease_documents(first, world.lease(), 10).await.unwrap().is_empty(), "not while its bytes are on the road");
    world.store.settle(first, lease.token, delivered(2, second)).await.unwrap();
    let state = async |id| world.store.show(None, id).await.unwrap().unwrap().dossier.document(Kind::Order).unwrap().state;
    assert_eq!((state(id).await, state(other).await), (State::Delivered, State::Delivered), "they declare it anew");
    // The next silence finds it turned away: the old bytes stay where they are, and it goes in a message of its own.
    let free = world.store.show(None, id).await.unwrap().unwrap().dossier.document(Kind::Order).unwrap().clone();
    let free = Document { state: State::Due, port_failures: 2, ..free };
    let change = Change { expected: vec![(free.id, free.version)], documents: vec![free], ..Change::default() };
    world.store.apply(first, Application { changes: vec![change], ..Application::default() }).await.unwrap();
    let later = START + Duration::from_secs(100);
    assert!(world.store.lease_deliveries(later, world.lease(), "guangzhou", 10).await.unwrap().is_empty());
    assert_eq!(world.store.lease_documents(later, world.lease(), 10).await.unwrap()[0].documents.len(), 1);
}

fn receipt(key: Key, code: &str) -> Receipt {
    Receipt { key, code: code.into(), at: Some(START), info: String::new(), port_no: None, inventory_no: None }
}

#[tokio::test]
async fn what_arrives_is_kept_once_and_applied_whole_or_not_at_all() {
    let world = world().await;
    let id = world.accept_one("O1", None).await;
    world.pack_all().await;
    let arrival = |name: &str| Arrival {
        id: world.clockwork.id(),
        road: "guangzhou".into(),
        name: name.into(),
        bytes: b"<r/>".to_vec(),
        digest: [2; 32],
    };
    world.store.keep(START, vec![arrival("a.xml"), arrival("b.xml")]).await.unwrap();
    world.store.keep(START, vec![arrival("a.xml")]).await.unwrap();
    let lease = world.lease();
    let leased = world.store.lease_arrivals(START, lease, 10).await.unwrap();
    assert_eq!(leased.iter().map(|arrival| arrival.name.as_str()).collect::<Vec<_>>(), ["a.xml", "b.xml"]);
    let key = Key::Order { platform: "无".into(), seller: "SELLER".into(), order_no: "O1".into() };
    let stranger = Key::Waybill { carrier: CARRIER.into(), waybill_no: "W9".into() };
    let matches = world.store.matches(&[key.clone(), stranger.clone()]).await.unwrap();
    let (place, document) = matches.of[0].unwrap();
    assert_eq!(matches.of[1], None);
    let Subject::Dossier(dossier) = &matches.subjects[place] else { panic!("a dossier") };
    let mut moved = dossier.document(Kind::Order).unwrap().clone();
    moved.state = State::Declaring;
    let application = |version| Application {
        token: Some(lease.token),
        arrivals: leased.iter().map(|arrival| (arrival.id, Disposition::Read)).collect(),
        receipts: vec![
            KeptReceipt {
                arrival: leased[0].id,
                ordinal: 0,
                at: START,
                receipt: receipt(key.clone(), "2"),
                document: Some(document),
                effect: true,
            },
            KeptReceipt {
                arrival: leased[0].id,
                ordinal: 1,
                at: START,
                receipt: receipt(stranger.clone(), "2"),
                document: None,
                effect: false,
            },
        ],
        changes: vec![Change {
            expected: vec![(document, version)],
            documents: vec![moved.clone()],
            entries: vec![world.entry("receipt", id.0)],
            ..Change::default()
        }],
        ..Application::default()
    };
    assert_eq!(world.store.apply(START, application(moved.version + 1)).await.unwrap(), Written::Stale);
    assert!(world.store.unmatched(10).await.unwrap().is_empty(), "a stale application leaves nothing");
    assert_eq!(world.store.apply(START, application(moved.version)).await.unwrap(), Written::Done);
    assert_eq!(world.store.apply(START, application(moved.version)).await.unwrap(), Written::Stale, "not twice");
    let shown = world.store.show(None, id).await.unwrap().unwrap();
    assert_eq!(shown.dossier.document(Kind::Order).unwrap().state, State::Declaring);
    assert_eq!(shown.receipts.len(), 1);
    assert_eq!(world.store.unmatched(10).await.unwrap()[0].receipt.key, stranger);
    assert!(world.store.lease_arrivals(START, world.lease(), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn inventories_are_matched_by_their_number_or_by_their_order() {
    let world = world().await;
    let acceptance = world.acceptance("O1", Some("W1"));
    let enterprise_no = acceptance.documents[1].enterprise_no.clone().unwrap().0;
    let inventory = acceptance.documents[1].id;
    world.store.accept(START, vec![acceptance]).await.unwrap();
    world.store.accept_waybills(START, vec![world.waybill("W1"), world.waybill("W2")]).await.unwrap();
    let key = |enterprise_no: &str| Key::Inventory {
        declarant: "DECLARANT".into(),
        enterprise_no: enterprise_no.into(),
        platform: "无".into(),
        seller: "SELLER".into(),
        order_no: "O1".into(),
    };
    let waybill = |no: &str| Key::Waybill { carrier: CARRIER.into(), waybill_no: no.into() };
    let matches = world.store.matches(&[key(&enterprise_no), key(""), key("TGUNKNOWN"), waybill("W1"), waybill("W2")]).await.unwrap();
    assert_eq!(matches.of[0].map(|(_, id)| id), Some(inventory));
    assert_eq!(matches.of[1].map(|(_, id)| id), Some(inventory));
    assert_eq!(matches.of[2], None);
    assert!(matches!(matches.subjects[matches.of[3].unwrap().0], Subject::Dossier(_)));
    assert!(matches!(matches.subjects[matches.of[4].unwrap().0], Subject::Waybill(_)));
    assert_eq!(matches.subjects.len(), 2);
    let hits = world.store.find(Some(&Tenant::local()), &[enterprise_no, "BILL1".into(), "nothing".into()]).await.unwrap();
    assert_eq!(hits.iter().map(|hit| hit.kind).collect::<Vec<_>>(), [NumberKind::Enterprise, NumberKind::Bill]);
    assert!(world.store.find(Some(&Tenant::parse("other").unwrap()), &["O1".into()]).await.unwrap().is_empty());
}

#[tokio::test]
async fn entries_get_their_place_once() {
    let world = world().await;
    let id = world.accept_one("O1", None).await;
    world.accept_one("O2", None).await;
    let holder = Uuid::from_u128(1);
    let until = START + Duration::from_secs(5);
    assert!(world.store.take_role(START, "sequencer", holder, until).await.unwrap());
    assert!(!world.store.take_role(START, "sequencer", Uuid::from_u128(2), until).await.unwrap());
    assert!(world.store.take_role(until, "sequencer", Uuid::from_u128(2), until + Duration::from_secs(5)).await.unwrap());
    let pending = world.store.pending_entries(10).await.unwrap();
    let sequencing = Sequencing {
        expected_size: 0,
        entries: pending.iter().map(|entry| (entry.id, [5; 32])).collect(),
        tiles: Vec::new(),
        root: [6; 32],
        note: "note".into(),
    };
    assert_eq!(world.store.sequence(START, sequencing.clone()).await.unwrap(), Written::Done);
    assert_eq!(world.store.sequence(START, sequencing).await.unwrap(), Written::Stale);
    let head = world.store.log_head().await.unwrap();
    assert_eq!((head.size, head.leaves.len(), head.tiles.len()), (2, 2, 0));
    world.pack_all().await;
    let about = EntryFilter { subjects: Some(vec![id.0]), pending: true, limit: 10, ..EntryFilter::default() };
    let placed = world.store.entries(about).await.unwrap();
    assert_eq!(placed.iter().map(|placed| (placed.position, placed.entry.act.as_str())).collect::<Vec<_>>(), [(Some(0), "accept")]);
    let tail = world.store.entries(EntryFilter { after: Some(0), limit: 10, ..EntryFilter::default() }).await.unwrap();
    assert_eq!(tail.len(), 1);
    let all = world.store.entries(EntryFilter { pending: true, limit: 10, ..EntryFilter::default() }).await.unwrap();
    assert_eq!(all.len(), 4);
}

#[tokio::test]
async fn what_was_kept_is_there_after_a_restart_and_readable_without_writing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tongguan.db");
    let clockwork = Clockwork::new(Arc::new(ManualClock::at(START)), Arc::new(SeededEntropy::new(1)));
    let world = World { _folder: folder, store: Sqlite::open(&file).await.unwrap(), clockwork };
    let id = world.accept_one("O1", None).await;
    let beside = Sqlite::open_read_only(&file).await.unwrap();
    assert!(beside.show(None, id).await.unwrap().is_some(), "while another process writes");
    assert!(beside.accept(START, vec![world.acceptance("O2", None)]).await.is_err());
    drop(beside);
    let World { _folder: folder, store, clockwork } = world;
    drop(store);
    let reopened = World { _folder: folder, store: Sqlite::open(&file).await.unwrap(), clockwork };
    assert_eq!(reopened.store.accept(START, vec![reopened.acceptance("O1", None)]).await.unwrap(), [Accepted::Again(id)]);
}

#[tokio::test]
async fn a_store_of_the_first_schema_is_taken_over_with_its_keys_and_its_waiting_entries() {
    let folder = tempfile::tempdir().unwrap();
    let (file, first) = (folder.path().join("tongguan.db"), folder.path().join("first"));
    std::fs::create_dir(&first).unwrap();
    let name = "migrations/sqlite/0001_first.sql";
    std::fs::copy(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name), first.join("0001_first.sql")).unwrap();
    let mut old = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&file).create_if_missing(true)).await.unwrap();
    Migrator::new(first).await.unwrap().run(&mut old).await.unwrap();
    let made = world().await;
    let (acceptance, entry) = (made.acceptance("O1", None), made.entry("accept", Uuid::from_u128(7)));
    for sql in [
        "PRAGMA application_id = 1413961561",
        "INSERT INTO declarations (id, tenant, accepted_at, needed_by, office, carrier, plan, warnings, body) \
         VALUES (?1, 'local', 1, 1, '5141', 'C', '{}', '[]', '{}')",
        "INSERT INTO numbers (number, kind, scope, holder, at, tenant, declaration) VALUES ('O1', 'order', '无|SELLER', x'', 1, 'local', ?1)",
        "INSERT INTO idempotency_keys VALUES ('local', 'tongguan:order:3:无|6:SELLER|2:O1', ?2, ?1), ('local', 'mine', ?2, ?1)",
        "INSERT INTO audit_pending VALUES (?1, ?3, 'local', ?1, 'accept', ?4)",
    ] {
        let query = sqlx::query(sql).bind(entry.subject.as_bytes().to_vec()).bind(vec![7_u8; 32]).bind(entry.at.0).bind(entry.to_leaf());
        query.execute(&mut old).await.unwrap();
    }
    old.close().await.unwrap();
    let store = Sqlite::open(&file).await.unwrap();
    let pending = store.pending_entries(10).await.unwrap();
    assert_eq!(pending.iter().map(|entry| entry.leaf).collect::<Vec<_>>(), [leaf_hash(&entry.to_leaf())]);
    let accepted = store.accept(START, vec![acceptance.clone(), Acceptance { idempotency_key: Some("mine".into()), ..acceptance }]).await;
    assert_eq!(accepted.unwrap(), [Accepted::Again(DeclarationId(entry.subject)); 2]);
}
