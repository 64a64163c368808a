//! A parcel's story to its true end, on each store: manifest, arrival, release, departure and closing; one list amended after a refusal,
//! one cancelled, one whose goods come back, one summed into a customs declaration. The carriers and the site say when goods move.

use serde_json::json;
use tongguan::{
    dossier::Document,
    grpc::{client, proto},
    lane::Duty,
    message, receipt, seal, signers,
    simulator::{Movement, Outcome, Rule},
    store::postgres,
};
use tonic::{Code, Status, transport::Channel};

use super::*;
use crate::store::database;

type Declarations = proto::declarations_client::DeclarationsClient<Channel>;
type Logistics = proto::logistics_client::LogisticsClient<Channel>;

const LATER: i64 = 4_000_000_000;

/// A folder that keeps what was sent, for whoever checks it with other tools.
const KEEP: &str = "TONGGUAN_STORY";

/// A town in which goods move only when somebody says so, and carriers sign with the cards that they had before 2022-07-01.
async fn town(database: Option<postgres::Options>, refused_once: &str) -> Town {
    let fate = refused_once.to_owned();
    open(move |config| {
        config.store.postgres = database;
        config.simulator.movement = Movement::Reported;
        config.simulator.script.rule.push(Rule { times: 1, ..Rule::of_order(Kind::Inventory, &fate, Outcome::Refused) });
        let clockwork = Clockwork::system();
        for signer in config.signers.iter_mut().filter(|signer| signer.name.contains("carrier")) {
            let keys = signer.key.parent().unwrap().to_path_buf();
            let (key, certificate) = signers::new_rsa_key(&clockwork, "广州旧卡物流有限公司", 30, 1_024).unwrap();
            (signer.key, signer.certificate) = signers::write_key(&keys, &format!("{}-rsa", signer.name), &key, &certificate).unwrap();
        }
        let operator = config.senders.iter().find(|sender| sender.name.contains("carrier")).unwrap_or(&config.senders[0]).name.clone();
        for lane in &mut config.lanes {
            lane.arrival = Duty::Send(Some(operator.clone()));
            lane.departure = Duty::Send(Some(operator.clone()));
        }
    })
    .await
}

fn text(order: &Value, pointer: &str) -> String {
    order.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn party(order: &Value, pointer: &str) -> Option<proto::Party> {
    Some(proto::Party { code: text(order, &format!("{pointer}/code")), name: text(order, &format!("{pointer}/name")) })
}

fn rules(status: &Status) -> String {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    String::from_utf8_lossy(status.details()).into_owned()
}

/// The callers, and what they send.
struct Story {
    town: Town,
    declarations: Declarations,
    logistics: Logistics,
    orders: Vec<Value>,
    ids: Vec<DeclarationId>,
}

impl Story {
    async fn begin(database: Option<postgres::Options>) -> Self {
        let (mut orders, waybills) = numbered(6);
        orders[4]["inventory"]["statistics"] = json!("B");
        let town = town(database, orders[1]["order"]["order_no"].as_str().unwrap()).await;
        let channel = Channel::from_shared(town.server()).unwrap().connect().await.unwrap();
        // The sixth is overtaken by its goods.
        let ids = town.submit(&orders[..5]).await;
        town.push(&waybills).await;
        let (declarations, logistics) = (Declarations::new(channel.clone()), Logistics::new(channel));
        Self { town, declarations, logistics, orders, ids }
    }

    async fn get(&self, of: usize) -> proto::GetResponse {
        let request = proto::GetRequest { declaration_id: self.ids[of].to_string(), ..Default::default() };
        self.declarations.clone().get(request).await.unwrap().into_inner()
    }

    async fn inventory(&self, of: usize) -> Document {
        self.town.show(self.ids[of]).await.dossier.document(Kind::Inventory).unwrap().clone()
    }

    async fn inventory_no(&self, of: usize) -> String {
        self.inventory(of).await.inventory_no.unwrap().0
    }

    /// Waits until what was submitted on its own has come so far.
    async fn follow_up_reaches(&self, id: &str, state: proto::DocumentState) {
        rig::until(LONGEST, "a document submitted on its own", || async {
            let request = proto::GetFollowUpRequest { id: id.to_owned(), ..Default::default() };
            let found = self.declarations.clone().get_follow_up(request).await.unwrap().into_inner();
            found.parts.iter().all(|part| part.document.as_ref().is_some_and(|document| document.state() == state))
        })
        .await;
    }

    fn manifest(&self, of: usize, cut_off: Option<prost_types::Timestamp>) -> proto::PushManifestRequest {
        let order = &self.orders[of];
        let line = proto::ManifestLine { waybill_no: text(order, "/inventory/waybill_no"), ..proto::ManifestLine::default() };
        proto::PushManifestRequest {
            manifest: Some(proto::Manifest {
                declared_at: text(order, "/inventory/declared_at"),
                declarant: party(order, "/inventory/declarant"),
                transport: text(order, "/inventory/transport"),
                vehicle: "粤海示例01".into(),
                voyage: "V2611".into(),
                bill_no: format!("BILL{of}"),
                gross_weight: "10".into(),
                carrier: party(order, "/inventory/carrier"),
                lines: vec![line],
                ..proto::Manifest::default()
            }),
            handling: None,
            cut_off,
        }
    }

    fn arrival(&self, of: usize) -> proto::PushArrivalRequest {
        let order = &self.orders[of];
        proto::PushArrivalRequest {
            arrival: Some(proto::Arrival {
                declared_at: text(order, "/inventory/declared_at"),
                operator: party(order, "/inventory/carrier"),
                transport: text(order, "/inventory/transport"),
                bill_no: format!("BILL{of}"),
                vehicle: "粤A12345".into(),
                carrier: party(order, "/inventory/carrier"),
                ..proto::Arrival::default()
            }),
            handling: None,
        }
    }

    fn departure(&self, of: usize) -> proto::PushDepartureRequest {
        let order = &self.orders[of];
        let line = proto::MovementLine { waybill_no: text(order, "/inventory/waybill_no"), ..proto::MovementLine::default() };
        proto::PushDepartureRequest {
            departure: Some(proto::Departure {
                declared_at: text(order, "/inventory/declared_at"),
                carrier: party(order, "/inventory/carrier"),
                transport: text(order, "/inventory/transport"),
                vehicle: "粤海示例01".into(),
                voyage: "V2611".into(),
                bill_no: format!("BILL{of}"),
                left_at: Clockwork::system().now().to_seconds(),
                lines: vec![line],
                ..proto::Departure::default()
            }),
            handling: None,
        }
    }

    /// One that customs has refused goes anew, corrected; the same request again changes nothing.
    async fn amend_what_was_refused(&self) {
        self.town.reach(&self.ids[1..2], Kind::Inventory, State::Refused).await;
        let mut order = self.orders[1].clone();
        order["inventory"]["note"] = json!("更正归类");
        let request = proto::AmendRequest {
            declaration_id: self.ids[1].to_string(),
            declaration: Some(client::message_of(rig::draft_of(&order).0)),
            needed_by: None,
        };
        let amended = self.declarations.clone().amend(request.clone()).await.unwrap().into_inner();
        assert_eq!((amended.revision, amended.handled.len()), (1, 1));
        assert_eq!((amended.handled[0].kind(), amended.handled[0].how()), (proto::DocumentKind::Inventory, proto::HandledHow::Anew));
        let again = self.declarations.clone().amend(request.clone()).await.unwrap().into_inner();
        assert_eq!((again.revision, again.handled.len()), (1, 0));
        order["order"]["order_no"] = json!("ANOTHER");
        let other = proto::AmendRequest { declaration: Some(client::message_of(rig::draft_of(&order).0)), ..request };
        assert!(rules(&self.declarations.clone().amend(other).await.unwrap_err()).contains("R-FIXED"));
    }

    async fn cancel_one(&self) {
        let order = &self.orders[2];
        let request = proto::CancelRequest {
            cancellation: Some(proto::Cancellation {
                declared_at: text(order, "/inventory/declared_at"),
                inventory_no: self.inventory_no(2).await,
                reason: "买家取消订单".into(),
                declarant: party(order, "/inventory/declarant"),
                seller: party(order, "/order/seller"),
                note: String::new(),
            }),
            handling: None,
        };
        let mut unknown = request.clone();
        unknown.cancellation.as_mut().unwrap().inventory_no = format!("{}2026E999999999", text(order, "/inventory/declared_at"));
        assert!(rules(&self.declarations.clone().cancel(unknown).await.unwrap_err()).contains("R-NO-INVENTORY"));
        let kept = self.declarations.clone().cancel(request.clone()).await.unwrap().into_inner();
        assert_eq!((kept.transmitted, kept.matched, kept.parts), (true, 1, 1));
        let again = self.declarations.clone().cancel(request).await.unwrap().into_inner();
        assert_eq!(again.id, kept.id, "the same request again");
        self.follow_up_reaches(&kept.id, proto::DocumentState::Passed).await;
        self.town.reach(&self.ids[2..3], Kind::Inventory, State::Cancelled).await;
        let shown = self.town.show(self.ids[2]).await;
        assert!(shown.assessments.len() >= 2, "the exemption is decided again");
    }

    /// Manifest, arrival, departure: each is shown, and moves the list on.
    async fn travel(&self, of: usize) {
        let cut_off = prost_types::Timestamp { seconds: LATER, nanos: 0 };
        let request = self.manifest(of, Some(cut_off));
        let manifest = self.logistics.clone().push_manifest(request.clone()).await.unwrap().into_inner();
        assert_eq!((manifest.transmitted, manifest.matched, manifest.unmatched.len()), (true, 1, 0));
        assert_eq!(self.logistics.clone().push_manifest(request).await.unwrap().into_inner().id, manifest.id);
        let listed = self.declarations.clone().deadlines(proto::DeadlinesRequest::default()).await.unwrap().into_inner();
        let id = self.ids[of].to_string();
        let has =
            |deadlines: &[proto::Deadline], kind| deadlines.iter().any(|deadline| deadline.declaration_id == id && deadline.kind() == kind);
        assert!(has(&listed.deadlines, proto::DeadlineKind::CutOff));
        self.follow_up_reaches(&manifest.id, proto::DocumentState::Passed).await;
        assert_eq!(self.inventory(of).await.state, State::Passed, "goods have not arrived");

        let arrival = self.logistics.clone().push_arrival(self.arrival(of)).await.unwrap().into_inner();
        assert_eq!((arrival.transmitted, arrival.matched), (true, 1), "all of the bill that the manifest gave it");
        self.town.reach(&self.ids[of..=of], Kind::Inventory, State::Released).await;
        let shown = self.get(of).await;
        let whereabouts = shown.whereabouts.clone().unwrap();
        assert!(whereabouts.on_manifest_at.is_some() && whereabouts.arrived_at.is_some() && whereabouts.left_at.is_none());
        assert_eq!((whereabouts.turn(), whereabouts.bill_no.as_str()), (proto::Turn::Carrier, format!("BILL{of}").as_str()));
        assert!(!has(&shown.deadlines, proto::DeadlineKind::CutOff), "the goods are there");
        assert!(has(&shown.deadlines, proto::DeadlineKind::ReturnTax) && has(&shown.deadlines, proto::DeadlineKind::ReturnCustoms));

        let departure = self.logistics.clone().push_departure(self.departure(of)).await.unwrap().into_inner();
        assert_eq!((departure.transmitted, departure.matched), (true, 1));
        self.town.reach(&self.ids[of..=of], Kind::Inventory, State::Closed).await;
        assert!(self.get(of).await.whereabouts.unwrap().left_at.is_some());
    }

    /// Goods that are on their way, there and gone before anybody has declared them: all of it is matched once somebody does.
    async fn overtake(&mut self) {
        let of = self.ids.len();
        let cut_off = prost_types::Timestamp { seconds: LATER, nanos: 0 };
        let manifest = self.logistics.push_manifest(self.manifest(of, Some(cut_off))).await.unwrap().into_inner();
        let waybill_no = text(&self.orders[of], "/inventory/waybill_no");
        assert_eq!((manifest.matched, manifest.unmatched), (0, vec![waybill_no]));
        let arrival = self.logistics.push_arrival(self.arrival(of)).await.unwrap().into_inner();
        let departure = self.logistics.push_departure(self.departure(of)).await.unwrap().into_inner();
        assert_eq!((arrival.matched, departure.matched), (0, 0));
        self.ids.extend(self.town.submit(&self.orders[of..]).await);
        self.town.reach(&self.ids[of..], Kind::Inventory, State::Closed).await;
        rig::until(LONGEST, "goods that came before", || async {
            let whereabouts = self.get(of).await.whereabouts.unwrap();
            whereabouts.on_manifest_at.is_some() && whereabouts.arrived_at.is_some() && whereabouts.left_at.is_some()
        })
        .await;
        let shown = self.get(of).await;
        assert_eq!(shown.whereabouts.unwrap().bill_no, format!("BILL{of}"));
        assert!(!shown.deadlines.iter().any(|deadline| deadline.kind() == proto::DeadlineKind::CutOff), "the goods are there");
        let whys = self.town.whys(self.ids[of]).await;
        for act in ["manifest", "arrival", "departure"] {
            assert_eq!(whys.iter().filter(|(done, why)| done == act && why == "it came before the declaration").count(), 1, "{whys:?}");
        }
        let request = proto::GetFollowUpRequest { id: manifest.id, ..Default::default() };
        assert_eq!(self.declarations.get_follow_up(request).await.unwrap().into_inner().matched, 1);
    }

    async fn take_back(&self) {
        let order = &self.orders[3];
        let (line, declared) = (&order["inventory"]["lines"][0], &order["order"]["lines"][0]);
        let of = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let request = proto::DeclareReturnRequest {
            goods_return: Some(proto::GoodsReturn {
                declared_at: text(order, "/inventory/declared_at"),
                platform: party(order, "/order/platform"),
                seller: party(order, "/order/seller"),
                carrier: party(order, "/inventory/carrier"),
                waybill_no: "BACK1".into(),
                inventory_no: self.inventory_no(3).await,
                trade_mode: "9661".into(),
                declarant: party(order, "/inventory/declarant"),
                bill_no: "BACK1".into(),
                transport: text(order, "/inventory/transport"),
                vehicle: "粤海示例02".into(),
                voyage: "V2612".into(),
                enters_at: text(order, "/inventory/declared_at"),
                reason: "买家退货".into(),
                country: text(order, "/inventory/country"),
                lines: vec![proto::ReturnLine {
                    number: "1".into(),
                    hs_code: of(line, "hs_code"),
                    customs_name: of(line, "customs_name"),
                    specification: of(line, "specification"),
                    quantity: of(declared, "quantity"),
                    unit: of(declared, "unit"),
                    legal_quantity: of(line, "legal_quantity"),
                    legal_unit: of(line, "legal_unit"),
                    second_quantity: of(line, "second_quantity"),
                    second_unit: of(line, "second_unit"),
                    note: String::new(),
                }],
                ..proto::GoodsReturn::default()
            }),
            handling: None,
        };
        let kept = self.declarations.clone().declare_return(request.clone()).await.unwrap().into_inner();
        let mut again = request;
        again.goods_return.as_mut().unwrap().reason = "再次退货".into();
        let too_much = self.declarations.clone().declare_return(again).await.unwrap_err();
        assert!(rules(&too_much).contains("R-TOO-MUCH"), "all of it has come back already");
        self.follow_up_reaches(&kept.id, proto::DocumentState::Released).await;
        rig::until(LONGEST, "a decision on what came back", || async {
            let line = self.get(3).await.advice.unwrap().lines.remove(0);
            line.part == "returned" && line.reasons.iter().any(|reason| reason.code == "N-RETURNED")
        })
        .await;
    }

    async fn sum_one(&self) {
        let id = self.ids[4].to_string();
        let shown = self.get(4).await;
        assert!(shown.deadlines.iter().any(|deadline| deadline.kind() == proto::DeadlineKind::Summary));
        let preview = self.declarations.clone().preview_summary(proto::PreviewSummaryRequest::default()).await.unwrap().into_inner();
        let number = self.inventory_no(4).await;
        assert!(preview.groups.iter().any(|group| group.inventory_nos == [number.clone()]), "{preview:?}");
        let simplified = [0, 1, 3].into_iter().find(|of| text(&self.orders[*of], "/inventory/statistics") == "A").unwrap();
        let named =
            proto::PreviewSummaryRequest { inventory_nos: vec![self.inventory_no(simplified).await, "none".into()], by_owner: true };
        let preview = self.declarations.clone().preview_summary(named).await.unwrap().into_inner();
        assert_eq!((preview.groups.len(), preview.left_out.len()), (0, 2), "one is of the A kind, one is none");
        let order = &self.orders[4];
        let request = proto::ApplySummaryRequest {
            summary: Some(proto::Summary {
                declared_at: text(order, "/inventory/declared_at"),
                declarant: party(order, "/inventory/declarant"),
                seller: party(order, "/order/seller"),
                customs_declarant: party(order, "/inventory/declarant"),
                by_item_name: true,
                inventory_nos: vec![number],
                ..proto::Summary::default()
            }),
            handling: None,
        };
        let kept = self.declarations.clone().apply_summary(request.clone()).await.unwrap().into_inner();
        let mut other = request;
        other.summary.as_mut().unwrap().note = "再次汇总".into();
        let again = self.declarations.clone().apply_summary(other).await.unwrap_err();
        let found = rules(&again);
        assert!(found.contains("R-ASKED-ALREADY") || found.contains("R-NOT-TO-SUM"), "one summary is enough: {found}");
        self.follow_up_reaches(&kept.id, proto::DocumentState::Passed).await;
        rig::until(LONGEST, "a customs declaration's number", || async {
            self.get(4).await.customs_declaration.is_some_and(|summed| !summed.no.is_empty())
        })
        .await;
        let shown = self.get(4).await;
        assert!(!shown.deadlines.iter().any(|deadline| deadline.kind() == proto::DeadlineKind::Summary), "it is summed");
        let number = shown.customs_declaration.unwrap().no;
        let hits = self.town.gateway.store().find(None, &[number]).await.unwrap();
        assert_eq!(hits.iter().filter_map(|hit| hit.declaration).map(|id| id.to_string()).collect::<Vec<_>>(), [id]);
        let acts: Vec<_> = self.town.whys(self.ids[4]).await.into_iter().map(|(act, _)| act).collect();
        assert!(acts.iter().any(|act| act == "summed") && acts.iter().any(|act| act == "manifest"), "{acts:?}");
    }
}

async fn tell(database: Option<postgres::Options>, name: &str) {
    let mut story = Story::begin(database).await;
    story.amend_what_was_refused().await;
    story.town.reach(&story.ids, Kind::Inventory, State::Passed).await;
    story.cancel_one().await;
    for of in [0, 1, 3, 4] {
        story.travel(of).await;
    }
    story.overtake().await;
    story.take_back().await;
    story.sum_one().await;
    // What is closed stays as it is.
    let delete = proto::DeleteRequest { declaration_id: story.ids[0].to_string(), document: proto::DocumentKind::Inventory.into() };
    assert!(rules(&story.declarations.clone().delete(delete).await.unwrap_err()).contains("R-STATE"));
    let unknown = proto::DeleteRequest { declaration_id: uuid::Uuid::nil().to_string(), document: proto::DocumentKind::Order.into() };
    assert_eq!(story.declarations.clone().delete(unknown).await.unwrap_err().code(), Code::NotFound);
    let counts = story.town.gateway.store().counts(None).await.unwrap();
    assert!(counts.iter().all(|count| count.count > 0) && counts.iter().any(|count| count.kind == Kind::Manifest));
    let (folder, report) = story.town.end().await;
    assert_eq!((report.closed, report.kinds[&Kind::Inventory].withdrawn), (5, 1));
    check_sent(folder.path(), name);
    check_answers(folder.path());
}

/// All that was sent is signed, by one kind of card or the other, and is kept if somebody wants it.
fn check_sent(folder: &Path, name: &str) {
    let kept = std::env::var_os(KEEP).map(|kept| PathBuf::from(kept).join(name));
    let mut algorithms = std::collections::BTreeSet::new();
    let mut kinds = std::collections::BTreeSet::new();
    for road in tongguan::demo::ROADS {
        let sent = folder.join(road).join("sent");
        for entry in fs::read_dir(&sent).into_iter().flatten() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            let sealed = rig::payload(&bytes);
            algorithms.insert(format!("{:?}", seal::verify(&sealed, seal::Mode::Strict).unwrap().identity.algorithm()));
            kinds.insert(message::parse_request(&sealed).unwrap().kind.number());
            if let Some(kept) = &kept {
                let place = kept.join(road);
                fs::create_dir_all(&place).unwrap();
                fs::write(place.join(path.file_name().unwrap()), bytes).unwrap();
            }
        }
    }
    assert_eq!(algorithms.len(), 2, "{algorithms:?}");
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), [213, 303, 505, 507, 509, 603, 605, 607, 701]);
}

/// Whatever customs said has a meaning that is told.
fn check_answers(folder: &Path) {
    let receipts = rig::answered(folder);
    assert!(receipts.len() > 50, "{}", receipts.len());
    for receipt in receipts {
        let kind = receipt.key.kind();
        let explained = receipt::explain(kind, &receipt.code, &receipt.info);
        let told = format!("{kind:?} {} {}: {}", receipt.code, receipt.info, explained.meaning_en);
        let is_unknown =
            ["its meaning is not published", "the code is not published"].iter().any(|said| explained.meaning_en.contains(said));
        assert!(!is_unknown, "{told}");
        assert!(!explained.next_zh.is_empty() && !explained.next_en.is_empty(), "{told}");
    }
}

#[tokio::test]
async fn a_parcels_story_is_told_to_its_end_on_sqlite() {
    tell(None, "sqlite").await;
}

#[tokio::test]
async fn a_parcels_story_is_told_to_its_end_on_postgresql() {
    let (_, options) = database(rig::postgres::shared()).await;
    tell(Some(options), "postgresql").await;
}
