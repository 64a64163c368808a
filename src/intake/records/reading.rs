//! Reads a record: every fault of its own at once, then what it names.

use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use time::Date;
use uuid::Uuid;

use super::{
    MOST_ORDERS,
    draft::{OrderLines, RecordDraft, RegisteredLine, SellerDraft},
};
use crate::{
    check::{Finding, Rule},
    clock::parse_day,
    declaration::{DeclarationId, InvoiceStatus},
    exemption::{
        Entered, Forgone, OfPeriod, POLICY_FROM, PeriodKind, PlatformRegistration, Proof, Said, Seller, SellerKind, SixFields, Span,
        Taxpayer,
    },
    intake::rules::recording as rules,
    party::{is_credit_code, is_customs_code},
};

/// Characters of the longest text.
const LONGEST: usize = 100;
/// Digits of the longest number, and behind its point.
const DIGITS: u32 = 19;
const DECIMALS: u32 = 5;
/// Suspensions of one seller.
const MOST_SPANS: usize = 50;

/// A field's name in Chinese and English.
type Name = (&'static str, &'static str);

/// A declaration that a record names, and what it says of its lines.
pub(super) struct Named {
    /// Where it is named.
    pub(super) path: String,
    pub(super) declaration: Option<DeclarationId>,
    pub(super) order_no: String,
    /// None: all.
    pub(super) lines: Vec<u32>,
    /// Nothing where a fault was found in it.
    pub(super) said: Option<Said>,
}

/// What was read.
pub(super) struct Read {
    today: Date,
    pub(super) findings: Vec<Finding>,
    pub(super) named: Vec<Named>,
    pub(super) seller: Option<Seller>,
    pub(super) period: Option<OfPeriod>,
}

impl Read {
    /// Reads a record on a day.
    pub(super) fn of(draft: &RecordDraft, today: Date) -> Self {
        let mut read = Self { today, findings: Vec::new(), named: Vec::new(), seller: None, period: None };
        match draft {
            RecordDraft::Seller(draft) => read.seller = read.profile(draft),
            RecordDraft::Invoice { orders, status, number, rate } => {
                let said = read.invoice(status, number, rate);
                read.orders(orders, said.as_ref());
            }
            RecordDraft::Registration { platform, confirmed_on, lines } => read.registrations(platform, confirmed_on, lines),
            RecordDraft::Statement { seller, from, to, signed_on, signed_by } => {
                read.text("signed_by", ("签署人", "signatory"), signed_by);
                read.period =
                    read.period(PeriodKind::Statement, seller, [from, to], ("signed_on", ("签署日期", "day of signing"), signed_on));
            }
            RecordDraft::Evidence { orders, what, number, on, sha256 } => {
                let said = read.evidence(what, number, on, sha256);
                read.orders(orders, said.as_ref());
            }
            RecordDraft::Filing { orders, seller, from, to, on, number } => read.filing(orders, (seller, from, to), on, number),
            RecordDraft::Choice { orders, name, amount } => {
                let name = read.text("name", ("姓名", "name"), name);
                let amount = read.decimal("amount", ("放弃的退税额", "amount forfeited"), amount);
                let said = name.zip(amount).map(|(name, amount)| Said::Choice(Forgone { name, amount }));
                read.orders(orders, said.as_ref());
            }
        }
        read
    }

    fn wrong(&mut self, rule: &Rule, path: &str, name: Name, detail: &str) {
        self.findings.push(rule.finding(path.to_owned(), name, detail));
    }

    /// Gives what was read, or tells what is wrong and gives nothing.
    fn need<T>(&mut self, found: Option<T>, rule: &Rule, path: &str, name: Name, detail: &str) -> Option<T> {
        if found.is_none() {
            self.wrong(rule, path, name, detail);
        }
        found
    }

    fn text(&mut self, path: &str, name: Name, text: &str) -> Option<String> {
        let text = text.trim();
        let good = !text.is_empty() && text.chars().count() <= LONGEST && !text.chars().any(char::is_control);
        self.need(good.then(|| text.to_owned()), &rules::TEXT, path, name, &LONGEST.to_string())
    }

    fn word<T: DeserializeOwned>(&mut self, path: &str, name: Name, word: &str, all: &str) -> Option<T> {
        let found = serde_json::from_value(serde_json::Value::String(word.to_owned())).ok();
        self.need(found, &rules::WORD, path, name, all)
    }

    fn code(&mut self, path: &str, code: &str) -> Option<String> {
        let good = is_credit_code(code) || is_customs_code(code);
        self.need(good.then(|| code.to_owned()), &rules::SELLER_CODE, path, ("卖家代码", "seller's code"), "")
    }

    /// A day since the policy began, and no later than today.
    fn day(&mut self, path: &str, name: Name, text: &str) -> Option<Date> {
        let day = self.need(parse_day(text), &rules::DAY, path, name, "")?;
        let good = (POLICY_FROM..=self.today).contains(&day);
        let span = format!("{POLICY_FROM}..{}", self.today);
        self.need(good.then_some(day), &rules::DAY_RANGE, path, name, &span)
    }

    fn decimal(&mut self, path: &str, name: Name, text: &str) -> Option<Decimal> {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let number = Decimal::from_str_exact(text).ok().filter(|number| *number > Decimal::ZERO && number.scale() <= DECIMALS);
        let good = number.filter(|_| u32::try_from(digits).is_ok_and(|digits| digits <= DIGITS));
        self.need(good, &rules::DECIMAL, path, name, "")
    }

    fn orders(&mut self, orders: &[OrderLines], said: Option<&Said>) {
        self.count("orders", ("申报", "declarations"), orders.len());
        for (place, order) in orders.iter().take(MOST_ORDERS).enumerate() {
            let path = format!("orders[{place}]");
            self.name(path, (&order.declaration_id, &order.order_no), order.lines.clone(), said.cloned());
        }
    }

    fn count(&mut self, path: &str, name: Name, many: usize) {
        if many == 0 || many > MOST_ORDERS {
            self.wrong(&rules::NO_ORDERS, path, name, &MOST_ORDERS.to_string());
        }
    }

    fn name(&mut self, path: String, (id, order_no): (&str, &str), lines: Vec<u32>, said: Option<Said>) {
        let declaration = Uuid::try_parse(id).ok().map(DeclarationId);
        if !id.is_empty() && declaration.is_none() {
            let shown: String = id.chars().take(LONGEST).filter(|c| !c.is_control()).collect();
            self.wrong(&rules::NO_ORDER, &path, ("", ""), &shown);
            return;
        }
        if declaration.is_none() && self.text(&format!("{path}.order_no"), ("订单编号", "order number"), order_no).is_none() {
            return;
        }
        self.named.push(Named { path, declaration, order_no: order_no.trim().to_owned(), lines, said });
    }

    fn invoice(&mut self, status: &str, number: &str, rate: &str) -> Option<Said> {
        const ALL: &str = "SPECIAL, ORDINARY, OTHER_VALID, NONE";
        let found = InvoiceStatus::parse(status).filter(|status| *status != InvoiceStatus::Unknown);
        let status = self.need(found, &rules::WORD, "status", ("进货凭证", "voucher"), ALL);
        let none = status == Some(InvoiceStatus::None) && number.is_empty();
        let number = if none { Some(String::new()) } else { self.text("number", ("凭证号码", "number of the voucher"), number) };
        let rate = if rate.is_empty() { Some(None) } else { self.decimal("rate", ("税率", "rate"), rate).map(Some) };
        Some(Said::Invoice { status: status?, number: number?, rate: rate? })
    }

    fn evidence(&mut self, what: &str, number: &str, on: &str, sha256: &str) -> Option<Said> {
        let what = self.word::<Proof>("what", ("材料种类", "kind of paper"), what, "contract, payment, agency");
        let number = self.text("number", ("编号", "number"), number);
        let on = self.day("on", ("日期", "day"), on);
        let digest = sha256.is_empty() || (sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit()));
        let sha256 = self.need(digest.then(|| sha256.to_ascii_lowercase()), &rules::DIGEST, "sha256", ("摘要", "digest"), "");
        Some(Said::Evidence { what: what?, number: number?, on: on?, sha256: sha256? })
    }

    fn filing(&mut self, orders: &[OrderLines], (seller, from, to): (&str, &str, &str), on: &str, number: &str) {
        const ON: Name = ("申报日期", "day of filing");
        let number = self.text("number", ("受理编号", "number of the acknowledgement"), number);
        if orders.is_empty() {
            self.period = self.period(PeriodKind::Filing, seller, [from, to], ("on", ON, on));
            return;
        }
        let on = self.day("on", ON, on);
        for (path, text) in [("seller", seller), ("from", from), ("to", to)] {
            if !text.is_empty() {
                // Of lines, or of a period: not of both.
                self.wrong(&rules::NO_ORDERS, path, ("按期间申报的 orders", "orders beside a period"), "0");
            }
        }
        let said = on.zip(number).map(|(on, number)| Said::Filing { on, number });
        self.orders(orders, said.as_ref());
    }

    fn period(&mut self, kind: PeriodKind, seller: &str, [from, to]: [&str; 2], (path, name, on): (&str, Name, &str)) -> Option<OfPeriod> {
        let seller = self.code("seller", seller);
        let from = self.day("from", ("期间起日", "first day"), from);
        let to = self.day("to", ("期间止日", "last day"), to);
        let on = self.day(path, name, on);
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            self.wrong(&rules::DAY_ORDER, "to", ("期间止日", "last day"), "from");
        }
        // Nobody can speak for exports that are still to come.
        if to.zip(on).is_some_and(|(to, on)| on < to) {
            self.wrong(&rules::DAY_ORDER, path, name, "to");
        }
        Some(OfPeriod { kind, seller: seller?, from: from?, to: to?, on: on? })
    }

    fn registrations(&mut self, platform: &str, confirmed_on: &str, lines: &[RegisteredLine]) {
        let platform = self.text("platform", ("登记平台", "platform"), platform);
        let confirmed_on = self.day("confirmed_on", ("确认日期", "day of confirmation"), confirmed_on);
        self.count("lines", ("登记行", "registered lines"), lines.len());
        for (place, line) in lines.iter().take(MOST_ORDERS).enumerate() {
            let path = format!("lines[{place}]");
            let number = self.text(&format!("{path}.record_no"), ("登记编号", "number on the platform"), &line.record_no);
            let fields = self.six(&path, line);
            let exported = fields.as_ref().and_then(|fields| fields.export_date);
            if exported.zip(confirmed_on).is_some_and(|(exported, confirmed)| confirmed < exported) {
                self.wrong(&rules::DAY_ORDER, "confirmed_on", ("确认日期", "day of confirmation"), &format!("{path}.export_date"));
            }
            let entered = platform.clone().zip(number).zip(confirmed_on);
            let said = entered.zip(fields).map(|(((platform, number), confirmed_on), fields)| Said::Registration {
                entered: Entered { platform, number, confirmed_on },
                fields,
            });
            self.name(path, (&line.declaration_id, &line.order_no), vec![line.line], said);
        }
    }

    fn six(&mut self, path: &str, line: &RegisteredLine) -> Option<SixFields> {
        let at = |field: &str| format!("{path}.{field}");
        let export_date = self.day(&at("export_date"), ("出口日期", "export date"), &line.export_date);
        let name = self.text(&at("name"), ("货物名称", "name of the goods"), &line.name);
        let unit = self.text(&at("unit"), ("计量单位", "unit"), &line.unit);
        let quantity = self.decimal(&at("quantity"), ("数量", "quantity"), &line.quantity);
        let price = self.decimal(&at("price"), ("单价", "price"), &line.price);
        let amount = self.decimal(&at("amount"), ("金额", "amount"), &line.amount);
        Some(SixFields {
            export_date: Some(export_date?),
            name: Some(name?),
            unit: Some(unit?),
            quantity: Some(quantity?),
            price: Some(price?),
            amount: Some(amount?),
        })
    }

    fn profile(&mut self, draft: &SellerDraft) -> Option<Seller> {
        let code = self.code("code", &draft.code);
        let kind = self.word::<SellerKind>("kind", ("主体类型", "kind"), &draft.kind, "enterprise, individual_business, natural_person");
        let role = self.word("role", ("业务角色", "role"), &draft.role, "exporter, platform, logistics, agent");
        let city = self.text("city", ("注册地", "city of registration"), &draft.city);
        let or_unknown = |word: &str| if word.is_empty() { "unknown".to_owned() } else { word.to_owned() };
        let taxpayer =
            self.word::<Taxpayer>("taxpayer", ("纳税人类型", "taxpayer status"), &or_unknown(&draft.taxpayer), "general, small, unknown");
        let income_tax = or_unknown(&draft.income_tax);
        let income_tax = self.word("income_tax", ("所得税征收方式", "income-tax mode"), &income_tax, "accounts, deemed, unknown");
        let platform = self.platform(draft);
        if draft.suspended.len() > MOST_SPANS {
            self.wrong(&rules::NO_ORDERS, "suspended", ("停办期间", "suspensions"), &MOST_SPANS.to_string());
        }
        let spans: Vec<_> = draft.suspended.iter().take(MOST_SPANS).enumerate().map(|(place, days)| self.span(place, days)).collect();
        Some(Seller {
            code: code?,
            kind: kind?,
            role: role?,
            city: city?,
            taxpayer: taxpayer?,
            platform: platform?,
            income_tax: income_tax?,
            suspended: spans.into_iter().collect::<Option<_>>()?,
        })
    }

    /// Nothing inside: it is on no platform. Nothing at all: a fault.
    fn platform(&mut self, draft: &SellerDraft) -> Option<Option<PlatformRegistration>> {
        let SellerDraft { platform_zone, platform_reg_no, registers_lines, .. } = draft;
        if platform_zone.is_empty() && platform_reg_no.is_empty() && !registers_lines {
            return Some(None);
        }
        let zone = self.text("platform_zone", ("登记平台所在综试区", "zone of the platform"), platform_zone);
        let number = self.text("platform_reg_no", ("平台企业登记号", "number on the platform"), platform_reg_no);
        Some(Some(PlatformRegistration { zone: zone?, enterprise_reg_no: number?, registers_lines: *registers_lines }))
    }

    /// A suspension may end in days to come.
    fn span(&mut self, place: usize, [from, to]: &[String; 2]) -> Option<Span> {
        const NAME: Name = ("停办期间", "suspension");
        let path = format!("suspended[{place}]");
        let mut day = |text: &str| match text {
            "" => Some(None),
            text => self.need(parse_day(text), &rules::DAY, &path, NAME, "").map(Some),
        };
        let (from, to) = (day(from), day(to));
        let span = Span { from: from?, to: to? };
        if span.is_backwards() {
            self.wrong(&rules::DAY_ORDER, &path, NAME, "from");
        }
        Some(span)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    const TODAY: Date = date!(2026 - 11 - 26);

    fn codes(draft: &RecordDraft) -> Vec<(String, String)> {
        Read::of(draft, TODAY).findings.into_iter().map(|finding| (finding.path, finding.rule)).collect()
    }

    fn expected(of: &[(&str, &str)]) -> Vec<(String, String)> {
        of.iter().map(|(path, rule)| ((*path).to_owned(), (*rule).to_owned())).collect()
    }

    #[test]
    fn everything_wrong_with_a_profile_is_told_at_once() {
        let draft = SellerDraft {
            code: "91350100M000100Y44".to_owned(),
            kind: "company".to_owned(),
            role: "exporter".to_owned(),
            taxpayer: "big".to_owned(),
            registers_lines: true,
            suspended: vec![["2026-02-30".to_owned(), String::new()], ["2026-02-02".to_owned(), "2026-02-01".to_owned()]],
            ..SellerDraft::default()
        };
        let wrong = [
            ("code", "R-SELLER-CODE"),
            ("kind", "R-WORD"),
            ("city", "R-TEXT"),
            ("taxpayer", "R-WORD"),
            ("platform_zone", "R-TEXT"),
            ("platform_reg_no", "R-TEXT"),
            ("suspended[0]", "R-DAY"),
            ("suspended[1]", "R-DAY-ORDER"),
        ];
        assert_eq!(codes(&RecordDraft::Seller(draft)), expected(&wrong));
    }

    #[test]
    fn nobody_speaks_before_the_policy_or_for_days_to_come() {
        let statement = |from: &str, to: &str, on: &str| {
            codes(&RecordDraft::Statement {
                seller: "91350100M000100Y43".to_owned(),
                from: from.to_owned(),
                to: to.to_owned(),
                signed_on: on.to_owned(),
                signed_by: "王".to_owned(),
            })
        };
        assert_eq!(statement("2026-10-01", "2026-10-31", "2026-11-02"), []);
        assert_eq!(
            statement("2018-09-30", "2026-11-27", "x"),
            expected(&[("from", "R-DAY-RANGE"), ("to", "R-DAY-RANGE"), ("signed_on", "R-DAY")])
        );
        assert_eq!(statement("2026-10-31", "2026-10-01", "2026-11-02"), expected(&[("to", "R-DAY-ORDER")]));
        assert_eq!(statement("2026-10-01", "2026-10-31", "2026-10-30"), expected(&[("signed_on", "R-DAY-ORDER")]));
    }

    #[test]
    fn a_registration_tells_the_faults_of_every_line() {
        let line = RegisteredLine {
            order_no: "A".to_owned(),
            line: 1,
            export_date: "2026-11-01".to_owned(),
            price: "-1".to_owned(),
            ..RegisteredLine::default()
        };
        let draft = RecordDraft::Registration { platform: "广州".to_owned(), confirmed_on: "2026-10-31".to_owned(), lines: vec![line] };
        let found = codes(&draft);
        for wrong in [
            ("lines[0].record_no", "R-TEXT"),
            ("lines[0].name", "R-TEXT"),
            ("lines[0].price", "R-DECIMAL"),
            ("lines[0].amount", "R-DECIMAL"),
        ] {
            assert!(found.contains(&expected(&[wrong])[0]), "{wrong:?} in {found:?}");
        }
    }

    #[test]
    fn numbers_are_bounded() {
        let amount = |text: &str| {
            let orders = vec![OrderLines { order_no: "A".to_owned(), ..OrderLines::default() }];
            codes(&RecordDraft::Choice { orders, name: "王".to_owned(), amount: text.to_owned() }).is_empty()
        };
        assert!(amount("12.50") && amount("1"));
        for wrong in ["", "0", "-1", "1e3", "1.000001", "12345678901234567890", "１"] {
            assert!(!amount(wrong), "{wrong}");
        }
    }
}
