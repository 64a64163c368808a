//! Answers about a whole message.

use tongguan::{
    message::dxp,
    receipt::FormatReceipt,
    store::{Application, Change, Written},
};

use super::*;

fn format_refusal(world: &World, original: &str, code: &str, info: &str) {
    format_refusal_at(world, original, code, info, world.clockwork.now());
}

fn format_refusal_at(world: &World, original: &str, code: &str, info: &str, at: Timestamp) {
    let receipt = FormatReceipt { code: code.into(), at: Some(at), info: info.into(), original: original.into() };
    let id = world.clockwork.id();
    let style = Style { namespacing: Namespacing::Default, lower_case: false };
    let bytes = message::compose_format(MessageId(id), &receipt, "CEB303Message", "", style).unwrap();
    world.arrive(&format!("{id}.xml"), bytes);
}

fn report(world: &World, original: &str, code: &str) {
    let address = dxp::Address {
        cop_msg_id: original,
        sender: "DXPENT0000000001",
        receiver: dxp::EXPORT_RECEIVER,
        at: START,
        msg_type: "CEB303Message",
    };
    let bytes = dxp::compose_report(code, "", world.clockwork.now(), &address).unwrap();
    world.arrive(&format!("{}.xml", world.clockwork.id()), bytes);
}

async fn orders(world: &World, count: usize) -> Vec<DeclarationId> {
    let mut ids = Vec::new();
    for number in 0..count {
        ids.push(world.accept(&format!("O{number}"), None, Plan { inventory: Duty::External, ..Lane::default().plan() }).await);
    }
    world.settle().await;
    ids
}

#[tokio::test]
async fn halving_finds_the_one_bad_document_among_a_hundred() {
    let world = world().await;
    let ids = orders(&world, 100).await;
    assert_eq!(world.sent().len(), 1);
    let bad = order_key("O57");
    let mut rounds = 0;
    loop {
        let fresh = world.fresh();
        if fresh.is_empty() {
            break;
        }
        rounds += 1;
        assert!(rounds <= 8, "round {rounds}");
        for (shipment, request) in fresh {
            let keys = keys(&request);
            if keys.contains(&bad) {
                format_refusal(&world, &shipment.cop_msg_id, "-301001", "报文格式错误");
            } else {
                world.answer(&keys, "2", "", world.clockwork.now());
            }
        }
        world.after(SECOND).await;
    }
    assert!(rounds > 2, "nothing was halved");
    let told = world.traced(ids[57]).await;
    assert!(told.contains("dissolve") && told.contains("receipt"), "{told:?}");
    for (number, id) in ids.into_iter().enumerate() {
        let expected = if number == 57 { State::Rejected } else { State::Declaring };
        assert_eq!(world.state(id, Kind::Order).await, Some(expected), "O{number}");
    }
}

#[tokio::test]
async fn a_transport_that_does_not_accept_the_sender_stops_it() {
    let world = world().await;
    let id = orders(&world, 1).await[0];
    let original = world.sent()[0].clone();
    report(&world, &original.cop_msg_id, "1001");
    world.settle().await;
    assert_eq!(world.store.stopped().await.unwrap(), [("seller".to_owned(), "DxpRep 1001".to_owned())]);
    world.accept("O9", None, Plan { inventory: Duty::External, ..Lane::default().plan() }).await;
    world.after(SECOND * 6_000).await;
    assert_eq!(world.sent().len(), 1, "nothing of a stopped sender leaves");
    let changes = vec![Change { entries: vec![world.entry("resume", uuid::Uuid::nil())], ..Change::default() }];
    let resume = Application { resumed: vec!["seller".into()], changes, ..Application::default() };
    assert_eq!(world.store.apply(world.clockwork.now(), resume).await.unwrap(), Written::Done);
    world.after(SECOND).await;
    assert_eq!(world.sent().len(), 3);
    assert!(world.sent()[1..].contains(&original), "the same bytes again");
    assert!(world.traced(id).await.contains("transport"));
}

#[tokio::test]
async fn what_the_transport_lost_goes_again_and_what_only_a_person_can_read_does_not() {
    let world = world().await;
    orders(&world, 1).await;
    let original = world.sent()[0].clone();
    report(&world, &original.cop_msg_id, "3003");
    world.settle().await;
    assert_eq!(world.sent().len(), 1);
    world.after(SECOND * 31).await;
    assert_eq!(world.sent(), [original.clone(), original.clone()]);
    report(&world, &original.cop_msg_id, "4711");
    world.settle().await;
    world.after(SECOND * 6_000).await;
    assert_eq!(world.sent().len(), 2);
}

#[tokio::test]
async fn reports_refuse_a_message_too_and_those_about_nothing_of_ours_are_handed_on() {
    let world = world().await;
    let id = orders(&world, 1).await[0];
    let original = world.sent()[0].cop_msg_id.clone();
    report(&world, "0C5EA8C4-70B0-4B43-8CE4-0F1F4F4E7A11", "0002");
    report(&world, "no guid at all", "1001");
    report(&world, &original, "what");
    world.settle().await;
    assert_eq!(world.state(id, Kind::Order).await, Some(State::Delivered));
    assert!(world.store.stopped().await.unwrap().is_empty());
    assert_eq!(std::fs::read_dir(world.folder.path().join("forward")).unwrap().count(), 2);
    report(&world, &original, "0002");
    world.settle().await;
    assert_eq!(world.state(id, Kind::Order).await, Some(State::Rejected));
    world.after(SECOND * 6_000).await;
    assert_eq!(world.sent().len(), 1);
}

#[tokio::test]
async fn an_answer_counts_by_its_business_key_though_its_message_is_dissolved() {
    let world = world().await;
    let ids = orders(&world, 2).await;
    let original = world.sent()[0].cop_msg_id.clone();
    world.answer(&[order_key("O0")], "120", "", world.clockwork.now());
    world.settle().await;
    format_refusal(&world, &original, "-301001", "");
    world.settle().await;
    assert_eq!(world.state(ids[0], Kind::Order).await, Some(State::Stored), "what customs has stored stays");
    assert_eq!(world.sent().len(), 2, "the other one goes again");
    world.answer(&[order_key("O0")], "399", "", world.clockwork.now() + SECOND);
    world.settle().await;
    assert_eq!(world.state(ids[0], Kind::Order).await, Some(State::Passed));
    format_refusal(&world, &original, "-301002", "");
    world.settle().await;
    assert_eq!(world.sent().len(), 2, "a refusal of a dissolved message changes nothing");
}

#[tokio::test]
async fn a_refused_message_leaves_no_document_behind_whenever_the_refusal_says_it_was_spoken() {
    let world = world().await;
    let id = orders(&world, 1).await[0];
    let spoken_at = world.clockwork.now();
    world.answer(&[order_key("O0")], "4", "", spoken_at + SECOND * 3_600);
    world.after(SECOND).await;
    let second = world.sent()[1].clone();
    assert_eq!(world.state(id, Kind::Order).await, Some(State::Delivered), "packed anew");
    format_refusal_at(&world, &second.cop_msg_id, "-301001", "", spoken_at);
    world.settle().await;
    assert_eq!(world.state(id, Kind::Order).await, Some(State::Rejected));
}

#[tokio::test]
async fn a_late_refusal_of_a_message_does_not_outdate_what_its_document_was_told_since() {
    let world = world().await;
    let id = orders(&world, 1).await[0];
    let original = world.sent()[0].cop_msg_id.clone();
    world.answer(&[order_key("O0")], "2", "", world.clockwork.now() + SECOND * 10);
    world.settle().await;
    format_refusal(&world, &original, "-301001", "");
    world.after(SECOND * 60).await;
    assert_eq!(world.state(id, Kind::Order).await, Some(State::Declaring));
}

#[tokio::test]
async fn a_word_about_a_message_from_the_far_future_does_not_outlive_all_others() {
    let world = world().await;
    let id = orders(&world, 1).await[0];
    let original = world.sent()[0].cop_msg_id.clone();
    format_refusal_at(&world, &original, "-304001", "已存在", START + Duration::from_secs(86_400 * 10_000));
    world.after(SECOND).await;
    assert_eq!(world.state(id, Kind::Order).await, Some(State::Declaring), "already there");
    world.answer(&[order_key("O0")], "100", "", world.clockwork.now() + SECOND);
    world.settle().await;
    assert_eq!(world.state(id, Kind::Order).await, Some(State::Refused));
}

#[tokio::test]
async fn one_that_is_only_left_alone_in_its_message_is_tried_alone_before_it_is_rejected() {
    let world = world().await;
    let ids = orders(&world, 2).await;
    let original = world.sent()[0].cop_msg_id.clone();
    world.answer(&[order_key("O0")], "4", "", world.clockwork.now());
    world.after(SECOND).await;
    assert_eq!(world.sent().len(), 2, "the other one has gone on in a message of its own");
    format_refusal(&world, &original, "-301001", "");
    world.after(SECOND).await;
    assert_eq!(world.state(ids[1], Kind::Order).await, Some(State::Delivered));
    let sent = world.sent();
    assert_eq!((sent.len(), keys(&world.requests()[2])), (3, vec![order_key("O1")]));
    format_refusal(&world, &sent[2].cop_msg_id, "-301001", "");
    world.after(SECOND).await;
    assert_eq!(world.state(ids[1], Kind::Order).await, Some(State::Rejected));
    assert_eq!(world.state(ids[0], Kind::Order).await, Some(State::Delivered));
}

#[tokio::test]
async fn a_message_that_was_answered_does_not_go_again_though_the_transport_says_it_was_lost() {
    let world = world().await;
    let id = orders(&world, 1).await[0];
    let original = world.sent()[0].cop_msg_id.clone();
    world.answer_fresh();
    world.settle().await;
    report(&world, &original, "3003");
    world.after(SECOND * 60).await;
    assert_eq!(world.sent().len(), 1);
    assert_eq!(world.state(id, Kind::Order).await, Some(State::Declaring));
    assert!(!world.acts(id).await.contains(&"transport".to_owned()));
}
