use std::time::Duration;

use super::*;
use crate::{
    clock::{Clock as _, ManualClock, SeededEntropy},
    store::sqlite::Sqlite,
};

const OWN: &str = "correct horse battery";

struct World {
    accounts: Accounts,
    clock: Arc<ManualClock>,
    _folder: tempfile::TempDir,
}

async fn world(options: Options) -> World {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Sqlite::open(&folder.path().join("tongguan.db")).await.unwrap());
    let clock = Arc::new(ManualClock::at(Timestamp(1_795_000_000_000_000)));
    let clockwork = Clockwork::new(Arc::<ManualClock>::clone(&clock), Arc::new(SeededEntropy::new(1)));
    let options = Options { memory_kib: 64, passes: 1, ..options };
    World { accounts: Accounts::new(store, clockwork, options).unwrap(), clock, _folder: folder }
}

fn by() -> Actor {
    crate::access::anybody().actor
}

impl World {
    async fn add(&self, name: &str) -> String {
        let new = New { name: name.to_owned(), role: Role::Administrator, tenant: None };
        self.accounts.add(&by(), &new, None, "test").await.unwrap()
    }

    fn opening(&self) -> Opening {
        Opening { id: self.accounts.random(), until: Timestamp::NEVER }
    }

    async fn try_in(&self, password: &str, code: &str) -> Result<KeptAccount, Failure> {
        self.accounts.sign_in(Attempt { name: "z-1", password, code, address: None }, self.opening()).await
    }
}

#[test]
fn what_the_options_may_be() {
    assert!(Options::default().faults().is_empty());
    let wild = Options { memory_kib: 1, passes: 0, at_once: 99, failures: 0, shut_s: 0, longest_shut_s: 1 << 40, one_time_h: 0 };
    assert_eq!(wild.faults().len(), 7);
}

#[tokio::test]
async fn an_account_is_shut_for_longer_each_time() {
    let world = world(Options { failures: 2, shut_s: 60, longest_shut_s: 200, ..Options::default() }).await;
    let one_time = world.add("z-1").await;
    assert!(matches!(world.try_in("wrong", "").await, Err(Failure::Wrong)));
    for seconds in [60, 120, 200, 200] {
        assert!(matches!(world.try_in("wrong", "").await, Err(Failure::Wrong)));
        world.clock.advance(Duration::from_secs(seconds - 1));
        assert!(matches!(world.try_in(&one_time, "").await, Err(Failure::Shut(_))), "{seconds}");
        world.clock.advance(Duration::from_secs(1));
    }
    let account = world.try_in(&one_time, "").await.unwrap();
    assert_eq!(account.failures, 5, "as it was before");
    assert_eq!(world.accounts.named("z-1").await.unwrap().failures, 0);
    assert!(matches!(
        world.accounts.sign_in(Attempt { name: "nobody", password: OWN, code: "", address: None }, world.opening()).await,
        Err(Failure::Unknown)
    ));
    let long = "x".repeat(10_000);
    assert!(matches!(world.try_in(&long, "").await, Err(Failure::Unknown)), "it is not even hashed whole");
}

#[tokio::test]
async fn a_one_time_password_opens_for_some_hours_only() {
    let world = world(Options { one_time_h: 1, ..Options::default() }).await;
    let one_time = world.add("z-1").await;
    world.clock.advance(Duration::from_secs(3_600));
    assert!(matches!(world.try_in(&one_time, "").await, Err(Failure::Wrong)));
    let one_time = world.accounts.reset(&by(), "z-1", None, "lost").await.unwrap();
    world.try_in(&one_time, "").await.unwrap();
    let attempt = Attempt { name: "z-1", password: &one_time, code: "", address: None };
    world.accounts.change_password(attempt, OWN, world.opening()).await.unwrap();
    world.clock.advance(Duration::from_secs(3_600));
    world.try_in(OWN, "").await.unwrap();
}

#[tokio::test]
async fn a_code_opens_once_and_those_around_it_in_their_order() {
    let world = world(Options::default()).await;
    world.add("z-1").await;
    let enrolment = world.accounts.enrolment("z-1").await.unwrap();
    assert!(enrolment.uri.starts_with("otpauth://totp/Tongguan:z-1?") && enrolment.picture.starts_with("<svg"));
    let secret = world.accounts.named("z-1").await.unwrap().secret.unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let code = |steps: i64| {
        let seconds = world.clock.now().0 / 1_000_000 + 30 * steps;
        totp.generate(u64::try_from(seconds).unwrap()).to_string()
    };
    let take = async |code: String| {
        let account = world.accounts.named("z-1").await.unwrap();
        let step = codes::step_of(&account, &code, world.clock.now());
        if let Some(last_step) = step {
            let change = AccountChange { account: KeptAccount { last_step, ..account }, ends: false, begins: None, entries: Vec::new() };
            world.accounts.store.put_account(world.clock.now(), change).await.unwrap();
        }
        step.is_some()
    };
    assert!(!take(code(-2)).await && !take(code(2)).await, "a clock that is too far off");
    assert!(take(code(-1)).await && !take(code(-1)).await);
    assert!(take(code(1)).await && !take(code(0)).await && !take(code(1)).await, "none before one that has opened");
    world.clock.advance(Duration::from_secs(60));
    let recovery = world.accounts.enrol(&by(), "z-1", &code(0), world.opening()).await.unwrap();
    assert!(recovery.iter().all(|code| code.len() == 19), "{recovery:?}");
    assert!(world.accounts.enrolment("z-1").await.is_err() && world.accounts.enrol(&by(), "z-1", &code(1), world.opening()).await.is_err());
}

#[tokio::test]
async fn nothing_secret_is_in_what_is_printed() {
    let world = world(Options::default()).await;
    world.add("z-1").await;
    world.accounts.enrolment("z-1").await.unwrap();
    let account = world.accounts.named("z-1").await.unwrap();
    let printed = format!("{account:?}");
    assert!(printed.contains("z-1") && !printed.contains("argon2id") && !printed.contains("secret"), "{printed}");
    assert!(account.password.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "a PHC string");
}

#[tokio::test]
async fn every_fault_is_told_at_once() {
    let world = world(Options::default()).await;
    let new = New { name: "a b".into(), role: Role::Seller, tenant: None };
    let Err(Error::Invalid(faults)) = world.accounts.add(&by(), &new, Some("a b".into()), "x").await else { panic!() };
    assert_eq!(faults.len(), 4, "{faults:?}");
    assert!(matches!(world.accounts.unlock(&by(), "nobody", "x").await, Err(Error::Nobody)));
    assert!(matches!(world.accounts.unlock(&by(), "nobody", " ").await, Err(Error::Invalid(_))));
}
