//! The table, rule by rule: each fires in one case and not in its neighbour.

use std::{collections::BTreeSet, sync::Arc};

use rust_decimal::Decimal;
use time::{Date, macros::date};

use crate::declaration::{InvoiceStatus, Statistics};

use super::{
    rules::{OTHERWISE, RULES},
    *,
};

pub(super) const TODAY: Date = date!(2026 - 11 - 23);
const SELLER: &str = "91440101MA5AXXXX0A";

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(super) fn seller() -> Seller {
    Seller {
        code: SELLER.to_owned(),
        kind: SellerKind::Enterprise,
        role: Trade::Exporter,
        city: "广州".to_owned(),
        taxpayer: Taxpayer::General,
        platform: Some(PlatformRegistration { zone: "广州".to_owned(), enterprise_reg_no: "GZ-1".to_owned(), registers_lines: false }),
    }
}

/// A line that meets everything: closed, registered with the same values.
pub(super) fn good() -> Facts {
    let fields = SixFields {
        export_date: Some(date!(2026 - 11 - 11)),
        name: Some("棉制T恤衫".to_owned()),
        unit: Some("011".to_owned()),
        quantity: Some(number("3")),
        price: Some(number("19.90")),
        amount: Some(number("59.70")),
    };
    Facts {
        line: 1,
        direction: Direction::Export,
        trade_mode: "9610".to_owned(),
        route: Statistics::Simplified,
        list: ListStatus::Closed { on: Some(date!(2026 - 11 - 12)) },
        hs_code: "6109100000".to_owned(),
        registration: Registration::Registered(fields.clone()),
        fields,
        declared_at: "5141".to_owned(),
        invoice: InvoiceStatus::None,
        invoice_linked: false,
        returned: Decimal::ZERO,
        seller: Some(Arc::new(seller())),
        seller_named: SellerNamed::AsEnterprise,
        evidence: Evidence::default(),
    }
}

fn overridden() -> Settings {
    let given = Override { name: "demo".to_owned(), reason: "a demonstration".to_owned() };
    Settings { regime_override: Some(given), ..Settings::default() }
}

pub(super) fn library() -> Library {
    let earlier = "# version: T\n# covers: 2018-01-01..2025-12-31\ncode,zssl_set,tsl,tsflag,st_date,end_date\n6109100000,13,13,,,\n";
    Library::sample().unwrap().with(Version::parse_csv(earlier).unwrap())
}

pub(super) fn advisor(settings: Settings) -> Advisor {
    Advisor::new(library(), settings, vec![seller()]).unwrap()
}

fn decide_with(settings: Settings, change: impl FnOnce(&mut Facts)) -> LineAssessment {
    let mut facts = good();
    change(&mut facts);
    let mut parts = advisor(settings).assess_line(&facts, TODAY);
    parts.pop().unwrap()
}

fn decide(change: impl FnOnce(&mut Facts)) -> LineAssessment {
    decide_with(overridden(), change)
}

fn codes(line: &LineAssessment) -> Vec<&'static str> {
    line.reasons.iter().map(|reason| reason.code.as_str()).collect()
}

fn fires(line: &LineAssessment, rule: &str) -> bool {
    line.rule == rule || line.reasons.iter().chain(&line.pending).any(|reason| reason.rule == rule)
}

fn of(facts: &mut Facts) -> &mut Seller {
    Arc::make_mut(facts.seller.as_mut().unwrap())
}

fn unregister(facts: &mut Facts) {
    facts.registration = Registration::NotRegistered;
}

fn exported(facts: &mut Facts, day: Date) {
    facts.fields.export_date = Some(day);
    facts.registration = Registration::Registered(facts.fields.clone());
}

#[test]
fn a_line_that_meets_everything_is_exempt() {
    let line = decide(|_| ());
    assert_eq!((line.outcome, line.stage, &*line.rule), (Outcome::ExemptNoInvoice, Stage::CustomsFinal, "D70"));
    assert_eq!(codes(&line), ["OK-103", "I-36-OK"]);
    assert!(line.tests.iter().all(|test| test.mark == Mark::Met), "{:?}", line.tests);
    assert_eq!(line.override_used.as_ref().unwrap().name, "demo");
    assert_eq!(line.notes[0].code, Code::RegimeUnverified, "the override is seen in the paper");
    assert_eq!((line.pack.name.as_str(), line.library.as_ref().unwrap().version.as_str()), ("export-2026", "SAMPLE-1"));
}

#[test]
fn rules_stand_in_the_order_of_the_table() {
    let order: Vec<&str> = RULES.iter().map(|rule| rule.id).chain([OTHERWISE.id]).collect();
    let table = "D01 D02 D03 D04 D09 D05 D11 D14 D12 D13 D21 D40 D41 D47 D00 D10 D50 D51 D52 D53 D54 D55 D56 D56P D57 D60 D61 D62 \
                 D68 D70 D71 D72 D75 D73 D74 D76";
    assert_eq!(order.join(" "), table);
}

type Make = fn(&mut Facts);

/// Rule, a case in which it fires, a neighbour in which it does not, the code it gives.
const CASES: &[(&str, Make, Make, &str)] = &[
    ("D01", |f| f.direction = Direction::Import, |_| (), "N-DIRECTION"),
    ("D02", |f| f.trade_mode = "1210".to_owned(), |_| (), "N-TRADE-MODE"),
    ("D03", |f| f.list = ListStatus::Cancelled, |f| f.list = ListStatus::Declared, "N-CANCELLED"),
    ("D03", |f| f.list = ListStatus::Rejected, |f| f.list = ListStatus::NotDeclared, "N-CANCELLED"),
    ("D04", |f| f.returned = number("3"), |f| f.returned = Decimal::ZERO, "N-RETURNED"),
    ("D09", |f| f.fields.export_date = None, |_| (), "N-FIELD-EXPORT-DATE"),
    ("D05", |f| exported(f, date!(2018 - 09 - 30)), |f| exported(f, date!(2018 - 10 - 01)), "N-DATE-BEFORE-POLICY"),
    ("D11", |f| f.hs_code = "61091000".to_owned(), |_| (), "N-HS-INVALID"),
    ("D11", |f| f.hs_code = "0101210010".to_owned(), |_| (), "N-HS-INVALID"),
    ("D11", |f| f.hs_code = "６１０９".to_owned(), |_| (), "N-HS-INVALID"),
    ("D13", |f| f.hs_code = "7615109000".to_owned(), |_| (), "N-HS-AMBIGUOUS"),
    ("D21", |f| f.hs_code = "7607119000".to_owned(), |f| f.hs_code = "7113119090".to_owned(), "T-CANCELLED"),
    (
        "D21",
        |f| (f.hs_code, f.fields.export_date) = ("8507600090".to_owned(), Some(date!(2027 - 01 - 01))),
        |f| (f.hs_code, f.fields.export_date) = ("8507600090".to_owned(), Some(date!(2026 - 12 - 31))),
        "T-CANCELLED",
    ),
    ("D40", |f| f.invoice = InvoiceStatus::Unknown, |_| (), "N-INVOICE-UNKNOWN"),
    ("D41", |f| f.invoice_linked = true, |f| f.invoice_linked = false, "N-INVOICE-CONFLICT"),
    ("D47", |f| f.invoice = InvoiceStatus::Special, |_| (), "N-VOUCHER-UNDECIDED"),
    ("D47", |f| f.invoice = InvoiceStatus::Ordinary, |f| f.invoice = InvoiceStatus::Unknown, "N-VOUCHER-UNDECIDED"),
    ("D47", |f| f.invoice = InvoiceStatus::OtherValid, |_| (), "N-VOUCHER-UNDECIDED"),
    ("D10", |f| f.fields.name = Some(" ".to_owned()), |_| (), "N-FIELD-NAME"),
    ("D10", |f| f.fields.unit = Some("件".to_owned()), |_| (), "N-FIELD-UNIT"),
    ("D10", |f| f.fields.quantity = Some(number("-3")), |_| (), "N-FIELD-QTY"),
    ("D10", |f| f.fields.price = Some(Decimal::ZERO), |_| (), "N-FIELD-PRICE"),
    ("D10", |f| f.fields.amount = Some(number("59.71")), |_| (), "N-FIELD-AMOUNT"),
    ("D10", |f| f.fields.amount = None, |_| (), "N-FIELD-AMOUNT"),
    ("D50", |f| of(f).kind = SellerKind::NaturalPerson, |f| of(f).kind = SellerKind::IndividualBusiness, "N-SELLER-TYPE"),
    ("D51", |f| of(f).role = Trade::Platform, |_| (), "N-NOT-ECOM-EXPORTER"),
    ("D51", |f| of(f).role = Trade::Agent, |_| (), "N-NOT-ECOM-EXPORTER"),
    ("D52", |f| of(f).city = "邢台".to_owned(), |f| of(f).city = "广州市".to_owned(), "N-SELLER-NOT-ZONE"),
    ("D53", |f| yunfu(f, date!(2022 - 01 - 21)), |f| yunfu(f, date!(2022 - 01 - 22)), "N-ZONE-NOT-YET"),
    ("D54", |f| of(f).platform = None, |_| (), "N-PLATFORM-UNREG"),
    ("D54", |f| f.seller = None, |_| (), "N-PLATFORM-UNREG"),
    (
        "D55",
        |f| of(f).platform.as_mut().unwrap().zone = "深圳".to_owned(),
        |f| of(f).platform.as_mut().unwrap().zone = "广州市".to_owned(),
        "N-PLATFORM-CITY",
    ),
    ("D56", unregister, |f| (f.registration, f.list) = (Registration::NotRegistered, ListStatus::Declared), "N-LINE-UNREG"),
    ("D56P", |f| (f.registration, f.list) = (Registration::NotRegistered, ListStatus::Declared), unregister, "P-LINE-REGISTRATION"),
    ("D57", |f| f.fields.name = Some("T恤".to_owned()), |_| (), "N-LINE-MISMATCH"),
    ("D60", |f| f.declared_at = "5212".to_owned(), |f| f.declared_at = "5208".to_owned(), "N-CUSTOMS-UNMAPPED"),
    ("D62", |f| f.declared_at = "5110".to_owned(), |f| f.declared_at = "5208".to_owned(), "N-CUSTOMS-READING"),
    ("D68", |f| f.declared_at = "5212".to_owned(), |_| (), "N-CUSTOMS-UNMAPPED"),
    ("D70", |_| (), |f| f.list = ListStatus::Declared, "OK-103"),
    ("D71", |f| f.list = ListStatus::Declared, |_| (), "OK-103-PROV"),
    ("D72", unregister, |f| of(f).role = Trade::Agent, "N-LINE-UNREG"),
    ("D75", |f| of(f).kind = SellerKind::NaturalPerson, |f| of(f).role = Trade::Agent, "N-SELLER-TYPE"),
    ("D73", |f| agent(f, Taxpayer::Small), |f| agent(f, Taxpayer::General), "N-SMALL-NO-VOUCHER"),
    ("D73", |f| agent(f, Taxpayer::Unknown), |f| agent(f, Taxpayer::General), "N-SMALL-NO-VOUCHER"),
    ("D74", |f| agent(f, Taxpayer::General), |f| agent(f, Taxpayer::Small), "T-NO-VOUCHER"),
];

fn agent(facts: &mut Facts, taxpayer: Taxpayer) {
    (of(facts).role, of(facts).taxpayer) = (Trade::Agent, taxpayer);
}

fn yunfu(facts: &mut Facts, day: Date) {
    exported(facts, day);
    "云浮".clone_into(&mut of(facts).city);
    of(facts).platform =
        Some(PlatformRegistration { zone: "云浮".to_owned(), enterprise_reg_no: "YF-1".to_owned(), registers_lines: false });
    "5178".clone_into(&mut facts.declared_at);
}

#[test]
fn every_rule_fires_in_its_case_and_not_in_the_neighbour() {
    for (rule, make, neighbour, code) in CASES {
        let line = decide(make);
        assert!(fires(&line, rule), "{rule} {code}: {} {:?}", line.rule, codes(&line));
        assert!(line.reasons.iter().chain(&line.pending).any(|reason| reason.code.as_str() == *code), "{rule} {code}: {:?}", codes(&line));
        let other = decide(neighbour);
        assert!(!fires(&other, rule), "{rule} {code}, neighbour: {} {:?}", other.rule, codes(&other));
    }
}

#[test]
fn every_rule_has_a_case() {
    let elsewhere = ["D00", "D12", "D14", "D61", "D76"];
    let covered: BTreeSet<&str> = CASES.iter().map(|case| case.0).chain(elsewhere).collect();
    assert_eq!(covered, RULES.iter().map(|rule| rule.id).chain([OTHERWISE.id]).collect());
}

#[test]
fn the_regime_stops_unless_a_named_override_lets_it_pass() {
    let line = decide_with(Settings::default(), |_| ());
    assert_eq!((line.outcome, &*line.rule, codes(&line)), (Outcome::Review, "D00", vec!["N-REGIME-UNVERIFIED"]));
    assert_eq!(line.override_used, None);
    assert!(!fires(&decide(|_| ()), "D00"));
    let stopped_before = decide(|f| f.invoice = InvoiceStatus::Unknown);
    assert_eq!(stopped_before.override_used, None, "an override that was not needed is not named");
    let nameless = Override { name: " ".to_owned(), reason: "because".to_owned() };
    let settings = Settings { regime_override: Some(nameless), ..Settings::default() };
    assert!(matches!(Advisor::new(library(), settings, Vec::new()), Err(SetupError::Override)));
}

#[test]
fn without_a_library_a_line_is_reviewed_by_the_screening_list() {
    let bare = Advisor::new(Library::default(), overridden(), Vec::new()).unwrap();
    let decide = |hs_code: &str| {
        let facts = Facts { hs_code: hs_code.to_owned(), ..good() };
        let line = bare.assess_line(&facts, TODAY).remove(0);
        (line.rule.into_owned(), line.outcome, line.library)
    };
    assert_eq!(decide("7615109000"), ("D14".to_owned(), Outcome::Review, None));
    assert_eq!(decide("6109100000"), ("D12".to_owned(), Outcome::Review, None));
}

#[test]
fn the_configured_reading_of_the_office_decides_but_never_taxes() {
    // A seller of Guangzhou that declares in Foshan: same district, another city.
    let with = |reading| decide_with(Settings { office_reading: reading, ..overridden() }, |f| f.declared_at = "5110".to_owned());
    assert_eq!(with(None).rule, "D68");
    assert_eq!(with(Some(Reading::AnyZone)).rule, "D70");
    assert_eq!(with(Some(Reading::OwnDistrict)).rule, "D70");
    let own_city = with(Some(Reading::OwnCity));
    assert!(fires(&own_city, "D61") && !fires(&own_city, "D62"));
    assert_eq!((own_city.outcome, &*own_city.rule), (Outcome::Review, "D76"), "a chosen reading is inference");
    assert_eq!(own_city.tests[2].mark, Mark::NotMet);
    let elsewhere = decide(|f| of(f).city = "杭州".to_owned());
    assert!(fires(&elsewhere, "D62"), "only the reading of any zone says yes");
}

#[test]
fn where_every_reading_says_no_a_general_taxpayer_is_taxed() {
    let offices = Offices::parse(
        "office\tname\tdistrict\tcity\tconfidence\tfrom\tto\n9901\t某海关\t某关区\t邢台\tH\t\t\n9902\t某海关\t某关区\t邢台\tM\t\t\n",
    )
    .unwrap();
    let decide = |office: &str| {
        let facts = Facts { declared_at: office.to_owned(), ..good() };
        advisor(overridden()).with_places(Zones::shipped().unwrap(), offices.clone()).assess_line(&facts, TODAY).remove(0)
    };
    assert_eq!(codes(&decide("9901")), ["N-CUSTOMS-CITY", "T-NO-VOUCHER"]);
    assert_eq!((decide("9902").outcome, decide("9902").rule.as_ref()), (Outcome::Review, "D76"), "a likely city is no ground to tax");
}

#[test]
fn taxing_needs_verified_rules() {
    let not_in_list = decide(|f| of(f).city = "邢台".to_owned());
    assert_eq!(not_in_list.outcome, Outcome::Review, "D62 and D52: a city missing from our list is no proof");
    let settings = Settings { office_reading: Some(Reading::AnyZone), ..overridden() };
    let only_city = decide_with(settings, |f| {
        of(f).city = "邢台".to_owned();
        of(f).platform.as_mut().unwrap().zone = "邢台".to_owned();
    });
    assert_eq!((only_city.rule.as_ref(), codes(&only_city)), ("D76", vec!["N-SELLER-NOT-ZONE"]));
    let before_2026 = decide(|f| {
        exported(f, date!(2025 - 12 - 31));
        agent(f, Taxpayer::General);
    });
    assert_eq!((before_2026.outcome, &*before_2026.rule), (Outcome::Review, "D76"));
}

#[test]
fn all_failures_are_collected() {
    let line = decide(|f| {
        f.fields.name = None;
        of(f).platform = None;
        unregister(f);
    });
    assert_eq!(
        (line.outcome, line.curable, codes(&line)),
        (Outcome::NotEligible, Some(true), vec!["N-FIELD-NAME", "N-PLATFORM-UNREG", "N-LINE-UNREG"])
    );
    assert_eq!(line.tests[1].mark, Mark::Missing);
}

#[test]
fn a_seller_without_a_profile_is_told_to_file_one() {
    let line = decide(|f| f.seller = None);
    assert_eq!((line.outcome, line.curable, codes(&line)), (Outcome::NotEligible, Some(true), vec!["N-PLATFORM-UNREG"]));
    assert_eq!((line.tests[1].mark, line.tests[2].mark), (Mark::Missing, Mark::Missing));
}

#[test]
fn a_partly_returned_line_is_split_and_its_parts_add_up() {
    let facts = Facts { returned: Decimal::ONE, ..good() };
    let parts = advisor(overridden()).assess_line(&facts, TODAY);
    let seen: Vec<_> = parts.iter().map(|part| (part.part, part.rule.as_ref(), part.quantity.unwrap(), part.amount.unwrap())).collect();
    assert_eq!(seen, [(Part::Kept, "D70", number("2"), number("39.80")), (Part::Returned, "D04", number("1"), number("19.90"))]);
    let all = advisor(overridden()).assess_line(&Facts { returned: number("4"), ..good() }, TODAY);
    assert_eq!((all.len(), all[0].part), (1, Part::Returned));
}

#[test]
fn shenzhen_registers_two_days_after_closing() {
    let rule = |list| {
        decide(|f| {
            of(f).city = "深圳".to_owned();
            of(f).platform.as_mut().unwrap().zone = "深圳".to_owned();
            (f.registration, f.list) = (Registration::NotRegistered, list);
        })
    };
    for (list, possible) in [
        (ListStatus::Released { on: Some(date!(2026 - 11 - 01)) }, false),
        (ListStatus::Closed { on: Some(date!(2026 - 11 - 22)) }, false),
        (ListStatus::Closed { on: Some(date!(2026 - 11 - 21)) }, true),
        (ListStatus::Closed { on: None }, false),
    ] {
        let line = rule(list);
        assert_eq!((fires(&line, "D56"), line.pending.is_empty()), (possible, possible), "{list:?}");
    }
}

#[test]
fn stages_follow_what_is_known() {
    let day = Some(TODAY);
    let stage = |evidence| decide(|f| f.evidence = evidence).stage;
    let complete = Evidence { statement: day, contract: day, payment: day, filing: None };
    assert_eq!(decide(|f| f.list = ListStatus::Declared).stage, Stage::Forecast);
    assert_eq!(stage(Evidence { payment: None, ..complete }), Stage::CustomsFinal);
    assert_eq!(stage(complete), Stage::EvidenceComplete);
    assert_eq!(stage(Evidence { filing: day, ..complete }), Stage::Filed);
    assert_eq!(stage(Evidence { filing: day, ..Evidence::default() }), Stage::CustomsFinal, "filed without evidence is not yet filed well");
}

#[test]
fn the_weaker_naming_and_consumption_tax_are_flagged() {
    let line = decide(|f| f.seller_named = SellerNamed::InNote);
    assert!(line.notes.iter().any(|note| note.code == Code::SellerNote));
    assert!(codes(&decide(|f| f.hs_code = "3303000020".to_owned())).contains(&"I-CONSUMPTION-TAX"));
    assert!(!codes(&decide(|f| exported(f, date!(2019 - 12 - 31)))).contains(&"I-36-OK"), "that rule began in 2020");
}

#[test]
fn decisions_are_compared() {
    let advisor = advisor(overridden());
    let at = |list, returned: &str| advisor.assess_facts(&[Facts { list, returned: number(returned), ..good() }], list.into(), TODAY);
    let (before, after) = (at(ListStatus::Declared, "0"), at(ListStatus::Closed { on: None }, "0"));
    assert_eq!((before.cause, after.cause), (Cause::Declared, Cause::Closed));
    assert_eq!(compare(&before, &before), []);
    let changes = compare(&before, &after);
    assert_eq!((changes.len(), changes[0].removed()), (1, vec![Code::Ok103Provisional]));
    assert_eq!(changes[0].added(), [Code::Ok103, Code::DeemedProfit]);
    let split = compare(&after, &at(ListStatus::Closed { on: None }, "1"));
    assert_eq!(
        split.iter().map(|change| (change.part, change.before.is_some())).collect::<Vec<_>>(),
        [(Part::Whole, true), (Part::Kept, false), (Part::Returned, false)]
    );
    assert!(after.lines[0].inputs_json().starts_with(r#"{"line":1,"direction":"export","trade_mode":"9610""#));
    assert_eq!(after.overrides_used().len(), 1);
}

#[test]
fn profiles_and_settings_that_make_no_sense_are_refused() {
    let twice = Advisor::new(library(), Settings::default(), vec![seller(), seller()]);
    assert!(matches!(twice, Err(SetupError::Seller(_))));
    let mut settings = Settings::default();
    settings.zone_rules[0].zone = "亚特兰蒂斯".to_owned();
    assert!(matches!(Advisor::new(library(), settings, Vec::new()), Err(SetupError::Zone(_))));
    assert!(serde_json::from_str::<Seller>(r#"{"code":"1","kind":"enterprise","role":"exporter","city":"广州","tax":"general"}"#).is_err());
    let short: Seller = serde_json::from_str(r#"{"code":"1","kind":"enterprise","role":"exporter","city":"广州"}"#).unwrap();
    assert_eq!((short.taxpayer, short.platform), (Taxpayer::Unknown, None));
}

#[test]
fn the_sellers_word_registers_a_line_only_once_it_can_be() {
    let decided = |list| decide(|f| (f.list, f.registration) = (list, Registration::OnWord));
    let before = decided(ListStatus::Declared);
    assert_eq!((before.outcome, before.reasons[0].code), (Outcome::ExemptNoInvoice, Code::Ok103Provisional));
    let after = decided(ListStatus::Released { on: Some(TODAY) });
    assert_eq!(after.reasons[0].code, Code::Ok103);
    let paper = Paper::from(&Assessment { on: TODAY, cause: Cause::Released, lines: vec![after] });
    assert!(paper.lines[0].tests[1].value.contains("据卖家资料所述"), "{:?}", paper.lines[0].tests[1]);
}

/// Five lines that say much: partly returned, not registered yet, of unsettled goods, without a profile, with no word of a voucher.
fn told() -> Assessment {
    let facts = [
        Facts { returned: Decimal::ONE, ..good() },
        Facts { line: 2, registration: Registration::NotRegistered, list: ListStatus::Declared, ..good() },
        Facts { line: 3, hs_code: "7615109000".to_owned(), ..good() },
        Facts { line: 4, seller: None, declared_at: "5212".to_owned(), registration: Registration::OnWord, ..good() },
        Facts { line: 5, invoice: InvoiceStatus::Unknown, hs_code: "8507600090".to_owned(), seller_named: SellerNamed::InNote, ..good() },
    ];
    advisor(overridden()).assess_facts(&facts, Cause::Returned, TODAY)
}

#[test]
fn a_paper_kept_with_all_its_texts_reads_as_it_did() {
    let text = include_str!("../../tests/exemption/full_paper.json");
    let paper = read(text).unwrap();
    assert_eq!(
        serde_json::to_value(&paper).unwrap()["lines"][0]["reasons"],
        serde_json::from_str::<serde_json::Value>(text).unwrap()["lines"][0]["reasons"]
    );
    assert_eq!(
        (paper.lines.len(), paper.lines[0].pack.digest.len(), paper.lines[0].reasons[0].zh.as_ref()),
        (6, 64, "103号三项条件全部满足")
    );
}

#[test]
fn what_is_kept_is_short_and_reads_back_whole() {
    let decided = told();
    let kept = decided.to_kept();
    assert_eq!(read(&kept).unwrap(), Paper::from(&decided));
    let one = advisor(overridden()).assess_facts(
        &[Facts { registration: Registration::NotRegistered, list: ListStatus::Declared, ..good() }],
        Cause::Submit,
        TODAY,
    );
    for (name, decided) in [("one line", &one), ("five lines, one of them in two parts", &decided)] {
        let (full, kept) = (serde_json::to_string(&Paper::from(decided)).unwrap().len(), decided.to_kept().len());
        println!("{name}: {full} bytes with all texts, {kept} as kept");
        assert!(kept * 9 < full * 2, "{name}: {kept} of {full}");
    }
    let spaced = serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&kept).unwrap()).unwrap();
    assert_eq!(read(&spaced).unwrap(), Paper::from(&decided), "with blanks, and keys in another order");
}

#[test]
fn what_was_not_kept_by_us_is_refused() {
    let kept = told().to_kept();
    let digest = advisor(overridden()).assess_line(&good(), TODAY).remove(0).pack.digest.clone();
    assert!(matches!(read(&kept.replace(&digest[..16], &"0".repeat(16))), Err(ReadError::Pack(_))));
    for broken in [
        kept.replace("{\"v\":2", "{\"v\":3"),
        kept.replace("N-RETURNED", "N-RETURNS"),
        kept[..kept.len() - 1].to_owned(),
        "{}".to_owned(),
        String::new(),
    ] {
        assert!(matches!(read(&broken), Err(ReadError::Form(_))), "{broken}");
    }
}
