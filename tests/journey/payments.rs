//! A payment (403), which customs takes no more of its own accord since 2024-12-15, sent by a lane that says so.

use tongguan::{
    grpc::proto::{
        DeclarePaymentRequest, DocumentState, FollowUpKept, GetFollowUpRequest, Party, Payment, declarations_client::DeclarationsClient,
    },
    lane::Duty,
};

use super::*;

#[tokio::test]
async fn a_lane_that_sends_payments_has_them_stored_by_customs() {
    let sends = |config: &mut Config| {
        for lane in &mut config.lanes {
            lane.payment = Duty::Send(Some("declarant".to_owned()));
        }
    };
    let town = open(sends).await;
    let (orders, waybills) = numbered(1);
    let ids = town.submit(&orders).await;
    town.push(&waybills).await;
    let mut client = DeclarationsClient::connect(town.server()).await.unwrap();
    let order = &orders[0]["order"];
    let party = |named: &Value| {
        let text = |name: &str| named[name].as_str().unwrap_or_default().to_owned();
        Some(Party { code: text("code"), name: text("name") })
    };
    let payment = Payment {
        platform: party(&order["platform"]),
        seller: party(&order["seller"]),
        order_no: order["order_no"].as_str().unwrap().to_owned(),
        payer_name: "现金支付".to_owned(),
        charge: order["goods_value"].as_str().unwrap().to_owned(),
        currency: order["currency"].as_str().unwrap().to_owned(),
        received_at: "20261120100000".to_owned(),
        ..Payment::default()
    };
    let request = DeclarePaymentRequest { payment: Some(payment), handling: None };
    let FollowUpKept { id, transmitted, .. } = client.declare_payment(request.clone()).await.unwrap().into_inner();
    assert!(transmitted);
    assert_eq!(client.declare_payment(request).await.unwrap().into_inner().id, id, "the same again");
    rig::until(LONGEST, "the payment is stored", || {
        let (mut client, asked) = (client.clone(), GetFollowUpRequest { id: id.clone(), ..Default::default() });
        async move {
            let shown = client.get_follow_up(asked).await.unwrap().into_inner();
            shown.parts.iter().all(|part| part.document.as_ref().is_some_and(|document| document.state() == DocumentState::Stored))
        }
    })
    .await;
    town.closed(&ids).await;
    let sent = ["guangzhou", "huangpu"].iter().flat_map(|road| rig::files(&town.road(road, "sent")));
    let names: Vec<_> = sent.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(names.iter().filter(|name| name.starts_with("CEB403")).count(), 1, "{names:?}");
    town.end().await;
}
