//! The closed list of reasons: meaning and remedy in both languages, legal basis with the dates it holds for.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::Date;

use super::{
    decision::Reason,
    paper::Worded,
    table::{DataError, Span, rows, span},
};

macro_rules! codes {
    ($($name:ident $text:literal,)+) => {
        /// The code of a reason: a closed list.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "what each means, in both languages and with its legal basis, stands in the texts of the packs")]
        pub enum Code {
            $($name,)+
        }

        impl Code {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// As written everywhere.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

codes! {
    Ok103 "OK-103",
    Ok103Provisional "OK-103-PROV",
    Voucher "X-VOUCHER",
    SpecialNoDeclaration "X-SPECIAL-NO-DECL",
    Small "X-SMALL",
    FlagExempt "X-FLAG2",
    Refund "R-REFUND",
    RateCap "R-RATE-CAP",
    Cancelled "T-CANCELLED",
    Silver "T-SILVER50",
    NoVoucher "T-NO-VOUCHER",
    Overdue "T-OVERDUE",
    Suspended "T-REFUND-SUSPENDED",
    FalseDocuments "T-FALSE-DOC",
    NameLending "T-NAME-LENDING",
    TradeMode "N-TRADE-MODE",
    Direction "N-DIRECTION",
    BeforePolicy "N-DATE-BEFORE-POLICY",
    SellerNotZone "N-SELLER-NOT-ZONE",
    ZoneNotYet "N-ZONE-NOT-YET",
    SellerType "N-SELLER-TYPE",
    NotExporter "N-NOT-ECOM-EXPORTER",
    PlatformUnregistered "N-PLATFORM-UNREG",
    PlatformCity "N-PLATFORM-CITY",
    LineUnregistered "N-LINE-UNREG",
    LineMismatch "N-LINE-MISMATCH",
    CustomsCity "N-CUSTOMS-CITY",
    CustomsUnmapped "N-CUSTOMS-UNMAPPED",
    InvoiceUnknown "N-INVOICE-UNKNOWN",
    InvoiceConflict "N-INVOICE-CONFLICT",
    HsInvalid "N-HS-INVALID",
    HsAmbiguous "N-HS-AMBIGUOUS",
    LibraryStale "N-RATE-LIB-STALE",
    ListReview "N-LIST-REVIEW",
    Licence "N-LICENCE",
    Prohibited "N-PROHIBITED",
    FieldExportDate "N-FIELD-EXPORT-DATE",
    FieldName "N-FIELD-NAME",
    FieldUnit "N-FIELD-UNIT",
    FieldQuantity "N-FIELD-QTY",
    FieldPrice "N-FIELD-PRICE",
    FieldAmount "N-FIELD-AMOUNT",
    OverLimit "N-OVER-5000",
    SellerUnidentified "N-SELLER-UNIDENTIFIED",
    MixedIncomeRegime "N-MIXED-INCOME-REGIME",
    Returned "N-RETURNED",
    ListCancelled "N-CANCELLED",
    SmallNoVoucher "N-SMALL-NO-VOUCHER",
    RegimeUnverified "N-REGIME-UNVERIFIED",
    ConsumptionTax "I-CONSUMPTION-TAX",
    DeemedProfit "I-36-OK",
    VoucherUndecided "N-VOUCHER-UNDECIDED",
    CustomsReading "N-CUSTOMS-READING",
    LineRegistration "P-LINE-REGISTRATION",
    FilingDue "W-FILING-DUE",
    MaterialReview "N-MATERIAL-REVIEW",
    SellerNote "I-SELLER-NOTE",
}

impl Code {
    /// The code written so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("no reason has this code"))
    }
}

/// Text that is shipped, or was read back from where a decision is kept.
pub type Text = Cow<'static, str>;

#[derive(Debug, Clone)]
struct Entry {
    code: Code,
    valid: Span,
    basis: Text,
    zh: Text,
    en: Text,
    remedy_zh: Text,
    remedy_en: Text,
}

/// The texts of a pack. Every code has at least one entry.
#[derive(Debug, Clone)]
pub struct Reasons {
    /// In the order of [`Code`]; the entries of one code in the order of their dates.
    by_code: Vec<Vec<Entry>>,
}

impl Reasons {
    /// Reads the form of the shipped table.
    ///
    /// # Errors
    /// If a row is not of that form, a code is not in the closed list, or one has no row.
    pub fn parse(text: &'static str) -> Result<Self, DataError> {
        Self::of(text, Cow::Borrowed)
    }

    /// The same from a file.
    ///
    /// # Errors
    /// If a row is not of that form, a code is not in the closed list, or one has no row.
    pub fn read(text: &str) -> Result<Self, DataError> {
        Self::of(text, |text| Cow::Owned(text.to_owned()))
    }

    fn of<'a>(text: &'a str, keep: impl Fn(&'a str) -> Text) -> Result<Self, DataError> {
        const TABLE: &str = "reasons";
        let mut entries = Vec::new();
        for row in rows(TABLE, ["code", "from", "to", "basis", "zh", "en", "remedy_zh", "remedy_en"], text)? {
            let [code, from, to, basis, zh, en, remedy_zh, remedy_en] = row.cells;
            let code = Code::parse(code).ok_or_else(|| DataError::new(TABLE, row.line, format!("{code} is not in the closed list")))?;
            let valid = span(TABLE, row.line, from, to)?;
            let [basis, zh, en, remedy_zh, remedy_en] = [basis, zh, en, remedy_zh, remedy_en].map(&keep);
            entries.push(Entry { code, valid, basis, zh, en, remedy_zh, remedy_en });
        }
        let of = |code: Code| entries.iter().filter(|entry| entry.code == code).cloned().collect::<Vec<_>>();
        let by_code: Vec<Vec<Entry>> = Code::ALL.iter().map(|&code| of(code)).collect();
        match Code::ALL.iter().zip(&by_code).find(|(_, entries)| entries.is_empty()) {
            Some((code, _)) => Err(DataError::new(TABLE, 0, format!("{code} is missing"))),
            None => Ok(Self { by_code }),
        }
    }

    fn entries(&self, code: Code) -> &[Entry] {
        self.by_code.get(code as usize).map_or(&[], Vec::as_slice)
    }

    /// Whether the basis of a code holds on a day.
    #[must_use]
    pub fn in_force(&self, code: Code, day: Date) -> bool {
        self.entries(code).iter().any(|entry| entry.valid.holds(day))
    }

    /// A reason as it reads on an export date. Where no basis of the code holds on that day, the nearest is given with its dates.
    #[must_use]
    pub fn worded(&self, reason: &Reason, day: Date) -> Worded {
        let entries = self.entries(reason.code);
        let later = entries.iter().find(|entry| entry.valid.to.is_none_or(|to| day <= to));
        let entry = entries.iter().find(|entry| entry.valid.holds(day)).or(later).or(entries.last());
        let text = |pick: fn(&Entry) -> &Text| entry.map_or(Cow::Borrowed(""), |entry| pick(entry).clone());
        Worded {
            code: reason.code,
            rule: reason.rule.clone(),
            zh: text(|entry| &entry.zh),
            en: text(|entry| &entry.en),
            legal_basis: text(|entry| &entry.basis),
            valid: entry.map_or_else(Span::default, |entry| entry.valid),
            remedy_zh: text(|entry| &entry.remedy_zh),
            remedy_en: text(|entry| &entry.remedy_en),
            curable: reason.curable,
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    fn shipped() -> Reasons {
        Reasons::parse(include_str!("packs/reasons-1.tsv")).unwrap()
    }

    fn reason(code: Code) -> Reason {
        Reason { code, rule: Cow::Borrowed("D56"), curable: Some(true) }
    }

    #[test]
    fn the_list_is_closed_and_complete() {
        let reasons = shipped();
        assert_eq!(Code::ALL.len(), 57);
        for &code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(code));
            for entry in reasons.entries(code) {
                for text in [&entry.basis, &entry.zh, &entry.en, &entry.remedy_zh, &entry.remedy_en] {
                    assert!(!text.is_empty(), "{code}");
                }
                assert!(entry.en.is_ascii() && entry.remedy_en.is_ascii() || entry.en.contains('综'), "{code}: English");
            }
        }
        assert_eq!(Code::parse("OK-104"), None);
        assert!(serde_json::from_str::<Code>("\"N-NONE\"").is_err());
    }

    #[test]
    fn bases_of_one_code_do_not_overlap() {
        let reasons = shipped();
        for &code in Code::ALL {
            for pair in reasons.entries(code).windows(2) {
                assert!(pair[0].valid.to.unwrap() < pair[1].valid.from.unwrap(), "{code}");
            }
        }
    }

    #[test]
    fn the_basis_follows_the_export_date() {
        let reasons = shipped();
        let basis = |day| reasons.worded(&reason(Code::Cancelled), day).legal_basis;
        assert!(basis(date!(2025 - 12 - 31)).contains("39号"));
        assert!(basis(date!(2026 - 01 - 01)).contains("2026年第11号") && !basis(date!(2026 - 01 - 01)).contains("39号"));
        assert!(
            !reasons.in_force(Code::DeemedProfit, date!(2019 - 12 - 31)) && reasons.in_force(Code::DeemedProfit, date!(2020 - 01 - 01))
        );
        assert!(!reasons.worded(&reason(Code::Ok103), date!(2017 - 01 - 01)).zh.is_empty());
    }
}
