//! The traps of the trade, each as a test: what people get wrong about this exemption.

use super::*;

fn battery(day: Date) -> LineAssessment {
    decide(|f| {
        f.hs_code = "8507600090".to_owned();
        exported(f, day);
    })
}

#[test]
fn trap_01_the_lists_own_export_date_decides_and_not_the_day_of_declaring() {
    let eve = battery(date!(2026 - 12 - 31));
    let new_year = battery(date!(2027 - 01 - 01));
    assert_eq!((eve.outcome, new_year.outcome), (Outcome::ExemptNoInvoice, Outcome::Taxable));
    let later = advisor(overridden()).assess_line(&eve.inputs, date!(2027 - 01 - 15)).remove(0);
    assert_eq!(later.outcome, Outcome::ExemptNoInvoice, "decided after the change, exported before it");
}

#[test]
fn trap_02_the_declaring_office_counts_and_not_the_port_of_exit() {
    // The facts hold no port of exit at all: nothing could look at it.
    let inputs = decide(|_| ()).inputs_json();
    assert!(inputs.contains("\"declared_at\":\"5141\"") && !inputs.contains("exit"));
}

#[test]
fn trap_03_a_customs_district_is_no_city() {
    let office = |office: &str, city: &str| {
        decide(|f| {
            office.clone_into(&mut f.declared_at);
            city.clone_into(&mut of(f).city);
            of(f).platform.as_mut().unwrap().zone = city.to_owned();
        })
    };
    assert_eq!(office("5208", "广州").outcome, Outcome::ExemptNoInvoice, "Huangpu customs, and yet in Guangzhou");
    assert!(fires(&office("5110", "广州"), "D62"), "Guangzhou customs, and yet in Foshan");
}

#[test]
fn trap_04_office_codes_are_given_anew() {
    let at = |day| {
        decide(|f| {
            f.declared_at = "5197".to_owned();
            exported(f, day);
        })
    };
    assert!(fires(&at(date!(2021 - 01 - 01)), "D60") && !fires(&at(date!(2026 - 01 - 01)), "D60"));
}

#[test]
fn trap_05_where_readings_disagree_and_none_is_chosen_a_person_sees_what_each_would_mean() {
    let line = decide(|f| f.declared_at = "5110".to_owned());
    let seen: Vec<_> = line.alternatives.iter().map(|either| (either.reading.as_ref(), either.outcome)).collect();
    assert_eq!(line.outcome, Outcome::Review);
    assert_eq!(seen, [("own_city", Outcome::Review), ("own_district", Outcome::ExemptNoInvoice), ("any_zone", Outcome::ExemptNoInvoice)]);
    let regime = decide_with(Settings::default(), |_| ());
    let seen: Vec<_> = regime.alternatives.iter().map(|either| (either.reading.as_ref(), either.outcome)).collect();
    assert_eq!(seen, [("in_force", Outcome::ExemptNoInvoice), ("not_in_force", Outcome::Taxable)]);
}

#[test]
fn trap_06_a_zone_counts_from_its_own_approval() {
    let at = |day| {
        decide(|f| {
            exported(f, day);
            of(f).city = "东莞".to_owned();
            of(f).platform.as_mut().unwrap().zone = "东莞".to_owned();
            f.declared_at = "5202".to_owned();
        })
    };
    // Dongguan was approved on 2018-07-24, before the policy itself: so the policy's first day is its first day too.
    assert!(!fires(&at(date!(2018 - 10 - 01)), "D53") && fires(&at(date!(2018 - 09 - 30)), "D05"));
}

#[test]
fn trap_07_an_agent_without_the_real_seller_is_no_exporter() {
    assert!(fires(&decide(|f| f.seller_named = SellerNamed::Nowhere), "D32"));
    assert!(fires(&decide(|f| agent(f, Taxpayer::General)), "D51"));
}

#[test]
fn trap_08_lines_of_one_order_are_decided_one_by_one() {
    let lines = [
        good(),
        Facts { line: 2, hs_code: "7607119000".to_owned(), ..good() },
        Facts { line: 3, invoice: InvoiceStatus::Unknown, ..good() },
    ];
    let decided = advisor(overridden()).assess_facts(&lines, Cause::Closed, TODAY);
    let outcomes: Vec<_> = decided.lines.iter().map(|line| line.outcome).collect();
    assert_eq!(outcomes, [Outcome::ExemptNoInvoice, Outcome::Taxable, Outcome::NotEligible]);
}

#[test]
fn trap_09_what_comes_back_loses_its_exemption_and_the_rest_keeps_it() {
    let parts = advisor(overridden()).assess_line(&Facts { returned: Decimal::ONE, ..good() }, TODAY);
    assert_eq!(parts.iter().map(|part| part.outcome).collect::<Vec<_>>(), [Outcome::ExemptNoInvoice, Outcome::NotEligible]);
}

#[test]
fn trap_10_chapter_prefixes_only_lead_to_review() {
    let bare = Advisor::new(Library::default(), overridden(), Vec::new()).unwrap();
    for hs_code in ["7610900000", "7612909000", "7615109000", "7616991090"] {
        let line = bare.assess_line(&Facts { hs_code: hs_code.to_owned(), ..good() }, TODAY).remove(0);
        assert_eq!((line.outcome, line.rule.as_ref()), (Outcome::Review, "D14"), "{hs_code}");
    }
}

#[test]
fn trap_11_a_code_that_did_not_exist_on_the_export_date_is_refused() {
    let line = decide(|f| {
        f.hs_code = "8541430000".to_owned();
        exported(f, date!(2025 - 06 - 01));
    });
    assert!(fires(&line, "D11"), "the library of that year has no such row");
}

#[test]
fn trap_12_consumption_tax_goods_are_marked_for_a_column_of_their_own() {
    assert!(codes(&decide(|f| f.hs_code = "9102120000".to_owned())).contains(&"I-CONSUMPTION-TAX"));
}

#[test]
fn trap_13_licences_and_limits_are_no_matter_of_this_decision() {
    // They come from the check of the declaration; no rule of the table gives their codes.
    let pack = decide(|_| ()).pack;
    assert!(pack.limit("parcel_limit_cny", TODAY).is_some(), "the limit is a named parameter all the same");
}

#[test]
fn trap_14_other_trade_modes_are_other_regimes() {
    for mode in ["1210", "9710", "9810", "1039"] {
        let line = decide(|f| mode.clone_into(&mut f.trade_mode));
        assert_eq!((line.outcome, line.rule.as_ref()), (Outcome::NotEligible, "D02"));
    }
}

#[test]
fn trap_15_the_amount_is_what_customs_saw() {
    let net_of_fees = decide(|f| {
        let mut registered = f.fields.clone();
        registered.amount = Some(number("50.00"));
        f.registration = Registration::Registered(registered);
    });
    assert!(fires(&net_of_fees, "D57"));
}

#[test]
fn trap_16_a_registration_in_another_unit_or_price_is_another_registration() {
    let other = decide(|f| {
        let mut registered = f.fields.clone();
        (registered.unit, registered.quantity) = (Some("007".to_owned()), Some(number("3.0")));
        f.registration = Registration::Registered(registered);
    });
    assert!(fires(&other, "D57"), "3 and 3.0 are one number, 011 and 007 are two units");
}

#[test]
fn trap_17_gifts_are_never_exempt_at_price_zero() {
    let gift = decide(|f| {
        (f.fields.price, f.fields.amount) = (Some(Decimal::ZERO), Some(Decimal::ZERO));
        f.registration = Registration::Registered(f.fields.clone());
    });
    assert_eq!((gift.outcome, codes(&gift)), (Outcome::NotEligible, vec!["N-FIELD-PRICE"]));
}

#[test]
fn trap_18_a_refund_is_not_given_up_silently() {
    let special = |forgone: Option<Forgone>| {
        decide(|f| (f.invoice, f.route, f.forgone) = (InvoiceStatus::Special, Statistics::Simplified, forgone)).outcome
    };
    assert_eq!(special(None), Outcome::Review);
    assert_eq!(special(Some(Forgone { name: "王会计".to_owned(), amount: number("7.76") })), Outcome::Exempt);
}
