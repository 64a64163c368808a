use super::*;
use crate::clock::{ManualClock, SeededEntropy};

const PLACE: Place = Place::Message(Uuid::from_u128(7));

fn clockwork(seed: u64) -> Clockwork {
    Clockwork::new(Arc::new(ManualClock::default()), Arc::new(SeededEntropy::new(seed)))
}

/// A vault with the keys of these seeds, the first of which encrypts.
fn vault(seeds: &[u64]) -> Vault {
    let folder = tempfile::tempdir().unwrap();
    let key = |seed: &u64| {
        let file = folder.path().join(seed.to_string());
        std::fs::write(&file, format!("{}\n", *new_key(&clockwork(*seed)))).unwrap();
        KeyOptions { file: Some(file), environment: None }
    };
    Vault::open(&Options { keys: seeds.iter().map(key).collect() }, &clockwork(99)).unwrap()
}

#[test]
fn what_is_kept_opens_in_its_place_and_nowhere_else() {
    let vault = vault(&[1]);
    for bytes in [&b""[..], b"<a/>", &MARK, &[0, 1, 2, 255], "王小姐 13800000000".repeat(1_000).as_bytes()] {
        let kept = vault.lock(PLACE, bytes.to_vec());
        assert!(bytes.len() < 8 || !kept.windows(8).any(|part| bytes.windows(8).next() == Some(part)), "nothing shows");
        assert_eq!(vault.unlock(PLACE, kept.clone()).unwrap(), bytes);
        for other in [Place::Arrival(Uuid::from_u128(7)), Place::Message(Uuid::from_u128(8))] {
            assert_eq!(vault.unlock(other, kept.clone()), Err(Locked::Altered), "{other:?}");
        }
    }
    assert_ne!(vault.lock(PLACE, b"same".to_vec()), vault.lock(PLACE, b"same".to_vec()), "each has a nonce of its own");
}

#[test]
fn any_altered_byte_is_found() {
    let vault = vault(&[1]);
    let kept = vault.lock(PLACE, b"<Message/>".to_vec());
    for at in MARK.len() + 1..kept.len() {
        let mut altered = kept.clone();
        altered[at] ^= 1;
        let expected = if at < MARK.len() + 1 + SIGN { Locked::UnknownKey } else { Locked::Altered };
        assert_eq!(vault.unlock(PLACE, altered), Err(expected), "byte {at}");
    }
    for length in MARK.len() + 1..kept.len() {
        assert!(vault.unlock(PLACE, kept[..length].to_vec()).is_err(), "cut to {length}");
    }
}

#[test]
fn without_a_key_bytes_stay_as_they_are_and_can_still_not_be_mistaken() {
    let none = Vault::default();
    assert_eq!(none.lock(PLACE, b"<a/>".to_vec()), b"<a/>");
    let sealed = vault(&[1]).lock(PLACE, b"<a/>".to_vec());
    assert_eq!(none.unlock(PLACE, sealed.clone()), Err(Locked::UnknownKey));
    // Somebody sends what looks encrypted: it comes back as it came.
    assert_eq!(none.unlock(PLACE, none.lock(PLACE, sealed.clone())).unwrap(), sealed);
    assert_eq!(vault(&[1]).unlock(PLACE, b"<kept before there was a key/>".to_vec()).unwrap(), b"<kept before there was a key/>");
}

#[test]
fn keys_follow_each_other() {
    let (old, both, new) = (vault(&[1]), vault(&[2, 1]), vault(&[2]));
    let kept = old.lock(PLACE, b"<a/>".to_vec());
    assert_eq!(both.unlock(PLACE, kept.clone()).unwrap(), b"<a/>");
    assert_eq!(new.unlock(PLACE, kept.clone()), Err(Locked::UnknownKey));
    assert!(old.is_current(&kept) && !both.is_current(&kept) && !Vault::default().is_current(&kept));
    assert!(Vault::default().is_current(b"<a/>") && !new.is_current(b"<a/>"));
    assert!(new.is_current(&both.lock(PLACE, b"<a/>".to_vec())));
}

#[test]
fn what_is_no_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = |text: &str| {
        let file = folder.path().join("key");
        std::fs::write(&file, text).unwrap();
        KeyOptions { file: Some(file), environment: None }
    };
    let open = |keys| Vault::open(&Options { keys }, &clockwork(1)).unwrap_err();
    for text in ["", "AAAA", "not base64 at all !", &"A".repeat(2_000)] {
        assert!(matches!(open(vec![file(text)]), Error::Key(_)), "{text}");
    }
    let good = file(&new_key(&clockwork(1)));
    assert!(matches!(open(vec![good.clone(), good.clone()]), Error::Twice(_)));
    assert!(matches!(open(vec![good.clone(); 17]), Error::TooMany));
    assert!(matches!(open(vec![KeyOptions { environment: Some("X".into()), ..good }]), Error::Place));
    let nowhere = |file: Option<&str>, name: Option<&str>| KeyOptions { file: file.map(Into::into), environment: name.map(Into::into) };
    assert!(matches!(open(vec![nowhere(None, None)]), Error::Place));
    assert!(matches!(open(vec![nowhere(None, Some("NO_SUCH_VARIABLE_HERE"))]), Error::Environment(_)));
    assert!(matches!(open(vec![nowhere(Some("/nowhere/key"), None)]), Error::File(..)));
}

#[test]
fn no_key_is_shown() {
    let text = format!("{:?}", vault(&[1]));
    assert_eq!(text, "Vault { keys: 1, .. }");
}
