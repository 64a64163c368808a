//! Three nodes by roles, each role on two of them; nodes and PostgreSQL itself are killed or stopped at
//! moments that a seed tells. Nothing is lost, nothing declared twice, the log is whole.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tongguan::clock::{Clockwork, SeededEntropy, SystemClock};

use crate::rig::{
    self, Program,
    town::{Keeper, LONGEST, Town},
};

const ORDERS: usize = 800;
const ROUNDS: u64 = 24;
const SEED: u64 = 20_261_126;
/// Name, roles, by how many milliseconds its clock is ahead.
const NODES: [(&str, &str, i64); 3] = [
    ("a", "intake,gate,sequence", 4_000),
    ("b", "intake,pack,deliver,receive,collect", -4_000),
    ("c", "gate,pack,deliver,receive,collect,sequence", 500),
];

struct Trio {
    town: Town,
    doors: Vec<String>,
    nodes: Vec<Option<Program>>,
    /// Kills of the database, polite stops and kills of nodes.
    blows: [u32; 3],
}

impl Trio {
    fn new(keeper: Keeper) -> Self {
        let town = Town::new(keeper, ORDERS);
        let doors = NODES.map(|(name, _, shift)| {
            let config = town.configure(name, |config| {
                config.node.name = name.into();
                config.intake.batch = 16;
                config.node.clock_shift_ms = shift;
                config.grpc.listen = format!("127.0.0.1:{}", rig::free_port());
            });
            format!("http://{}", config.grpc.listen)
        });
        let mut trio = Self { town, doors: doors.to_vec(), nodes: vec![None, None, None], blows: [0; 3] };
        for at in 0..NODES.len() {
            trio.start(at);
        }
        trio
    }

    fn start(&mut self, at: usize) {
        let (name, roles, _) = NODES[at];
        self.nodes[at] = Some(self.town.start("serve", name, &["--roles", roles]));
    }

    /// Asks a node to stop that has begun to run; it has nothing to complain of.
    async fn stop(&mut self, at: usize) {
        let name = NODES[at].0;
        let node = self.nodes[at].take().unwrap();
        // What it said since it began: it warns of its clock first. One that was killed while it started said no more.
        let runs = || async { self.town.said("serve", name).rsplit("WARN tongguan::cli::serve").next().unwrap().contains("已就绪") };
        rig::until(LONGEST, &format!("node {name} runs"), runs).await;
        assert!(node.stop().success(), "{}", self.town.said("serve", name));
    }

    fn all_run(&mut self, when: &str) {
        for (at, node) in self.nodes.iter_mut().enumerate() {
            if let Some(node) = node {
                assert!(!node.ended(), "{when}: node {} ended by itself\n{}", NODES[at].0, node.said());
            }
        }
    }

    /// Ends one by a kill or politely, or kills the database, and lets it be so for a moment.
    async fn strike(&mut self, dice: &Clockwork) {
        let away = Duration::from_millis(dice.below(600));
        match dice.below(8) {
            0 | 1 => {
                self.blows[0] += 1;
                self.town.keeper.server().kill();
                tokio::time::sleep(away).await;
                self.town.keeper.server().start_again();
            }
            blow => {
                let at = usize::try_from(dice.below(3)).unwrap();
                if blow == 2 {
                    self.blows[1] += 1;
                    self.stop(at).await;
                } else {
                    self.blows[2] += 1;
                    self.nodes[at].take().unwrap().kill();
                }
                tokio::time::sleep(away).await;
                self.start(at);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_under_kills_lose_nothing_and_declare_nothing_twice() {
    let mut trio = Trio::new(Keeper::postgres().await);
    let dice = Clockwork::new(Arc::new(SystemClock), Arc::new(SeededEntropy::new(SEED)));
    // No port failures (4): one that meets a resend can leave its document to a person (docs/operations.md); the kills of one node have them.
    trio.town.configure("tongguan", |config| config.simulator.oddities.port_failed = 0);
    let customs = trio.town.start("simulate", "tongguan", &[]);
    let mut submits = [trio.town.submit("orders", &trio.doors[0]), trio.town.submit("waybills", &trio.doors[1])];
    let mut while_submitting = 0;
    for round in 0..ROUNDS {
        // The first blows come soon, while there is still something to submit.
        let reach = u64::try_from(ORDERS).unwrap() / if round < 8 { 16 } else { 2 };
        let goal = trio.town.steps().await + dice.below(reach);
        let began = Instant::now();
        while trio.town.steps().await < goal && began.elapsed() < Duration::from_secs(3) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        trio.all_run(&format!("round {round}"));
        while_submitting += u64::from(submits.iter_mut().any(|submit| !submit.ended()));
        trio.strike(&dice).await;
    }
    for submit in &mut submits {
        assert!(submit.wait(LONGEST).success(), "{}", submit.said());
    }
    trio.town.all_closed().await;
    trio.all_run("in the end");
    for at in 0..NODES.len() {
        trio.stop(at).await;
    }
    let customs_content = customs.stop().success();
    trio.town.is_whole(customs_content).await;
    let [databases, stops, kills] = trio.blows;
    assert!(databases >= 3 && stops >= 1 && kills >= 8, "{databases} kills of the database, {stops} stops, {kills} kills of nodes");
    assert!(while_submitting >= 5, "only {while_submitting} blows met a submit");
}
