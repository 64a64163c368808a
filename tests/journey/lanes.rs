//! Who transmits what: lanes as firms have them.

use std::{fs, sync::Arc};

use tongguan::{
    check::{self, Parameters, Taken, TakenWaybill},
    clock::Clockwork,
    clock::Timestamp,
    declaration::{Action, DocumentGuid, DocumentId, EnterpriseNo, MessageId, wire_guid},
    dossier::{Content, Document},
    endpoint::Envelope,
    lane::{Duty, Lane},
    message::{self, Outgoing, dxp},
    party::{Sender, Tenant},
    seal,
    signers::Signers,
};

use super::*;

fn document(kind: Kind, clockwork: &Clockwork) -> Document {
    let id = clockwork.id();
    Document {
        id: DocumentId(id),
        version: 1,
        tenant: Tenant::local(),
        declaration: None,
        kind,
        action: Action::Add,
        guid: DocumentGuid(clockwork.id()),
        sender: String::new(),
        road: String::new(),
        enterprise_no: Some(EnterpriseNo::from_id(id)),
        port_no: None,
        inventory_no: None,
        state: State::Due,
        last_word: None,
        needed_by: Timestamp::NEVER,
        gate_at: None,
        lot: None,
        packed: 0,
        port_failures: 0,
        resent: None,
        message: None,
        on_hold: false,
    }
}

/// Somebody else transmits documents to customs, by its own connection: not through the gateway.
async fn transmit(town: &Town, kind: Kind, sender: &Sender, contents: &[Content]) {
    let clockwork = Clockwork::system();
    let documents: Vec<_> = contents.iter().map(|_| document(kind, &clockwork)).collect();
    let outgoing: Vec<_> =
        documents.iter().zip(contents).map(|(document, content)| Outgoing { document, content, waybill_no: "" }).collect();
    let (guid, now) = (clockwork.id(), clockwork.now());
    let unsigned = message::compose(kind, MessageId(guid), sender, &outgoing, now).unwrap();
    let signer = Signers::open(&town.config.signers).unwrap().get(&sender.signer).unwrap();
    let sealed = seal::seal(&unsigned, &*signer).await.unwrap();
    let (id, msg_type) = (wire_guid(guid), message::wire_type(kind));
    let address = dxp::Address { cop_msg_id: &id, sender: &sender.dxp_id, receiver: dxp::EXPORT_RECEIVER, at: now, msg_type };
    let bytes = dxp::wrap(&address, sealed.bytes(), "").unwrap();
    let part = town.road(&sender.road, "out").join(".elsewhere.part");
    fs::write(&part, bytes).unwrap();
    fs::rename(part, town.road(&sender.road, "out").join(format!("{msg_type}_{id}.xml"))).unwrap();
}

fn sender(town: &Town, of: impl Fn(&Sender) -> bool) -> &Sender {
    town.config.senders.iter().find(|sender| of(sender)).unwrap()
}

fn lanes(config: &mut Config, change: impl Fn(&mut Lane)) {
    config.lanes.iter_mut().for_each(change);
}

#[tokio::test]
async fn a_carrier_that_sends_its_own_waybills_sees_no_duplicate_and_the_list_closes() {
    let mut town = open_alone(|config| lanes(config, |lane| lane.waybill = Duty::External), |_| {}).await;
    let (orders, waybills) = numbered(6);
    let today = Clockwork::system().now().day();
    let mut sent = Vec::new();
    for draft in waybills.iter().map(rig::waybill_of) {
        let (waybill, ..) = check::check_waybill(&draft, &TakenWaybill::default(), today).unwrap().into_parts();
        let carrier = sender(&town, |sender| sender.party.code == waybill.carrier.code).clone();
        transmit(&town, Kind::Waybill, &carrier, &[Content::Waybill(Arc::new(waybill))]).await;
        sent.push(carrier.name);
    }
    let ids = town.submit(&orders).await;
    // The carrier also tells us: it is kept, and nothing of it leaves.
    town.push(&waybills[..3]).await;
    town.begin_customs();
    town.closed(&ids).await;
    assert_eq!(town.show(ids[0]).await.dossier.documents.iter().filter(|document| document.kind == Kind::Waybill).count(), 0);
    let (folder, report) = town.end().await;
    assert_eq!((report.closed, report.documents[&Kind::Waybill]), (6, 6));
    let taken = rig::taken(folder.path());
    assert!(taken.values().all(|takings| takings.len() == 1));
    assert_eq!(rig::count(&taken, Kind::Waybill), sent.len());
}

#[tokio::test]
async fn a_platform_that_sends_its_own_orders_sees_no_duplicate_and_the_list_closes() {
    let town = open(|config| lanes(config, |lane| lane.order = Duty::External)).await;
    let (orders, waybills) = numbered(6);
    let today = Clockwork::system().now().day();
    let content = |order: &Value| {
        let (declaration, _) =
            check::check(&rig::draft_of(order).0, &Taken::default(), &Parameters::default(), today).unwrap().into_parts();
        Content::Declaration(Arc::new(declaration))
    };
    let platform = sender(&town, |sender| sender.name == "declarant").clone();
    transmit(&town, Kind::Order, &platform, &orders.iter().map(content).collect::<Vec<_>>()).await;
    let ids = town.submit(&orders).await;
    town.push(&waybills).await;
    town.closed(&ids).await;
    assert_eq!(town.state(ids[0], Kind::Order).await, None);
    let (folder, report) = town.end().await;
    assert_eq!((report.closed, report.documents[&Kind::Order]), (6, 6));
    assert!(rig::taken(folder.path()).values().all(|takings| takings.len() == 1));
}

#[tokio::test]
async fn waybills_come_before_their_orders_or_after_and_name_them_or_are_named() {
    let town = open(|_| {}).await;
    let (named, naming) = (numbered(4), unnumbered(4));
    town.push(&named.1[..2]).await;
    town.push(&naming.1[..2]).await;
    let mut ids = town.submit(&named.0).await;
    ids.extend(town.submit(&naming.0).await);
    let waits = town.show(ids[7]).await.dossier;
    assert_eq!((waits.waybill_no.clone(), waits.document(Kind::Inventory).unwrap().state), (None, State::Waiting));
    town.closed(&[&ids[..2], &ids[4..6]].concat()).await;
    assert_eq!(town.state(ids[2], Kind::Inventory).await, Some(State::Waiting));
    town.push(&named.1[2..]).await;
    town.push(&naming.1[2..]).await;
    town.closed(&ids).await;
    let number = |waybill: &Value| waybill["waybill_no"].as_str().map(str::to_owned);
    assert_eq!(town.show(ids[7]).await.dossier.waybill_no, number(&naming.1[3]));
    assert_eq!(town.end().await.1.closed, 8);
}

/// The offices of the inventories that went over a road.
fn offices(folder: &Path, road: &str) -> Vec<String> {
    let takings = rig::taken(folder).into_values().flatten().filter(|taking| taking.road == road);
    let mut offices: Vec<_> = takings
        .filter_map(|taking| match taking.content {
            message::RequestContent::Inventory(inventory) => Some(inventory.declared_at[..2].to_owned()),
            _ => None,
        })
        .collect();
    offices.sort();
    offices.dedup();
    offices
}

#[tokio::test]
async fn two_offices_have_roads_of_their_own_or_share_one() {
    let (orders, waybills) = numbered(40);
    for shared in [false, true] {
        let town = open(|config| {
            if shared {
                lanes(config, |lane| lane.road = "guangzhou".into());
                config.senders.iter_mut().for_each(|sender| sender.road = "guangzhou".into());
            }
        })
        .await;
        let ids = town.submit(&orders).await;
        town.push(&waybills).await;
        town.closed(&ids).await;
        let (folder, report) = town.end().await;
        assert_eq!(report.closed, 40);
        let (guangzhou, huangpu) = (offices(folder.path(), "guangzhou"), offices(folder.path(), "huangpu"));
        if shared {
            assert_eq!((guangzhou, rig::files(&folder.path().join("huangpu/sent"))), (vec!["51".into(), "52".into()], vec![]));
        } else {
            assert_eq!((guangzhou, huangpu), (vec!["51".into()], vec!["52".into()]));
        }
    }
}

#[tokio::test]
async fn messages_go_in_envelopes_or_plain() {
    let (orders, waybills) = unnumbered(4);
    for envelope in [Envelope::Dxp, Envelope::Plain] {
        let town = open(|config| config.roads.iter_mut().for_each(|road| road.envelope = envelope)).await;
        town.push(&waybills).await;
        let ids = town.submit(&orders).await;
        town.closed(&ids).await;
        let (folder, report) = town.end().await;
        assert_eq!(report.closed, 4);
        let sent: Vec<_> = ["guangzhou", "huangpu"].iter().flat_map(|road| rig::files(&folder.path().join(road).join("sent"))).collect();
        assert!(!sent.is_empty());
        for file in sent {
            let opened = dxp::open(&fs::read(file).unwrap()).unwrap();
            let plain = matches!(opened, dxp::Opened::Business(message::Message::Request(_)));
            assert_eq!(plain, envelope == Envelope::Plain);
        }
    }
}
