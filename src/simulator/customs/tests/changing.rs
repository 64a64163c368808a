//! Amendments, deletions, and what is declared again.

use std::slice::from_ref;

use super::*;

fn later(paper: &Paper, action: Action, seconds: i64, guid: &str) -> Paper {
    Paper { action, at: Timestamp(FIRST.0 + seconds * 1_000_000), guid: guid.to_owned(), ..paper.clone() }
}

fn fresh() -> (Customs, Timestamp) {
    (Customs::new(options()), Timestamp(0))
}

#[test]
fn to_change_what_is_not_there_is_rejected() {
    for kind in Kind::ALL {
        for action in [Action::Amend, Action::Delete] {
            let (mut customs, mut now) = fresh();
            let paper = if kind.is_follow_up() { follow_up(blank(kind, "1")) } else { paper(kind, "1") };
            let said = play(&mut customs, &[Paper { action, ..paper }], &mut now);
            assert!(matches!(&codes(&said, kind)[..], [code] if code.starts_with('-')), "{kind:?}");
            assert!(infos(&said)[0].contains("未找到对应操作"), "{kind:?}");
            assert_eq!((customs.report().documents.len(), customs.report().kinds[&kind].rejected), (0, 1));
        }
    }
}

#[test]
fn only_a_newer_change_is_taken() {
    let (mut customs, mut now) = fresh();
    let order = paper(Kind::Order, "1");
    play(&mut customs, from_ref(&order), &mut now);
    for seconds in [-1, 0] {
        let said = play(&mut customs, &[later(&order, Action::Amend, seconds, "old")], &mut now);
        assert_eq!(codes(&said, Kind::Order), ["-301014"]);
    }
    let said = play(&mut customs, &[later(&order, Action::Amend, 1, "second")], &mut now);
    assert_eq!(codes(&said, Kind::Order), ["2", "120"]);
    assert!(infos(&said)[0].starts_with("订单变更申报成功"));
    let said = play(&mut customs, &[later(&order, Action::Amend, 2, "third")], &mut now);
    assert_eq!(codes(&said, Kind::Order), ["2", "120"], "one change may follow another");
    assert_eq!(customs.report().declared_twice, [""; 0]);
}

#[test]
fn a_change_that_comes_again_is_counted_by_its_bytes_and_its_guid() {
    let (mut customs, mut now) = fresh();
    let order = paper(Kind::Order, "1");
    let change = later(&order, Action::Amend, 1, "change");
    play(&mut customs, from_ref(&order), &mut now);
    play(&mut customs, from_ref(&change), &mut now);
    let said = play(&mut customs, &[change.clone(), order.clone()], &mut now);
    assert_eq!(codes(&said, Kind::Order), ["-304001", "-304001"]);
    assert_eq!((customs.report().delivered_again, customs.report().declared_twice.len()), (2, 0));
    customs.take(&letter("another", vec![Paper { at: Timestamp(FIRST.0 + 9_000_000), ..change }]), now);
    customs.take(&letter("and another", vec![order]), now);
    assert_eq!(customs.report().declared_twice, ["order:P/S/1", "order:P/S/1"], "another message, whatever its appTime");
    assert_eq!(customs.report().kinds[&Kind::Order].twice, 2);
}

#[test]
fn an_order_rests_under_its_list_and_a_list_is_changed_until_it_is_passed() {
    let (mut customs, mut now) = fresh();
    let list = paper(Kind::Inventory, "1");
    play(&mut customs, &[paper(Kind::Order, "1"), list.clone()], &mut now);
    for action in [Action::Amend, Action::Delete] {
        let said = play(&mut customs, &[later(&paper(Kind::Order, "1"), action, 1, "o")], &mut now);
        assert_eq!(codes(&said, Kind::Order), ["-301011"]);
    }
    let change = later(&list, Action::Amend, 1, "change");
    let said = play(&mut customs, &[change], &mut now);
    assert_eq!(codes(&said, Kind::Inventory), ["2"], "it still waits for its waybill");
    let said = play(&mut customs, &[paper(Kind::Waybill, "1")], &mut now);
    assert_eq!(codes(&said, Kind::Inventory), LIFE[1..]);
    for action in [Action::Amend, Action::Delete] {
        let said = play(&mut customs, &[later(&list, action, 2, "late")], &mut now);
        assert_eq!(codes(&said, Kind::Inventory), ["-603012"]);
    }
}

#[test]
fn what_is_deleted_is_gone_and_may_be_declared_anew() {
    let (mut customs, mut now) = fresh();
    let list = paper(Kind::Inventory, "1");
    play(&mut customs, &[paper(Kind::Order, "1"), list.clone()], &mut now);
    let said = play(&mut customs, &[later(&list, Action::Delete, 1, "gone")], &mut now);
    assert_eq!(codes(&said, Kind::Inventory), ["2", "399"]);
    assert!(infos(&said)[0].starts_with("清单删除申报成功") && infos(&said)[1].starts_with("清单删除审核通过"));
    let said = play(&mut customs, &[later(&paper(Kind::Order, "1"), Action::Delete, 1, "gone")], &mut now);
    assert_eq!(codes(&said, Kind::Order), ["2", "120"], "no list rests on it any more");
    assert_eq!(customs.report().kinds[&Kind::Inventory].withdrawn, 1);
    let said = parcel(&mut customs, &Paper { guid: "anew".into(), ..list }, &mut now);
    assert_eq!(codes(&said, Kind::Inventory), LIFE);
    assert_eq!(customs.report().declared_twice, [""; 0]);
}

#[test]
fn after_a_refusal_a_document_is_declared_again_as_new_or_as_changed() {
    for action in [Action::Add, Action::Amend] {
        let (mut customs, mut now) = fresh();
        let wrong = Paper { quarrel: Some("总价".into()), ..paper(Kind::Order, "1") };
        assert_eq!(codes(&play(&mut customs, &[wrong], &mut now), Kind::Order), ["2", "100"]);
        let said = play(&mut customs, &[later(&paper(Kind::Order, "1"), action, 1, "right")], &mut now);
        assert_eq!(codes(&said, Kind::Order), ["2", "120"]);
    }
}

/// Every kind: the same again is a duplicate while the first is alive, whatever has become of it.
#[test]
fn every_kind_is_declared_once() {
    for kind in Kind::ALL {
        let (mut customs, mut now) = fresh();
        let paper = if kind.is_follow_up() { follow_up(blank(kind, "1")) } else { paper(kind, "1") };
        customs.take(&letter("one", vec![paper.clone()]), now);
        customs.take(&letter("one", vec![paper.clone()]), now);
        customs.take(&letter("two", vec![paper.clone()]), now);
        customs.take(&letter("one", vec![Paper { guid: "other".into(), ..paper }]), now);
        let said = pass(&mut customs, &mut now);
        let report = customs.report();
        assert_eq!((report.delivered_again, report.declared_twice.len(), report.documents[&kind]), (1, 2, 1), "{kind:?}");
        let counts = report.kinds[&kind];
        assert_eq!((counts.again, counts.twice, counts.rejected), (1, 2, 3), "{kind:?}");
        let duplicates = infos(&said).into_iter().filter(|info| info.contains("业务主键重复入库失败")).count();
        assert_eq!(duplicates, 3, "{kind:?}");
    }
}

#[test]
fn two_payments_of_one_order_are_two() {
    let (mut customs, mut now) = fresh();
    let pay = |no: &str| {
        let key = Key::Payment { seller: "S".into(), order_no: "1".into(), payment_no: no.into() };
        follow_up(FollowUpRequest { key, ..blank(Kind::Payment, "1") })
    };
    let said = play(&mut customs, &[pay("A"), pay("B")], &mut now);
    assert_eq!(codes(&said, Kind::Payment), ["2", "2", "120", "120"]);
    assert_eq!(customs.report().declared_twice, [""; 0]);
}

#[test]
fn together_a_payment_is_stored_when_its_list_is_passed() {
    for payment_first in [true, false] {
        let mut customs = Customs::new(Options { matching: Matching::Together, ..options() });
        let mut now = Timestamp(0);
        let payment = follow_up(blank(Kind::Payment, "1"));
        let list = paper(Kind::Inventory, "1");
        let mut said = Vec::new();
        if payment_first {
            said.extend(play(&mut customs, from_ref(&payment), &mut now));
            assert_eq!(codes(&said, Kind::Payment), ["2"]);
        }
        said.extend(parcel(&mut customs, &list, &mut now));
        if !payment_first {
            said.extend(play(&mut customs, &[payment], &mut now));
        }
        assert_eq!(codes(&said, Kind::Payment), ["2", "120"]);
    }
}
