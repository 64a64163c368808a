//! kill -9 of `serve` while orders are submitted: nothing is lost, nothing declared twice, the log is whole. On both stores.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tongguan::clock::{Clockwork, SeededEntropy, SystemClock};

use super::rig::town::{Keeper, LONGEST, Town};

const KILLS: u64 = 20;
const SEED: u64 = 20_261_123;
/// Entries of the log that an order writes at least, in tenths: one for itself and for its waybill, and some for what follows.
const TENTHS: u64 = 45;

/// Runs `serve`, and kills it each time after a number of further steps that the seed tells.
async fn kill_again_and_again(town: &Town, orders: usize) -> u64 {
    let busy = u64::try_from(orders).unwrap() * TENTHS / 10;
    let dice = Clockwork::new(Arc::new(SystemClock), Arc::new(SeededEntropy::new(SEED)));
    let mut while_submitting = 0;
    let mut submits = ["orders", "waybills"].map(|what| town.submit(what, &town.door()));
    for kill in 0..KILLS {
        let before = town.steps().await;
        let mut serve = town.start("serve", "tongguan", &[]);
        // The first half comes soon, while there is still something to submit, however slow the machine.
        let reach = if kill < KILLS / 2 { busy / KILLS / 2 } else { busy / KILLS * 3 };
        let goal = before + 1 + dice.below(reach);
        let began = Instant::now();
        let mut last = (before, began);
        // Where all waits for what was held by the one killed before, nothing moves: then that is the moment.
        while last.0 < goal && last.1.elapsed() < Duration::from_secs(3) {
            tokio::time::sleep(Duration::from_millis(3)).await;
            let steps = town.steps().await;
            if steps > last.0 {
                last = (steps, Instant::now());
            }
        }
        while_submitting += u64::from(submits.iter_mut().any(|submit| !submit.ended()));
        assert!(!serve.ended(), "kill {kill}: it ended by itself\n{}", serve.said());
        serve.kill();
        assert!(began.elapsed() < LONGEST, "kill {kill}");
    }
    let serve = town.start("serve", "tongguan", &[]);
    for submit in &mut submits {
        assert!(submit.wait(LONGEST).success(), "{}", submit.said());
    }
    town.all_closed().await;
    assert!(serve.stop().success());
    while_submitting
}

async fn twenty_kills(keeper: Keeper, orders: usize) {
    let town = Town::new(keeper, orders);
    // Few to a commit, so that a submit lasts and can be met.
    town.configure("tongguan", |config| config.intake.batch = 16);
    let customs = town.start("simulate", "tongguan", &[]);
    let while_submitting = kill_again_and_again(&town, orders).await;
    let customs_content = customs.stop().success();
    town.is_whole(customs_content).await;
    assert!(while_submitting >= 5, "only {while_submitting} kills met a submit");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_lose_nothing_and_declare_nothing_twice() {
    twenty_kills(Keeper::Sqlite, 2_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_on_postgres_lose_nothing_and_declare_nothing_twice() {
    twenty_kills(Keeper::postgres().await, 1_500).await;
}
