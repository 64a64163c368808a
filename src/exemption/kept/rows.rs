//! The small parts of a kept decision: tuples and short texts.

use std::{borrow::Cow, sync::Arc};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize, de};
use time::Date;

use crate::clock::parse_day;
use crate::exemption::{
    conditions::Mark,
    decision::{LibraryUsed, LineAssessment, Part, Reason, Tested},
    facts::{IncomeTax, ListStatus, PlatformRegistration, Seller, SellerKind, Taxpayer, Trade, is_default},
    library::{Flag, Hint, Rate},
    places::Located,
    reasons::Code,
    table::Span,
};

/// Version, label, digest.
#[derive(Serialize, Deserialize, PartialEq)]
pub(super) struct LibraryRow<'a>(Cow<'a, str>, Cow<'a, str>, Cow<'a, str>);

impl<'a> From<&'a LibraryUsed> for LibraryRow<'a> {
    fn from(used: &'a LibraryUsed) -> Self {
        let LibraryUsed { version, label, digest } = used;
        Self(Cow::Borrowed(version), Cow::Borrowed(label), Cow::Borrowed(digest))
    }
}

impl LibraryRow<'_> {
    pub(super) fn restored(&self) -> Arc<LibraryUsed> {
        let [version, label, digest] = [&self.0, &self.1, &self.2].map(|text| text.clone().into_owned());
        Arc::new(LibraryUsed { version, label, digest })
    }
}

/// Name, district, city, whether certain.
#[derive(Serialize, Deserialize, PartialEq)]
pub(super) struct OfficeRow<'a>(Cow<'a, str>, Cow<'a, str>, Cow<'a, str>, bool);

impl<'a> From<&'a Located> for OfficeRow<'a> {
    fn from(office: &'a Located) -> Self {
        Self(Cow::Borrowed(&office.name), Cow::Borrowed(&office.district), Cow::Borrowed(&office.city), office.certain)
    }
}

impl OfficeRow<'_> {
    pub(super) fn restored(&self) -> Arc<Located> {
        let [name, district, city] = [&self.0, &self.1, &self.2].map(|text| text.clone().into_owned());
        Arc::new(Located { name, district, city, certain: self.3 })
    }
}

/// A seller's profile: code, kind, role, city, taxpayer, and its registration on the platform: zone, number, whether it registers lines.
#[derive(Serialize, Deserialize, PartialEq)]
pub(super) struct SellerRow<'a>(Cow<'a, str>, SellerKind, Trade, Cow<'a, str>, Taxpayer, Option<(Cow<'a, str>, Cow<'a, str>, bool)>);

impl<'a> From<&'a Seller> for SellerRow<'a> {
    fn from(seller: &'a Seller) -> Self {
        let Seller { code, kind, role, city, taxpayer, platform, .. } = seller;
        let platform = platform.as_ref().map(|given| {
            let PlatformRegistration { zone, enterprise_reg_no, registers_lines } = given;
            (Cow::Borrowed(zone.as_str()), Cow::Borrowed(enterprise_reg_no.as_str()), *registers_lines)
        });
        Self(Cow::Borrowed(code), *kind, *role, Cow::Borrowed(city), *taxpayer, platform)
    }
}

/// What few sellers have.
#[derive(Serialize, Deserialize, PartialEq, Default)]
pub(super) struct SellerMore {
    #[serde(default, skip_serializing_if = "is_default")]
    income_tax: IncomeTax,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    suspended: Vec<Span>,
}

impl From<&Seller> for SellerMore {
    fn from(seller: &Seller) -> Self {
        Self { income_tax: seller.income_tax, suspended: seller.suspended.clone() }
    }
}

impl SellerRow<'_> {
    pub(super) fn restored(&self, more: &SellerMore) -> Arc<Seller> {
        let Self(code, kind, role, city, taxpayer, platform) = self;
        let owned = |text: &Cow<'_, str>| text.clone().into_owned();
        let platform = platform.as_ref().map(|(zone, number, registers_lines)| PlatformRegistration {
            zone: owned(zone),
            enterprise_reg_no: owned(number),
            registers_lines: *registers_lines,
        });
        Arc::new(Seller {
            code: owned(code),
            kind: *kind,
            role: *role,
            city: owned(city),
            taxpayer: *taxpayer,
            platform,
            income_tax: more.income_tax,
            suspended: more.suspended.clone(),
        })
    }
}

/// How far the list is; after a blank the day of its release or closing, if known.
#[derive(Serialize, Deserialize, PartialEq)]
#[serde(transparent)]
pub(super) struct ListRow(String);

impl From<ListStatus> for ListRow {
    fn from(list: ListStatus) -> Self {
        let (word, on) = match list {
            ListStatus::NotDeclared => ("new", None),
            ListStatus::Declared => ("declared", None),
            ListStatus::Released { on } => ("released", on),
            ListStatus::Closed { on } => ("closed", on),
            ListStatus::Cancelled => ("cancelled", None),
            ListStatus::Rejected => ("rejected", None),
        };
        Self(on.map_or_else(|| word.to_owned(), |on| format!("{word} {on}")))
    }
}

impl ListRow {
    pub(super) fn restored(&self) -> Result<ListStatus, serde_json::Error> {
        let (word, day) = self.0.split_once(' ').map_or((self.0.as_str(), None), |(word, day)| (word, Some(day)));
        let broken = || de::Error::custom("no list stands so");
        let on = day.map(|day| parse_day(day).ok_or_else(broken)).transpose()?;
        match (word, on) {
            ("new", None) => Ok(ListStatus::NotDeclared),
            ("declared", None) => Ok(ListStatus::Declared),
            ("released", on) => Ok(ListStatus::Released { on }),
            ("closed", on) => Ok(ListStatus::Closed { on }),
            ("cancelled", None) => Ok(ListStatus::Cancelled),
            ("rejected", None) => Ok(ListStatus::Rejected),
            _ => Err(broken()),
        }
    }
}

/// Code (nothing where it is the line's own), VAT rate, refund rate, flag, first day, last day.
#[derive(Serialize, Deserialize, PartialEq)]
pub(super) struct RateRow<'a>(Cow<'a, str>, Decimal, Decimal, u8, Option<Date>, Option<Date>);

impl<'a> RateRow<'a> {
    pub(super) fn of(rate: &'a Rate, hs_code: &str) -> Self {
        let code = if *rate.code == *hs_code { "" } else { &*rate.code };
        Self(Cow::Borrowed(code), rate.vat, rate.refund, rate.flag.0, rate.span.from, rate.span.to)
    }
}

impl RateRow<'_> {
    pub(super) fn restored(self, hs_code: &str) -> Rate {
        let span = Span { from: self.4, to: self.5 };
        let code = if self.0.is_empty() { hs_code } else { &*self.0 };
        Rate { code: code.into(), vat: self.1, refund: self.2, flag: Flag(self.3), span }
    }
}

/// Prefix, goods, document, how it matches, first day, last day.
#[derive(Serialize, Deserialize, PartialEq)]
pub(super) struct HintRow<'a>(Cow<'a, str>, Cow<'a, str>, Cow<'a, str>, Cow<'a, str>, Option<Date>, Option<Date>);

impl<'a> From<&'a Hint> for HintRow<'a> {
    fn from(hint: &'a Hint) -> Self {
        let Hint { prefix, span, matches, document, goods } = hint;
        Self(Cow::Borrowed(prefix), Cow::Borrowed(goods), Cow::Borrowed(document), Cow::Borrowed(matches), span.from, span.to)
    }
}

impl HintRow<'_> {
    pub(super) fn restored(self) -> Arc<Hint> {
        let [prefix, goods, document, matches] = [self.0, self.1, self.2, self.3].map(Cow::into_owned);
        Arc::new(Hint { prefix, span: Span { from: self.4, to: self.5 }, matches, document, goods })
    }
}

/// A part that is not the whole line.
#[derive(Serialize, Deserialize, PartialEq)]
pub(super) struct PartRow {
    pub(super) part: Part,
    pub(super) quantity: Option<Decimal>,
    pub(super) amount: Option<Decimal>,
}

impl PartRow {
    pub(super) fn of(decided: &LineAssessment) -> Option<Self> {
        let LineAssessment { part, quantity, amount, .. } = *decided;
        (part != Part::Whole).then_some(Self { part, quantity, amount })
    }
}

/// A reason: its code, `@` and its rule where that is not the rule that decided, `+` if curable, `!` if not.
#[derive(Serialize, Deserialize, PartialEq)]
#[serde(transparent)]
pub(super) struct ReasonRow(String);

impl ReasonRow {
    pub(super) fn of(reason: &Reason, decided_by: &str) -> Self {
        let mut text = String::with_capacity(32);
        text.push_str(reason.code.as_str());
        if reason.rule != decided_by {
            text.push('@');
            text.push_str(&reason.rule);
        }
        match reason.curable {
            Some(true) => text.push('+'),
            Some(false) => text.push('!'),
            None => {}
        }
        Self(text)
    }

    pub(super) fn restored(&self, decided_by: &str) -> Result<Reason, serde_json::Error> {
        let (text, curable) = match (self.0.strip_suffix('+'), self.0.strip_suffix('!')) {
            (Some(text), _) => (text, Some(true)),
            (_, Some(text)) => (text, Some(false)),
            (None, None) => (self.0.as_str(), None),
        };
        let (code, rule) = text.split_once('@').unwrap_or((text, decided_by));
        Ok(Reason { code: known(code)?, rule: Cow::Owned(rule.to_owned()), curable })
    }
}

fn known(code: &str) -> Result<Code, serde_json::Error> {
    Code::parse(code).ok_or_else(|| de::Error::custom(format!("no reason has the code {code}")))
}

/// A test: the letter of its mark, `~` if it rests on inference, and its codes, each after a blank.
#[derive(Serialize, Deserialize, PartialEq)]
#[serde(transparent)]
pub(super) struct TestRow(String);

const fn letter(mark: Mark) -> char {
    match mark {
        Mark::Met => 'y',
        Mark::NotMet => 'n',
        Mark::Missing => 'm',
        Mark::Person => 'p',
    }
}

impl From<&Tested> for TestRow {
    fn from(tested: &Tested) -> Self {
        let mut text = String::from(letter(tested.mark));
        if tested.inferred {
            text.push('~');
        }
        for code in &tested.codes {
            text.push(' ');
            text.push_str(code.as_str());
        }
        Self(text)
    }
}

impl TestRow {
    pub(super) fn restored(&self) -> Result<Tested, serde_json::Error> {
        let mut words = self.0.split(' ');
        let mut first = words.next().unwrap_or_default().chars();
        let letter_said = first.next();
        let mark = Mark::ALL.into_iter().find(|&mark| Some(letter(mark)) == letter_said);
        let mark = mark.ok_or_else(|| de::Error::custom("no mark has this letter"))?;
        Ok(Tested { mark, inferred: first.as_str() == "~", codes: words.map(known).collect::<Result<_, _>>()? })
    }
}
