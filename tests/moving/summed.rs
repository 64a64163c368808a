//! Results of summaries (792), which come when they like.

use tongguan::{
    declaration::{SummaryResult, SummaryResultLine},
    message::SummaryReply,
    store::{Application, Change, Number, NumberKind, Written},
};

use super::*;

const NUMBER: &str = "51412026E000000001";

fn result(seq_no: &str, inventory_nos: &[&str], customs_declaration_no: Option<&str>, seconds: u64) -> SummaryResult {
    let line = |(place, inventory_no): (usize, &&str)| SummaryResultLine {
        inventory_no: (*inventory_no).into(),
        waybill_no: "W1".into(),
        place: Some(u32::try_from(place).unwrap() + 1),
        number: 1,
        hs_code: "6109100010".into(),
    };
    SummaryResult {
        declared_at: "5141".into(),
        summary_no: "51412026S000000001".into(),
        at: Some(START + Duration::from_secs(seconds)),
        declaration_seq_no: seq_no.into(),
        draft_no: Some("T1".into()),
        port_no: None,
        customs_declaration_no: customs_declaration_no.map(Into::into),
        state: "1".into(),
        declarant: "DECLARANT".into(),
        seller: "SELLER".into(),
        customs_declarant: "DECLARANT".into(),
        gross_weight: None,
        net_weight: None,
        part: tongguan::declaration::Part::WHOLE,
        lines: inventory_nos.iter().enumerate().map(line).collect(),
    }
}

impl World {
    fn tell(&self, name: &str, results: &[SummaryResult]) {
        let reply = |result| SummaryReply { guid: DocumentGuid(self.clockwork.id()), result, names: ["报关行", "卖家", "报关行"] };
        let replies: Vec<_> = results.iter().map(reply).collect();
        let style = Style { namespacing: Namespacing::Default, lower_case: true };
        self.arrive(name, message::compose_summary_results(MessageId(self.clockwork.id()), &replies, style).unwrap());
    }

    /// Customs gives an inventory its number.
    async fn number(&self, id: DeclarationId, number: &str) {
        let inventory = self.show(id).await.dossier.document(Kind::Inventory).unwrap().clone();
        let number = Number {
            kind: NumberKind::Inventory,
            number: number.into(),
            scope: String::new(),
            declaration: Some(id),
            document: Some(inventory.id),
        };
        let change = Change {
            expected: vec![(inventory.id, inventory.version)],
            documents: vec![inventory],
            numbers: vec![number],
            ..Change::default()
        };
        let written =
            self.store.apply(self.clockwork.now(), Application { changes: vec![change], ..Application::default() }).await.unwrap();
        assert_eq!(written, Written::Done);
    }

    async fn summed(&self, id: DeclarationId) -> Option<(String, Option<String>)> {
        self.show(id).await.summed.map(|summed| (summed.seq_no, summed.customs_declaration_no))
    }

    fn forwarded(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path().join("forward")).into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

#[tokio::test]
async fn a_result_that_comes_before_what_it_is_about_is_kept_until_that_is_there() {
    let world = world().await;
    let id = world.accept("O1", Some("W1"), Lane::default().plan()).await;
    // The last word first: it names nothing, and the one that names the inventory comes later, before the inventory has its number.
    world.tell("late.xml", &[result("1", &[], Some("514120260000000001"), 30)]);
    world.after(SECOND * 5).await;
    world.tell("early.xml", &[result("1", &[NUMBER], None, 10)]);
    world.after(SECOND * 60).await;
    assert_eq!((world.summed(id).await, world.forwarded()), (None, vec![]));
    world.number(id, NUMBER).await;
    world.after(SECOND * 120).await;
    assert_eq!(world.summed(id).await.map(|summed| summed.0).as_deref(), Some("1"));
    world.after(SECOND * 120).await;
    assert_eq!(world.summed(id).await, Some(("1".into(), Some("514120260000000001".into()))));
    assert!(world.traced(id).await.contains("summed"));
    let told = world.acts(id).await.into_iter().filter(|act| act == "summed").count();
    assert_eq!(told, 2, "each once");
    world.after(SECOND * 7_200).await;
    assert_eq!(world.acts(id).await.into_iter().filter(|act| act == "summed").count(), 2);
    assert_eq!(world.forwarded(), Vec::<String>::new(), "both were read");
}

#[tokio::test]
async fn results_of_nothing_that_ever_comes_are_handed_on_at_last_and_hold_up_nobody() {
    let world = world().await;
    let id = world.accept("O1", Some("W1"), Lane::default().plan()).await;
    world.number(id, NUMBER).await;
    world.tell("others.xml", &[result("7", &["51412026E999999999"], None, 1)]);
    world.tell("both.xml", &[result("8", &["51412026E999999998"], None, 1), result("1", &[NUMBER], Some("514120260000000001"), 2)]);
    world.after(SECOND).await;
    assert_eq!(world.summed(id).await, Some(("1".into(), Some("514120260000000001".into()))), "what is known is not kept back");
    world.after(SECOND * 3_000).await;
    assert_eq!(world.forwarded(), Vec::<String>::new());
    for _ in 0..3 {
        world.after(SECOND * 1_000).await;
    }
    assert_eq!(world.forwarded(), ["others.xml"]);
    let lease = Lease::take(&world.clockwork, SECOND * 60);
    assert!(world.store.lease_arrivals(world.clockwork.now() + SECOND * 86_400, lease, None, 10).await.unwrap().is_empty(), "none is left");
    assert_eq!(world.acts(id).await.into_iter().filter(|act| act == "summed").count(), 1);
}
