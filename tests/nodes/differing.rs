//! Nodes whose configurations or clocks differ notice it and say so.

use std::time::Duration;

use tongguan::grpc::proto::{NodesRequest, operations_client::OperationsClient};

use crate::rig::{
    self,
    town::{Keeper, Town},
};

const BOUND: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_differ_say_in_what() {
    let town = Town::new(Keeper::postgres().await, 1);
    let one = town.configure("one", |config| config.node.name = "one".into());
    town.configure("two", |config| {
        config.node.name = "two".into();
        config.node.clock_shift_ms = 7_000;
        config.courier.tries += 1;
        config.lanes.pop();
        // Its own: no difference.
        config.grpc.listen = format!("127.0.0.1:{}", rig::free_port());
    });
    town.configure("three", |config| {
        config.node.name = "three".into();
        config.grpc.listen = format!("127.0.0.1:{}", rig::free_port());
        // It concerns nobody that packs and delivers.
        config.lanes.pop();
    });
    let nodes = [
        town.start("serve", "one", &[]),
        town.start("serve", "two", &["--roles", "intake,deliver,receive"]),
        town.start("serve", "three", &["--roles", "pack,deliver"]),
    ];
    let file = town.path("one.toml");
    let ask = || rig::run(&["nodes", "--config", &file]);
    let told = || async {
        let (_, said) = ask();
        ["one#", "two#", "three#", "courier: ", "lanes: ", "ms behind two#"].iter().all(|what| said.contains(what))
    };
    rig::until(BOUND, "the difference is told", told).await;
    let (agree, said) = ask();
    assert!(!agree, "{said}");
    let of = |section: &str| said.lines().find(|line| line.contains(&format!("{section}: "))).unwrap_or_default().to_owned();
    assert!(of("courier").split(" | ").count() == 2 && of("courier").contains("one#"), "{said}");
    assert!(of("lanes").contains("two#") && !of("lanes").contains("three#"), "it is not asked for its lanes: {said}");
    assert!(!said.contains("grpc: ") && !said.contains("senders: "), "{said}");

    let mut desk = OperationsClient::connect(format!("http://{}", one.grpc.listen)).await.unwrap();
    let shown = desk.nodes(NodesRequest {}).await.unwrap().into_inner();
    assert_eq!(
        shown.nodes.iter().map(|node| node.name.as_str()).collect::<std::collections::BTreeSet<_>>(),
        ["one", "three", "two"].into()
    );
    let sections: Vec<_> = shown.disagreements.iter().map(|found| found.section.as_str()).collect();
    assert_eq!(sections, ["lanes", "courier"]);
    let behind = shown.nodes.iter().filter(|node| node.name != "two").flat_map(|node| &node.clocks_ahead);
    assert!(behind.clone().count() >= 1 && behind.clone().all(|ahead| (2_000..=7_000).contains(&ahead.milliseconds)), "{:?}", shown.nodes);
    for name in ["one", "two", "three"] {
        let warned = || async { town.said("serve", name).contains("configured differently in courier") };
        rig::until(BOUND, &format!("node {name} has told its log"), warned).await;
    }
    assert!(town.said("serve", "one").contains("is ahead of this one's"), "{}", town.said("serve", "one"));
    for node in nodes {
        assert!(node.stop().success());
    }
    let (agree, said) = ask();
    assert!(agree && !said.contains('#'), "nodes that stop take their rows with them: {said}");
}
