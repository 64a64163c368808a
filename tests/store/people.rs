//! People at the console: accounts that change by what one has seen, sessions that every node knows, proposals that are decided once.

use std::time::Duration;

use tongguan::{
    clock::Timestamp,
    party::{Actor, Role, Tenant},
    retention::Class,
    store::{
        AccountChange, Application, Change, Ending, Holder, KeptAccount, KeptProposal, KeptSession, MOST_SESSIONS, ProposalEnd,
        ProposalState, Written,
    },
    vault::{KeyOptions, Options, Vault, new_key},
};
use uuid::Uuid;

use super::{START, World};

on_each_store!(
    an_account_is_changed_by_who_saw_it_last,
    a_session_is_known_to_every_node_until_it_ends,
    sessions_are_bounded,
    a_proposal_is_decided_once,
    what_is_over_is_swept_out_and_nothing_else,
    what_codes_are_made_of_is_kept_encrypted,
);

const MINUTE: Duration = Duration::from_secs(60);

fn account(world: &World, name: &str) -> KeptAccount {
    KeptAccount {
        id: world.clockwork.id(),
        version: 0,
        name: name.to_owned(),
        tenant: Tenant::local(),
        role: Role::Operator,
        enabled: true,
        password: "$argon2id$…".to_owned(),
        one_time_until: Some(START + MINUTE),
        secret: None,
        enrolled: false,
        last_step: 0,
        recovery: vec!["a".to_owned(), "b".to_owned()],
        failures: 0,
        locked_until: None,
        made_at: START,
        signed_in_at: None,
    }
}

fn session(id: u8, holder: Holder) -> KeptSession {
    KeptSession { id: [id; 32], holder, born: START, seen: START, until: START + 10 * MINUTE }
}

async fn put(world: &World, account: KeptAccount, ends: bool, begins: Option<KeptSession>) -> Written {
    let entries = vec![world.entry("account", account.id)];
    world.store().put_account(START, AccountChange { account, ends, begins, entries }).await.unwrap()
}

async fn an_account_is_changed_by_who_saw_it_last(world: World) {
    let made = account(&world, "z-1");
    assert_eq!(put(&world, made.clone(), false, None).await, Written::Done);
    assert_eq!(put(&world, account(&world, "z-1"), false, None).await, Written::Stale, "the name is taken");
    assert_eq!(put(&world, account(&world, "a-1"), false, None).await, Written::Done);
    let kept = world.store().account("z-1").await.unwrap().unwrap();
    assert_eq!(kept, KeptAccount { version: 1, ..made.clone() });
    let changed = KeptAccount {
        enabled: false,
        role: Role::Administrator,
        one_time_until: None,
        secret: Some(vec![7; 20]),
        enrolled: true,
        last_step: 9,
        recovery: Vec::new(),
        failures: 3,
        locked_until: Some(START + MINUTE),
        signed_in_at: Some(START),
        ..kept.clone()
    };
    assert_eq!(put(&world, changed.clone(), false, None).await, Written::Done);
    assert_eq!(put(&world, kept, false, None).await, Written::Stale, "somebody else was faster");
    assert_eq!(world.store().account("z-1").await.unwrap().unwrap(), KeptAccount { version: 2, ..changed });
    let names: Vec<_> = world.store().accounts().await.unwrap().into_iter().map(|account| account.name).collect();
    assert_eq!(names, ["a-1", "z-1"]);
    assert_eq!(world.acts(made.id).await, ["account", "account"], "what was stale is not told");
    assert!(world.store().account("nobody").await.unwrap().is_none());
}

async fn a_session_is_known_to_every_node_until_it_ends(world: World) {
    let owner = account(&world, "z-1");
    let of = Holder::Account(owner.id);
    assert_eq!(put(&world, owner.clone(), false, Some(session(1, of))).await, Written::Done);
    for (id, holder) in [(2, Holder::Key([9; 32])), (3, Holder::Key([9; 32])), (4, Holder::Anybody)] {
        let entry = world.entry("sign_in", Uuid::nil());
        world.store().begin_session(START, session(id, holder), entry).await.unwrap();
    }
    let known = async |id: u8, now| world.store().session(now, [id; 32]).await.unwrap();
    let (kept, whose) = known(1, START).await.unwrap();
    assert_eq!((kept, whose.map(|account| account.name)), (session(1, of), Some("z-1".to_owned())));
    assert_eq!(known(2, START).await.unwrap(), (session(2, Holder::Key([9; 32])), None));
    assert_eq!(known(4, START).await.unwrap().0.holder, Holder::Anybody);
    for now in [START + MINUTE, START] {
        world.store().touch_session(now, [1; 32]).await.unwrap();
    }
    assert_eq!(known(1, START).await.unwrap().0.seen, START + MINUTE, "it never goes back");
    assert!(known(1, START + 10 * MINUTE).await.is_none(), "it is over in any case");
    // A change of the account ends what was, and begins another.
    let seen = world.store().account("z-1").await.unwrap().unwrap();
    assert_eq!(put(&world, KeptAccount { version: 7, ..seen.clone() }, true, None).await, Written::Stale);
    assert!(known(1, START).await.is_some(), "what was stale ends nothing");
    assert_eq!(put(&world, seen, true, Some(session(5, of))).await, Written::Done);
    assert!(known(1, START).await.is_none() && known(5, START).await.is_some() && known(2, START).await.is_some());
    world.store().end_sessions(Ending::One([2; 32])).await.unwrap();
    assert!(known(2, START).await.is_none() && known(3, START).await.is_some());
    world.store().end_sessions(Ending::Of(Holder::Key([9; 32]))).await.unwrap();
    world.store().end_sessions(Ending::Of(Holder::Anybody)).await.unwrap();
    assert!(known(3, START).await.is_none() && known(4, START).await.is_none() && known(5, START).await.is_some());
    world.store().end_sessions(Ending::Of(of)).await.unwrap();
    assert!(known(5, START).await.is_none());
}

async fn sessions_are_bounded(world: World) {
    let begin = async |number: u32| {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&number.to_be_bytes());
        let seen = START + Duration::from_secs(u64::from(number));
        let session = KeptSession { id, holder: Holder::Anybody, born: seen, seen, until: START + 1_000 * MINUTE };
        world.store().begin_session(START, session, world.entry("sign_in", Uuid::nil())).await.unwrap();
        id
    };
    let (first, second) = (begin(0).await, begin(1).await);
    for number in 2..=MOST_SESSIONS {
        begin(number).await;
    }
    assert!(world.store().session(START, first).await.unwrap().is_none(), "the one that was used least recently made room");
    assert!(world.store().session(START, second).await.unwrap().is_some());
}

async fn a_proposal_is_decided_once(world: World) {
    let proposal = |number: u128, act: &str| KeptProposal {
        id: Uuid::from_u128(number),
        act: act.to_owned(),
        items: vec!["one".to_owned(), "two".to_owned()],
        preview: "[]".to_owned(),
        why: "flood".to_owned(),
        actor: Actor::new(Tenant::local(), Role::Operator, "desk"),
        person: "z-1".to_owned(),
        at: START,
        until: START + 10 * MINUTE,
        state: ProposalState::Open,
        ended: None,
    };
    let (first, second, third) = (proposal(1, "hold"), proposal(2, "retry"), proposal(3, "pause_road"));
    for proposal in [&first, &second, &third] {
        world.store().propose(START, proposal.clone(), world.entry("propose", proposal.id)).await.unwrap();
    }
    let open = async |now| world.store().proposals(now, 10).await.unwrap().into_iter().map(|proposal| proposal.act).collect::<Vec<_>>();
    assert_eq!(open(START).await, ["pause_road", "retry", "hold"]);
    assert_eq!(world.store().proposals(START, 1).await.unwrap().as_slice(), std::slice::from_ref(&third));
    assert_eq!(open(START + 10 * MINUTE).await, Vec::<String>::new(), "they lapse");
    let end = |id, state| ProposalEnd { id, state, by: "z-2".to_owned() };
    let carry = |id| Application {
        changes: vec![Change { entries: vec![world.entry("approve", id)], ..Change::default() }],
        carries_out: Some(end(id, ProposalState::Done)),
        ..Application::default()
    };
    let late = START + 10 * MINUTE;
    assert_eq!(world.store().apply(late, carry(first.id)).await.unwrap(), Written::Stale);
    assert_eq!(world.store().apply(START, carry(first.id)).await.unwrap(), Written::Done);
    assert_eq!(world.store().apply(START, carry(first.id)).await.unwrap(), Written::Stale, "once");
    let decline = async |now, id| {
        let entry = world.entry("decline", id);
        world.store().end_proposal(now, end(id, ProposalState::Declined), entry).await.unwrap()
    };
    assert_eq!(decline(START, first.id).await, Written::Stale);
    assert_eq!(decline(late, second.id).await, Written::Stale);
    assert_eq!(decline(START, second.id).await, Written::Done);
    assert_eq!(world.store().apply(START, carry(second.id)).await.unwrap(), Written::Stale);
    assert_eq!(open(START).await, ["pause_road"]);
    let kept = world.store().proposal(first.id).await.unwrap().unwrap();
    assert_eq!(kept, KeptProposal { state: ProposalState::Done, ended: Some(("z-2".to_owned(), START)), ..first.clone() });
    assert_eq!(world.acts(first.id).await, ["approve", "propose"]);
    assert_eq!(world.acts(second.id).await, ["decline", "propose"]);
    assert!(world.store().proposal(Uuid::nil()).await.unwrap().is_none());
}

async fn what_is_over_is_swept_out_and_nothing_else(world: World) {
    let store = world.store();
    let day = 24 * 60 * MINUTE;
    // Ids tell when a thing was made.
    let id = |at: Timestamp, n: u128| Uuid::from_u128((u128::from(u64::try_from(at.0 / 1_000).unwrap()) << 80) | n);
    let proposal = |at: Timestamp, n| KeptProposal {
        id: id(at, n),
        act: "hold".to_owned(),
        items: vec!["one".to_owned()],
        preview: "[]".to_owned(),
        why: "flood".to_owned(),
        actor: Actor::new(Tenant::local(), Role::Operator, "desk"),
        person: "z-1".to_owned(),
        at,
        until: at + day,
        state: ProposalState::Open,
        ended: None,
    };
    for n in 0..5 {
        let made = proposal(START + u32::from(n) * day, u128::from(n));
        store.propose(made.at, made, world.entry("propose", Uuid::nil())).await.unwrap();
        let over = KeptSession { until: START + u32::from(n) * day + MINUTE, ..session(n, Holder::Anybody) };
        store.begin_session(START, over, world.entry("sign_in", Uuid::nil())).await.unwrap();
    }
    let end = ProposalEnd { id: id(START, 0), state: ProposalState::Declined, by: "z-2".to_owned() };
    store.end_proposal(START, end, world.entry("decline", Uuid::nil())).await.unwrap();
    let left = async || {
        let mut left = (Vec::new(), Vec::new());
        for n in 0..5_u8 {
            if store.proposal(id(START + u32::from(n) * day, u128::from(n))).await.unwrap().is_some() {
                left.0.push(n);
            }
            if store.session(START, [n; 32]).await.unwrap().is_some() {
                left.1.push(n);
            }
        }
        left
    };
    assert_eq!(store.sweep(START, START, 10).await.unwrap(), 0, "all goes on");
    // Sessions that are over on the third day; proposals that lapsed by then: those of the first and the second.
    let third = START + 2 * day;
    assert_eq!(
        store.sweep(third, START + 12 * 60 * MINUTE, 1).await.unwrap(),
        1,
        "one session, so many at a time; no proposal is old enough yet"
    );
    assert_eq!(left().await, (vec![0, 1, 2, 3, 4], vec![1, 2, 3, 4]));
    assert_eq!(store.sweep(third, third, 10).await.unwrap(), 3);
    assert_eq!(left().await, (vec![2, 3, 4], vec![2, 3, 4]));
    assert_eq!(store.sweep(third, third, 10).await.unwrap(), 0);
    let kept = store.kept_by_month().await.unwrap();
    let of = |class: Class| kept.iter().filter(|kept| kept.class == class).map(|kept| kept.count).sum::<u64>();
    assert_eq!((of(Class::Proposals), of(Class::Sessions)), (3, 3));
}

async fn what_codes_are_made_of_is_kept_encrypted(mut world: World) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, new_key(&world.clockwork).as_str()).unwrap();
    let options = Options { keys: vec![KeyOptions { file: Some(file), environment: None }] };
    let vault = Vault::open(&options, &world.clockwork).unwrap();
    world = world.with_vault(vault.clone()).await;
    let with_codes = KeptAccount { secret: Some(vec![7; 20]), enrolled: true, ..account(&world, "z-1") };
    assert_eq!(put(&world, with_codes, false, None).await, Written::Done);
    let secret = async |world: &World| world.store().account("z-1").await.unwrap().unwrap().secret;
    assert_eq!(secret(&world).await, Some(vec![7; 20]));
    world = world.with_vault(Vault::default()).await;
    assert_eq!(secret(&world).await, Some(Vec::new()), "without its key it opens nothing");
    world = world.with_vault(vault).await;
    let resealed = world.store().reseal(tongguan::vault::Place::Account(Uuid::nil()), 10).await.unwrap();
    assert_eq!((resealed.looked, resealed.changed, resealed.closed), (1, 0, 0));
    assert_eq!(secret(&world).await, Some(vec![7; 20]));
}
