//! Official code lists, each with its source and the date of its data, its rows with the dates between which they hold.
//!
//! The lists are files in `src/codes/`, compiled in and read once. The first line of a file says `# date, source, columns`;
//! every row begins with code, first day, last day (empty: not known to begin or to end). Customs publishes no machine form
//! of these tables, so they are as old as their source: a code that is missing here may be newer than the list.

use std::sync::LazyLock;

use time::Date;

use crate::clock;

mod convert;
mod elements;

pub use convert::{country_to_wire, currency_to_wire, port_to_wire, wrap_to_wire};
pub use elements::elements;

/// A row of a list: knows its code, and the days on which it holds.
pub trait Row {
    /// Its code.
    fn code(&self) -> &'static str;
    /// When it holds.
    fn days(&self) -> Days;
}

/// The days on which a row holds, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Days {
    /// The first day, if it is known to begin.
    pub from: Option<Date>,
    /// The last day, if it is known to end.
    pub to: Option<Date>,
}

impl Days {
    /// Tells whether `on` is among them.
    #[must_use]
    pub fn hold(self, on: Date) -> bool {
        self.from.is_none_or(|from| from <= on) && self.to.is_none_or(|to| on <= to)
    }
}

/// One official list.
#[derive(Debug)]
pub struct List<R: 'static> {
    /// The date of the data.
    pub as_of: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    rows: Vec<R>,
}

impl<R: Row> List<R> {
    /// Reads a list; rows that cannot be read are left out (a test holds every shipped list to none).
    fn read(text: &'static str, row: fn(&'static str, Days, &mut dyn Iterator<Item = &'static str>) -> Option<R>) -> Self {
        let (head, body) = text.split_once('\n').unwrap_or((text, ""));
        let mut head = head.trim_start_matches("# ").split('\t');
        let mut rows: Vec<R> = body
            .lines()
            .filter_map(|line| {
                let mut cells = line.split('\t');
                let code = cells.next().filter(|code| !code.is_empty())?;
                let days = Days { from: day(cells.next()?)?, to: day(cells.next()?)? };
                row(code, days, &mut cells)
            })
            .collect();
        rows.sort_by_key(|row| (row.code(), row.days().from));
        Self { as_of: head.next().unwrap_or(""), source: head.next().unwrap_or(""), rows }
    }

    /// The row with that code which holds on that day.
    #[must_use]
    pub fn find(&self, code: &str, on: Date) -> Option<&R> {
        let start = self.rows.partition_point(|row| row.code() < code);
        self.rows.get(start..)?.iter().take_while(|row| row.code() == code).find(|row| row.days().hold(on))
    }

    /// All rows, by code and first day.
    #[must_use]
    pub fn rows(&self) -> &[R] {
        &self.rows
    }
}

/// Nothing for an empty cell; fails on what is no day.
fn day(text: &str) -> Option<Option<Date>> {
    if text.is_empty() { Some(None) } else { clock::parse_day(text).map(Some) }
}

macro_rules! rows {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub struct $name {
                /// Its code.
                pub code: &'static str,
                /// When it holds.
                pub days: Days,
                $($(#[$field_doc])* pub $field: &'static str,)*
            }

            impl $name {
                fn read(code: &'static str, days: Days, cells: &mut dyn Iterator<Item = &'static str>) -> Option<Self> {
                    Some(Self { code, days, $($field: cells.next()?,)* })
                }
            }

            impl Row for $name {
                fn code(&self) -> &'static str {
                    self.code
                }

                fn days(&self) -> Days {
                    self.days
                }
            }
        )*
    };
}

rows! {
    /// 关区 (JGS/T 18). Codes are renamed and used again, so look-ups are by day.
    Office {
        /// Short name.
        short_name,
        /// Full name.
        name,
    }
    /// 监管场所. Old and not complete: a missing one proves nothing.
    Site {
        /// Name.
        name,
        /// Its office, or the first digits of it where the place serves several.
        office,
    }
    /// 币制.
    Currency {
        /// ISO 4217 letters.
        iso,
        /// Chinese name.
        zh,
        /// English name.
        en,
    }
    /// 国别(地区), old three-digit code.
    Country {
        /// ISO 3166 letters, three; empty for regions that have none.
        iso,
        /// Chinese name.
        zh,
        /// English name.
        en,
    }
    /// 计量单位.
    Unit {
        /// Name.
        name,
    }
    /// 运输方式.
    Transport {
        /// Name.
        name,
    }
    /// 包装种类, old one-digit code.
    Wrap {
        /// Name.
        name,
    }
    /// 贸易方式.
    TradeMode {
        /// Name.
        name,
    }
    /// 港口, old four-digit code; a country's three digits stand for its ports.
    Port {
        /// Old three-digit code of its country.
        country,
        /// Chinese name.
        zh,
        /// English name.
        en,
    }
    /// ISO 3166 letters of a country, two or three.
    IsoCountry {
        /// Its old three-digit code.
        old,
    }
    /// 包装种类, new two-digit code.
    NewWrap {
        /// Its old one-digit code.
        old,
    }
    /// 港口, new six-character code.
    NewPort {
        /// Its old four-digit code, or the three digits of its country.
        old,
    }
    /// 商品编码 of goods that may need an export licence for dual-use items. For screening: the list names goods by more than a code.
    DualUse {
        /// The announcement that lists it: year and number.
        announcement,
    }
    /// 商品编码, 10 digits.
    HsCode {
        /// Name in the tariff.
        name,
    }
}

macro_rules! lists {
    ($($(#[$doc:meta])* $list:ident, $find:ident: $row:ident = $file:literal;)*) => {
        $(
            #[doc = concat!("The list behind [`", stringify!($find), "`].")]
            pub static $list: LazyLock<List<$row>> = LazyLock::new(|| List::read(include_str!($file), $row::read));

            $(#[$doc])*
            #[must_use]
            pub fn $find(code: &str, on: Date) -> Option<&'static $row> {
                LazyLock::force(&$list).find(code, on)
            }
        )*

        /// Every list: its name, the date of its data, its source, its number of rows.
        #[must_use]
        pub fn sources() -> Vec<(&'static str, &'static str, &'static str, usize)> {
            let (as_of, source, rows) = elements::source();
            vec![$((stringify!($find), $list.as_of, $list.source, $list.rows.len()),)* ("elements", as_of, source, rows)]
        }
    };
}

lists! {
    /// The customs office with that code.
    OFFICES, office: Office = "codes/offices.tsv";
    /// The supervised site with that code.
    SITES, site: Site = "codes/sites.tsv";
    /// The currency with that old three-digit code.
    CURRENCIES, currency: Currency = "codes/currencies.tsv";
    /// The country with that old three-digit code.
    COUNTRIES, country: Country = "codes/countries.tsv";
    /// The unit with that code.
    UNITS, unit: Unit = "codes/units.tsv";
    /// The mode of transport with that code.
    TRANSPORTS, transport: Transport = "codes/transport.tsv";
    /// The kind of packing with that old code.
    WRAPS, wrap: Wrap = "codes/wraps.tsv";
    /// The trade mode with that code.
    TRADE_MODES, trade_mode: TradeMode = "codes/trade_modes.tsv";
    /// The port with that old code, or the country whose three digits stand for its ports.
    PORTS, port: Port = "codes/ports.tsv";
    /// The country with those ISO letters.
    ISO_COUNTRIES, iso_country: IsoCountry = "codes/iso_countries.tsv";
    /// The kind of packing with that new code.
    NEW_WRAPS, new_wrap: NewWrap = "codes/new_wraps.tsv";
    /// The port with that new code.
    NEW_PORTS, new_port: NewPort = "codes/new_ports.tsv";
    /// The row of the dual-use list with that tariff line.
    DUAL_USE, dual_use: DualUse = "codes/dual_use.tsv";
    /// The tariff line with those 10 digits.
    HS_CODES, hs_code: HsCode = "codes/hs.tsv";
}

/// The currency with those ISO letters.
#[must_use]
pub fn currency_by_iso(iso: &str, on: Date) -> Option<&'static Currency> {
    CURRENCIES.rows().iter().find(|row| row.iso == iso && row.days.hold(on))
}

/// How much of a 10-digit code the tariff knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HsMatch {
    /// All of it.
    Known(&'static HsCode),
    /// Only its first 4, 6 or 8 digits. A simplified list needs no more than 4 (message specification 202205, 603 gcode).
    HeadingOnly(u8),
    /// Not even its heading.
    Unknown,
}

/// Looks a code of 10 digits up in the tariff.
#[must_use]
pub fn hs(code: &str, on: Date) -> HsMatch {
    if code.len() != 10 || !code.bytes().all(|b| b.is_ascii_digit()) {
        return HsMatch::Unknown;
    }
    if let Some(row) = hs_code(code, on) {
        return HsMatch::Known(row);
    }
    let begins = |digits: u8| {
        let prefix = code.get(..usize::from(digits)).unwrap_or(code);
        let start = HS_CODES.rows().partition_point(|row| row.code < prefix);
        HS_CODES.rows().get(start..).unwrap_or_default().iter().take_while(|row| row.code.starts_with(prefix)).any(|row| row.days.hold(on))
    };
    [8, 6, 4].into_iter().find(|&digits| begins(digits)).map_or(HsMatch::Unknown, HsMatch::HeadingOnly)
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    const TODAY: Date = date!(2026 - 11 - 23);

    #[test]
    fn every_shipped_row_is_read_and_every_list_is_dated() {
        let lines = |text: &str| text.lines().count() - 1;
        let files = [
            include_str!("codes/offices.tsv"),
            include_str!("codes/sites.tsv"),
            include_str!("codes/currencies.tsv"),
            include_str!("codes/countries.tsv"),
            include_str!("codes/units.tsv"),
            include_str!("codes/transport.tsv"),
            include_str!("codes/wraps.tsv"),
            include_str!("codes/trade_modes.tsv"),
            include_str!("codes/ports.tsv"),
            include_str!("codes/iso_countries.tsv"),
            include_str!("codes/new_wraps.tsv"),
            include_str!("codes/new_ports.tsv"),
            include_str!("codes/dual_use.tsv"),
            include_str!("codes/hs.tsv"),
        ];
        for ((name, as_of, source, rows), file) in sources().into_iter().zip(files) {
            assert_eq!(rows, lines(file), "{name}");
            assert!(clock::parse_day(as_of).is_some(), "{name}: {as_of}");
            assert!(!source.is_empty(), "{name}");
        }
        let offices: std::collections::BTreeSet<_> = OFFICES.rows().iter().map(|row| row.code).collect();
        assert_eq!(offices.len(), 1369);
        assert_eq!(HS_CODES.rows().len(), 12_030);
    }

    #[test]
    fn no_code_means_two_things_on_one_day() {
        fn check<R: Row>(list: &List<R>) {
            for pair in list.rows().windows(2) {
                let [one, other] = pair else { continue };
                let apart = one.code() != other.code() || one.days().to.is_some_and(|to| other.days().from.is_some_and(|from| to < from));
                assert!(apart, "{}", one.code());
            }
        }
        check(&OFFICES);
        check(&SITES);
        check(&CURRENCIES);
        check(&COUNTRIES);
        check(&UNITS);
        check(&TRANSPORTS);
        check(&WRAPS);
        check(&TRADE_MODES);
        check(&PORTS);
        check(&ISO_COUNTRIES);
        check(&NEW_WRAPS);
        check(&NEW_PORTS);
        check(&DUAL_USE);
        check(&HS_CODES);
    }

    #[test]
    fn an_office_has_the_name_of_the_day() {
        assert_eq!(office("5197", TODAY).map(|row| row.short_name), Some("白云电商"));
        assert_eq!(office("5208", TODAY).map(|row| row.short_name), Some("穗东海关"));
        let before = office("5144", date!(2020 - 01 - 01)).map(|row| row.short_name);
        assert_eq!(before, Some("穗州头咀"));
        assert_eq!(office("5144", TODAY).map(|row| row.short_name), Some("穗机综保"));
        assert!(office("5199999", TODAY).is_none() && office("", TODAY).is_none());
    }

    #[test]
    fn codes_mean_what_customs_says() {
        assert_eq!(currency("142", TODAY).map(|row| row.iso), Some("CNY"));
        assert_eq!(currency_by_iso("USD", TODAY).map(|row| row.code), Some("502"));
        assert_eq!(country("502", TODAY).map(|row| row.zh), Some("美国"));
        assert_eq!(unit("011", TODAY).map(|row| row.name), Some("件"));
        assert_eq!(transport("5", TODAY).map(|row| row.name), Some("航空运输"));
        assert_eq!(wrap("2", TODAY).map(|row| row.name), Some("纸箱"));
        assert_eq!(trade_mode("9610", TODAY).map(|row| row.name), Some("电子商务"));
        assert!(trade_mode("3039", TODAY).is_none(), "abolished");
        assert_eq!(port("1105", TODAY).map(|row| row.zh), Some("雅加达"));
        assert!(port("303", TODAY).is_some(), "a country stands for its ports");
        assert_eq!(site("514101", TODAY).map(|row| row.office), Some("5141"));
        assert!(currency("CNY", TODAY).is_none() && unit("11", TODAY).is_none());
    }

    #[test]
    fn the_tariff_knows_lines_and_headings() {
        assert!(matches!(hs("4202220000", TODAY), HsMatch::Known(row) if row.name.contains("手提包")));
        assert_eq!(hs("4202219999", TODAY), HsMatch::HeadingOnly(6));
        assert_eq!(hs("4202000000", TODAY), HsMatch::HeadingOnly(4));
        assert_eq!(hs("9999000000", TODAY), HsMatch::Unknown);
        for bad in ["", "4202", "42022200001", "420222000X", "四二〇二", "４２０２"] {
            assert_eq!(hs(bad, TODAY), HsMatch::Unknown, "{bad}");
        }
    }
}
