use super::*;
use crate::{clock::Timestamp, retention::Month};

fn name() -> Name {
    Name { month: Month::parse("2026-11").unwrap(), serial: 1 }
}

fn items() -> Vec<Item> {
    let of = |number: usize| Item {
        part: Part::ALL[number % 6],
        key: number.to_string(),
        about: vec![uuid::Uuid::from_u128(u128::try_from(number).unwrap())],
        body: if number.is_multiple_of(5) { vec![0, 255, 7] } else { format!("<a>订单{number}</a>").repeat(40).into_bytes() },
    };
    (0..3_000).map(of).collect()
}

fn written(folder: &std::path::Path) -> Set {
    let mut writer = Writer::begin(folder, name()).unwrap();
    for item in items() {
        writer.add(&item).unwrap();
    }
    writer.finish(Timestamp(1)).unwrap()
}

#[test]
fn what_goes_in_comes_out_by_its_reference() {
    let folder = tempfile::tempdir().unwrap();
    let set = written(folder.path());
    assert!(set.members() > 2, "{}", set.members());
    assert_eq!(set.manifest.items(), 3_000);
    let archives = Archives::at(folder.path());
    let mut all = items().into_iter();
    for member in 0..set.members() {
        for (place, item) in (0..).zip(set.member(member).unwrap()) {
            assert_eq!(Some(&item), all.next().as_ref());
            let reference = set.reference(member, place);
            assert_eq!(Reference::parse(&reference.to_string()).as_ref(), Some(&reference));
            assert_eq!(archives.fetch(&reference, item.part, &item.key).unwrap(), item.body);
        }
    }
    assert!(all.next().is_none());
    let first = set.reference(0, 0);
    assert!(matches!(archives.fetch(&first, Part::Declaration, "1"), Err(Error::Altered(..))), "of another row");
    assert!(matches!(Archives::default().fetch(&first, Part::Declaration, "0"), Err(Error::Away(_))));
    let other = Reference { pin: "0".repeat(16), ..first };
    assert!(matches!(Archives::at(folder.path()).fetch(&other, Part::Declaration, "0"), Err(Error::Altered(..))), "of another archive");
}

#[test]
fn whatever_byte_is_altered_it_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let whole = written(folder.path());
    for file in [name().data(), name().manifest()] {
        let path = folder.path().join(&file);
        let bytes = std::fs::read(&path).unwrap();
        for at in (0..bytes.len()).step_by(bytes.len() / 40) {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            std::fs::write(&path, &altered).unwrap();
            let found = Set::open(folder.path(), name()).and_then(|set| set.check().map(|()| set.digest));
            assert!(found.is_err() || found.is_ok_and(|digest| digest != whole.digest), "{file} at {at}");
        }
        std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert!(Set::open(folder.path(), name()).and_then(|set| set.check()).is_err(), "{file} cut");
        std::fs::write(&path, &bytes).unwrap();
    }
    Set::open(folder.path(), name()).unwrap().check().unwrap();
}

#[test]
fn names_and_references_are_plain() {
    for text in ["", "2026-11", "2026-11.0", "2026-11.01", "2026-11.-1", "../2026-11.1", "2026-11.1/..", "2026-13.1"] {
        assert_eq!(Name::parse(text), None, "{text}");
    }
    for text in ["2026-11.1/0123456789abcdef/1", "2026-11.1/0123456789abcdef/1/2/3", "2026-11.1/01/1/2", "x/0123456789abcdef/1/2"] {
        assert_eq!(Reference::parse(text), None, "{text}");
    }
}
