//! What sellers record for the exemption, through the door, on both stores: each call, what it does to decisions, and what is refused.

use std::{sync::Arc, time::Duration};

use prost::Message;
use tongguan::{
    clock::parse_day,
    declaration::{DeclarationId, Kind},
    dossier::{Document, LastWord},
    exemption::{self, Language, ListStatus, Override, Page, Settings},
    grpc::{self, proto::*},
    ledgers,
    party::Role,
    redecider::Redecider,
    state::State,
    store::{Application, Change, EntryFilter},
    task::Task,
};
use tonic::{Code, Status};

mod commands;

use super::{
    ledgers::export,
    samples::{inventory, submit},
    world::{World, world_on},
};
use crate::store::Backend;

const SELLER: &str = "91440101MA5CXXXX1B";

/// Makes two tests of each function named: one for each backend.
macro_rules! on_each_store {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::opened(crate::store::Backend::Sqlite).await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::opened(crate::store::Backend::Postgres).await).await;
            })*
        }
    };
}

on_each_store!(
    a_registration_a_statement_and_evidence_make_a_line_evidence_complete,
    a_filing_ends_the_deadlines_and_a_voucher_contradicts_none,
    a_refund_is_given_up_only_by_name,
    everything_wrong_with_a_record_is_told_at_once,
    the_same_record_is_kept_once_and_persons_stay_out_of_the_log,
    nobody_records_for_another,
    what_would_be_advised_is_kept_nowhere,
    another_basis_has_everything_decided_again_once,
    refunds_beside_deemed_profit_in_a_year_are_told,
);

async fn opened(backend: Backend) -> World {
    let kept = backend.world().await;
    let store = Arc::clone(&kept.handles[0]);
    let given = Override { name: "test".into(), reason: "a test".into() };
    let settings = Settings { regime_override: Some(given), ..Settings::default() };
    let keys = [("acme", "acme", Role::Seller), ("rival", "rival", Role::Seller), ("desk", "house", Role::Operator)];
    world_on(store, Box::new(kept), &keys, grpc::Options::default(), settings).await
}

/// An order that is exported today.
fn today(order_no: &str) -> SubmitRequest {
    let mut request = submit(order_no, &format!("W{order_no}"));
    inventory(&mut request).exit_date = "20261123".into();
    request
}

/// Submits it and has its list closed, with a decision on that, as the collector would.
async fn closed(world: &World, request: SubmitRequest) -> DeclarationId {
    let id = world.declarations("acme").submit(request).await.unwrap().into_inner().declaration_id;
    let id = DeclarationId(id.parse().unwrap());
    let dossier = world.store.show(None, id).await.unwrap().unwrap().dossier;
    let on = Some(world.now().day());
    let decided = world.advisor.assess(&dossier.declaration, &dossier.recorded, ListStatus::Closed { on }, world.now().day());
    let list = dossier.document(Kind::Inventory).unwrap().clone();
    let word = LastWord { code: "899".into(), at: world.now(), info: String::new() };
    let change = Change {
        expected: vec![(list.id, list.version)],
        documents: vec![Document { state: State::Closed, gate_at: None, last_word: Some(word), ..list }],
        assessment: Some((id, decided.to_kept())),
        deadlines: tongguan::intake::deadlines::filing(&dossier, &decided),
        ..Change::default()
    };
    world.store.apply(world.now(), Application { changes: vec![change], ..Application::default() }).await.unwrap();
    id
}

/// Lets what is to be decided again be decided, as its task does.
async fn decided(world: &World) {
    world.wait(Duration::from_secs(4));
    let redecider = Redecider::new(Arc::clone(&world.store), world.clockwork.clone(), Arc::clone(&world.advisor));
    while redecider.pass().await.unwrap() > 0 {}
}

/// Outcome, stage and codes of the first line, as Get shows them.
async fn advice(world: &World, id: DeclarationId) -> (String, String, Vec<String>) {
    let got =
        world.declarations("acme").get(GetRequest { declaration_id: id.to_string(), ..Default::default() }).await.unwrap().into_inner();
    let line = got.advice.unwrap().lines.remove(0);
    (line.outcome, line.stage, line.reasons.into_iter().map(|reason| reason.code).collect())
}

fn profile() -> PutSellerRequest {
    let seller = SellerProfile {
        code: SELLER.into(),
        kind: "enterprise".into(),
        role: "exporter".into(),
        city: "广州".into(),
        taxpayer: "general".into(),
        income_tax: "deemed".into(),
        platform_zone: "广州".into(),
        platform_reg_no: "GZ-0001".into(),
        ..SellerProfile::default()
    };
    PutSellerRequest { seller: Some(seller), ..PutSellerRequest::default() }
}

fn registration(order_no: &str) -> RecordRegistrationRequest {
    let line = RegisteredLine {
        order_no: order_no.into(),
        line: 1,
        record_no: "R-2026-1".into(),
        export_date: "2026-11-23".into(),
        name: "手提包".into(),
        unit: "011".into(),
        quantity: "2".into(),
        price: "49.99".into(),
        amount: "99.98".into(),
        ..RegisteredLine::default()
    };
    RecordRegistrationRequest { platform: "广州".into(), confirmed_on: "2026-11-23".into(), lines: vec![line], ..Default::default() }
}

fn statement() -> RecordStatementRequest {
    RecordStatementRequest {
        seller: SELLER.into(),
        from: "2026-11-01".into(),
        to: "2026-11-23".into(),
        signed_on: "2026-11-23".into(),
        signed_by: "王小明".into(),
        ..Default::default()
    }
}

fn of_order(order_no: &str) -> Vec<OrderLines> {
    vec![OrderLines { order_no: order_no.into(), ..OrderLines::default() }]
}

fn evidence(order_no: &str, what: &str) -> RecordEvidenceRequest {
    RecordEvidenceRequest {
        orders: of_order(order_no),
        what: what.into(),
        number: format!("{what}-1"),
        on: "2026-11-20".into(),
        ..Default::default()
    }
}

/// The rules that were broken, and where.
fn broken(refused: &Status) -> Vec<(String, String)> {
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
    let status = tonic_types::pb::Status::decode(refused.details()).unwrap();
    let any = status.details.iter().find(|any| any.type_url.ends_with("tongguan.v1.Findings")).unwrap();
    let findings = Findings::decode(any.value.as_slice()).unwrap().findings;
    findings.into_iter().map(|finding| (finding.path, finding.rule)).collect()
}

fn expected(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(path, rule)| ((*path).to_owned(), (*rule).to_owned())).collect()
}

async fn a_registration_a_statement_and_evidence_make_a_line_evidence_complete(world: World) {
    let mut door = world.exemptions("acme");
    let id = closed(&world, today("A1")).await;
    assert!(advice(&world, id).await.2.contains(&"N-PLATFORM-UNREG".to_owned()));

    door.put_seller(profile()).await.unwrap();
    decided(&world).await;
    let (outcome, stage, codes) = advice(&world, id).await;
    assert_eq!((outcome.as_str(), stage.as_str(), codes), ("NOT_ELIGIBLE", "customs-final", vec!["N-LINE-UNREG".to_owned()]));

    let kept = door.record_registration(registration("A1")).await.unwrap().into_inner();
    assert_eq!((kept.lines, kept.declarations), (1, 1));
    decided(&world).await;
    let (outcome, stage, codes) = advice(&world, id).await;
    assert_eq!((outcome.as_str(), stage.as_str()), ("EXEMPT_NO_INVOICE", "customs-final"), "registered, not yet proved");
    assert!(codes.contains(&"OK-103".to_owned()), "{codes:?}");

    door.record_statement(statement()).await.unwrap();
    for what in ["contract", "payment", "agency"] {
        door.record_evidence(evidence("A1", what)).await.unwrap();
    }
    decided(&world).await;
    let (outcome, stage, _) = advice(&world, id).await;
    assert_eq!((outcome.as_str(), stage.as_str()), ("EXEMPT_NO_INVOICE", "evidence-complete"));

    // Every decision stays, with what it was made from; what changed and why stands in the log.
    let shown = world.store.show(None, id).await.unwrap().unwrap();
    let papers: Vec<_> = shown.assessments.iter().map(|kept| exemption::read(kept).unwrap()).collect();
    assert!(papers.len() >= 4, "{}", papers.len());
    let heading = ledgers::heading(&shown.dossier);
    let page = Page { heading: &heading, papers: &papers }.text(Language::Zh);
    for told in ["广州平台 R-2026-1", "无票声明 2026-11-23", "代理协议 2026-11-20", "EXEMPT_NO_INVOICE"] {
        assert!(page.contains(told), "{told} in {page}");
    }
    let filter = EntryFilter { subjects: Some(vec![id.0]), act: Some("decide".into()), pending: true, limit: 100, ..Default::default() };
    let entries = world.store.entries(filter).await.unwrap();
    let told = entries.iter().flat_map(|placed| &placed.entry.changes).find(|change| change.to.starts_with("EXEMPT_NO_INVOICE"));
    let told = told.expect("the entry of the registration");
    assert!(told.field == "exemption.line.1" && told.from.starts_with("NOT_ELIGIBLE customs-final [N-LINE-UNREG]"), "{told:?}");
    assert!(entries.iter().any(|placed| placed.entry.why.starts_with("registration ")), "{entries:?}");

    // Once decided, nothing is decided again.
    let before = world.store.show(None, id).await.unwrap().unwrap().assessments.len();
    decided(&world).await;
    assert_eq!(world.store.show(None, id).await.unwrap().unwrap().assessments.len(), before);

    // The ledger for the platform has what was recorded.
    let asked = ExportLedgerRequest { ledger: Ledger::Registration.into(), form: LedgerForm::Jsonl.into(), ..Default::default() };
    let (text, _) = export(&world, "acme", asked).await.unwrap();
    let row: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!((&row["registration"], &row["platform"], &row["record_no"]), (&"equal".into(), &"广州".into(), &"R-2026-1".into()));
    world.stop().await;
}

async fn a_filing_ends_the_deadlines_and_a_voucher_contradicts_none(world: World) {
    let mut door = world.exemptions("acme");
    door.put_seller(profile()).await.unwrap();
    let id = closed(&world, today("A1")).await;
    let due = async |world: &World| {
        let found = world.declarations("acme").deadlines(DeadlinesRequest::default()).await.unwrap().into_inner().deadlines;
        found.iter().map(|due| (due.kind(), due.at.as_ref().unwrap().seconds)).collect::<Vec<_>>()
    };
    assert!(due(&world).await.is_empty(), "nothing is exempt yet");
    door.record_registration(registration("A1")).await.unwrap();
    decided(&world).await;
    let end = |day: &str| tongguan::clock::start_of(parse_day(day).unwrap()).0 / 1_000_000 + 86_399;
    let both = [(DeadlineKind::Filing, end("20270430")), (DeadlineKind::FilingEnd, end("20291123"))];
    assert_eq!(due(&world).await, both);

    let filing = RecordFilingRequest {
        seller: SELLER.into(),
        from: "2026-11-01".into(),
        to: "2026-11-23".into(),
        on: "2026-11-23".into(),
        number: "受理-1".into(),
        ..Default::default()
    };
    door.record_filing(filing).await.unwrap();
    decided(&world).await;
    assert!(due(&world).await.is_empty(), "filed");

    // A voucher of a line that was declared to have none.
    let invoice = |status: &str, number: &str| RecordInvoiceRequest {
        orders: of_order("A1"),
        status: status.into(),
        number: number.into(),
        ..Default::default()
    };
    door.record_invoice(invoice("ORDINARY", "0001")).await.unwrap();
    decided(&world).await;
    assert_eq!(advice(&world, id).await.2, ["N-INVOICE-CONFLICT"]);
    door.record_invoice(invoice("NONE", "")).await.unwrap();
    decided(&world).await;
    assert_eq!(advice(&world, id).await.0, "EXEMPT_NO_INVOICE", "the later record counts");
    world.stop().await;
}

async fn a_refund_is_given_up_only_by_name(world: World) {
    let mut door = world.exemptions("acme");
    door.put_seller(profile()).await.unwrap();
    let mut request = today("A1");
    inventory(&mut request).lines[0].invoice = "SPECIAL".into();
    let id = closed(&world, request).await;
    closed(&world, today("A2")).await;
    let choice = |order_no: &str| RecordChoiceRequest {
        orders: of_order(order_no),
        name: "李四".into(),
        amount: "13.00".into(),
        ..Default::default()
    };
    let before = advice(&world, id).await;
    assert_eq!(before.0, "REVIEW", "nobody gave up the refund yet: {before:?}");
    let refused = door.record_choice(choice("A2")).await.unwrap_err();
    assert_eq!(broken(&refused), expected(&[("orders[0]", "R-NOT-FORGONE")]));
    door.record_choice(choice("A1")).await.unwrap();
    decided(&world).await;
    let after = advice(&world, id).await;
    assert_eq!((after.0.as_str(), after.2), ("EXEMPT", vec!["X-SPECIAL-NO-DECL".to_owned()]));
    world.stop().await;
}

async fn everything_wrong_with_a_record_is_told_at_once(world: World) {
    let mut door = world.exemptions("acme");
    let mut wrong = profile();
    wrong.seller.as_mut().unwrap().code = "91440101MA5CXXXX1C".into();
    wrong.seller.as_mut().unwrap().city = String::new();
    let refused = door.put_seller(wrong).await.unwrap_err();
    assert_eq!(broken(&refused), expected(&[("code", "R-SELLER-CODE"), ("city", "R-TEXT")]));

    world.declarations("acme").submit(today("A1")).await.unwrap();
    let mut wrong = registration("A1");
    wrong.confirmed_on = "2026-02-30".into();
    wrong.lines[0].export_date = "2018-09-30".into();
    wrong.lines[0].line = 7;
    wrong.lines.push(RegisteredLine { order_no: "NOBODY".into(), ..wrong.lines[0].clone() });
    let found = broken(&door.record_registration(wrong).await.unwrap_err());
    let all = [
        ("confirmed_on", "R-DAY"),
        ("lines[0].export_date", "R-DAY-RANGE"),
        ("lines[1].export_date", "R-DAY-RANGE"),
        ("lines[1]", "R-NO-ORDER"),
        ("lines[0]", "R-ORDER-LINE"),
    ];
    assert_eq!(found, expected(&all));
    let twice = [of_order("A1"), of_order("A1")].concat();
    let refused = door.record_evidence(RecordEvidenceRequest { orders: twice, ..evidence("A1", "contract") }).await.unwrap_err();
    assert_eq!(broken(&refused), expected(&[("orders[1]", "R-LINE-TWICE")]));
    let refused = door.record_evidence(RecordEvidenceRequest::default()).await.unwrap_err();
    assert_eq!(broken(&refused).len(), 4, "what, number, day, orders");
    let refused = door.record_statement(RecordStatementRequest { to: "2026-12-31".into(), ..statement() }).await.unwrap_err();
    assert_eq!(broken(&refused), expected(&[("to", "R-DAY-RANGE")]));
    let key = "x".repeat(201);
    let refused = door.record_statement(RecordStatementRequest { idempotency_key: key, ..statement() }).await.unwrap_err();
    assert_eq!(broken(&refused), expected(&[("idempotency_key", "R-KEY")]));
    world.stop().await;
}

async fn the_same_record_is_kept_once_and_persons_stay_out_of_the_log(world: World) {
    let mut door = world.exemptions("acme");
    let first = door.record_statement(statement()).await.unwrap().into_inner();
    world.wait(Duration::from_secs(60));
    assert_eq!(door.record_statement(statement()).await.unwrap().into_inner(), first, "the first answer again");
    let keyed = |signed_by: &str| RecordStatementRequest { idempotency_key: "k".into(), signed_by: signed_by.into(), ..statement() };
    let other = door.record_statement(keyed("王小明")).await.unwrap().into_inner();
    assert_ne!(other.record_id, first.record_id, "under a key it is another record");
    assert_eq!(door.record_statement(keyed("张三")).await.unwrap_err().code(), Code::AlreadyExists);
    let filter = EntryFilter { pending: true, limit: 100, ..Default::default() };
    let entries = world.store.entries(filter).await.unwrap();
    assert_eq!(entries.len(), 2, "{entries:?}");
    for placed in &entries {
        assert_eq!(placed.entry.act, "record_statement");
        let written = format!("{:?}", placed.entry);
        assert!(written.contains("record.sha256") && !written.contains("王小明"), "{written}");
    }
    world.stop().await;
}

async fn nobody_records_for_another(world: World) {
    let id = closed(&world, today("A1")).await;
    world.exemptions("acme").put_seller(profile()).await.unwrap();
    let mut rival = world.exemptions("rival");
    rival.put_seller(profile()).await.unwrap();
    rival.record_statement(statement()).await.unwrap();
    let refused = rival.record_registration(registration("A1")).await.unwrap_err();
    assert_eq!(broken(&refused), expected(&[("lines[0]", "R-NO-ORDER")]));
    let named = vec![OrderLines { declaration_id: id.to_string(), ..OrderLines::default() }];
    let refused = rival.record_evidence(RecordEvidenceRequest { orders: named, ..evidence("", "contract") }).await.unwrap_err();
    assert_eq!(broken(&refused), expected(&[("orders[0]", "R-NO-ORDER")]));
    let denied = world.exemptions("desk").put_seller(profile()).await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);
    let recorded = world.store.show(None, id).await.unwrap().unwrap().dossier.recorded;
    assert_eq!((recorded.sellers.len(), recorded.periods.len(), recorded.lines.len()), (1, 0, 0), "{recorded:?}");
    world.stop().await;
}

async fn what_would_be_advised_is_kept_nowhere(world: World) {
    let mut door = world.exemptions("acme");
    let first = |answer: AssessResponse| answer.advice.unwrap().lines.remove(0);
    let sent = AssessRequest { declaration: today("A1").declaration, ..AssessRequest::default() };
    let line = first(door.assess(sent.clone()).await.unwrap().into_inner());
    assert_eq!(line.stage, "forecast");
    let all = AssessRequest { list: "closed".into(), seller: profile().seller, registered: true, evidence: true, ..sent.clone() };
    let line = first(door.assess(all.clone()).await.unwrap().into_inner());
    assert_eq!((line.outcome.as_str(), line.stage.as_str()), ("EXEMPT_NO_INVOICE", "evidence-complete"));

    let id = closed(&world, today("A1")).await;
    let before = world.store.show(None, id).await.unwrap().unwrap();
    let kept = AssessRequest { declaration: None, declaration_id: id.to_string(), list: String::new(), ..all.clone() };
    let line = first(door.assess(kept.clone()).await.unwrap().into_inner());
    assert_eq!((line.outcome.as_str(), line.stage.as_str()), ("EXEMPT_NO_INVOICE", "evidence-complete"));
    let after = world.store.show(None, id).await.unwrap().unwrap();
    assert_eq!((before.assessments, before.dossier), (after.assessments, after.dossier));
    assert!(world.exemptions("desk").assess(kept.clone()).await.is_ok(), "the desk sees everybody's");
    assert_eq!(world.exemptions("rival").assess(kept).await.unwrap_err().code(), Code::NotFound);

    let mut spoilt = all;
    spoilt.list = "gone".into();
    spoilt.export_date = "soon".into();
    spoilt.seller.as_mut().unwrap().kind = String::new();
    let found = broken(&door.assess(spoilt.clone()).await.unwrap_err());
    assert_eq!(found, expected(&[("list", "R-WORD"), ("export_date", "R-DAY"), ("seller.kind", "R-WORD")]));
    let neither = AssessRequest { declaration: None, ..sent };
    assert_eq!(broken(&door.assess(neither).await.unwrap_err()), expected(&[("declaration", "R-NO-ORDERS")]));
    world.stop().await;
}

/// D82: a seller under the deemed-profit rule that has a refund in the same year.
async fn refunds_beside_deemed_profit_in_a_year_are_told(world: World) {
    let mut door = world.exemptions("acme");
    door.put_seller(profile()).await.unwrap();
    closed(&world, today("A1")).await;
    door.record_registration(registration("A1")).await.unwrap();
    decided(&world).await;
    let mixed = async || {
        let asked = ExportLedgerRequest { ledger: Ledger::Income.into(), form: LedgerForm::Jsonl.into(), ..Default::default() };
        let (text, summary) = export(&world, "acme", asked).await.unwrap();
        let row: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        (row["mixed"].as_bool().unwrap(), summary.mixed)
    };
    assert_eq!(mixed().await, (false, Vec::new()));
    let mut summed = today("A2");
    inventory(&mut summed).lines[0].invoice = "SPECIAL".into();
    inventory(&mut summed).statistics = "B".into();
    let refund = closed(&world, summed).await;
    assert_eq!(advice(&world, refund).await.0, "REFUND_ELIGIBLE");
    let told = MixedRegimes { seller: SELLER.into(), year: 2026, exempt_lines: 1, refund_lines: 1 };
    assert_eq!(mixed().await, (true, vec![told.clone()]));
    // Another mode of income tax is another case.
    let mut by_accounts = profile();
    by_accounts.seller.as_mut().unwrap().income_tax = "accounts".into();
    door.put_seller(by_accounts).await.unwrap();
    decided(&world).await;
    assert_eq!(mixed().await, (false, Vec::new()));
    world.stop().await;
}

async fn another_basis_has_everything_decided_again_once(world: World) {
    let id = closed(&world, today("A1")).await;
    let count = async || world.store.show(None, id).await.unwrap().unwrap().assessments.len();
    decided(&world).await;
    let before = count().await;
    assert_eq!(before, 2, "what it was decided with is noted; nothing changed");
    let library = exemption::Library::default();
    let other = Arc::new(exemption::Advisor::new(library, world.advisor.settings().clone(), Vec::new()).unwrap());
    let redecider = Redecider::new(Arc::clone(&world.store), world.clockwork.clone(), Arc::clone(&other));
    assert!(redecider.pass().await.unwrap() == 0, "not before what was read earlier is written");
    world.wait(Duration::from_secs(4));
    while redecider.pass().await.unwrap() > 0 {}
    assert_eq!(count().await, before + 1, "without a library it is another decision");
    assert_eq!(
        exemption::read(world.store.show(None, id).await.unwrap().unwrap().assessments.last().unwrap()).unwrap().cause,
        exemption::Cause::Version
    );
    decided(&world).await;
    assert_eq!(count().await, before + 1, "the first basis was noted already");
    world.stop().await;
}
