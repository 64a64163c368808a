//! What the table of cases cannot say: settings, stages, splitting, what is kept.

use std::sync::Arc;

use rust_decimal::Decimal;
use time::{Date, macros::date};

use crate::{
    check::parameters::Rates,
    declaration::{InvoiceStatus, Statistics},
};

use super::*;

mod cases;
mod pages;
mod traps;

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
        income_tax: IncomeTax::Unknown,
        suspended: Vec::new(),
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
        currency: "502".to_owned(),
        declared_at: "5141".to_owned(),
        invoice: InvoiceStatus::None,
        invoice_linked: false,
        returned: Decimal::ZERO,
        seller: Some(Arc::new(seller())),
        seller_named: SellerNamed::AsEnterprise,
        evidence: Evidence::default(),
        entered: None,
        invoice_rate: None,
        materials: None,
        found: Confirmed::default(),
        forgone: None,
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
    line.rule == rule || line.reasons.iter().chain(&line.pending).chain(&line.notes).any(|reason| reason.rule == rule && rule != "D00")
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

fn agent(facts: &mut Facts, taxpayer: Taxpayer) {
    (of(facts).role, of(facts).taxpayer) = (Trade::Agent, taxpayer);
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
    let complete = Evidence { statement: day, contract: day, payment: day, ..Evidence::default() };
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
    let decided =
        |list, returned: &str| advisor.assess_facts(&[Facts { list, returned: number(returned), ..good() }], ListStatus::into(list), TODAY);
    let at = |list, returned: &str| Paper::from(&decided(list, returned));
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
    let after = decided(ListStatus::Closed { on: None }, "0");
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
