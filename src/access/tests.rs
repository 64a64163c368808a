use std::sync::Arc;

use super::*;
use crate::clock::{ManualClock, SeededEntropy};

fn clockwork() -> Clockwork {
    Clockwork::new(Arc::new(ManualClock::default()), Arc::new(SeededEntropy::new(3)))
}

fn key(name: &str, tenant: &str, role: Role, sha256: &str) -> KeyOptions {
    KeyOptions { name: name.into(), tenant: tenant.into(), role, sha256: sha256.into(), until: None, person: None }
}

#[test]
fn the_whole_table() {
    use Role::{Administrator, Auditor, Carrier, Gateway, Operator, Seller};
    let roles = [Seller, Carrier, Operator, Auditor, Administrator, Gateway];
    let expected = [
        (Call::Submit, [true, false, false, false, true, false]),
        (Call::Validate, [true, false, true, false, true, false]),
        (Call::ReadDeclarations, [true, false, true, false, true, false]),
        (Call::PushWaybills, [false, true, false, false, true, false]),
        (Call::ReadWaybills, [false, true, true, false, true, false]),
        (Call::Amend, [true, false, false, false, true, false]),
        (Call::TallyReturn, [true, true, false, false, true, false]),
        (Call::ReadFollowUps, [true, true, true, false, true, false]),
        (Call::Record, [true, false, false, false, true, false]),
        (Call::Assess, [true, false, true, false, true, false]),
        (Call::ReadLedgers, [true, false, true, false, true, false]),
        (Call::PushManifest, [true, true, false, false, true, false]),
        (Call::PushMovements, [false, true, false, false, true, false]),
        (Call::ReadAuditLog, [false, false, true, true, true, false]),
        (Call::Find, [false, false, true, false, true, false]),
        (Call::ReadQueues, [false, false, true, false, true, false]),
        (Call::ReadRaw, [false, false, true, true, true, false]),
        (Call::Reveal, [false, false, true, true, true, false]),
        (Call::ResumeSender, [false, false, true, false, true, false]),
        (Call::Desk, [false, false, true, false, true, false]),
        (Call::Accounts, [false, false, false, false, true, false]),
        (Call::Destroy, [false, false, false, false, true, false]),
        (Call::LegalHold, [false, false, false, true, true, false]),
        (Call::ReadLegalHolds, [false, false, true, true, true, false]),
    ];
    assert_eq!(expected.len(), TABLE.len());
    for (call, row) in expected {
        for (role, may) in roles.into_iter().zip(row) {
            assert_eq!(allows(role, call), may, "{role:?} {call:?}");
        }
    }
}

#[test]
fn without_keys_everybody_is_the_local_administrator_and_sees_one_tenant() {
    let access = Access::new(&Options::default()).unwrap();
    assert!(access.is_open());
    let caller = access.identify(Some("Bearer whatever")).unwrap();
    assert_eq!((caller.actor.role, caller.scope), (Role::Administrator, Some(Tenant::local())));
}

#[test]
fn a_key_opens_for_its_tenant_and_role_only() {
    let (plain, hash) = new_key(&clockwork());
    let access = Access::new(&Options { keys: vec![key("erp", "acme", Role::Seller, &hash)], ..Options::default() }).unwrap();
    assert!(plain.starts_with("tgk_") && plain.len() > 40);
    let caller = access.admit(Some(&format!("Bearer {plain}")), Call::Submit).unwrap();
    assert_eq!(caller.scope.as_ref().map(Tenant::as_str), Some("acme"));
    assert_eq!(access.admit(Some(&format!("bearer {plain}")), Call::Find), Err(Denied::Forbidden));
    for wrong in [None, Some(""), Some("Bearer"), Some("Bearer "), Some(plain.as_str()), Some("Basic x"), Some("Bearer tgk_x")] {
        assert_eq!(access.identify(wrong), Err(Denied::Unknown), "{wrong:?}");
    }
    assert_eq!(access.identify(Some(&format!("Bearer {hash}"))), Err(Denied::Unknown), "the digest is not the key");
}

#[test]
fn staff_see_every_tenant() {
    let (plain, hash) = new_key(&clockwork());
    let access = Access::new(&Options { keys: vec![key("desk", "house", Role::Operator, &hash)], ..Options::default() }).unwrap();
    assert_eq!(access.identify(Some(&format!("Bearer {plain}"))).unwrap().scope, None);
}

#[test]
fn keys_that_are_none_are_refused() {
    let hash = "0".repeat(64);
    let one = |key: KeyOptions| Access::new(&Options { keys: vec![key], ..Options::default() }).unwrap_err();
    assert!(matches!(one(key("", "a", Role::Seller, &hash)), Error::Name(_)));
    assert!(matches!(one(key("k", "A B", Role::Seller, &hash)), Error::Tenant(_)));
    assert!(matches!(one(key("k", "a", Role::Gateway, &hash)), Error::Role(_)));
    assert!(matches!(one(key("k", "a", Role::Seller, "zz")), Error::Digest(_)));
    assert!(matches!(one(key("k", "a", Role::Seller, &"é".repeat(32))), Error::Digest(_)));
    let twice = Options { keys: vec![key("k", "a", Role::Seller, &hash), key("k", "b", Role::Seller, &hash)], ..Options::default() };
    assert!(matches!(Access::new(&twice), Err(Error::Name(_))));
}
