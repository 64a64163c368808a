//! A line's facts beside everything the rules look up for it, once.

use std::sync::Arc;

use rust_decimal::{Decimal, RoundingStrategy};
use time::{Date, Duration};

use super::{
    Part,
    facts::{CountedFrom, Facts, ListStatus, Registration, Seller, Settings, SixFields},
    library::{Hint, Lookup},
    pack::Pack,
    places::{Located, Offices, Reading, Zone, Zones},
};

/// 10 digits.
pub(super) fn is_hs10(code: &str) -> bool {
    code.len() == 10 && code.bytes().all(|b| b.is_ascii_digit())
}

/// What the rules are asked about.
#[derive(Clone)]
pub(super) struct Case<'a> {
    pub(super) facts: &'a Facts,
    pub(super) part: Part,
    /// The day of the decision.
    pub(super) today: Date,
    /// The export date; the day of the decision where there is none (D09 then stops).
    pub(super) day: Date,
    pub(super) pack: &'a Arc<Pack>,
    pub(super) goods: Lookup<'a>,
    /// The library's word on the material of annex 9, if there is one.
    pub(super) material: Option<Lookup<'a>>,
    pub(super) hint: Option<&'a Arc<Hint>>,
    pub(super) zones: &'a Zones,
    pub(super) zone: Option<&'a Zone>,
    pub(super) offices: &'a Offices,
    pub(super) office: Option<&'a Arc<Located>>,
    pub(super) settings: &'a Settings,
}

impl<'a> Case<'a> {
    pub(super) fn seller(&self) -> Option<&'a Seller> {
        self.facts.seller.as_deref()
    }

    fn approved(&self, zone: Option<&Zone>) -> bool {
        zone.is_some_and(|zone| zone.approved_on <= self.day)
    }

    /// What a reading of 综试区所在地海关 says; nothing where the office or, if it is needed, the seller's city is not known. Under
    /// every reading the city in question must be a zone on the export date.
    pub(super) fn says(&self, reading: Reading) -> Option<bool> {
        let office = self.office?;
        let of_seller = |near: fn(&Self, &Located, &str) -> bool| {
            let seller = self.seller()?;
            Some(near(self, office, &seller.city) && self.approved(self.zone))
        };
        match reading {
            Reading::AnyZone => Some(self.approved(self.zones.of(&office.city))),
            Reading::OwnCity => of_seller(|_, office, city| super::places::same_city(&office.city, city)),
            Reading::OwnDistrict => of_seller(|case, office, city| case.offices.serves(&office.district, city)),
        }
    }

    /// Whether every reading the pack lists says no.
    pub(super) fn every_reading_says_no(&self) -> bool {
        self.pack.readings.iter().all(|&reading| self.says(reading) == Some(false))
    }

    /// Whether the readings the pack lists, as far as they can be judged, disagree.
    pub(super) fn readings_disagree(&self) -> bool {
        let says = |answer| self.pack.readings.iter().any(|&reading| self.says(reading) == Some(answer));
        says(true) && says(false)
    }

    /// Whether the line could be on the platform by now (the zone's rule; without one, from release on).
    pub(super) fn can_be_registered(&self) -> bool {
        let rule = self.zone.and_then(|zone| self.settings.zone_rules.iter().find(|rule| rule.zone == zone.name));
        let Some(rule) = rule else { return self.facts.list.released() };
        let counted = match (rule.counted_from, self.facts.list) {
            (CountedFrom::Release, ListStatus::Released { on } | ListStatus::Closed { on })
            | (CountedFrom::Closing, ListStatus::Closed { on }) => on,
            _ => None,
        };
        counted.and_then(|on| on.checked_add(Duration::days(i64::from(rule.days)))).is_some_and(|first| first <= self.today)
    }

    pub(super) fn registered(&self) -> Option<&'a SixFields> {
        match &self.facts.registration {
            Registration::Registered(fields) => Some(fields),
            Registration::OnWord if self.can_be_registered() => Some(&self.facts.fields),
            Registration::OnWord | Registration::NotRegistered => None,
        }
    }
}

/// Whether the amount is quantity times price, rounded half up at the amount's own decimals.
pub(super) fn amount_agrees(quantity: Decimal, price: Decimal, amount: Decimal) -> bool {
    let product = quantity.checked_mul(price);
    product.is_some_and(|product| product.round_dp_with_strategy(amount.scale(), RoundingStrategy::MidpointAwayFromZero) == amount)
}

/// Whether registration and list say the same; amounts as numbers, texts without surrounding blanks. A missing value agrees with none.
pub(super) fn same_fields(a: &SixFields, b: &SixFields) -> bool {
    let text = |a: &Option<String>, b: &Option<String>| matches!((a, b), (Some(a), Some(b)) if a.trim() == b.trim());
    let number = |a: Option<Decimal>, b: Option<Decimal>| a.is_some() && a == b;
    a.export_date.is_some()
        && a.export_date == b.export_date
        && text(&a.name, &b.name)
        && text(&a.unit, &b.unit)
        && number(a.quantity, b.quantity)
        && number(a.price, b.price)
        && number(a.amount, b.amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn an_amount_is_rounded_half_up_at_its_own_decimals() {
        assert!(amount_agrees(number("3"), number("0.335"), number("1.01")), "1.005 rounds up");
        assert!(!amount_agrees(number("3"), number("0.335"), number("1.00")));
        assert!(amount_agrees(number("3"), number("0.335"), number("1.0050")));
        assert!(!amount_agrees(Decimal::MAX, Decimal::MAX, number("1")), "too large to multiply");
    }

    #[test]
    fn missing_values_agree_with_nothing() {
        assert!(!same_fields(&SixFields::default(), &SixFields::default()));
    }
}
