//! A disk that is full: callers are told to come again, nothing that was answered is lost, nothing is half kept.

use tongguan::store::{ListFilter, Store, sqlite::Sqlite};

use super::*;

/// Submits hundreds until the database is full; gives every answer.
async fn fill(town: &Town, orders: &[Value]) -> Vec<Answer> {
    let mut answers = Vec::new();
    for some in orders.chunks(50) {
        answers.extend(town.try_submit(some).await);
    }
    answers
}

#[tokio::test]
async fn a_full_disk_answers_busy_keeps_what_it_answered_and_goes_on_with_more_room() {
    let few = |config: &mut Config| {
        config.store.largest_mib = 3;
        // What was leased when the disk was full is free again soon.
        (config.packer.sign_s, config.packer.lease_s) = (4, 8);
    };
    let town = open_alone(few, |_| {}).await;
    let (orders, waybills) = rig::many(1_000);
    let answers = fill(&town, &orders).await;
    let kept: Vec<_> =
        answers.iter().filter_map(|answer| if let Answer::Kept { id, .. } = answer { Some(id.clone()) } else { None }).collect();
    let busy = answers.iter().filter(|answer| matches!(answer, Answer::Busy(_))).count();
    assert_eq!(kept.len() + busy, orders.len(), "{:?}", answers.iter().find(|answer| matches!(answer, Answer::Refused { .. })));
    assert!(kept.len() > 20 && busy > 20, "{} kept, {busy} busy", kept.len());

    let told_when = |answer: &Answer| !matches!(answer, Answer::Busy(wait) if wait.is_zero());
    assert!(answers.iter().all(told_when), "busy, and not told when to come again");

    // It stays up for those who look, and nothing is half kept.
    let listed = town.gateway.store().list(ListFilter { limit: 2_000, ..ListFilter::default() }).await.unwrap().dossiers;
    assert_eq!(listed.len(), kept.len());
    assert!(listed.iter().all(|dossier| dossier.documents.len() == 2));
    let Town { folder, mut config, gateway, .. } = town;
    gateway.stop().await;

    config.store.largest_mib = 4_096;
    let gateway = Gateway::start(&config, &Clockwork::system()).await.unwrap();
    let client = Client::connect(&format!("http://{}", gateway.address().unwrap()), None, None).await.unwrap();
    let mut town = Town { folder, config, gateway, client, customs: None };
    town.begin_customs();
    let again = town.submit(&orders).await;
    for (answer, id) in answers.iter().zip(&again) {
        assert!(!matches!(answer, Answer::Kept { id: first, .. } if *first != id.to_string()));
    }
    town.push(&waybills).await;
    town.closed(&again).await;
    let (folder, report) = town.end().await;
    assert_eq!(report.closed, 1_000);
    let dir = folder.path().to_str().unwrap().to_owned();
    let (whole, said) = tokio::task::spawn_blocking(move || rig::run(&["audit", "verify", "--dir", &dir])).await.unwrap();
    assert!(whole, "{said}");
    assert!(Sqlite::open_read_only(&folder.path().join("tongguan.db")).await.unwrap().pending_entries(1).await.unwrap().is_empty());
}
