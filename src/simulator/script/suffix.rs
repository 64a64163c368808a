//! In a sandbox a number says itself what is to become of its document: `…-604-100` has the inventory of that order refused. The table
//! for those who use it is `docs/sandbox.md`.

use crate::declaration::Kind;

use super::{Fate, Numbers, Outcome};

/// What the numbers of a document of that kind ask for, if they ask for anything: `-RRR-CCC`, the receipt's number and what it is to
/// say, and after it `-Ns` for seconds of delay. A number may ask for several receipts, one after the other.
#[must_use]
pub fn asked_by(kind: Kind, numbers: &Numbers<'_>) -> Option<Fate> {
    let receipt = (kind.number() + 1).to_string();
    let alone = [numbers.bill, numbers.enterprise_no];
    let mut all = numbers.orders.iter().chain(&numbers.waybills).chain(&alone);
    all.find_map(|number| asked(&receipt, number))
}

fn asked(receipt: &str, number: &str) -> Option<Fate> {
    let mut words = number.split('-').skip(1).skip_while(|word| *word != receipt).skip(1);
    let mut fate = meant(words.next()?)?;
    fate.delay_ms = words.next().and_then(seconds).unwrap_or(0) * 1_000;
    Some(fate)
}

/// At most 4 digits, and `s`.
fn seconds(word: &str) -> Option<u64> {
    word.strip_suffix('s').filter(|digits| digits.len() <= 4 && digits.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
}

/// What stands for an outcome. Codes at which the road goes on are those at which it may be told to stop.
fn meant(word: &str) -> Option<Fate> {
    let coded = |outcome, code: &str| Fate { outcome, code: code.to_owned(), ..Fate::default() };
    Some(match word {
        "0" => Fate::of(Outcome::Silent),
        "4" => Fate::of(Outcome::PortFailed),
        "100" => Fate::of(Outcome::Refused),
        "300" => Fate::of(Outcome::Review),
        "500" => Fate::of(Outcome::Inspection),
        "900" => Fate::of(Outcome::Poison),
        "2" | "3" | "120" | "399" | "800" => coded(Outcome::Stops, word),
        _ if digits(word, 1..=4) => coded(Outcome::Says, word),
        _ => {
            let below = word.strip_prefix('N').filter(|code| digits(code, 1..=9))?;
            coded(Outcome::Rejected, &format!("-{below}"))
        }
    })
}

fn digits(word: &str, many: std::ops::RangeInclusive<usize>) -> bool {
    many.contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_order(kind: Kind, order_no: &str) -> Option<Fate> {
        asked_by(kind, &Numbers { orders: vec![order_no], ..Numbers::default() })
    }

    #[test]
    fn a_number_asks_for_what_the_table_says() {
        let outcome = |no: &str| of_order(Kind::Inventory, no).map(|fate| (fate.outcome, fate.code));
        for (word, expected, code) in [
            ("0", Outcome::Silent, ""),
            ("4", Outcome::PortFailed, ""),
            ("100", Outcome::Refused, ""),
            ("300", Outcome::Review, ""),
            ("500", Outcome::Inspection, ""),
            ("900", Outcome::Poison, ""),
            ("3", Outcome::Stops, "3"),
            ("120", Outcome::Stops, "120"),
            ("777", Outcome::Says, "777"),
            ("N604001", Outcome::Rejected, "-604001"),
        ] {
            assert_eq!(outcome(&format!("A-604-{word}")), Some((expected, code.to_owned())), "{word}");
        }
        for none in ["A", "604-100", "A-604", "A-604-", "A-604-x", "A-604-N", "A-604-12345", "A-304-100", "A604-100", "-604-"] {
            assert_eq!(outcome(none), None, "{none}");
        }
    }

    #[test]
    fn one_number_may_ask_for_several_receipts_and_for_patience() {
        let no = "A-2026-304-4-604-100-5s-606-100";
        assert_eq!(of_order(Kind::Order, no).unwrap().outcome, Outcome::PortFailed);
        let list = of_order(Kind::Inventory, no).unwrap();
        assert_eq!((list.outcome, list.delay_ms), (Outcome::Refused, 5_000));
        assert_eq!(of_order(Kind::Cancellation, no).unwrap().outcome, Outcome::Refused);
        assert_eq!(of_order(Kind::Payment, no), None);
        assert_eq!(of_order(Kind::Inventory, "A-604-100-99999s").unwrap().delay_ms, 0);
    }

    #[test]
    fn every_number_of_a_document_may_ask() {
        let numbers = Numbers { waybills: vec!["W-1", "W-508-100"], bill: "B-508-4", ..Numbers::default() };
        assert_eq!(asked_by(Kind::Arrival, &numbers).unwrap().outcome, Outcome::Refused);
        assert_eq!(asked_by(Kind::Departure, &numbers), None);
        let numbers = Numbers { bill: "B-508-4", ..Numbers::default() };
        assert_eq!(asked_by(Kind::Arrival, &numbers).unwrap().outcome, Outcome::PortFailed);
    }
}
