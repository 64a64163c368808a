//! A sender that the transport does not accept is stopped until somebody has looked.

use tongguan::{
    grpc::proto::{QueuesRequest, ResumeSenderRequest, operations_client::OperationsClient},
    message::dxp,
};

use super::*;

/// The names of the files that wait for customs.
fn out(town: &Town) -> Vec<String> {
    let files = ["guangzhou", "huangpu"].iter().flat_map(|road| rig::files(&town.road(road, "out")));
    files.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

fn count(town: &Town, prefix: &str) -> usize {
    out(town).iter().filter(|name| name.starts_with(prefix)).count()
}

#[tokio::test]
async fn a_refused_identity_stops_its_sender_and_resuming_lets_everything_close() {
    let mut town = open_alone(|config| config.courier.silence_s = 600, |_| {}).await;
    let (orders, waybills) = numbered(8);
    let mut ids = town.submit(&orders[..4]).await;
    rig::until(LONGEST, "orders lie on the road", || async { count(&town, "CEB303") > 0 }).await;
    let message = out(&town).into_iter().find(|name| name.starts_with("CEB303")).unwrap();
    let original = message.trim_start_matches("CEB303Message_").trim_end_matches(".xml");
    let now = Clockwork::system().now();
    let address = dxp::Address {
        cop_msg_id: original,
        sender: &town.config.senders[0].dxp_id,
        receiver: dxp::EXPORT_RECEIVER,
        at: now,
        msg_type: "CEB303Message",
    };
    let report = dxp::compose_report("1002", "证书无效", now, &address).unwrap();
    fs::write(town.road("guangzhou", "in").join("report.xml"), report).unwrap();
    let mut operations = OperationsClient::connect(town.server()).await.unwrap();
    let store = town.gateway.store().clone();
    rig::until(LONGEST, "the sender is stopped", || async { !store.stopped().await.unwrap().is_empty() }).await;
    let stopped = operations.queues(QueuesRequest {}).await.unwrap().into_inner().stopped;
    assert_eq!((stopped.len(), stopped[0].sender.as_str()), (1, "declarant"));
    assert!(stopped[0].reason.contains("1002"));

    let before = count(&town, "CEB303");
    ids.extend(town.submit(&orders[4..]).await);
    town.push(&waybills).await;
    // Carriers are not stopped: once their waybills have left, the declarant's later orders would have, too.
    rig::until(LONGEST, "waybills leave", || async { count(&town, "CEB505") > 0 }).await;
    town.begin_customs();
    let mut waybill_ids = ids.clone();
    waybill_ids.truncate(8);
    town.reach(&waybill_ids, Kind::Waybill, State::Stored).await;
    for id in &ids[4..] {
        let state = town.state(*id, Kind::Order).await;
        assert!(matches!(state, Some(State::Due | State::Packed)), "{state:?}");
    }
    assert!(count(&town, "CEB303") <= before);
    let resume = ResumeSenderRequest { sender: "declarant".into(), why: "证书已更新".into() };
    operations.resume_sender(resume).await.unwrap();
    town.closed(&ids).await;
    assert!(operations.queues(QueuesRequest {}).await.unwrap().into_inner().stopped.is_empty());
    drop(operations);
    assert_eq!(town.end().await.1.closed, 8);
}
