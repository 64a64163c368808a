//! What callers may write instead of the old codes that the wire takes: ISO letters of currencies and countries, the new codes of
//! packing and ports. Converted from new to old only, by the mapping tables of customs; an old code stays as it is. No code is
//! both an old one and a new one, so that nothing is ambiguous. Units and modes of transport have no other codes: the table maps
//! every mode that the wire takes to itself but G and L, which the old list has too.

use time::Date;

use super::{country, currency, currency_by_iso, iso_country, new_port, new_wrap, port, wrap};

/// The old three digits of a currency, from themselves or from its ISO letters.
#[must_use]
pub fn currency_to_wire(code: &str, on: Date) -> Option<&'static str> {
    currency(code, on).or_else(|| currency_by_iso(code, on)).map(|row| row.code)
}

/// The old three digits of a country, from themselves or from its two or three ISO letters.
#[must_use]
pub fn country_to_wire(code: &str, on: Date) -> Option<&'static str> {
    country(code, on).map(|row| row.code).or_else(|| iso_country(code, on).map(|row| row.old))
}

/// The old digit of a kind of packing, from itself or from the new two digits.
#[must_use]
pub fn wrap_to_wire(code: &str, on: Date) -> Option<&'static str> {
    wrap(code, on).map(|row| row.code).or_else(|| new_wrap(code, on).map(|row| row.old))
}

/// The old three or four digits of a port, from themselves or from the new six characters.
#[must_use]
pub fn port_to_wire(code: &str, on: Date) -> Option<&'static str> {
    port(code, on).map(|row| row.code).or_else(|| new_port(code, on).map(|row| row.old))
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::{
        super::{COUNTRIES, CURRENCIES, ISO_COUNTRIES, NEW_PORTS, NEW_WRAPS, PORTS, TRANSPORTS, WRAPS},
        *,
    };

    const TODAY: Date = date!(2026 - 11 - 23);

    #[test]
    fn new_codes_become_old_ones_and_old_ones_stay() {
        assert_eq!((currency_to_wire("USD", TODAY), currency_to_wire("502", TODAY)), (Some("502"), Some("502")));
        assert_eq!(
            (country_to_wire("US", TODAY), country_to_wire("USA", TODAY), country_to_wire("502", TODAY)),
            (Some("502"), Some("502"), Some("502"))
        );
        assert_eq!(
            (country_to_wire("HK", TODAY), country_to_wire("ROU", TODAY), country_to_wire("GUM", TODAY)),
            (Some("110"), Some("328"), Some("699"))
        );
        assert_eq!((wrap_to_wire("22", TODAY), wrap_to_wire("06", TODAY), wrap_to_wire("2", TODAY)), (Some("2"), Some("6"), Some("2")));
        assert_eq!(
            (port_to_wire("USA264", TODAY), port_to_wire("3154", TODAY), port_to_wire("502", TODAY)),
            (Some("3154"), Some("3154"), Some("502"))
        );
        // Small letters, ISO numbers, what customs made up itself, and what is neither.
        for unknown in ["usd", "840", "RMB", "", "ZZZ", "HRA", "NN", "USA ", "ＵＳＤ"] {
            assert_eq!((currency_to_wire(unknown, TODAY), country_to_wire(unknown, TODAY)), (None, None), "{unknown}");
        }
        assert_eq!((wrap_to_wire("4C", TODAY), port_to_wire("USLAX", TODAY), port_to_wire("US", TODAY)), (None, None, None));
    }

    #[test]
    fn nothing_is_ambiguous_and_everything_leads_to_an_old_code() {
        for row in ISO_COUNTRIES.rows() {
            assert!(COUNTRIES.find(row.code, TODAY).is_none() && COUNTRIES.find(row.old, TODAY).is_some(), "{}", row.code);
        }
        for row in NEW_WRAPS.rows() {
            assert!(WRAPS.find(row.code, TODAY).is_none() && WRAPS.find(row.old, TODAY).is_some(), "{}", row.code);
        }
        for row in NEW_PORTS.rows() {
            assert!(PORTS.find(row.code, TODAY).is_none() && PORTS.find(row.old, TODAY).is_some(), "{}", row.code);
        }
        assert!(CURRENCIES.rows().iter().all(|row| CURRENCIES.find(row.iso, TODAY).is_none()));
        assert!(TRANSPORTS.rows().iter().all(|row| row.code.len() == 1));
    }
}
