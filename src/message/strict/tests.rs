use super::*;

const GUID: &str = "ABCD0000-0000-7000-8000-000000000002";

fn message(kind: &str, body: &str) -> String {
    format!("<ceb:{kind} xmlns:ceb=\"http://www.chinaport.gov.cn/ceb\" guid=\"{GUID}\" version=\"1.0\">{body}</ceb:{kind}>")
}

fn fields(fields: &[(&str, &str)]) -> String {
    fields.iter().map(|(name, value)| format!("<ceb:{name}>{value}</ceb:{name}>")).collect()
}

/// An inventory of two lines, its transfer and a subscription, as far as rules look at it.
fn inventory() -> String {
    let head = fields(&[
        ("guid", GUID),
        ("appType", "1"),
        ("appTime", "20261111080910"),
        ("appStatus", "2"),
        ("customsCode", "5141"),
        ("ieFlag", "E"),
        ("portCode", "5141"),
        ("ieDate", "20261111"),
        ("statisticsFlag", "A"),
        ("tradeMode", "9610"),
        ("trafMode", "5"),
        ("wrapType", "2"),
        ("country", "502"),
        ("fCurrency", "142"),
        ("note", ""),
    ]);
    let line = |number: &str| {
        let line =
            fields(&[("gnum", number), ("itemNo", "S"), ("gcode", "6911101100"), ("country", "502"), ("unit", "011"), ("unit2", "")]);
        format!("<ceb:InventoryList>{line}</ceb:InventoryList>")
    };
    let transfer = fields(&[("copCode", "C"), ("dxpMode", "DXP")]);
    message(
        "CEB603Message",
        &format!(
            "<ceb:Inventory><ceb:InventoryHead>{head}</ceb:InventoryHead>{}{}</ceb:Inventory><ceb:BaseTransfer>{transfer}</ceb:BaseTransfer>\
            <ceb:BaseSubscribe><ceb:status>ALL</ceb:status></ceb:BaseSubscribe>",
            line("1"),
            line("2")
        ),
    )
}

fn order() -> String {
    message("CEB303Message", &format!("<ceb:Order><ceb:OrderHead>{}</ceb:OrderHead></ceb:Order>", fields(&[("orderType", "E")])))
}

fn receipt() -> String {
    message(
        "CEB304Message",
        &format!(
            "<ceb:OrderReturn>{}</ceb:OrderReturn>",
            fields(&[("guid", "abc"), ("statisticsFlag", "A"), ("returnStatus", "2"), ("returnTime", "20261111080910123")])
        ),
    )
}

fn follow_up(number: u32, head: &str, fields_of: &[(&str, &str)], lines: &str) -> String {
    let head = format!("<ceb:{head}>{}</ceb:{head}>", fields(fields_of));
    message(&format!("CEB{number}Message"), &format!("<ceb:Document>{head}{lines}</ceb:Document>"))
}

fn arrival() -> String {
    let line = |number: &str| format!("<ceb:ArrivalList>{}</ceb:ArrivalList>", fields(&[("gnum", number), ("logisticsNo", "W")]));
    let head = [("customsCode", "5141"), ("ieFlag", "E"), ("trafMode", "4"), ("billNo", "B1"), ("msgCount", "3"), ("msgSeqNo", "2")];
    follow_up(507, "ArrivalHead", &head, &format!("{}{}", line("1001"), line("1002")))
}

fn departure() -> String {
    let head = [("trafMode", "5"), ("trafName", "粤海1"), ("voyageNo", "V1"), ("billNo", "B1"), ("leaveTime", "20261112030405")];
    follow_up(509, "DepartureHead", &head, "")
}

fn summary() -> String {
    let head = fields(&[("startTime", "20261101000000"), ("endTime", "20261130235959"), ("summaryFlag", "1"), ("itemNameFlag", "1")]);
    let list = format!("<ceb:SummaryApplyList>{}</ceb:SummaryApplyList>", fields(&[("invtNo", "51412026E000000001")]));
    message("CEB701Message", &format!("<ceb:SummaryApply><ceb:SummaryApplyHead>{head}</ceb:SummaryApplyHead>{list}</ceb:SummaryApply>"))
}

/// The same, which names its inventories alone.
fn listed() -> String {
    let times = fields(&[("startTime", "20261101000000"), ("endTime", "20261130235959")]);
    summary().replace(&times, "")
}

fn goods_return() -> String {
    follow_up(213, "InvtRefundHead", &[("tradeMode", "9661"), ("ieFlag", "I"), ("country", "502")], "")
}

/// For each rule: a good message, what to change in it, and what each good or bad change is.
struct Case {
    code: &'static str,
    message: fn() -> String,
    from: &'static str,
    good: &'static [&'static str],
    bad: &'static [&'static str],
}

const CASES: [Case; 42] = [
    Case {
        code: "X-REQUIRED",
        message: inventory,
        from: "<ceb:itemNo>S<",
        good: &["<ceb:itemNo>T<"],
        bad: &["<ceb:itemNo><", "<ceb:itemNo> \n<"],
    },
    Case { code: "X-REQUIRED", message: inventory, from: "<ceb:copCode>C<", good: &["<ceb:copCode>无<"], bad: &["<ceb:copCode><"] },
    Case {
        code: "X-GNUM",
        message: inventory,
        from: "<ceb:gnum>2<",
        good: &["<ceb:gnum>02<", "<ceb:gnum>x<"],
        bad: &["<ceb:gnum>1<", "<ceb:gnum>3<"],
    },
    Case { code: "X-GUID", message: inventory, from: "<ceb:guid>ABCD", good: &["<ceb:guid>ABC9"], bad: &["<ceb:guid>ABCd"] },
    Case {
        code: "X-APPTYPE",
        message: inventory,
        from: "<ceb:appType>1<",
        good: &["<ceb:appType>2<", "<ceb:appType>3<"],
        bad: &["<ceb:appType>4<"],
    },
    Case { code: "X-APPSTATUS", message: inventory, from: "<ceb:appStatus>2<", good: &["<ceb:appStatus>1<"], bad: &["<ceb:appStatus>3<"] },
    Case { code: "X-ORDERTYPE", message: order, from: ">E<", good: &[">B<", ">W<"], bad: &[">I<", ">e<"] },
    Case {
        code: "X-IEFLAG",
        message: inventory,
        from: "<ceb:ieFlag>E<",
        good: &["<ceb:ieFlag>E<"],
        bad: &["<ceb:ieFlag>I<", "<ceb:ieFlag>a<"],
    },
    Case { code: "X-STATISTICS", message: inventory, from: ">A<", good: &[">B<"], bad: &[">C<"] },
    Case {
        code: "X-TRADEMODE",
        message: inventory,
        from: "<ceb:tradeMode>9610<",
        good: &["<ceb:tradeMode>9810<", "<ceb:tradeMode>9710<"],
        bad: &["<ceb:tradeMode>9620<", "<ceb:tradeMode>无<"],
    },
    Case {
        code: "X-AREA",
        message: inventory,
        from: "<ceb:tradeMode>9610<",
        good: &["<ceb:iacCode>C</ceb:iacCode><ceb:iacName>N</ceb:iacName><ceb:emsNo>E</ceb:emsNo><ceb:tradeMode>1210<"],
        bad: &[
            "<ceb:iacCode>C</ceb:iacCode><ceb:emsNo>E</ceb:emsNo><ceb:tradeMode>1210<",
            "<ceb:iacCode>C</ceb:iacCode><ceb:iacName> </ceb:iacName><ceb:emsNo>E</ceb:emsNo><ceb:tradeMode>1239<",
        ],
    },
    Case {
        code: "X-PAIR",
        message: inventory,
        from: "<ceb:unit2></ceb:unit2>",
        good: &["", "<ceb:qty2>1</ceb:qty2><ceb:unit2>035</ceb:unit2>"],
        bad: &["<ceb:qty2>1</ceb:qty2>", "<ceb:unit2>035</ceb:unit2>", "<ceb:qty2>1</ceb:qty2><ceb:unit2> </ceb:unit2>"],
    },
    Case { code: "X-TRANSPORT", message: inventory, from: "<ceb:trafMode>5<", good: &["<ceb:trafMode>W<"], bad: &["<ceb:trafMode>空<"] },
    Case { code: "X-WRAP", message: inventory, from: "<ceb:wrapType>2<", good: &["<ceb:wrapType>9<"], bad: &["<ceb:wrapType>A<"] },
    Case {
        code: "X-HSCODE",
        message: inventory,
        from: "<ceb:gcode>6911101100<",
        good: &["<ceb:gcode>4202000000<"],
        bad: &["<ceb:gcode>69111011a0<", "<ceb:gcode>6911.10.11<"],
    },
    Case { code: "X-SUBSCRIBE", message: inventory, from: ">ALL<", good: &[">DATA<", ">RET<"], bad: &[">all<", ">DATA,RET<"] },
    Case {
        code: "X-RETURNSTATUS",
        message: receipt,
        from: "<ceb:returnStatus>2<",
        good: &["<ceb:returnStatus>-301001<", "<ceb:returnStatus>777<", "<ceb:returnStatus> 2 <"],
        bad: &["<ceb:returnStatus>退单<", "<ceb:returnStatus>-<", "<ceb:returnStatus>2.0<", "<ceb:returnStatus>２<"],
    },
    Case { code: "X-STATISTICS", message: receipt, from: ">A<", good: &[">B<"], bad: &[">C<"] },
    Case { code: "X-DXPMODE", message: inventory, from: ">DXP<", good: &[">DXP<"], bad: &[">dxp<", ">MQ.<"] },
    Case {
        code: "X-APPTIME",
        message: inventory,
        from: ">20261111080910<",
        good: &[">20240229235959<"],
        bad: &[">20261311080910<", ">20260229080910<", ">2026111108091x<", ">20261111240000<", ">+2026111080910<"],
    },
    Case {
        code: "X-RETURNTIME",
        message: receipt,
        from: ">20261111080910123<",
        good: &[">20240229235959000<"],
        bad: &[">20261111080910<", ">20261111086010123<"],
    },
    Case {
        code: "X-DAY",
        message: inventory,
        from: ">20261111<",
        good: &[">20240229<"],
        bad: &[">20260229<", ">2026-1-1<", ">2026-11-11<"],
    },
    Case {
        code: "X-CUSTOMS",
        message: inventory,
        from: "<ceb:portCode>5141<",
        good: &["<ceb:portCode>0100<"],
        bad: &["<ceb:portCode>514A<"],
    },
    Case {
        code: "X-GNUM-RISING",
        message: arrival,
        from: "<ceb:gnum>1002<",
        good: &["<ceb:gnum>1003<", "<ceb:gnum>x<"],
        bad: &["<ceb:gnum>1001<", "<ceb:gnum>1<"],
    },
    Case { code: "X-GNUM-RISING", message: arrival, from: "<ceb:gnum>1001<", good: &["<ceb:gnum>1<"], bad: &["<ceb:gnum>0<"] },
    Case { code: "X-IEFLAG", message: arrival, from: "<ceb:ieFlag>E<", good: &["<ceb:ieFlag>E<"], bad: &["<ceb:ieFlag>I<"] },
    Case {
        code: "X-PART",
        message: arrival,
        from: "<ceb:msgSeqNo>2<",
        good: &["<ceb:msgSeqNo>1<", "<ceb:msgSeqNo>x<"],
        bad: &["<ceb:msgSeqNo>0<", "<ceb:msgSeqNo>-1<"],
    },
    Case {
        code: "X-PART-ORDER",
        message: arrival,
        from: "<ceb:msgSeqNo>2<",
        good: &["<ceb:msgSeqNo>3<", "<ceb:msgSeqNo>x<"],
        bad: &["<ceb:msgSeqNo>4<"],
    },
    Case { code: "X-PART-ORDER", message: arrival, from: "<ceb:msgCount>3<", good: &["<ceb:msgCount>2<"], bad: &["<ceb:msgCount>1<"] },
    Case {
        code: "X-POST-ONLY",
        message: arrival,
        from: "<ceb:trafMode>4</ceb:trafMode><ceb:billNo>B1</ceb:billNo>",
        good: &["<ceb:trafMode>6</ceb:trafMode>", "<ceb:trafMode>6</ceb:trafMode><ceb:billNo></ceb:billNo>"],
        bad: &["<ceb:trafMode>4</ceb:trafMode>", "<ceb:trafMode>4</ceb:trafMode><ceb:billNo> </ceb:billNo>"],
    },
    Case {
        code: "X-POST-ONLY",
        message: departure,
        from: "<ceb:trafName>粤海1</ceb:trafName>",
        good: &["<ceb:trafName>粤海2</ceb:trafName>"],
        bad: &["", "<ceb:trafName></ceb:trafName>"],
    },
    Case {
        code: "X-POST-ONLY",
        message: departure,
        from: "<ceb:voyageNo>V1</ceb:voyageNo>",
        good: &["<ceb:voyageNo>V2</ceb:voyageNo>"],
        bad: &["", "<ceb:voyageNo></ceb:voyageNo>"],
    },
    Case {
        code: "X-MOMENT",
        message: departure,
        from: ">20261112030405<",
        good: &[">20240229235959<"],
        bad: &[">20261112<", ">20260229030405<"],
    },
    Case {
        code: "X-SUMMED",
        message: listed,
        from: "<ceb:SummaryApplyList><ceb:invtNo>51412026E000000001</ceb:invtNo></ceb:SummaryApplyList>",
        good: &["<ceb:SummaryApplyList><ceb:invtNo>51412026E000000002</ceb:invtNo></ceb:SummaryApplyList>"],
        bad: &[""],
    },
    Case {
        code: "X-PAIR",
        message: summary,
        from: "<ceb:endTime>20261130235959</ceb:endTime>",
        good: &["<ceb:endTime>20261101000000</ceb:endTime>"],
        bad: &["", "<ceb:endTime> </ceb:endTime>"],
    },
    Case {
        code: "X-INVTNO",
        message: summary,
        from: "<ceb:invtNo>51412026E000000001<",
        good: &["<ceb:invtNo>51412026E00000000001<"],
        bad: &["<ceb:invtNo>5141-2026<", "<ceb:invtNo>清单<"],
    },
    Case {
        code: "X-SUMMARYFLAG",
        message: summary,
        from: "<ceb:summaryFlag>1<",
        good: &["<ceb:summaryFlag>2<"],
        bad: &["<ceb:summaryFlag>3<", "<ceb:summaryFlag>A<"],
    },
    Case {
        code: "X-ITEMNAMEFLAG",
        message: summary,
        from: "<ceb:itemNameFlag>1<",
        good: &["<ceb:itemNameFlag>0<"],
        bad: &["<ceb:itemNameFlag>Y<"],
    },
    Case { code: "X-IEFLAG-RETURN", message: goods_return, from: "<ceb:ieFlag>I<", good: &["<ceb:ieFlag>I<"], bad: &["<ceb:ieFlag>E<"] },
    Case {
        code: "X-TRADEMODE-RETURN",
        message: goods_return,
        from: "<ceb:tradeMode>9661<",
        good: &["<ceb:tradeMode>1261<"],
        bad: &["<ceb:tradeMode>9610<"],
    },
    Case {
        code: "X-COUNTRY-RETURN",
        message: goods_return,
        from: "<ceb:country>502<",
        good: &["<ceb:country>110<"],
        bad: &["<ceb:country>142<"],
    },
    Case {
        code: "X-PARAMETER",
        message: inventory,
        from: "<ceb:fCurrency>142<",
        good: &["<ceb:fCurrency>USD<"],
        bad: &["<ceb:fCurrency>人民币<", "<ceb:fCurrency>1 2<"],
    },
];

fn codes(xml: &str) -> Vec<&'static str> {
    strict_defects(xml.as_bytes()).iter().map(|defect| defect.code).collect()
}

#[test]
fn every_rule_fires_and_does_not() {
    for case in CASES {
        let good = (case.message)();
        assert_eq!(codes(&good), Vec::<&str>::new());
        assert!(good.contains(case.from), "{}", case.from);
        for change in case.good {
            assert_eq!(codes(&good.replacen(case.from, change, 1)), Vec::<&str>::new(), "{change}");
        }
        for change in case.bad {
            assert_eq!(codes(&good.replacen(case.from, change, 1)), [case.code], "{change}");
        }
    }
    let tested = |rule: &&Rule| {
        rule.code == rules::UTF8 || CASES.iter().any(|case| case.code == rule.code && !case.good.is_empty() && !case.bad.is_empty())
    };
    let untested: Vec<_> = RULES.iter().filter(|rule| !tested(rule)).map(|rule| rule.code).collect();
    assert_eq!(untested, Vec::<&str>::new());
}

#[test]
fn other_encodings_are_told() {
    let gbk = b"<?xml version=\"1.0\" encoding=\"GBK\"?>\n<a>\xD6\xD0</a>";
    for defects in [strict_defects(gbk), examine(gbk)] {
        assert_eq!(defects.len(), 1);
        assert_eq!((defects[0].code, defects[0].line), ("X-UTF8", 2));
    }
    assert_eq!(examine("<?xml version=\"1.0\" encoding=\"utf-8\"?><a>中</a>".as_bytes())[0].code, "S-ROOT");
}

#[test]
fn codes_are_unique_and_rules_are_whole() {
    for (place, rule) in RULES.iter().enumerate() {
        assert!(rule.code.starts_with("X-") && !rule.source.is_empty() && !rule.zh.is_empty() && !rule.en.is_empty());
        assert!(RULES.iter().skip(place + 1).all(|other| other.code != rule.code), "{}", rule.code);
    }
}

#[test]
fn a_place_is_told_by_path_and_only_once() {
    let xml = inventory().replacen("<ceb:gnum>2<", "<ceb:gnum>7<", 1);
    assert_eq!(strict_defects(xml.as_bytes())[0].path, "/CEB603Message/Inventory[1]/InventoryList[2]/gnum");
    let xml = inventory().replacen(&format!(" guid=\"{GUID}\""), &format!(" guid=\"{}\"", GUID.to_lowercase()), 1);
    let told = strict_defects(xml.as_bytes());
    assert_eq!((told.len(), told[0].path.as_str(), told[0].code), (1, "/CEB603Message/@guid", "X-GUID"));
    // The schema wants one character: then the text has nothing to add.
    let long = examine(inventory().replacen("<ceb:appType>1<", "<ceb:appType>12<", 1).as_bytes());
    let about: Vec<_> = long.iter().filter(|defect| defect.path.ends_with("/appType")).map(|defect| defect.code).collect();
    assert_eq!(about, ["S-LENGTH"]);
    assert!(strict_defects(b"<a/>").is_empty() && strict_defects(b"<a>").is_empty());
}

#[test]
fn defects_are_bounded() {
    let xml = message(
        "CEB303Message",
        &format!("<ceb:Order>{}</ceb:Order>", "<ceb:OrderList><ceb:unit>人民币</ceb:unit></ceb:OrderList>".repeat(300)),
    );
    assert_eq!(strict_defects(xml.as_bytes()).len(), MAX_DEFECTS);
    assert_eq!(examine(xml.as_bytes()).len(), MAX_DEFECTS);
}
