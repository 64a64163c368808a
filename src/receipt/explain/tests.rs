//! Every code is explained; no text makes it stumble.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// The answers of the specification with the codes it lists for them (messages §5).
const LISTED: [(i64, &[&str]); 11] = [
    (303, &["1", "2", "3", "4", "100", "120", "399"]),
    (403, &["1", "2", "3", "4", "100", "120", "399"]),
    (505, &["1", "2", "3", "4", "100", "120", "399"]),
    (507, &["1", "2", "3", "4", "100", "120", "399"]),
    (509, &["1", "2", "3", "4", "100", "120", "399"]),
    (603, &["1", "2", "3", "4", "100", "120", "300", "500", "399", "800", "899", "501", "502", "503", "505", "599", "600", "700"]),
    (605, &["1", "2", "3", "4", "100", "399"]),
    (607, &["1", "2", "3", "4", "100", "120", "399", "500", "800"]),
    (701, &["1", "2", "3", "4", "100", "399"]),
    (213, &["1", "2", "3", "4", "100", "120", "300", "500", "505", "600", "800"]),
    (215, &["1", "2", "3", "4", "100", "399"]),
];

fn is_known(explanation: &Explanation) -> bool {
    !explanation.meaning_en.contains("not published") && !explanation.next_zh.is_empty() && !explanation.next_en.is_empty()
}

#[test]
fn every_listed_status_of_every_message_is_explained() {
    for (number, codes) in LISTED {
        for code in codes {
            let explained = explain_answer(number, code, "");
            assert!(is_known(&explained), "{number} {code}: {explained:?}");
        }
    }
    for kind in Kind::ALL {
        assert_eq!(explain(kind, "100", "x"), explain_answer(kind.number(), "100", "x"));
    }
}

#[test]
fn whose_fault_and_whose_turn_go_by_the_message() {
    let told = |number, code| {
        let explained = explain_answer(number, code, "");
        (explained.fault, explained.side)
    };
    assert_eq!(told(603, "899"), (Side::Nobody, Side::Nobody));
    assert_eq!(told(505, "100"), (Side::Carrier, Side::Carrier));
    assert_eq!(told(303, "100"), (Side::Seller, Side::Seller));
    assert_eq!(told(507, "-803001"), (Side::Site, Side::Site));
    assert_eq!(told(607, "100"), (Side::Declarant, Side::Declarant));
    assert_eq!(told(603, "500"), (Side::Nobody, Side::Site));
    assert_eq!(told(603, "800"), (Side::Nobody, Side::Carrier));
    assert_eq!(told(303, "-301013"), (Side::Port, Side::Gateway));
    assert_eq!(told(603, "-601500"), (Side::Gateway, Side::Gateway));
    assert_eq!(told(605, "399").1, Side::Seller);
    assert!(explain_answer(605, "399", "").meaning_en.contains("withdrawn"));
    let fault = |code| (explain_transport(code).fault, explain_transport(code).side);
    assert_eq!(fault("1001"), (Side::Gateway, Side::Gateway));
    assert_eq!(fault("3002"), (Side::Port, Side::Gateway));
}

#[test]
fn codes_below_zero_are_read_by_the_message_that_is_answered() {
    assert!(explain(Kind::Inventory, "-602001", "").meaning_zh.starts_with("清单格式校验失败"));
    assert!(explain(Kind::Order, "-303000", "").meaning_zh.starts_with("订单格式校验失败"));
    assert!(explain(Kind::Waybill, "-501001", "").meaning_en.contains("signature"));
    let foreign = explain(Kind::Inventory, "-501001", "");
    assert!(foreign.meaning_en.contains("not published") && foreign.meaning_en.contains("message 505"), "{foreign:?}");
    let both = explain(Kind::Order, "-301008", "");
    assert!(both.meaning_zh.contains("参数校验不通过") && both.meaning_zh.contains("订单签名校验失败"), "{both:?}");
    // 605 and 509 share the numbers from -605001 and -505001 with other tables.
    assert!(explain_answer(605, "-605001", "").meaning_zh.starts_with("撤销申请单签名校验失败"));
    assert!(!is_known(&explain_answer(603, "-605001", "")));
    let departure = explain_answer(509, "-505012", "");
    assert!(
        departure.meaning_zh.starts_with("离境单签名校验失败") && departure.meaning_en.contains("or: the waybill state"),
        "{departure:?}"
    );
    assert_eq!(explain(Kind::Order, "-10101", "").side, Side::Seller);
    assert_eq!(explain(Kind::Order, "-301010", "").side, Side::Nobody);
}

#[test]
fn unknown_codes_are_shown_raw() {
    assert!(explain(Kind::Order, "777", "").meaning_en.contains("777"));
    assert!(explain(Kind::Order, "-99", "").meaning_zh.contains("-99"));
    assert!(explain_answer(792, "12", "").meaning_en.contains("12"));
    assert!(explain_answer(792, "", "").meaning_en.contains("not told yet"));
    assert!(explain_transport("8123").meaning_en.contains("users"));
    assert!(explain_transport("x").meaning_en.contains('x'));
    assert_eq!(explain_transport("1004").meaning_zh, "签名与数据不符");
}

#[test]
fn texts_of_real_receipts_are_read() {
    let info = "[Code:2300;Desc:审核通过],撤单申请审核通过,清单[5165]已成功撤单,[Code:1800;Desc:逻辑校验通过]";
    let explained = explain_answer(605, "399", info);
    assert!(explained.meaning_zh.contains("1800：逻辑校验通过") && explained.meaning_en.contains("1800: logic checks passed"));
    assert!(explained.meaning_en.contains("the cancellation was granted"), "{explained:?}");
    let released = explain(Kind::Inventory, "800", "[Code:2600;Desc:放行]");
    assert!(released.meaning_en.ends_with("remark 2600: released"), "{released:?}");
    let refused = explain(Kind::Inventory, "100", "[Code:1313;Desc:商品编号有误]");
    assert!(refused.meaning_zh.contains("商品编号有误") && refused.fault == Side::Seller, "{refused:?}");
    let signature = explain(Kind::Inventory, "-999999", "验签失败");
    assert_eq!((signature.fault, signature.side), (Side::Gateway, Side::Gateway));
    assert!(signature.next_en.contains("certificate"), "{signature:?}");
    let accepted = explain(Kind::Order, "2", "订单新增申报成功[EDF641C4-E341-4772-A1E4-E1657E1F55B9]");
    assert!(accepted.meaning_en.contains("received"), "{accepted:?}");
}

#[test]
fn duplicates_tell_of_the_first_one() {
    let text = "处理失败，业务主键重复入库失败，报文业务主键[COP1]，原清单报送时间对应状态为[20260101 : 2-申报;]";
    let explained = explain(Kind::Inventory, "-304001", text);
    assert!(explained.meaning_zh.contains("COP1, 20260101 : 2-申报"), "{explained:?}");
    assert_eq!((explained.fault, explained.side), (Side::Nobody, Side::Nobody));
    for (number, code) in [(303, "-301010"), (403, "-401007"), (505, "-504015"), (603, "-621004"), (605, "-623009"), (213, "-625033")] {
        assert_eq!(explain_answer(number, code, "").side, Side::Nobody, "{number} {code}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let explained =
        explain(Kind::Inventory, "2", "对应电商企业为[S]订单号为[1]的订单信息不存在 对应物流企业为[C]运单号为[2]的运单信息不存在");
    assert!(
        explained.meaning_zh.contains("订单、运单") && explained.meaning_en.contains("no order, no waybill for it (1, 2)"),
        "{explained:?}"
    );
    assert!(explained.next_en.contains("not the list again"));
    let waybill = explain(Kind::Inventory, "2", "对应物流企业为[C]运单号为[2]的运单信息不存在");
    assert_eq!((waybill.fault, waybill.side), (Side::Carrier, Side::Carrier));
    let payment = explain(Kind::Inventory, "2", "对应电商企业为[S]订单号为[1]的支付信息不存在");
    assert!(payment.next_en.contains("2024-12-15"), "{payment:?}");
}

#[test]
fn every_side_has_a_name_of_its_own() {
    let names: BTreeSet<_> = Side::ALL.iter().map(|side| side.names()).collect();
    assert_eq!(names.len(), Side::ALL.len());
}

/// The published table itself, where it is at hand: every code of it is known to the message it belongs to.
#[test]
fn every_published_code_is_known() {
    let Some(folder) = std::env::var_os("TONGGUAN_OFFICIAL") else {
        eprintln!("not run: TONGGUAN_OFFICIAL does not name the folder with error-codes.tsv");
        return;
    };
    let text = std::fs::read_to_string(std::path::Path::new(&folder).join("error-codes.tsv")).unwrap();
    let owner = |code: i64| match -code {
        10_000..=10_999 => 603,
        301_000..=305_000 => 303,
        401_000..=405_000 => 403,
        501_000..=504_999 => 505,
        505_000..=509_000 => 509,
        601_000..=605_000 => 603,
        605_001..=609_000 => 605,
        621_000..=621_999 => 603,
        623_000..=623_999 => 605,
        625_000..=625_999 => 213,
        701_000..=705_000 => 701,
        800_000..=800_999 => 711,
        801_000..=805_000 => 507,
        901_000..=905_000 => 607,
        _ => 0,
    };
    let mut codes = 0;
    for line in text.lines().skip(1).filter(|line| !line.starts_with("表7-1")) {
        let cell = line.split('\t').nth(1).unwrap();
        for code in cell.split('至').map(str::trim) {
            let explained = explain_answer(owner(code.parse().unwrap()), code, "");
            assert!(is_known(&explained), "{line}: {explained:?}");
            codes += 1;
        }
    }
    assert!(codes > 200, "{codes}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(code in any::<String>(), number in any::<i64>(), info in any::<String>(), marked in "(\\[Code:|;Desc:|\\]|\\[|不存在|对应|业务主键|状态为|订单|运单|支付|x){0,40}") {
        for answered in LISTED.map(|(number, _)| number).into_iter().chain([0, 792, number]) {
            for code in [code.clone(), number.to_string(), "2".to_owned(), "-1".to_owned()] {
                for info in [&info, &marked] {
                    prop_assert!(explain_answer(answered, &code, info).meaning_zh.len() < 12_000);
                }
            }
        }
        prop_assert!(!explain_transport(&code).next_en.is_empty());
    }
}
