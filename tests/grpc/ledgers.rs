//! ExportLedger: the ledger that the command makes, of the caller's own declarations, with its sums.

use tongguan::{
    dossier::Document,
    exemption::{Advisor, Library, ListStatus, Override, Settings},
    grpc::proto::{ExportLedgerRequest, GetRequest, Ledger, LedgerForm, LedgerSummary, export_ledger_response::Piece},
    party::Role,
    state::State,
    store::{Application, Change},
};
use tonic::{Code, Status};

use super::{
    samples::submit,
    world::{World, world},
};

pub(super) async fn export(world: &World, name: &str, asked: ExportLedgerRequest) -> Result<(String, LedgerSummary), Status> {
    let mut stream = world.exemptions(name).export_ledger(asked).await?.into_inner();
    let (mut text, mut summary) = (Vec::new(), None);
    while let Some(answer) = stream.message().await? {
        assert!(summary.is_none(), "the summary comes last");
        match answer.piece.unwrap() {
            Piece::Bytes(bytes) => text.extend(bytes),
            Piece::Summary(last) => summary = Some(last),
        }
    }
    Ok((String::from_utf8(text).unwrap(), summary.expect("a whole ledger")))
}

fn asking(ledger: Ledger) -> ExportLedgerRequest {
    ExportLedgerRequest { ledger: ledger.into(), form: LedgerForm::Jsonl.into(), ..ExportLedgerRequest::default() }
}

/// Submits an order, has its list closed and its lines decided anew, as the collector would.
async fn closed(world: &World, name: &str, order_no: &str) -> String {
    let id = world.declarations(name).submit(submit(order_no, &format!("W{order_no}"))).await.unwrap().into_inner().declaration_id;
    let declaration = tongguan::declaration::DeclarationId(id.parse().unwrap());
    let shown = world.store.show(None, declaration).await.unwrap().unwrap();
    let given = Override { name: "test".into(), reason: "a test".into() };
    let settings = Settings { regime_override: Some(given), ..Settings::default() };
    let advisor = Advisor::new(Library::sample().unwrap(), settings, Vec::new()).unwrap();
    let on = Some(world.now().day());
    let decided = advisor.assess(&shown.dossier.declaration, &shown.dossier.recorded, ListStatus::Closed { on }, world.now().day());
    let list = shown.dossier.document(tongguan::declaration::Kind::Inventory).unwrap().clone();
    let change = Change {
        expected: vec![(list.id, list.version)],
        documents: vec![Document { state: State::Closed, gate_at: None, ..list }],
        assessment: Some((declaration, decided.to_kept())),
        ..Change::default()
    };
    world.store.apply(world.now(), Application { changes: vec![change], ..Application::default() }).await.unwrap();
    id
}

#[tokio::test]
async fn a_ledger_comes_whole_and_agrees_with_what_get_shows() {
    let world = world(&[("acme", "acme", Role::Seller), ("rival", "rival", Role::Seller), ("desk", "house", Role::Operator)]).await;
    let (mut lines, mut sum) = (0_u64, rust_decimal::Decimal::ZERO);
    for order_no in ["A1", "A2", "A3"] {
        let id = closed(&world, "acme", order_no).await;
        let got = world.declarations("acme").get(GetRequest { declaration_id: id, ..Default::default() }).await.unwrap().into_inner();
        let ordered = submit(order_no, "").declaration.unwrap().order.unwrap().lines;
        for advice in got.advice.unwrap().lines.iter().filter(|advice| advice.stage == "customs-final") {
            lines += 1;
            let total = &ordered.iter().find(|line| line.number == advice.line.to_string()).unwrap().total;
            sum += total.parse::<rust_decimal::Decimal>().unwrap();
        }
    }
    let (text, summary) = export(&world, "acme", asking(Ledger::Income)).await.unwrap();
    assert!(lines > 0 && summary.lines == lines, "{lines} {summary:?}");
    let [of_currency] = &summary.by_currency[..] else { panic!("{summary:?}") };
    assert_eq!(of_currency.amount.parse::<rust_decimal::Decimal>().unwrap(), sum, "what Get shows of the same lines");
    let row: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!((text.lines().count(), row["other_lines"].as_u64().unwrap() + row["lines"].as_u64().unwrap()), (1, lines));
    assert_eq!(export(&world, "acme", asking(Ledger::Income)).await.unwrap(), (text.clone(), summary.clone()), "the same again");
    assert_eq!(export(&world, "desk", asking(Ledger::Income)).await.unwrap().1.lines, lines, "the desk sees everybody's");
    let (empty, none) = export(&world, "rival", asking(Ledger::Income)).await.unwrap();
    assert_eq!((empty.as_str(), none.lines), ("", 0), "nobody sees another's");
    let before = ExportLedgerRequest { known_on: "2026-11-22".into(), ..asking(Ledger::Income) };
    assert_eq!(export(&world, "acme", before).await.unwrap().1.lines, 0, "not known then");
    let csv = ExportLedgerRequest { form: LedgerForm::Csv.into(), ..asking(Ledger::Exchange) };
    let (csv, _) = export(&world, "acme", csv).await.unwrap();
    assert!(csv.starts_with('\u{feff}') && csv.lines().count() == 4, "{csv}");
    let then = |ledger| ExportLedgerRequest { known_on: "2026-11-23".into(), ..asking(ledger) };
    let (_, of_then) = export(&world, "acme", then(Ledger::Exchange)).await.unwrap();
    assert!(of_then.note.unwrap().en.contains("as of today"), "what is not of that day is told");
    assert_eq!(export(&world, "acme", then(Ledger::Income)).await.unwrap().1.note, None);
    world.stop().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let world = world(&[("acme", "acme", Role::Seller), ("van", "van", Role::Carrier)]).await;
    let code = async |name: &str, asked| export(&world, name, asked).await.unwrap_err().code();
    assert_eq!(code("van", asking(Ledger::Sales)).await, Code::PermissionDenied);
    let from = |from: &str, to: &str| ExportLedgerRequest { from: from.into(), to: to.into(), ..asking(Ledger::Sales) };
    for asked in [
        ExportLedgerRequest::default(),
        from("yesterday", ""),
        from("2026-12-01", "2026-01-01"),
        ExportLedgerRequest { known_on: "2026-02-30".into(), ..asking(Ledger::Sales) },
        ExportLedgerRequest { seller: "x".repeat(101), ..asking(Ledger::Sales) },
    ] {
        assert_eq!(code("acme", asked.clone()).await, Code::InvalidArgument, "{asked:?}");
    }
    world.stop().await;
}
