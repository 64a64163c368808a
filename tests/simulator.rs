//! The simulated customs through its folders, and the demonstration's data.

use std::{fs, path::Path, sync::Arc, time::Duration};

use serde::Deserialize;
use tempfile::TempDir;
use tongguan::{
    check::{self, Taken, TakenWaybill},
    clock::{Clockwork, ManualClock, SeededEntropy, Timestamp, day_to_wire, parse_day},
    codes,
    declaration::{Action, Declaration, DeclarationId, DocumentGuid, DocumentId, EnterpriseNo, Kind, MessageId, Waybill, draft, wire_guid},
    dossier::{Content, Document},
    message::{self, Outgoing, dxp},
    party::{self, Party, Sender, Tenant},
    receipt::{Answer, Receipt},
    simulator::{Delays, Matching, Oddities, Office, Options, Script, Signatures},
    state::State,
};
use uuid::Uuid;

const ORDERS: &str = include_str!("../src/demo/orders.jsonl");
const WAYBILLS: &str = include_str!("../src/demo/waybills.jsonl");
const EXPECTED: &str = include_str!("../src/demo/expected.tsv");
const SELLERS: &str = include_str!("../src/demo/sellers.toml");
const DAY: &str = "20261123";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    idempotency_key: String,
    order: draft::Order,
    inventory: draft::Inventory,
}

fn drafts() -> Vec<draft::Declaration> {
    let read = |line| {
        let Line { idempotency_key, order, mut inventory } = serde_json::from_str(line).unwrap();
        assert_eq!(idempotency_key, format!("demo-{}", order.order_no));
        assert_eq!(inventory.exit_date, "", "the day of the demonstration is filled in when it is loaded");
        inventory.exit_date = DAY.to_owned();
        draft::Declaration { order, inventory }
    };
    ORDERS.lines().map(read).collect()
}

fn waybills() -> Vec<draft::Waybill> {
    WAYBILLS.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn expected(order_no: &str) -> Option<(&'static str, &'static str)> {
    let columns = EXPECTED.lines().map(|row| row.split('\t').collect::<Vec<_>>());
    columns.into_iter().find(|columns| columns[0] == order_no).map(|columns| (columns[1], columns[2]))
}

#[test]
fn the_demonstration_has_its_faults_and_no_others() {
    let today = parse_day(DAY).unwrap();
    let drafts = drafts();
    assert_eq!(drafts.len(), 200);
    let mut numbers: Vec<_> = drafts.iter().map(|draft| draft.order.order_no.as_str()).collect();
    for draft in &drafts {
        let no = &draft.order.order_no;
        let outcome = expected(no);
        match check::check(draft, &Taken::default(), today) {
            Ok(checked) => {
                assert!(outcome.is_none_or(|(outcome, _)| outcome != "finding"), "{no} should not be accepted");
                assert!(checked.warnings().is_empty(), "{no}: {:?}", checked.warnings());
            }
            Err(findings) => {
                let rules: Vec<_> = findings.list().iter().map(|finding| finding.rule.as_str()).collect();
                assert!(outcome.is_some_and(|(_, rule)| rules.contains(&rule)), "{no}: {rules:?}");
            }
        }
    }
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 200);
    assert_eq!(EXPECTED.lines().filter(|row| row.contains("\tfinding\t")).count(), 10);
}

#[test]
fn every_good_order_of_the_demonstration_has_its_waybill() {
    let today = parse_day(DAY).unwrap();
    let waybills = waybills();
    for waybill in &waybills {
        check::check_waybill(waybill, &TakenWaybill::default(), today).unwrap();
    }
    let bound = |draft: &draft::Declaration| {
        let named = |waybill: &&draft::Waybill| match &waybill.order {
            Some(order) => order.order_no == draft.order.order_no,
            None => waybill.waybill_no == draft.inventory.waybill_no,
        };
        waybills.iter().filter(named).count()
    };
    for draft in drafts() {
        let refused = expected(&draft.order.order_no).is_some_and(|(outcome, _)| outcome == "finding");
        assert_eq!(bound(&draft), usize::from(!refused), "{}", draft.order.order_no);
    }
}

#[test]
fn the_demonstration_is_of_guangzhou_and_dongguan() {
    let codes_of = SELLERS.lines().filter_map(|line| line.strip_prefix("code = \"")?.split('"').next());
    let sellers: Vec<_> = codes_of.collect();
    assert_eq!(sellers.len(), 6);
    assert!(sellers.iter().all(|code| party::is_credit_code(code)));
    let day = parse_day(DAY).unwrap();
    let (mut guangzhou, mut huangpu) = (0, 0);
    for draft in drafts().iter().filter(|draft| expected(&draft.order.order_no).is_none()) {
        assert!(sellers.contains(&draft.order.seller.code.as_str()));
        let office = &draft.inventory.declared_at;
        assert!(codes::office(office, day).is_some(), "{office}");
        match office.get(..2) {
            Some("51") => guangzhou += 1,
            Some("52") => huangpu += 1,
            _ => panic!("{office}"),
        }
    }
    assert!(guangzhou > 50 && huangpu > 50, "{guangzhou} {huangpu}");
}

/// A customs with its folders, and the gateway's side of them.
struct Stage {
    place: TempDir,
    clock: Arc<ManualClock>,
    options: Options,
    office: Office,
    made: u128,
}

const ROADS: [&str; 2] = ["guangzhou", "huangpu"];

impl Stage {
    fn new(options: Options) -> Self {
        let place = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::parse_seconds("20261123100000").unwrap()));
        let options = Options { dir: place.path().to_owned(), roads: ROADS.map(str::to_owned).to_vec(), ..options };
        let office = Office::open(options.clone(), clockwork(&clock)).unwrap();
        Self { place, clock, options, office, made: 0 }
    }

    fn folder(&self, road: &str, name: &str) -> std::path::PathBuf {
        self.place.path().join(road).join(name)
    }

    fn restart(&mut self) {
        self.office = Office::open(self.options.clone(), clockwork(&self.clock)).unwrap();
    }

    fn guid(&mut self) -> Uuid {
        self.made += 1;
        Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | self.made)
    }

    /// The bytes of a message, not signed, in its envelope.
    fn message(&mut self, kind: Kind, guid: Uuid, contents: &[(Uuid, Content, &str)]) -> Vec<u8> {
        let documents: Vec<_> = contents.iter().map(|(guid, ..)| document(kind, *guid)).collect();
        let outgoing: Vec<_> = documents
            .iter()
            .zip(contents)
            .map(|(document, (_, content, waybill_no))| Outgoing { document, content, waybill_no })
            .collect();
        let now = self.clock_now();
        let payload = message::compose(kind, MessageId(guid), &sender(), &outgoing, now).unwrap();
        envelope(&payload, guid, message::wire_type(kind), now)
    }

    fn clock_now(&self) -> Timestamp {
        use tongguan::clock::Clock;
        self.clock.now()
    }

    fn put(&self, road: &str, name: &str, bytes: &[u8]) {
        fs::write(self.folder(road, "out").join(name), bytes).unwrap();
    }

    fn send(&mut self, road: &str, kind: Kind, contents: &[(Uuid, Content, &str)]) -> (String, Vec<u8>) {
        let guid = self.guid();
        let bytes = self.message(kind, guid, contents);
        let name = format!("{}_{}.xml", message::wire_type(kind), wire_guid(guid));
        self.put(road, &name, &bytes);
        (name, bytes)
    }

    /// Lets time go by until nothing more happens; gives the answers of a road, and takes them away.
    fn play(&mut self, road: &str) -> Vec<Answer> {
        for _ in 0..200 {
            self.office.pass().unwrap();
            self.clock.advance(Duration::from_millis(50));
        }
        self.answers(road)
    }

    fn answers(&self, road: &str) -> Vec<Answer> {
        let mut answers = Vec::new();
        for (name, bytes) in files(&self.folder(road, "in")) {
            let payload = match dxp::open(&bytes) {
                Ok(dxp::Opened::Envelope(envelope)) => envelope.data,
                Ok(_) => bytes,
                Err(_) => {
                    assert!(name.starts_with("garbage"), "{name}");
                    Vec::new()
                }
            };
            if !payload.is_empty() {
                answers.push(message::parse_answer(&payload).unwrap());
            }
            fs::remove_file(self.folder(road, "in").join(name)).unwrap();
        }
        answers
    }
}

fn clockwork(clock: &Arc<ManualClock>) -> Clockwork {
    Clockwork::new(clock.clone(), Arc::new(SeededEntropy::new(9)))
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

fn envelope(payload: &[u8], guid: Uuid, msg_type: &str, at: Timestamp) -> Vec<u8> {
    let id = wire_guid(guid);
    let address = dxp::Address { cop_msg_id: &id, sender: &sender().dxp_id, receiver: dxp::EXPORT_RECEIVER, at, msg_type };
    dxp::wrap(&address, payload, "").unwrap()
}

fn sender() -> Sender {
    Sender {
        name: "declarant".to_owned(),
        party: Party { code: "91440101MA5TG07G5B".to_owned(), name: "广州南粤通关服务有限公司（示例）".to_owned() },
        dxp_id: "DXPENT0000000001".to_owned(),
        signer: "declarant".to_owned(),
        road: ROADS[0].to_owned(),
    }
}

fn document(kind: Kind, guid: Uuid) -> Document {
    Document {
        id: DocumentId(guid),
        version: 1,
        tenant: Tenant::local(),
        declaration: Some(DeclarationId(guid)),
        kind,
        action: Action::Add,
        guid: DocumentGuid(guid),
        sender: "declarant".to_owned(),
        road: ROADS[0].to_owned(),
        enterprise_no: Some(EnterpriseNo::from_id(guid)),
        port_no: None,
        inventory_no: None,
        state: State::Due,
        last_word: None,
        needed_by: Timestamp::NEVER,
        gate_at: None,
        lot: None,
        packed: 0,
        message: None,
    }
}

/// A parcel of the demonstration, checked: its declaration and its waybill.
fn parcel(index: usize) -> (Arc<Declaration>, Arc<Waybill>) {
    let today = parse_day(DAY).unwrap();
    let draft = drafts().swap_remove(index);
    let (declaration, _) = check::check(&draft, &Taken::default(), today).unwrap().into_parts();
    let of = |waybill: &&draft::Waybill| match &waybill.order {
        Some(order) => order.order_no == draft.order.order_no,
        None => waybill.waybill_no == draft.inventory.waybill_no,
    };
    let waybills = waybills();
    let (waybill, ..) = check::check_waybill(waybills.iter().find(of).unwrap(), &TakenWaybill::default(), today).unwrap().into_parts();
    (Arc::new(declaration), Arc::new(waybill))
}

fn content(kind: Kind, parcel: &(Arc<Declaration>, Arc<Waybill>)) -> Content {
    match kind {
        Kind::Waybill => Content::Waybill(parcel.1.clone()),
        Kind::Order | Kind::Inventory => Content::Declaration(parcel.0.clone()),
    }
}

fn quick() -> Options {
    Options {
        delays: Delays::DEMO,
        oddities: Oddities::none(),
        signatures: Signatures::Ignored,
        receipts_per_message: 100,
        ..Options::default()
    }
}

fn receipts(answers: &[Answer]) -> Vec<Receipt> {
    let each = answers.iter().flat_map(|answer| match answer {
        Answer::Receipts(receipts) => receipts.clone(),
        Answer::Format(_) | Answer::Transport(_) => Vec::new(),
    });
    let mut receipts: Vec<_> = each.collect();
    receipts.sort_by_key(|receipt| receipt.at);
    receipts
}

fn codes_of(answers: &[Answer], kind: Kind) -> Vec<String> {
    receipts(answers).into_iter().filter(|receipt| receipt.key.kind() == kind).map(|receipt| receipt.code).collect()
}

const LIFE: [&str; 5] = ["2", "120", "399", "800", "899"];

#[test]
fn a_parcel_lives_its_life_over_two_roads_and_both_matchings() {
    for matching in [Matching::Each, Matching::Together] {
        let mut stage = Stage::new(Options { matching, ..quick() });
        let parcel = parcel(0);
        let waybill_no = parcel.1.waybill_no.clone();
        for (road, kind) in [(ROADS[0], Kind::Order), (ROADS[1], Kind::Waybill), (ROADS[0], Kind::Inventory)] {
            let guid = stage.guid();
            stage.send(road, kind, &[(guid, content(kind, &parcel), &waybill_no)]);
        }
        let first = stage.play(ROADS[0]);
        let second = stage.answers(ROADS[1]);
        assert_eq!(codes_of(&first, Kind::Order), ["2", "120"]);
        assert_eq!(codes_of(&second, Kind::Waybill), ["2", "120"]);
        assert_eq!(codes_of(&first, Kind::Inventory), LIFE);
        let last = receipts(&first).into_iter().next_back().unwrap();
        let day = day_to_wire(stage.clock_now().day());
        assert!(last.port_no.unwrap().0.starts_with(&format!("B{day}")));
        let office = &parcel.0.inventory.declared_at;
        assert!(last.inventory_no.unwrap().0.starts_with(&format!("{office}{}E", stage.clock_now().day().year())));
        let report = stage.office.report();
        assert_eq!((report.messages, report.closed, report.declared_twice.len()), (3, 1, 0));
        assert_eq!(files(&stage.folder(ROADS[0], "sent")).len(), 2);
        assert_eq!(files(&stage.folder(ROADS[0], "out")).len(), 0);
        assert!(files(&stage.folder(ROADS[0], "received")).len() >= 5);
    }
}

#[test]
fn what_is_taken_twice_is_kept_once_and_counted_only_if_it_differs() {
    let mut stage = Stage::new(quick());
    let parcel = parcel(0);
    let guid = stage.guid();
    let order = [(guid, content(Kind::Order, &parcel), "")];
    let (name, bytes) = stage.send(ROADS[0], Kind::Order, &order);
    stage.play(ROADS[0]);
    stage.put(ROADS[0], &name, &bytes);
    let again = stage.play(ROADS[0]);
    assert_eq!(codes_of(&again, Kind::Order), ["-304001"]);
    assert_eq!(files(&stage.folder(ROADS[0], "sent")).len(), 1);
    let report = stage.office.report();
    assert_eq!((report.delivered_again, report.declared_twice.len(), report.renamed), (1, 0, 0));

    stage.send(ROADS[1], Kind::Order, &order);
    stage.play(ROADS[1]);
    assert_eq!(stage.office.report().declared_twice.len(), 1, "another message with the same document");

    let guid = stage.guid();
    let other = stage.message(Kind::Order, Uuid::parse_str(name.split(['_', '.']).nth(1).unwrap()).unwrap(), &[(guid, order[0].1.clone(), "")]);
    stage.put(ROADS[0], &name, &other);
    stage.play(ROADS[0]);
    let report = stage.office.report();
    assert_eq!((report.declared_twice.len(), report.renamed), (2, 1));
    assert_eq!(files(&stage.folder(ROADS[0], "sent")).len(), 2);
}

#[test]
fn a_bad_signature_and_a_bad_envelope_are_answered_by_the_platform() {
    let mut stage = Stage::new(Options { signatures: Signatures::Strict, ..quick() });
    let parcel = parcel(0);
    let guid = stage.guid();
    stage.send(ROADS[0], Kind::Order, &[(guid, content(Kind::Order, &parcel), "")]);
    let message = message::compose(Kind::Order, MessageId(guid), &sender(), &[], stage.clock_now());
    assert!(message.is_err(), "there is no message without documents");
    let at = stage.clock_now();
    stage.put(ROADS[0], "wrong-type.xml", &envelope(b"<a/>", guid, "CEB303Message", at));
    stage.put(ROADS[0], "plain.xml", &unsigned(&mut stage_guid(), &parcel, at));
    let answers = stage.play(ROADS[0]);
    let mut said: Vec<_> = answers
        .iter()
        .map(|answer| match answer {
            Answer::Transport(receipt) => receipt.code.clone(),
            Answer::Format(receipt) => receipt.code.clone(),
            Answer::Receipts(_) => panic!("nothing was taken"),
        })
        .collect();
    said.sort();
    assert_eq!(said, ["-999999", "-999999", "1001"]);
    assert_eq!(stage.office.report().refused_messages, 3);
    assert!(stage.office.report().documents.is_empty());
}

fn stage_guid() -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_FFFF_0001)
}

/// A message without an envelope and without a signature.
fn unsigned(guid: &mut Uuid, parcel: &(Arc<Declaration>, Arc<Waybill>), at: Timestamp) -> Vec<u8> {
    let document = document(Kind::Order, *guid);
    let outgoing = Outgoing { document: &document, content: &content(Kind::Order, parcel), waybill_no: "" };
    message::compose(Kind::Order, MessageId(*guid), &sender(), &[outgoing], at).unwrap()
}

#[test]
fn a_message_that_holds_poison_is_refused_whole_and_the_others_may_go_alone() {
    let mut stage = Stage::new(Options { script: Script::read(EXPECTED), ..quick() });
    let good = parcel(0);
    let poison = drafts().iter().position(|draft| expected(&draft.order.order_no).is_some_and(|(outcome, _)| outcome == "poison"));
    let poison = parcel(poison.unwrap());
    let (a, b) = (stage.guid(), stage.guid());
    let (name, _) = stage.send(ROADS[0], Kind::Order, &[(a, content(Kind::Order, &good), ""), (b, content(Kind::Order, &poison), "")]);
    let answers = stage.play(ROADS[0]);
    assert!(matches!(&answers[..], [Answer::Format(receipt)] if name.contains(&receipt.original) && receipt.code.starts_with('-')));
    stage.send(ROADS[0], Kind::Order, &[(a, content(Kind::Order, &good), "")]);
    assert_eq!(codes_of(&stage.play(ROADS[0]), Kind::Order), ["2", "120"]);
    stage.send(ROADS[0], Kind::Order, &[(b, content(Kind::Order, &poison), "")]);
    assert!(matches!(&stage.play(ROADS[0])[..], [Answer::Format(_)]));
    assert_eq!(stage.office.report().declared_twice.len(), 0);
}

#[test]
fn garbage_on_the_road_is_set_aside_and_stops_nothing() {
    let mut stage = Stage::new(quick());
    let parcel = parcel(0);
    let guid = stage.guid();
    let (_, bytes) = stage.send(ROADS[0], Kind::Order, &[(guid, content(Kind::Order, &parcel), "")]);
    stage.put(ROADS[0], "truncated.xml", &bytes[..bytes.len() / 2]);
    stage.put(ROADS[0], "garbage", &[0xff; 1_000]);
    stage.put(ROADS[0], "empty.xml", b"");
    stage.put(ROADS[0], ".half.xml.part", &bytes[..10]);
    fs::create_dir(stage.folder(ROADS[0], "out").join("folder.xml")).unwrap();
    assert_eq!(codes_of(&stage.play(ROADS[0]), Kind::Order), ["2", "120"]);
    assert_eq!(stage.office.report().unreadable, 3);
    let aside = files(&stage.folder(ROADS[0], "unreadable"));
    assert_eq!(aside.iter().filter(|(name, reason)| name.ends_with(".reason.txt") && !reason.is_empty()).count(), 3);
    assert_eq!(aside.len(), 6);
}

/// Sends the first parcels of the demonstration, all kinds, some to a message.
fn send_many(stage: &mut Stage) {
    let parcels: Vec<_> = (0..15).map(parcel).collect();
    for kind in Kind::ALL {
        for (some, road) in parcels.chunks(5).zip([ROADS[0], ROADS[1], ROADS[0]]) {
            let contents: Vec<_> = some.iter().map(|parcel| (stage.guid(), content(kind, parcel), parcel.1.waybill_no.as_str())).collect();
            stage.send(road, kind, &contents);
        }
    }
}

fn everything(stage: &mut Stage) -> Vec<Receipt> {
    let first = stage.play(ROADS[0]);
    let second = stage.answers(ROADS[1]);
    receipts(&[first, second].concat())
}

#[test]
fn after_a_restart_customs_is_the_same_and_says_what_it_had_not_said() {
    let mut stage = Stage::new(quick());
    send_many(&mut stage);
    let mut early = Vec::new();
    for _ in 0..4 {
        stage.office.pass().unwrap();
        stage.clock.advance(Duration::from_millis(50));
    }
    for road in ROADS {
        early.extend(stage.answers(road));
    }
    let before = stage.office.report();
    stage.restart();
    let late = everything(&mut stage);
    let after = stage.office.report();
    assert!(!early.is_empty() && before.closed < 15);
    assert_eq!((after.messages, &after.documents, after.closed), (before.messages, &before.documents, 15));
    let mut codes: Vec<_> = receipts(&early).into_iter().chain(late).map(|receipt| (format!("{:?}", receipt.key), receipt.code)).collect();
    let all = codes.len();
    codes.sort();
    codes.dedup();
    assert_eq!((all, codes.len()), (15 * 9, 15 * 9), "each word once, none lost");
    stage.restart();
    assert_eq!(everything(&mut stage).len(), 0, "everything was said");
    assert_eq!(stage.office.report(), after);
}

#[test]
fn the_same_seed_says_the_same() {
    let run = |seed| {
        let mut stage = Stage::new(Options { seed, oddities: Oddities { silence: 0, time_out: 0, ..Oddities::demo() }, ..quick() });
        send_many(&mut stage);
        let said: Vec<_> = everything(&mut stage).into_iter().map(|receipt| (receipt.key, receipt.code)).collect();
        let mut said: Vec<_> = said.into_iter().map(|pair| format!("{pair:?}")).filter(|said| !said.contains("OTHER")).collect();
        said.sort();
        (said, stage.office.report().closed)
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3).0, run(4).0);
}

#[test]
fn under_every_oddity_a_gateway_that_sends_again_sees_everything_close() {
    let oddities = Oddities { silence: 500, time_out: 500, shell: 500, zero_byte: 500, repeat: 300, late: 300, garbage: 300, stranger: 300, ..Oddities::demo() };
    let mut stage = Stage::new(Options { oddities: Oddities { port_failed: 0, ..oddities }, receipts_per_message: 3, ..quick() });
    let mut sent = Vec::new();
    send_many(&mut stage);
    for road in ROADS {
        sent.extend(files(&stage.folder(road, "out")).into_iter().map(|(name, bytes)| (road, name, bytes)));
    }
    everything(&mut stage);
    for (road, name, bytes) in &sent {
        stage.put(road, name, bytes);
    }
    let said = everything(&mut stage);
    let report = stage.office.report();
    assert_eq!((report.closed, report.declared_twice.len()), (15, 0), "{report:?}");
    assert!(report.silenced > 0 && report.delivered_again > 0);
    assert!(!said.is_empty());
}
