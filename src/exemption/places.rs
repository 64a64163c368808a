//! Pilot zones with their days of approval, and the city of each customs office of the two districts.
//!
//! Customs district and city differ: 广州海关 (51xx) also serves 佛山, 肇庆, 清远 and others, 黄埔海关 (52xx) part of 广州 and all of
//! 东莞. So nothing here looks at the first two digits of a code.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use time::Date;

use super::table::{DataError, Span, day, rows, span};

const ZONES: &str = include_str!("zones.tsv");
const OFFICES: &str = include_str!("offices.tsv");

/// A reading of 综试区所在地海关 (财税〔2018〕103号一(二)); which one holds is not verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// An office in the seller's own city.
    OwnCity,
    /// An office of the customs district that serves the seller's city.
    OwnDistrict,
    /// An office in any pilot zone.
    AnyZone,
}

impl Reading {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::OwnCity, Self::OwnDistrict, Self::AnyZone];

    /// As written in rule packs and configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OwnCity => "own_city",
            Self::OwnDistrict => "own_district",
            Self::AnyZone => "any_zone",
        }
    }

    /// The reading written so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reading| reading.as_str() == text)
    }
}

/// How sure a fact is: certain, likely, uncertain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Confidence {
    /// Uncertain: treated as unknown.
    L,
    /// Likely: good for advice, never for taxing.
    M,
    /// Certain.
    H,
}

impl Confidence {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "H" => Some(Self::H),
            "M" => Some(Self::M),
            "L" => Some(Self::L),
            _ => None,
        }
    }
}

/// A city without the 市 that some write after it.
fn plain(city: &str) -> &str {
    let city = city.trim();
    city.strip_suffix('市').unwrap_or(city)
}

/// One pilot zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Its name.
    pub name: String,
    /// The day of approval: 103号 has no grandfathering.
    pub approved_on: Date,
    /// The approval.
    pub document: String,
    /// How sure the day is.
    pub confidence: Confidence,
}

/// The pilot zones.
#[derive(Debug, Clone)]
pub struct Zones {
    zones: Vec<Zone>,
    by_place: BTreeMap<String, usize>,
}

impl Zones {
    /// The shipped list.
    ///
    /// # Errors
    /// If the shipped table is broken.
    pub fn shipped() -> Result<Self, DataError> {
        Self::parse(ZONES)
    }

    /// Reads the form of the shipped table.
    ///
    /// # Errors
    /// If a row is not of that form.
    pub fn parse(text: &str) -> Result<Self, DataError> {
        const TABLE: &str = "pilot zones";
        let (mut zones, mut by_place) = (Vec::new(), BTreeMap::new());
        for row in rows(TABLE, ["zone", "approved_on", "document", "confidence", "also"], text)? {
            let [name, approved_on, document, confidence, also] = row.cells;
            let broken = |what: &str| DataError::new(TABLE, row.line, what);
            let approved_on = day(TABLE, row.line, approved_on)?.ok_or_else(|| broken("a day of approval is expected"))?;
            let confidence = Confidence::parse(confidence).ok_or_else(|| broken("H, M or L is expected"))?;
            for place in also.split('、').filter(|place| !place.is_empty()) {
                by_place.entry(place.to_owned()).or_insert(zones.len());
            }
            by_place.insert(plain(name).to_owned(), zones.len());
            zones.push(Zone { name: name.to_owned(), approved_on, document: document.to_owned(), confidence });
        }
        Ok(Self { zones, by_place })
    }

    /// The zone a city lies in, whether approved yet or not.
    #[must_use]
    pub fn of(&self, city: &str) -> Option<&Zone> {
        self.zones.get(*self.by_place.get(plain(city))?)
    }
}

/// One customs office as the table has it, for a span of days.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Office {
    /// Nothing if it has no city or that is too uncertain.
    located: Option<Arc<Located>>,
    span: Span,
}

/// Where an office is, when that is known well enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// Its name.
    pub name: String,
    /// Its customs district (直属海关).
    pub district: String,
    /// Its city.
    pub city: String,
    /// Whether the city is certain.
    pub certain: bool,
}

/// The customs offices of 51xx and 52xx.
#[derive(Debug, Clone)]
pub struct Offices(BTreeMap<String, Vec<Office>>);

impl Offices {
    /// The shipped list.
    ///
    /// # Errors
    /// If the shipped table is broken.
    pub fn shipped() -> Result<Self, DataError> {
        Self::parse(OFFICES)
    }

    /// Reads the form of the shipped table.
    ///
    /// # Errors
    /// If a row is not of that form.
    pub fn parse(text: &str) -> Result<Self, DataError> {
        const TABLE: &str = "customs offices";
        let mut offices: BTreeMap<String, Vec<Office>> = BTreeMap::new();
        for row in rows(TABLE, ["office", "name", "district", "city", "confidence", "from", "to"], text)? {
            let [code, name, district, city, confidence, from, to] = row.cells;
            let confidence = Confidence::parse(confidence).ok_or_else(|| DataError::new(TABLE, row.line, "H, M or L is expected"))?;
            // INTERNAL, OBSOLETE and REVIEW(…) stand where there is no city.
            let city = (!city.is_empty() && !city.starts_with(|c: char| c.is_ascii_uppercase())).then(|| plain(city).to_owned());
            let span = span(TABLE, row.line, from, to)?;
            let located = city.filter(|_| confidence > Confidence::L).map(|city| {
                let (name, district) = (name.to_owned(), district.to_owned());
                Arc::new(Located { name, district, city, certain: confidence == Confidence::H })
            });
            let office = Office { located, span };
            offices.entry(code.to_owned()).or_default().push(office);
        }
        Ok(Self(offices))
    }

    /// Where the office was on that day; nothing if unmapped, too uncertain, or no office with a city.
    #[must_use]
    pub fn locate(&self, code: &str, day: Date) -> Option<&Arc<Located>> {
        self.0.get(code)?.iter().find(|office| office.span.holds(day))?.located.as_ref()
    }

    /// Whether any office of the district lies in the city, whatever its dates: districts do not move with the renaming of offices.
    #[must_use]
    pub fn serves(&self, district: &str, city: &str) -> bool {
        let mut known = self.0.values().flatten().filter_map(|office| office.located.as_deref());
        known.any(|office| office.district == district && office.city == plain(city))
    }
}

/// Whether two names of a city mean the same one.
pub(super) fn same_city(a: &str, b: &str) -> bool {
    plain(a) == plain(b)
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    const TODAY: Date = date!(2026 - 11 - 23);

    #[test]
    fn the_shipped_tables_can_be_read() {
        let zones = Zones::shipped().unwrap();
        assert_eq!(zones.zones.len(), 181);
        assert_eq!(zones.of("东莞市").unwrap().approved_on, date!(2018 - 07 - 24));
        assert_eq!(zones.of("儋州").unwrap().name, "海南全岛");
        assert_eq!(zones.of("三亚").unwrap().approved_on, date!(2020 - 04 - 27), "its own approval is older than the island's");
        assert!(zones.of("邢台").is_none());
        assert_eq!(Offices::shipped().unwrap().0.len(), 120);
    }

    #[test]
    fn a_district_is_not_a_city() {
        let offices = Offices::shipped().unwrap();
        assert_eq!(offices.locate("5110", TODAY).unwrap().city, "佛山");
        assert_eq!(offices.locate("5208", TODAY).unwrap().city, "广州");
        assert!(offices.serves("黄埔海关", "东莞") && offices.serves("黄埔海关", "广州") && offices.serves("广州海关", "广州"));
        assert!(!offices.serves("广州海关", "东莞"));
    }

    #[test]
    fn what_is_uncertain_or_no_city_is_unmapped() {
        let offices = Offices::shipped().unwrap();
        for code in ["5105", "5149", "5210", "5212", "5100", "5200", "5206", "5211", "5300", "", "9999"] {
            assert_eq!(offices.locate(code, TODAY), None, "{code}");
        }
        assert!(!offices.locate("5198", TODAY).unwrap().certain, "likely only");
    }

    #[test]
    fn a_code_given_anew_is_unmapped_before() {
        let offices = Offices::shipped().unwrap();
        assert!(offices.locate("5197", date!(2021 - 01 - 01)).is_none());
        assert!(offices.locate("5197", date!(2022 - 06 - 06)).is_some());
    }

    #[test]
    fn readings_have_names() {
        for reading in Reading::ALL {
            assert_eq!(Reading::parse(reading.as_str()), Some(reading));
        }
        assert_eq!(Reading::parse("anywhere"), None);
    }
}
