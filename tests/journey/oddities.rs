//! Receipts as they really come, and worse: late, repeated, out of order, several to a message; and what is nobody's.

use tongguan::{
    declaration::{DocumentGuid, MessageId},
    grpc::proto::{UnmatchedReceiptsRequest, operations_client::OperationsClient},
    message::{self, Namespacing, Reply, Style},
    receipt::{Key, Receipt},
    simulator::{Delays, Oddities},
};

use super::*;

#[tokio::test]
async fn late_repeated_reordered_receipts_close_everything_and_nothing_goes_twice() {
    for (seed, receipts_per_message) in [(1, 1), (2, 7), (3, 100)] {
        let town = open(|config| {
            config.simulator.oddities = Oddities {
                silence: 200,
                late: 400,
                late_ms: 400,
                repeat: 400,
                garbage: 200,
                stranger: 200,
                time_out: 200,
                port_failed: 50,
                shell: 300,
                zero_byte: 200,
                ..Oddities::mild()
            };
            config.simulator.delays = Delays { declaring_ms: 30, stored_ms: 30, ..Delays::NONE };
            (config.simulator.seed, config.simulator.receipts_per_message) = (seed, receipts_per_message);
        })
        .await;
        let (orders, waybills) = rig::many(60);
        let ids = town.submit(&orders).await;
        town.push(&waybills).await;
        town.closed(&ids).await;
        let (folder, report) = town.end().await;
        assert_eq!(report.closed, 60);
        assert_eq!(rig::taken(folder.path()).len(), 180);
    }
}

fn strangers() -> (Key, Vec<u8>) {
    let clockwork = Clockwork::system();
    let key = Key::Order { platform: "无".into(), seller: "91440101MA5TG02B2G".into(), order_no: "NOBODYS-1".into() };
    let receipt = Receipt {
        key: key.clone(),
        code: "120".into(),
        at: Some(clockwork.now()),
        info: "逻辑校验通过".into(),
        port_no: None,
        inventory_no: None,
        summary_no: None,
        bill_no: None,
    };
    let reply = Reply { guid: DocumentGuid(clockwork.id()), receipt: &receipt, statistics: "", follow_up: None };
    let style = Style { namespacing: Namespacing::Default, lower_case: false };
    (key, message::compose_receipts(Kind::Order, MessageId(clockwork.id()), &[reply], style).unwrap())
}

#[tokio::test]
async fn a_receipt_for_nobody_is_kept_listed_and_handed_on() {
    let town = open(|config| config.collector.forward = Some(config.store.file.with_file_name("forward"))).await;
    let (key, bytes) = strangers();
    let inward = town.road("guangzhou", "in");
    fs::write(inward.join("stranger.xml"), &bytes).unwrap();
    let store = town.gateway.store();
    rig::until(LONGEST, "it is kept", || async { !store.unmatched(10).await.unwrap().is_empty() }).await;
    let kept = store.unmatched(10).await.unwrap();
    assert_eq!((kept.len(), &kept[0].receipt.key, kept[0].receipt.code.as_str()), (1, &key, "120"));
    let mut operations = OperationsClient::connect(town.server()).await.unwrap();
    let listed = operations.unmatched_receipts(UnmatchedReceiptsRequest::default()).await.unwrap().into_inner().receipts;
    assert!(listed[0].key.iter().any(|part| part.value == "NOBODYS-1"), "{listed:?}");
    assert_eq!(fs::read(town.path().join("forward/stranger.xml")).unwrap(), bytes);
    rig::until(LONGEST, "the road has forgotten it", || async { rig::files(&inward).is_empty() }).await;
    drop(operations);
    town.end().await;
}
