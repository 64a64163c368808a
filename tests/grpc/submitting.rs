//! Submitting: what is kept, what is answered again, what is refused and how it is told.

use prost::Message;
use tongguan::grpc::proto::{
    self, DocumentState, Findings, GetRequest, ListRequest, PushWaybillsRequest, SubmitRequest, SubmitStreamRequest, ValidateRequest,
    WaybillMatch, push_waybills_response, submit_stream_response,
};
use tonic::{Code, Status};

use super::{
    samples::{inventory, inventory_line, order, order_line, submit, waybill},
    world::{Declarations, open_world},
};

fn findings(status: &Status) -> Findings {
    let details = tonic_types::pb::Status::decode(status.details()).unwrap();
    let any = details.details.iter().find(|any| any.type_url.ends_with("tongguan.v1.Findings")).unwrap();
    Findings::decode(any.value.as_slice()).unwrap()
}

async fn count(client: &mut Declarations) -> usize {
    client.list(ListRequest::default()).await.unwrap().into_inner().declarations.len()
}

#[tokio::test]
async fn a_declaration_is_kept_and_the_same_request_gets_the_same_answer() {
    let world = open_world().await;
    let mut client = world.declarations("");
    let request = SubmitRequest { idempotency_key: "k1".into(), ..submit("A1", "W1") };
    let first = client.submit(request.clone()).await.unwrap().into_inner();
    let again = client.submit(request.clone()).await.unwrap().into_inner();
    assert_eq!(first, again);
    assert_eq!(first.advice.as_ref().unwrap().lines.len(), 1);

    let got = client.get(GetRequest { declaration_id: first.declaration_id.clone(), ..Default::default() }).await.unwrap().into_inner();
    assert_eq!((got.order_no.as_str(), got.waybill_no.as_str(), got.enterprise_no.len()), ("A1", "W1", 28));
    let states: Vec<_> = got.documents.iter().map(proto::Document::state).collect();
    assert_eq!(states, [DocumentState::Due, DocumentState::Waiting]);
    assert!(got.inventory_waits_for.is_some());
    assert!(got.documents.iter().all(|document| !document.meaning.as_ref().unwrap().zh.is_empty()));
    assert_eq!(got.advice, first.advice);

    let other = SubmitRequest { idempotency_key: "k1".into(), ..submit("A2", "W2") };
    assert_eq!(client.submit(other).await.unwrap_err().code(), Code::AlreadyExists);
    let same_order = SubmitRequest { idempotency_key: "k2".into(), ..submit("A1", "W2") };
    let refused = client.submit(same_order).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(findings(&refused).findings[0].path, "order.order_no");
    assert_eq!(count(&mut client).await, 1);
    world.stop().await;
}

#[tokio::test]
async fn the_order_itself_is_the_key_where_none_is_given() {
    let world = open_world().await;
    let mut client = world.declarations("");
    let first = client.submit(submit("A1", "W1")).await.unwrap().into_inner();
    assert_eq!(client.submit(submit("A1", "W1")).await.unwrap().into_inner(), first);
    let mut other = submit("A1", "W1");
    order(&mut other).note = "changed".into();
    let told = client.submit(other.clone()).await.unwrap_err();
    assert!(told.message().contains("该订单号已以不同内容提交过") && told.message().contains("different content"), "{told}");
    assert_eq!(client.submit(other).await.unwrap_err().code(), Code::AlreadyExists);
}

#[tokio::test]
async fn a_refusal_tells_everything_and_binds_no_key() {
    let world = open_world().await;
    let mut client = world.declarations("");
    let mut bad = SubmitRequest { idempotency_key: "k".into(), ..submit("A1", "W1") };
    order(&mut bad).currency = "XXX".into();
    inventory(&mut bad).wrap = "97".into();
    inventory(&mut bad).lines[0].hs_code = "12".into();
    let refused = client.submit(bad.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let told = findings(&refused);
    for path in ["order.currency", "inventory.wrap", "inventory.lines[0].hs_code"] {
        assert!(
            told.findings.iter().any(|finding| finding.path == path && !finding.zh.is_empty() && !finding.remedy_en.is_empty()),
            "{path}"
        );
    }
    let validated = client.validate(ValidateRequest { submit: Some(bad) }).await.unwrap().into_inner();
    assert!(!validated.acceptable);
    assert_eq!(validated.findings.len(), usize::try_from(told.count).unwrap());
    client.submit(SubmitRequest { idempotency_key: "k".into(), ..submit("A1", "W1") }).await.unwrap();
}

#[tokio::test]
async fn findings_beyond_what_trailers_hold_are_counted() {
    let world = open_world().await;
    let mut client = world.declarations("");
    let mut bad = submit("A1", "W1");
    order(&mut bad).lines =
        (1..=100).map(|number| proto::OrderLine { price: "-1".into(), unit: "zz".into(), ..order_line(number) }).collect();
    let refused = client.submit(bad).await.unwrap_err();
    let told = findings(&refused);
    assert!(told.findings.len() <= 20 && told.count >= 200, "{} of {}", told.findings.len(), told.count);
    assert!(refused.details().len() < 6_000);
}

#[tokio::test]
async fn a_hundred_and_one_lines_are_too_many() {
    let world = open_world().await;
    let mut bad = submit("A1", "W1");
    order(&mut bad).lines = (1..=101).map(order_line).collect();
    inventory(&mut bad).lines = (1..=101).map(inventory_line).collect();
    let refused = world.declarations("").submit(bad).await.unwrap_err();
    assert!(findings(&refused).findings.iter().any(|finding| finding.path == "order.lines"));
}

#[tokio::test]
async fn validate_keeps_nothing() {
    let world = open_world().await;
    let mut client = world.declarations("");
    let request = ValidateRequest { submit: Some(submit("A1", "W1")) };
    let answer = client.validate(request.clone()).await.unwrap().into_inner();
    assert!(answer.acceptable && answer.advice.is_some() && answer.declaration_id.is_empty());
    assert_eq!(count(&mut client).await, 0);
    let kept = client.submit(submit("A1", "W1")).await.unwrap().into_inner();
    assert_eq!(client.validate(request).await.unwrap().into_inner().declaration_id, kept.declaration_id);
}

#[tokio::test]
async fn a_stream_answers_each_item_in_order_good_or_bad() {
    let world = open_world().await;
    let mut client = world.declarations("");
    let items: Vec<_> = (0..300)
        .map(|number| {
            let mut submit = submit(&format!("S{number}"), &format!("W{number}"));
            if number % 7 == 0 {
                order(&mut submit).goods_value = "many".into();
            }
            SubmitStreamRequest { item_id: number.to_string(), submit: Some(submit) }
        })
        .chain([SubmitStreamRequest { item_id: "again".into(), submit: Some(submit("S1", "W1")) }])
        .collect();
    let mut answers = client.submit_stream(tokio_stream::iter(items)).await.unwrap().into_inner();
    let (mut seen, mut first) = (0, None);
    while let Some(answer) = answers.message().await.unwrap() {
        match (answer.item_id.as_str(), answer.result.unwrap()) {
            ("again", submit_stream_response::Result::Accepted(again)) => assert_eq!(Some(again), first),
            (id, submit_stream_response::Result::Accepted(accepted)) => {
                assert_eq!(id, seen.to_string());
                assert_ne!(seen % 7, 0);
                if seen == 1 {
                    first = Some(accepted);
                }
            }
            (id, submit_stream_response::Result::Refused(refused)) => {
                assert_eq!((id, refused.code, seen % 7), (seen.to_string().as_str(), 3, 0));
                assert!(!refused.findings.is_empty());
            }
        }
        seen += 1;
    }
    assert_eq!(seen, 301);
    let page = client.list(ListRequest { page_size: 200, ..Default::default() }).await.unwrap().into_inner();
    let rest =
        client.list(ListRequest { page_size: 200, page_token: page.next_page_token, ..Default::default() }).await.unwrap().into_inner();
    assert_eq!((page.declarations.len(), rest.declarations.len(), rest.next_page_token.as_str()), (200, 57, ""));
}

#[tokio::test]
async fn waybills_are_matched_or_wait() {
    let world = open_world().await;
    world.declarations("").submit(submit("A1", "W1")).await.unwrap();
    let mut client = world.logistics("");
    let mut bad = waybill("W3");
    bad.packs = "-1".into();
    let items = [("a", waybill("W1")), ("b", waybill("W2")), ("c", bad), ("d", waybill("W2"))]
        .map(|(id, waybill)| PushWaybillsRequest { item_id: id.into(), waybill: Some(waybill) });
    let mut stream = client.push_waybills(tokio_stream::iter(items)).await.unwrap().into_inner();
    let mut answers = Vec::new();
    while let Some(answer) = stream.message().await.unwrap() {
        let result = match answer.result.unwrap() {
            push_waybills_response::Result::Kept(kept) => Ok((kept.r#match(), kept.waybill_id)),
            push_waybills_response::Result::Refused(refused) => Err(refused.code),
        };
        answers.push((answer.item_id, result));
    }
    let of = |at: usize| (answers[at].0.as_str(), answers[at].1.as_ref().map(|(found, _)| *found).map_err(|code| *code));
    assert_eq!(of(0), ("a", Ok(WaybillMatch::Matched)));
    assert_eq!(of(1), ("b", Ok(WaybillMatch::Waiting)));
    assert_eq!(of(2), ("c", Err(3)));
    assert_eq!(answers[1].1, answers[3].1, "the same waybill again");

    let carrier = super::samples::CARRIER.to_owned();
    let got =
        client.get_waybill(proto::GetWaybillRequest { carrier, waybill_no: "W1".into(), ..Default::default() }).await.unwrap().into_inner();
    assert!(!got.declaration_id.is_empty() && got.document.is_some());
    let none = proto::GetWaybillRequest { carrier: "nobody".into(), waybill_no: "W1".into(), ..Default::default() };
    assert_eq!(client.get_waybill(none).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn garbage_in_every_field_is_never_the_gateways_fault() {
    let world = open_world().await;
    let mut client = world.declarations("");
    let garbage =
        ["\0", "𠮷\u{202e}\n", "-0", "1e999999999", "99999999999999999999", "NaN", "'; DROP TABLE declarations; --", "\u{feff}5141"];
    for text in garbage.map(str::to_owned).into_iter().chain(["x".repeat(40_000)]) {
        let party = super::samples::party(&text, &text);
        let mut line = order_line(1);
        (line.number, line.quantity, line.price, line.total, line.unit) =
            (text.clone(), text.clone(), text.clone(), text.clone(), text.clone());
        let mut list_line = inventory_line(1);
        (list_line.number, list_line.hs_code, list_line.invoice, list_line.legal_quantity) =
            (text.clone(), text.clone(), text.clone(), text.clone());
        let mut request = submit(&text, &text);
        request.idempotency_key = text.clone();
        request.needed_by = Some(prost_types::Timestamp { seconds: i64::MIN, nanos: -7 });
        *order(&mut request) = proto::Order {
            order_no: text.clone(),
            order_type: text.clone(),
            platform: party.clone(),
            seller: party.clone(),
            goods_value: text.clone(),
            freight: text.clone(),
            currency: text.clone(),
            note: text.clone(),
            lines: vec![line; 3],
        };
        let list = inventory(&mut request);
        (list.declared_at, list.exit_date, list.packs, list.carrier, list.waybill_no) =
            (text.clone(), text.clone(), text.clone(), party, text.clone());
        list.lines = vec![list_line; 3];
        let refused = client.submit(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{:.20}: {refused}", text);
        assert_eq!(client.get(GetRequest { declaration_id: text.clone(), ..Default::default() }).await.unwrap_err().code(), Code::NotFound);
        let list = ListRequest { page_token: text.clone(), office: text, state: -5, page_size: u32::MAX };
        assert_eq!(client.list(list).await.unwrap_err().code(), Code::InvalidArgument);
    }
    assert_eq!(client.submit(SubmitRequest::default()).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(count(&mut client).await, 0);
}

#[tokio::test]
async fn a_request_that_is_too_large_is_refused() {
    let world = open_world().await;
    let mut client = world.declarations("");
    let mut huge = submit("A1", "W1");
    order(&mut huge).note = "x".repeat(5 << 20);
    let refused = client.submit(huge).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange);
    assert!(refused.message().starts_with("请求过大 / "), "{refused}");
    client.submit(submit("A1", "W1")).await.unwrap();
}
