//! What must hold for any facts whatever, and how facts are read from a declaration.

use std::sync::Arc;

use proptest::{option, prelude::*, sample::select};
use rust_decimal::Decimal;
use time::{Date, Duration, macros::date};

use crate::{
    declaration::{self, Inventory, InventoryLine, InvoiceStatus, Order, OrderLine, OrderType, Statistics},
    party::Party,
};

use super::{
    tests::{TODAY, advisor, good, library, seller},
    *,
};

const OFFICES: [&str; 7] = ["5141", "5110", "5208", "5212", "5198", "5100", "9999"];
const HS_CODES: [&str; 8] = ["6109100000", "7607119000", "7615109000", "7113119090", "8507600090", "0101210010", "610910", "六一"];

fn day() -> impl Strategy<Value = Date> {
    (-100_i64..4_000).prop_map(|days| date!(2018 - 09 - 01) + Duration::days(days))
}

fn text() -> impl Strategy<Value = Option<String>> {
    option::of(select(vec!["011", "件", "", "棉制T恤衫"]).prop_map(str::to_owned))
}

fn number() -> impl Strategy<Value = Option<Decimal>> {
    let any =
        (any::<i128>(), 0_u32..28).prop_map(|(digits, scale)| Decimal::try_from_i128_with_scale(digits >> 33, scale).unwrap_or_default());
    option::of(prop_oneof![any, (0_i64..100).prop_map(Decimal::from), Just(Decimal::MAX), Just(Decimal::MIN)])
}

fn fields() -> impl Strategy<Value = SixFields> {
    let random = (option::of(day()), text(), text(), number(), number(), number())
        .prop_map(|(export_date, name, unit, quantity, price, amount)| SixFields { export_date, name, unit, quantity, price, amount });
    let sound = day().prop_map(|day| SixFields { export_date: Some(day), ..good().fields });
    prop_oneof![1 => random, 6 => sound]
}

fn city() -> impl Strategy<Value = String> {
    let others = select(vec!["东莞市", "佛山", "深圳", "云浮", "杭州", "儋州", "邢台", ""]);
    prop_oneof![6 => Just("广州"), 1 => others].prop_map(str::to_owned)
}

fn any_seller() -> impl Strategy<Value = Seller> {
    let kind =
        prop_oneof![8 => Just(SellerKind::Enterprise), 1 => Just(SellerKind::IndividualBusiness), 1 => Just(SellerKind::NaturalPerson)];
    let role = prop_oneof![7 => Just(Trade::Exporter), 3 => select(vec![Trade::Platform, Trade::Logistics, Trade::Agent])];
    let taxpayer = select(vec![Taxpayer::General, Taxpayer::Small, Taxpayer::Unknown]);
    let suspended =
        option::weighted(0.05, day()).prop_map(|from| from.map(|from| Span { from: Some(from), to: None }).into_iter().collect());
    (kind, role, city(), taxpayer, option::weighted(0.9, city()), suspended).prop_map(|(kind, role, city, taxpayer, zone, suspended)| {
        Seller {
            suspended,
            kind,
            role,
            city,
            taxpayer,
            platform: zone.map(|zone| PlatformRegistration { zone, enterprise_reg_no: "1".to_owned(), registers_lines: false }),
            ..seller()
        }
    })
}

fn list() -> impl Strategy<Value = ListStatus> {
    let on_its_way = select(vec![ListStatus::NotDeclared, ListStatus::Declared]);
    let over = select(vec![ListStatus::Cancelled, ListStatus::Rejected]);
    let released = (option::of(day()), any::<bool>())
        .prop_map(|(on, closed)| if closed { ListStatus::Closed { on } } else { ListStatus::Released { on } });
    prop_oneof![4 => on_its_way, 1 => over, 8 => released]
}

type Rare = (Option<Materials>, Confirmed, Option<Forgone>, Statistics, Evidence, Option<Decimal>, SellerNamed);

fn rare() -> impl Strategy<Value = Rare> {
    let materials = (0_i64..=100, select(vec!["7106911000", "6109100000", "9999999999", ""]), any::<bool>())
        .prop_map(|(share, hs_code, annex_8)| Materials { share: Decimal::new(share, 2), hs_code: hs_code.to_owned(), annex_8 });
    let found = (prop::bool::weighted(0.03), prop::bool::weighted(0.03))
        .prop_map(|(false_documents, name_lending)| Confirmed { false_documents, name_lending });
    let forgone = Just(Forgone { name: "王会计".to_owned(), amount: Decimal::ONE });
    let route = select(vec![Statistics::Simplified, Statistics::Summed]);
    let evidence = option::weighted(0.3, day()).prop_map(|filing| Evidence { filing, ..Evidence::default() });
    let rate = option::of(select(vec![1, 3, 13]).prop_map(Decimal::from));
    let named = select(vec![SellerNamed::AsEnterprise, SellerNamed::AsOwner, SellerNamed::InNote, SellerNamed::Nowhere]);
    (option::weighted(0.1, materials), found, option::weighted(0.3, forgone), route, evidence, rate, named)
}

fn facts() -> impl Strategy<Value = Facts> {
    let said = select(vec![InvoiceStatus::Unknown, InvoiceStatus::Special, InvoiceStatus::Ordinary, InvoiceStatus::OtherValid]);
    let invoice = prop_oneof![6 => Just(InvoiceStatus::None), 1 => said];
    let goods = (
        prop_oneof![3 => Just("6109100000"), 1 => select(HS_CODES.to_vec())],
        fields(),
        prop_oneof![4 => Just("5141"), 1 => select(OFFICES.to_vec())],
    );
    let papers = (invoice, prop::bool::weighted(0.1), prop_oneof![6 => Just(None), 1 => number()], option::weighted(0.9, any_seller()));
    let registered = (prop::bool::weighted(0.7), prop::bool::weighted(0.8), fields(), prop::bool::weighted(0.9));
    (goods, papers, registered, list(), rare()).prop_map(
        |((hs_code, fields, office), (invoice, invoice_linked, returned, seller), (registered, equal, others, retail), list, rare)| Facts {
            materials: rare.0,
            found: rare.1,
            forgone: rare.2,
            route: rare.3,
            evidence: rare.4,
            invoice_rate: rare.5,
            seller_named: rare.6,
            trade_mode: if retail { "9610" } else { "1210" }.to_owned(),
            hs_code: hs_code.to_owned(),
            registration: match (registered, equal) {
                (false, _) => Registration::NotRegistered,
                (true, true) => Registration::Registered(fields.clone()),
                (true, false) => Registration::Registered(others),
            },
            fields,
            declared_at: office.to_owned(),
            invoice,
            invoice_linked,
            returned: returned.unwrap_or_default(),
            seller: seller.map(Arc::new),
            list,
            ..good()
        },
    )
}

fn settings() -> impl Strategy<Value = Settings> {
    let given = Override { name: "demo".to_owned(), reason: "a test".to_owned() };
    let reading = option::of(select(Reading::ALL.to_vec()));
    (prop::bool::weighted(0.8), reading).prop_map(move |(overridden, office_reading)| Settings {
        regime_override: overridden.then(|| given.clone()),
        office_reading,
        ..Settings::default()
    })
}

fn taxed_on_firm_ground(line: &LineAssessment) -> bool {
    let facts = &line.inputs;
    let taxpayer = facts.seller.as_ref().map(|seller| seller.taxpayer);
    match &*line.rule {
        "D21" => line.library.is_some(),
        "D74" => line.pack.name == "export-2026" && taxpayer == Some(Taxpayer::General) && facts.invoice == InvoiceStatus::None,
        rule => line.pack.is_verified(rule),
    }
}

fn holds(line: &LineAssessment, settings: &Settings) {
    let facts = &line.inputs;
    let codes: Vec<Code> = line.reasons.iter().map(|reason| reason.code).collect();
    let paper = Paper::from(&Assessment { on: TODAY, cause: Cause::WhatIf, lines: vec![line.clone()] });
    let worded = &paper.lines[0].reasons;
    let exempt = line.outcome == Outcome::ExemptNoInvoice;
    assert!(!codes.is_empty() && worded.iter().all(|reason| !reason.zh.is_empty() && !reason.legal_basis.is_empty()));
    if exempt || codes.contains(&Code::NoVoucher) {
        assert!(facts.invoice == InvoiceStatus::None && !facts.invoice_linked);
        assert!(settings.regime_override.is_some() && line.override_used.as_deref() == settings.regime_override.as_ref());
    }
    if exempt {
        assert!(codes.iter().all(|code| code.as_str().starts_with("OK-") || code.as_str().starts_with("I-")), "{codes:?}");
        assert!(line.tests.iter().all(|test| matches!(test.mark, Mark::Met | Mark::Missing)), "{:?}", line.tests);
    }
    if line.rule == "D70" {
        assert!(line.pending.is_empty() && facts.list.released() && line.tests.iter().all(|test| test.mark == Mark::Met));
    }
    assert!(line.outcome != Outcome::Taxable || taxed_on_firm_ground(line), "{}", line.rule);
    assert_eq!(line.tests.len(), 4);
    if line.outcome == Outcome::NotEligible && line.curable == Some(true) {
        assert!(line.reasons.iter().all(|reason| reason.curable == Some(true)));
    }
    if let Some(day) = facts.fields.export_date.filter(|day| (date!(2018 - 12 - 10)..=date!(2027 - 12 - 31)).contains(day)) {
        assert!(worded.iter().all(|reason| reason.valid.holds(day)), "every article is in force: {worded:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_facts_get_one_outcome_that_keeps_the_promises(facts in facts(), settings in settings()) {
        thread_local! {
            static ADVISOR: Advisor = advisor(Settings::default());
        }
        let advisor = ADVISOR.with(|shared| shared.clone().with_settings(settings.clone()));
        let lines = advisor.assess_line(&facts, TODAY);
        prop_assert!((1..=2).contains(&lines.len()));
        for line in &lines {
            holds(line, &settings);
        }
        let decided = Assessment { on: TODAY, cause: Cause::WhatIf, lines: lines.clone() };
        prop_assert_eq!(read(&decided.to_kept()).unwrap(), Paper::from(&decided));
        prop_assert_eq!(lines, advisor.assess_line(&facts, TODAY));
    }
}

fn party(code: &str) -> Party {
    Party { code: code.to_owned(), name: "某公司".to_owned() }
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn one_line() -> (OrderLine, InventoryLine) {
    let ordered = OrderLine {
        number: 1,
        item_no: "SKU-1".to_owned(),
        item_name: "T-shirt".to_owned(),
        description: None,
        bar_code: None,
        unit: "011".to_owned(),
        currency: "502".to_owned(),
        quantity: decimal("3"),
        price: decimal("19.90"),
        total: decimal("59.70"),
        note: None,
    };
    let listed = InventoryLine {
        number: 1,
        hs_code: "6109100000".to_owned(),
        customs_name: "棉制T恤衫".to_owned(),
        specification: String::new(),
        country: "502".to_owned(),
        legal_quantity: decimal("3"),
        legal_unit: "011".to_owned(),
        record_no: None,
        second: None,
        invoice: InvoiceStatus::None,
        note: None,
    };
    (ordered, listed)
}

fn declared(consignor: &str, owner: &str, owner_registered: bool) -> declaration::Declaration {
    let (ordered, listed) = one_line();
    let order = Order {
        order_no: "O-1".to_owned(),
        order_type: OrderType::Retail,
        platform: party("无"),
        seller: party(consignor),
        goods_value: decimal("59.70"),
        freight: Decimal::ZERO,
        currency: "502".to_owned(),
        note: None,
        lines: vec![ordered],
    };
    let inventory = Inventory {
        declared_at: "5141".to_owned(),
        exits_at: "5301".to_owned(),
        exit_date: date!(2026 - 11 - 11),
        statistics: Statistics::Simplified,
        declarant: party("4401960ABC"),
        owner: party(owner),
        owner_registered,
        area_enterprise: None,
        book_no: None,
        trade_mode: "9610".to_owned(),
        transport: "5".to_owned(),
        vehicle: None,
        voyage: None,
        bill_no: None,
        bag_no: None,
        site: None,
        licence_no: None,
        country: "502".to_owned(),
        destination_port: "USA000".to_owned(),
        freight: Decimal::ZERO,
        freight_currency: "502".to_owned(),
        insured_fee: Decimal::ZERO,
        insured_currency: "502".to_owned(),
        wrap: "2".to_owned(),
        packs: 1,
        gross_weight: decimal("1"),
        net_weight: decimal("0.9"),
        note: None,
        carrier: party("4401960XYZ"),
        waybill_no: None,
        lines: vec![listed],
    };
    declaration::Declaration { order, inventory }
}

#[test]
fn a_declaration_gives_the_facts_of_its_lines() {
    let advisor = advisor(Settings {
        regime_override: Some(Override { name: "demo".to_owned(), reason: "a test".to_owned() }),
        ..Settings::default()
    });
    let own = seller().code;
    let declaration = declared(&own, &own, true);
    let expected = Facts { list: ListStatus::NotDeclared, registration: Registration::NotRegistered, ..good() };
    assert_eq!(advisor.facts(&declaration, &Recorded::default(), ListStatus::NotDeclared), [expected]);
    let forecast = advisor.assess(&declaration, &Recorded::default(), ListStatus::NotDeclared, TODAY);
    assert_eq!((forecast.cause, forecast.lines[0].outcome, &*forecast.lines[0].rule), (Cause::Submit, Outcome::ExemptNoInvoice, "D71"));
    assert_eq!(forecast.lines[0].pending[0].code, Code::LineRegistration);
    let closed = advisor.assess(&declaration, &Recorded::default(), ListStatus::Closed { on: Some(TODAY) }, TODAY);
    assert_eq!(closed.lines[0].reasons[0].code, Code::LineUnregistered);
}

#[test]
fn the_real_seller_is_found_behind_an_agent() {
    let agent = Seller { code: "AGENT".to_owned(), role: Trade::Agent, ..seller() };
    let advisor = Advisor::new(library(), Settings::default(), vec![seller(), agent]).unwrap();
    let own = seller().code;
    let named = |consignor: &str, owner: &str, registered| {
        let facts = advisor.facts(&declared(consignor, owner, registered), &Recorded::default(), ListStatus::Declared).remove(0);
        (facts.seller.map(|seller| seller.code.clone()), facts.seller_named)
    };
    assert_eq!(named(&own, "MAKER", true), (Some(own.clone()), SellerNamed::AsEnterprise), "the owner may be the maker");
    assert_eq!(named("AGENT", &own, true), (Some(own.clone()), SellerNamed::AsOwner));
    assert_eq!(named("STRANGER", &own, false), (Some(own), SellerNamed::InNote));
    assert_eq!(named("AGENT", "", false), (None, SellerNamed::Nowhere), "an agent's profile never stands for the seller's");
    assert_eq!(named("AGENT", "AGENT", true), (Some("AGENT".to_owned()), SellerNamed::AsEnterprise));
    assert_eq!(named("STRANGER", "MAKER", true), (None, SellerNamed::AsEnterprise));
}
