//! The lane of a document that is submitted on its own, of which not everything is known that a lane is chosen by.

use time::{Date, macros::date};

use super::{Duty, Lane};
use crate::declaration::Kind;

/// What a lane is chosen by where nothing may be known but the office and the site of a document that is submitted on its own.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// The declaring office, if it has one.
    pub office: Option<&'a str>,
    /// The supervised site; nothing: not said.
    pub site: Option<&'a str>,
    /// The trade mode of the declarations that it is about, if known.
    pub trade_mode: Option<&'a str>,
    /// Their seller, if known.
    pub seller: Option<&'a str>,
}

/// The first lane that may cover what is known: what is not known fits any.
#[must_use]
pub fn choose_by<'a>(lanes: &'a [Lane], known: Known<'_>) -> Option<&'a Lane> {
    let fits = |rule: &str, value: Option<&str>| rule.is_empty() || value.is_none_or(|value| value == rule);
    lanes.iter().find(|lane| {
        known.office.is_none_or(|office| office.starts_with(&lane.office))
            && fits(&lane.site, known.site)
            && fits(&lane.trade_mode, known.trade_mode)
            && fits(&lane.seller, known.seller)
    })
}

/// The day from which payments are not sent any more unless a lane says so (transport §4.1: announcement 167 of 2024).
const PAYMENTS_END: Date = date!(2024 - 12 - 15);

/// Who transmits a kind on a day: what the lane says, but payments of before their end were always sent.
#[must_use]
pub fn duty_on(lane: &Lane, kind: Kind, day: Date) -> Duty {
    match lane.duty(kind) {
        Duty::None if kind == Kind::Payment && day < PAYMENTS_END => Duty::Send(None),
        duty => duty.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_fits_any_lane() {
        let lanes = [
            Lane { office: "52".into(), trade_mode: "9610".into(), ..Lane::default() },
            Lane { office: "51".into(), seller: "S".into(), ..Lane::default() },
        ];
        let chosen = |known| choose_by(&lanes, known).map(|lane| lane.office.as_str());
        assert_eq!(chosen(Known::default()), Some("52"));
        assert_eq!(chosen(Known { office: Some("5141"), ..Known::default() }), Some("51"));
        assert_eq!(chosen(Known { office: Some("5141"), seller: Some("T"), ..Known::default() }), None);
        assert_eq!(chosen(Known { office: Some("5208"), trade_mode: Some("9710"), ..Known::default() }), None);
    }

    #[test]
    fn payments_were_sent_until_they_were_given_up() {
        let lane = Lane::default();
        assert_eq!(duty_on(&lane, Kind::Payment, date!(2024 - 12 - 14)), Duty::Send(None));
        assert_eq!(duty_on(&lane, Kind::Payment, date!(2024 - 12 - 15)), Duty::None);
        assert_eq!(duty_on(&lane, Kind::Arrival, date!(2024 - 12 - 14)), Duty::External);
        let asked = Lane { payment: Duty::Send(Some("bank".into())), ..Lane::default() };
        assert_eq!(duty_on(&asked, Kind::Payment, date!(2026 - 1 - 1)), Duty::Send(Some("bank".into())));
    }
}
