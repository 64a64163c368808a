//! Cancellations, and goods that come back.

use super::*;

fn line(number: u32, hs_code: &str, quantity: &str) -> RequestLine {
    RequestLine { number: number.to_string(), hs_code: hs_code.to_owned(), quantity: quantity.to_owned(), ..RequestLine::default() }
}

fn about(kind: Kind, no: &str, inventory_no: &str) -> FollowUpRequest {
    FollowUpRequest { inventory_nos: vec![inventory_no.to_owned()], ..blank(kind, no) }
}

fn coming_back(no: &str, inventory_no: &str, quantity: &str) -> Paper {
    follow_up(FollowUpRequest { lines: vec![line(1, "4202220000", quantity)], ..about(Kind::GoodsReturn, no, inventory_no) })
}

/// A customs at which one inventory has come as far as its goods have moved.
fn with_list(movement: Movement) -> (Customs, Timestamp, String) {
    let (mut customs, mut now) = (Customs::new(Options { movement, ..options() }), Timestamp(0));
    parcel(&mut customs, &of_bill("1", "B"), &mut now);
    let inventory_no = inventory_no(&customs, "1");
    (customs, now, inventory_no)
}

#[test]
fn a_list_that_is_not_closed_is_cancelled_and_may_be_declared_anew() {
    let (mut customs, mut now, no) = with_list(Movement::Reported);
    let said = play(&mut customs, &[follow_up(about(Kind::Cancellation, "1", &no))], &mut now);
    assert_eq!(codes(&said, Kind::Cancellation), ["2", "399"]);
    assert_eq!(infos(&said)[1], format!("[Code:2300;Desc:审核通过],撤单申请审核通过,清单[{no}]已成功撤单"));
    let Speech::Receipt(told) = &said[1].speech else { panic!("a receipt") };
    assert_eq!(told.receipt.inventory_no.as_ref().unwrap().0, no);
    let arrival = follow_up(FollowUpRequest { bill_no: "B".into(), ..blank(Kind::Arrival, "1") });
    let said = play(&mut customs, &[arrival], &mut now);
    assert_eq!(codes(&said, Kind::Inventory), [""; 0], "nothing more is said of it");
    let counts = customs.report().kinds[&Kind::Inventory];
    assert_eq!((counts.withdrawn, counts.ended), (1, 0));
    let anew = Paper { guid: "anew".into(), ..of_bill("1", "B") };
    assert_eq!(codes(&play(&mut customs, &[anew], &mut now), Kind::Inventory), LIFE[..4]);
    assert_eq!(customs.report().declared_twice, [""; 0]);
}

#[test]
fn what_cannot_be_cancelled_is_refused_with_the_reason() {
    let (mut customs, mut now, no) = with_list(Movement::ByItself);
    let mut refused = |asked: FollowUpRequest, why: &str| {
        let said = play(&mut customs, &[follow_up(asked)], &mut now);
        assert_eq!(codes(&said, Kind::Cancellation), ["2", "100"], "{why}");
        assert!(infos(&said)[1].contains(why), "{why}: {:?}", infos(&said));
    };
    refused(about(Kind::Cancellation, "1", &no), "已结关");
    refused(about(Kind::Cancellation, "2", "514120261999999999"), "不存在");
    refused(about(Kind::Cancellation, "3", "短"), "不存在");
    refused(FollowUpRequest { seller: "OTHER".into(), ..about(Kind::Cancellation, "4", &no) }, "不一致");
    let (mut customs, mut now, no) = with_list(Movement::Reported);
    let both = [follow_up(about(Kind::Cancellation, "1", &no)), follow_up(about(Kind::Cancellation, "2", &no))];
    let said = play(&mut customs, &both, &mut now);
    assert_eq!(codes(&said, Kind::Cancellation), ["2", "2", "399", "100"], "once is enough");
    assert!(infos(&said)[3].contains("已撤销"));
}

#[test]
fn a_list_that_closes_before_customs_decides_is_not_cancelled() {
    let delays = Delays { passed_ms: 5_000, ..Delays::NONE };
    let mut customs = Customs::new(Options { delays, ..options() });
    for paper in [paper(Kind::Order, "1"), paper(Kind::Waybill, "1"), paper(Kind::Inventory, "1")] {
        send(&mut customs, &paper, Timestamp(0));
    }
    customs.due(Timestamp(100_000));
    let no = inventory_no(&customs, "1");
    send(&mut customs, &follow_up(about(Kind::Cancellation, "1", &no)), Timestamp(4_900_000));
    let said = customs.due(END);
    let both = (codes(&said, Kind::Inventory), codes(&said, Kind::Cancellation));
    assert!(
        both == (vec!["399", "800", "899"], vec!["2", "100"]) || both == (vec![], vec!["2", "399"]),
        "it is closed or cancelled, never both: {both:?}"
    );
    assert_eq!(customs.report().closed + customs.report().kinds[&Kind::Inventory].withdrawn, 1);
}

#[test]
fn goods_come_back_of_a_released_list_and_never_more_than_went_out() {
    let (mut customs, mut now, no) = with_list(Movement::ByItself);
    let said = play(&mut customs, &[coming_back("1", &no, "6")], &mut now);
    assert_eq!(codes(&said, Kind::GoodsReturn), ["2", "120", "800"]);
    let said = play(&mut customs, &[coming_back("2", &no, "4.00001")], &mut now);
    assert_eq!(codes(&said, Kind::GoodsReturn), ["2", "100"]);
    assert!(infos(&said)[1].contains("退货数量大于"));
    let said = play(&mut customs, &[coming_back("3", &no, "4")], &mut now);
    assert_eq!(codes(&said, Kind::GoodsReturn), ["2", "120", "800"]);
    let twice = FollowUpRequest {
        lines: vec![line(1, "4202220000", "0.00001"), line(1, "4202220000", "0.00001")],
        ..about(Kind::GoodsReturn, "4", &no)
    };
    assert_eq!(codes(&play(&mut customs, &[follow_up(twice)], &mut now), Kind::GoodsReturn), ["2", "100"]);
    assert_eq!(customs.report().kinds[&Kind::GoodsReturn].ended, 2);
}

#[test]
fn two_returns_at_once_share_what_went_out() {
    let (mut customs, mut now, no) = with_list(Movement::ByItself);
    let said = play(&mut customs, &[coming_back("1", &no, "6"), coming_back("2", &no, "6")], &mut now);
    let codes = codes(&said, Kind::GoodsReturn);
    assert_eq!((codes.iter().filter(|code| **code == "120").count(), codes.iter().filter(|code| **code == "100").count()), (1, 1));
}

#[test]
fn what_does_not_fit_the_list_does_not_come_back() {
    let (mut customs, mut now, no) = with_list(Movement::ByItself);
    let with = |copno: &str, line| FollowUpRequest { lines: vec![line], ..about(Kind::GoodsReturn, copno, &no) };
    let other = FollowUpRequest { seller: "OTHER".into(), ..with("6", line(1, "4202220000", "1")) };
    for (asked, why) in [
        (with("1", line(2, "4202220000", "1")), "未找到"),
        (with("2", line(1, "9999999999", "1")), "未找到"),
        (with("3", line(1, "4202220000", "x")), "大于"),
        (with("4", line(1, "4202220000", "79228162514264337593543950335")), "大于"),
        (about(Kind::GoodsReturn, "5", "514120261999999999"), "不存在"),
        (other, "不一致"),
    ] {
        let said = play(&mut customs, &[follow_up(asked)], &mut now);
        assert_eq!(codes(&said, Kind::GoodsReturn), ["2", "100"], "{why}");
        assert!(infos(&said)[1].contains(why), "{why}: {:?}", infos(&said));
    }
    let (mut customs, mut now, no) = with_list(Movement::Reported);
    let said = play(&mut customs, &[coming_back("1", &no, "1")], &mut now);
    assert!(infos(&said)[1].contains("未放行"), "{:?}", infos(&said));
}

#[test]
fn officers_may_look_at_what_comes_back() {
    let oddities = Oddities { review: 1_000, ..Oddities::none() };
    let (mut customs, mut now) = (Customs::new(Options { oddities, ..options() }), Timestamp(0));
    parcel(&mut customs, &paper(Kind::Inventory, "1"), &mut now);
    let no = inventory_no(&customs, "1");
    let said = play(&mut customs, &[coming_back("1", &no, "1")], &mut now);
    assert_eq!(codes(&said, Kind::GoodsReturn), ["2", "120", "300", "800"]);
}

#[test]
fn a_tally_is_passed_if_it_names_no_list_or_a_released_one() {
    let (mut customs, mut now, no) = with_list(Movement::ByItself);
    let tallies = [follow_up(about(Kind::ReturnTally, "1", &no)), follow_up(blank(Kind::ReturnTally, "2"))];
    let said = play(&mut customs, &tallies, &mut now);
    assert_eq!(codes(&said, Kind::ReturnTally), ["2", "2", "399", "399"]);
    let Speech::Receipt(told) = &said[0].speech else { panic!("a receipt") };
    assert!(told.receipt.port_no.as_ref().unwrap().0.starts_with("o20261111"), "{:?}", told.receipt.port_no);
    let said = play(&mut customs, &[follow_up(about(Kind::ReturnTally, "3", "514120261999999999"))], &mut now);
    assert_eq!(codes(&said, Kind::ReturnTally), ["2", "100"]);
}
