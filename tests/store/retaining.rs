//! What is kept for years: months that are archived wherever it is broken off, and read as before; legal holds; what is destroyed.

use std::{fs, path::Path, sync::Arc, time::Duration};

use tongguan::{
    archive::{self, Archives, Part, Set, Size},
    archivist::{self, Approved, Archivist, Done, Target},
    audit::LogKey,
    clock::{Clockwork, ManualClock, SeededEntropy, Timestamp},
    declaration::{DeclarationId, Kind, MessageId},
    dossier::Document,
    party::Tenant,
    proving::check::{self, Checked},
    queue::Lease,
    retention::{Class, Month, Options},
    sequencer::{self, Sequencer},
    state::State,
    store::{Application, Change, Disposition, EntryFilter, Error, Held, HoldChange, KeptReceipt, LegalHold, Outcome, Settlement, Written},
    task::Task,
    vault::{Place, Vault},
};
use uuid::Uuid;

use super::{
    START, World, changing,
    samples::{order_key, receipt},
    vaulted::vault,
};

/// Declarations that come to their end, and one that does not.
const ENDED: usize = 24;

/// What was kept, and what it was.
struct Filled {
    ended: Vec<DeclarationId>,
    running: DeclarationId,
    messages: Vec<MessageId>,
    arrival: Uuid,
}

/// The lives of declarations, most of them over, under a signed log.
async fn filled(world: &World, key: &Arc<LogKey>) -> Filled {
    let mut ended = Vec::new();
    for n in 0..ENDED {
        ended.push(world.accept_one(&format!("O{n}"), None).await);
    }
    let messages = world.pack_all().await;
    let lease = world.lease();
    let leased = world.store().lease_deliveries(START, lease, "guangzhou", 100).await.unwrap();
    let delivered = |message: MessageId| Settlement {
        message,
        attempt: 1,
        outcome: Outcome::Delivered { silent_at: Timestamp::NEVER },
        entries: vec![world.entry("deliver", Uuid::nil())],
    };
    world.store().settle(START, lease.token, leased.iter().map(|delivery| delivered(delivery.message)).collect()).await.unwrap();
    world.store().keep(START, vec![world.arrival("a")]).await.unwrap();
    let lease: Lease = world.lease();
    let arrival = world.store().lease_arrivals(START, lease, None, 10).await.unwrap()[0].id;
    let mut application = Application { token: Some(lease.token), arrivals: vec![(arrival, Disposition::Read)], ..Application::default() };
    for (n, id) in (0..).zip(&ended) {
        let order = world.now(*id, Kind::Order).await;
        let said = receipt(order_key(&format!("O{n}")), "120");
        application.receipts.push(KeptReceipt { arrival, ordinal: n, at: START, receipt: said, document: Some(order.id), effect: true });
        application.changes.push(Change {
            expected: vec![(order.id, order.version)],
            documents: vec![Document { state: State::Stored, ..order }],
            entries: vec![world.entry("receipt", id.0)],
            ..Change::default()
        });
    }
    assert_eq!(world.store().apply(START, application).await.unwrap(), Written::Done);
    for id in &ended {
        let inventory = world.now(*id, Kind::Inventory).await;
        let closed = changing(Document { state: State::Closed, gate_at: None, ..inventory });
        assert_eq!(world.store().apply(START, closed).await.unwrap(), Written::Done);
    }
    let running = world.accept_one("RUNNING", None).await;
    sign(world, key).await;
    Filled { ended, running, messages, arrival }
}

async fn sign(world: &World, key: &Arc<LogKey>) {
    let sequencer = Sequencer::new(Arc::clone(world.store()), world.clockwork.clone(), Arc::clone(key), sequencer::Options::default());
    while sequencer.pass().await.unwrap() > 0 {}
}

fn key() -> Arc<LogKey> {
    Arc::new(LogKey::new("retaining.example/log", &[5; 32]).unwrap())
}

fn month() -> Month {
    Month::of(START)
}

/// An archivist some years on, whose archives are full with little.
fn archivist(world: &World, folder: &Path, years: u64) -> Archivist {
    let now = START + Duration::from_secs(years * 366 * 86_400);
    let seed = world.clockwork.below(u64::MAX);
    let clockwork = Clockwork::new(Arc::new(ManualClock::at(now)), Arc::new(SeededEntropy::new(seed)));
    let most = Size { count: 60, bytes: u64::MAX };
    Archivist::new(Arc::clone(world.store()), clockwork, Options::default(), folder).with_most(most)
}

/// All that can be read of what was kept.
async fn told(world: &World, filled: &Filled, entries: usize) -> Vec<String> {
    let mut told = Vec::new();
    for id in &filled.ended {
        told.push(format!("{:?}", world.shown(*id).await));
    }
    for message in &filled.messages {
        told.push(format!("{:?}", world.store().sealed(*message).await.unwrap()));
    }
    told.push(format!("{:?}", world.store().arrival(filled.arrival).await.unwrap().unwrap().1));
    let all = EntryFilter { limit: u32::try_from(entries).unwrap(), ..EntryFilter::default() };
    told.push(format!("{:?}", world.store().entries(all).await.unwrap()));
    told.push(format!("{:?}", world.store().stored_entries(0, u32::try_from(entries).unwrap()).await.unwrap()));
    told
}

async fn checked(world: &World, key: &LogKey, folder: Option<&Path>) -> Checked {
    check::kept(world.store().as_ref(), key.verifier(), None, folder, &|_, _| ()).await.unwrap()
}

async fn size(world: &World) -> usize {
    world.store().stored_entries(0, 100_000).await.unwrap().len()
}

on_each_store! {
    what_is_over_is_archived_and_reads_as_before,
    archiving_may_be_broken_off_anywhere,
    what_is_under_legal_hold_stays,
    what_was_altered_is_named_and_what_was_destroyed_is_explained,
    just_what_was_approved_is_destroyed_or_nothing,
    what_is_encrypted_stays_so_in_its_archive,
}

async fn what_is_over_is_archived_and_reads_as_before(world: World) {
    let (key, folder) = (key(), tempfile::tempdir().unwrap());
    let filled = filled(&world, &key).await;
    let entries = size(&world).await;
    let before = told(&world, &filled, entries).await;
    let done = archivist(&world, folder.path(), 1).archive(month()).await.unwrap();
    sign(&world, &key).await;
    assert!(done.made > 1 && done.resumed == 0, "{done:?}");
    // A declaration, a decision and a receipt each, and entries; messages, and the arrival.
    assert!(done.items > 24 * 5, "{done:?}");
    let again = archivist(&world, folder.path(), 1).archive(month()).await.unwrap();
    assert_eq!(again, Done::default(), "nothing is left to do");
    // Without the archives at hand.
    let away = world.store().show(None, filled.ended[0]).await.unwrap_err();
    assert!(matches!(&away, Error::Archived(archive::Error::Away(name)) if name.starts_with("2026-11.")), "{away:?}");
    assert!(away.to_string().contains("已归档") && away.to_string().contains("not at hand"), "{away}");
    assert!(world.store().sealed(filled.messages[0]).await.is_err());
    assert_eq!(world.shown(filled.running).await.dossier.id, filled.running, "what is not over is there");
    let about = EntryFilter { subjects: Some(vec![filled.ended[0].0]), limit: 100, ..EntryFilter::default() };
    let entry = world.store().entries(about).await.unwrap().remove(0).entry;
    assert!(entry.why.contains("not at hand") && entry.act == "accept" && entry.subject == filled.ended[0].0, "{entry:?}");
    assert_eq!(world.store().find(None, &["O3".into()]).await.unwrap().len(), 1, "numbers still lead to it");
    let Checked::Whole { hashed, archives: 0, .. } = checked(&world, &key, None).await else { panic!("whole") };
    assert!(!hashed.is_empty() && hashed.iter().all(|hashed| !hashed.is_destroyed && hashed.count > 0), "{hashed:?}");
    let kept = world.store().kept_by_month().await.unwrap();
    let of = |class: Class| kept.iter().find(|kept| kept.class == class && kept.month == month()).unwrap().clone();
    assert_eq!((of(Class::Declarations).count, of(Class::Declarations).archived), (25, 24));
    assert_eq!((of(Class::Receipts).count, of(Class::Receipts).archived), (24, 24));
    // With them.
    let world = world.reopened(Vault::default(), Archives::at(folder.path())).await;
    assert!(told(&world, &filled, entries).await == before, "everything reads as before");
    let whole = checked(&world, &key, Some(folder.path())).await;
    let Checked::Whole { hashed, archives, .. } = whole else { panic!("{whole:?}") };
    assert_eq!((hashed.len(), archives), (0, usize::try_from(done.made).unwrap()));
}

async fn archiving_may_be_broken_off_anywhere(world: World) {
    let (key, folder) = (key(), tempfile::tempdir().unwrap());
    let filled = filled(&world, &key).await;
    let entries = size(&world).await;
    let before = told(&world, &filled, entries).await;
    let mut world = world.reopened(Vault::default(), Archives::at(folder.path())).await;
    let (mut broken, mut micros) = (0_u64, 500);
    loop {
        let archivist = archivist(&world, folder.path(), 1);
        let turn = tokio::time::timeout(Duration::from_micros(micros), archivist.archive(month())).await;
        drop(archivist);
        if let Ok(done) = turn {
            done.unwrap();
            break;
        }
        broken += 1;
        // Each time it comes a little further, to another place.
        micros += 2_777 + (broken % 7) * 331;
        if broken % 4 == 0 {
            sign(&world, &key).await;
            world = world.reopened(Vault::default(), Archives::at(folder.path())).await;
            assert!(told(&world, &filled, entries).await == before, "after {broken} times");
            let whole = checked(&world, &key, Some(folder.path())).await;
            assert!(matches!(whole, Checked::Whole { .. }), "after {broken} times: {whole:?}");
        }
    }
    assert!(broken > 3, "it was broken off {broken} times");
    sign(&world, &key).await;
    let again = archivist(&world, folder.path(), 1).archive(month()).await.unwrap();
    assert_eq!(again, Done::default());
    let world = world.reopened(Vault::default(), Archives::at(folder.path())).await;
    assert!(told(&world, &filled, entries).await == before);
    assert!(world.store().archives().await.unwrap().iter().all(|kept| kept.state.as_str() == "emptied"));
}

fn hold(world: &World, held: Held, lifted: bool) -> HoldChange {
    let hold = LegalHold { held, tenant: None, at: START, by: "auditor".into(), why: "稽查".into() };
    HoldChange { hold, lifted, entry: world.entry(if lifted { "legal_hold_lift" } else { "legal_hold" }, Uuid::nil()) }
}

async fn what_is_under_legal_hold_stays(world: World) {
    let (key, folder) = (key(), tempfile::tempdir().unwrap());
    let filled = filled(&world, &key).await;
    let [one, ..] = filled.ended[..] else { panic!() };
    for held in [Held::Month(month()), Held::Seller("SELLER".into())] {
        let change = |lifted| vec![hold(&world, held.clone(), lifted)];
        assert_eq!(world.store().change_legal_holds(START, change(false)).await.unwrap(), [true]);
        assert_eq!(world.store().change_legal_holds(START, change(false)).await.unwrap(), [false], "once is enough");
        assert_eq!(world.store().legal_holds(None).await.unwrap().len(), 1);
        let any = [Held::Declaration(one.0), Held::Seller("SELLER".into()), Held::Month(month())];
        let on: Vec<_> = world.store().legal_holds_on(&Tenant::local(), &any).await.unwrap().into_iter().map(|hold| hold.held).collect();
        assert_eq!(on, std::slice::from_ref(&held));
        assert!(world.store().legal_holds_on(&Tenant::local(), &any[..1]).await.unwrap().is_empty());
        sign(&world, &key).await;
        archivist(&world, folder.path(), 1).archive(month()).await.unwrap();
        for id in &filled.ended {
            world.shown(*id).await;
        }
        assert_eq!(world.store().change_legal_holds(START, change(true)).await.unwrap(), [true]);
        assert_eq!(world.store().change_legal_holds(START, change(true)).await.unwrap(), [false]);
    }
    world.store().change_legal_holds(START, vec![hold(&world, Held::Declaration(one.0), false)]).await.unwrap();
    let done = archivist(&world, folder.path(), 1).archive(month()).await.unwrap();
    assert!(done.made > 0);
    world.shown(one).await;
    assert!(world.store().sealed(filled.messages[0]).await.is_ok(), "its message stays for its sake");
    assert!(world.store().show(None, filled.ended[1]).await.is_err(), "the others are archived");
    assert_eq!(world.acts(Uuid::nil()).await.iter().filter(|act| *act == "legal_hold").count(), 3);
    // An archived one that comes under hold keeps its archive from being destroyed.
    world.store().change_legal_holds(START, vec![hold(&world, Held::Declaration(filled.ended[1].0), false)]).await.unwrap();
    let preview = archivist(&world, folder.path(), 12).preview(Timestamp::NEVER).await.unwrap();
    assert!(!preview.spared.is_empty() && preview.attempts.is_empty(), "{preview:?}");
    world.store().change_legal_holds(START, vec![hold(&world, Held::Month(month()), false)]).await.unwrap();
    let preview = archivist(&world, folder.path(), 12).preview(Timestamp::NEVER).await.unwrap();
    assert!(preview.is_empty(), "the month's: {preview:?}");
}

async fn what_was_altered_is_named_and_what_was_destroyed_is_explained(world: World) {
    let (key, folder) = (key(), tempfile::tempdir().unwrap());
    let filled = filled(&world, &key).await;
    archivist(&world, folder.path(), 1).archive(month()).await.unwrap();
    sign(&world, &key).await;
    let world = world.reopened(Vault::default(), Archives::at(folder.path())).await;
    let last = world.store().archives().await.unwrap().into_iter().rfind(|kept| kept.span.is_some()).unwrap();
    let file = folder.path().join(format!("{}.jsonl.gz", last.name));
    let whole = fs::read(&file).unwrap();
    let mut altered = whole.clone();
    altered[whole.len() / 2] ^= 1;
    fs::write(&file, altered).unwrap();
    // As somebody reads it who has not read it before.
    let world = world.reopened(Vault::default(), Archives::at(folder.path())).await;
    let found = checked(&world, &key, Some(folder.path())).await;
    let Checked::Archives(wrong) = found else { panic!("{found:?}") };
    assert!(wrong.iter().any(|wrong| wrong.contains(&last.name.to_string())), "{wrong:?}");
    fs::write(&file, whole).unwrap();
    // Too early, then not what was previewed, then destroyed.
    let early = archivist(&world, folder.path(), 9).preview(Timestamp::NEVER).await.unwrap();
    assert!(early.doomed.is_empty(), "{early:?}");
    let late = archivist(&world, folder.path(), 12);
    let preview = late.preview(Timestamp::NEVER).await.unwrap();
    assert!(preview.doomed.len() > 1 && preview.spared.is_empty() && !preview.attempts.is_empty(), "{preview:?}");
    assert!(late.destroy(Timestamp::NEVER, &early.digest, "期满").await.is_err(), "another preview");
    assert_eq!(late.destroy(Timestamp::NEVER, &preview.digest, "期满").await.unwrap(), preview);
    sign(&world, &key).await;
    assert!(late.preview(Timestamp::NEVER).await.unwrap().is_empty());
    drop(late);
    assert!(crate::rig::files(folder.path()).is_empty(), "no file is left");
    let world = world.reopened(Vault::default(), Archives::at(folder.path())).await;
    let found = checked(&world, &key, Some(folder.path())).await;
    let Checked::Whole { hashed, .. } = found else { panic!("{found:?}") };
    assert!(!hashed.is_empty() && hashed.iter().all(|hashed| hashed.is_destroyed), "{hashed:?}");
    assert!(world.store().show(None, filled.ended[0]).await.is_err());
    assert_eq!(world.store().find(None, &["O3".into()]).await.unwrap().len(), 1, "the number stays taken");
}

async fn just_what_was_approved_is_destroyed_or_nothing(world: World) {
    let (key, folder) = (key(), tempfile::tempdir().unwrap());
    let filled = filled(&world, &key).await;
    archivist(&world, folder.path(), 1).archive(month()).await.unwrap();
    let late = archivist(&world, folder.path(), 12);
    let preview = late.preview(Timestamp::NEVER).await.unwrap();
    let all: Vec<_> = preview.lines().iter().map(|line| Target::parse(line).unwrap()).collect();
    assert!(all.len() > 2 && preview.doomed.len() > 1, "{all:?}");
    let approved = |targets: &[Target]| Approved {
        targets: targets.to_vec(),
        why: "期满".into(),
        proposal: Uuid::from_u128(7),
        proposed_by: "wang".into(),
        approved_by: "li".into(),
    };
    // Of something that is not there, or that came under hold since, nothing is destroyed.
    let stranger = Target::Archive(preview.doomed[0].name, "0".repeat(64));
    let changed = |done: Result<_, archivist::Error>| matches!(done, Err(archivist::Error::Changed));
    assert!(changed(late.destroy_approved(&approved(&[all[1].clone(), stranger])).await));
    world.store().change_legal_holds(START, vec![hold(&world, Held::Declaration(filled.ended[0].0), false)]).await.unwrap();
    assert!(changed(late.destroy_approved(&approved(&all)).await));
    assert!(late.preview(Timestamp::NEVER).await.unwrap().doomed.len() < preview.doomed.len());
    world.store().change_legal_holds(START, vec![hold(&world, Held::Declaration(filled.ended[0].0), true)]).await.unwrap();
    assert_eq!(late.preview(Timestamp::NEVER).await.unwrap(), preview, "all is still there");
    // A part, then all: what is gone is not missed, and once more is as good as once.
    let done = late.destroy_approved(&approved(&all[..1])).await.unwrap();
    assert_eq!((done.lines().len(), done.attempts.len()), (1, 0));
    assert_eq!(late.destroy_approved(&approved(&all)).await.unwrap().lines().len(), all.len() - 1);
    assert!(late.destroy_approved(&approved(&all)).await.unwrap().is_empty());
    assert!(late.preview(Timestamp::NEVER).await.unwrap().is_empty());
    assert!(crate::rig::files(folder.path()).is_empty(), "no file is left");
    let told = EntryFilter { act: Some("destroy".into()), pending: true, limit: 100, ..EntryFilter::default() };
    let told = world.store().entries(told).await.unwrap();
    assert_eq!(told.len(), preview.doomed.len() + 1, "{told:?}");
    for placed in told {
        let value = |field: &str| placed.entry.changes.iter().find(|change| change.field == field).map(|change| change.to.clone());
        let by = (value("proposed_by"), value("approved_by"), value("proposal.id"));
        assert_eq!(by, (Some("wang".into()), Some("li".into()), Some(Uuid::from_u128(7).to_string())));
    }
}

async fn what_is_encrypted_stays_so_in_its_archive(world: World) {
    let (key, keys, folder) = (key(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let [none, first, second] = [&[][..], &[1], &[2]].map(|numbers| vault(&world, &keys, numbers));
    let world = world.with_vault(first.clone()).await;
    let filled = filled(&world, &key).await;
    // Whoever archives needs no secret.
    let world = world.with_vault(none).await;
    archivist(&world, folder.path(), 1).archive(month()).await.unwrap();
    let mut encrypted = 0;
    for kept in world.store().archives().await.unwrap() {
        let set = Set::open(folder.path(), kept.name).unwrap();
        let items = (0..set.members()).flat_map(|member| set.member(member).unwrap());
        let raw = items.filter(|item| matches!(item.part, Part::Message | Part::Arrival));
        encrypted += raw.filter(|item| item.body.starts_with(b"\0TGV") && !item.body.ends_with(b"/>")).count();
    }
    assert_eq!(encrypted, filled.messages.len() + 1);
    // Another key does not reach into archives, nor harm what refers to them.
    let world = world.reopened(second, Archives::at(folder.path())).await;
    for from in [Place::Message(Uuid::nil()), Place::Arrival(Uuid::nil())] {
        let done = world.store().reseal(from, 100).await.unwrap();
        assert_eq!((done.looked > 0, done.changed, done.closed), (true, 0, 0), "{done:?}");
    }
    assert!(world.store().sealed(filled.messages[0]).await.is_err(), "not with that key");
    let world = world.reopened(first, Archives::at(folder.path())).await;
    assert_eq!(world.store().sealed(filled.messages[0]).await.unwrap().unwrap(), b"<sealed/>");
    assert_eq!(world.store().arrival(filled.arrival).await.unwrap().unwrap().1, b"<r/>");
}
