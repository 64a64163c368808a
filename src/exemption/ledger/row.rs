//! One line of a paper as it stands in a ledger.

use rust_decimal::Decimal;
use serde::Serialize;
use time::Date;

use super::{Column, cents};
use crate::{
    declaration::InvoiceStatus,
    exemption::{
        case::same_fields,
        deadlines::Deadlines,
        decision::{Outcome, Part, Stage, Yuan},
        facts::{IncomeTax, Registration, SellerNamed},
        pack,
        page::Heading,
        paper::PaperLine,
        reasons::Code,
    },
};

/// One line of the ledgers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// 清单编号.
    pub inventory_no: String,
    /// The order.
    pub order_no: String,
    /// 序号 of the line.
    pub line: u32,
    /// Which part of it.
    pub part: Part,
    /// The real seller's credit code, or the code on the list where no profile is known.
    pub seller: String,
    /// 出口日期 of the list.
    pub export_date: Option<Date>,
    /// 10 digits.
    pub hs_code: String,
    /// 货物名称.
    pub name: String,
    /// 计量单位.
    pub unit: String,
    /// 数量.
    pub quantity: Option<Decimal>,
    /// 单价.
    pub price: Option<Decimal>,
    /// 金额.
    pub amount: Option<Decimal>,
    /// The customs code of its currency.
    pub currency: String,
    /// Yuan for one unit; nothing where no rate is known for the day.
    pub rate: Option<Decimal>,
    /// Where the rate comes from.
    pub rate_source: String,
    /// The amount in yuan, rounded half up to cents.
    pub amount_cny: Option<Decimal>,
    /// Whether a consumption tax may be exempted with it: a column of its own.
    pub consumption_tax: bool,
    /// What is advised.
    pub outcome: Outcome,
    /// The reasons' codes.
    pub codes: String,
    /// Their legal basis.
    pub legal_basis: String,
    /// How much was known.
    pub stage: Stage,
    /// What voucher the seller says it has.
    pub voucher: InvoiceStatus,
    /// Whether it stands on the zone's platform: `no`, `on_word`, `equal`, or `differs` from the list.
    pub registration: &'static str,
    /// The platform on which the recorded registration stands.
    pub platform: String,
    /// Its number there.
    pub record_no: String,
    /// When it was confirmed.
    pub confirmed_on: Option<Date>,
    /// The six values that stand there, where they are not those of the list: export date, name, unit, quantity, price, amount.
    pub registered_as: String,
    /// The day of the agency agreement.
    pub agency_agreement: Option<Date>,
    /// The day of the seller's statement of no voucher.
    pub statement: Option<Date>,
    /// The day of the purchase contract.
    pub contract: Option<Date>,
    /// The day of the payment to the supplier.
    pub payment: Option<Date>,
    /// The day on which the filing was recorded.
    pub filing: Option<Date>,
    /// To be filed by.
    pub due: Option<Date>,
    /// At the latest.
    pub last_day: Option<Date>,
    /// The rule pack: name, version, digest.
    pub pack: String,
    /// The rate library's version.
    pub library: String,
    /// 电商企业 on the list, where it is not the real seller: it exports for somebody.
    pub agent: String,
    /// Its name.
    pub agent_name: String,
    /// 实际委托出口方; empty where the list names nobody.
    pub principal: String,
    /// Its name.
    pub principal_name: String,
    /// Where the list names the real seller.
    pub named: SellerNamed,
    /// The seller's number on the zone's platform.
    #[serde(skip)]
    pub platform_reg_no: String,
    /// How its income tax is assessed.
    #[serde(skip)]
    pub income_tax: IncomeTax,
    /// 应税所得率 on the export date, by the pack.
    #[serde(skip)]
    pub deemed_rate: Option<Decimal>,
}

impl Row {
    /// The columns of the ledger of exempt sales.
    pub const SALES: &[Column] = &[
        ("inventory_no", "清单编号"),
        ("order_no", "订单编号"),
        ("line", "项号"),
        ("part", "部分"),
        ("seller", "卖家代码"),
        ("export_date", "出口日期"),
        ("hs_code", "商品编码"),
        ("name", "货物名称"),
        ("unit", "计量单位"),
        ("quantity", "数量"),
        ("price", "单价"),
        ("amount", "金额"),
        ("currency", "币制"),
        ("rate", "汇率"),
        ("rate_source", "汇率来源"),
        ("amount_cny", "人民币金额"),
        ("consumption_tax", "可能涉及消费税"),
        ("outcome", "建议"),
        ("codes", "理由代码"),
        ("legal_basis", "依据"),
        ("stage", "阶段"),
        ("voucher", "进货凭证"),
        ("registration", "平台登记"),
        ("statement", "无票声明"),
        ("contract", "购销合同"),
        ("payment", "付款"),
        ("filing", "免税申报"),
        ("due", "申报期限"),
        ("last_day", "最后期限"),
        ("pack", "规则包"),
        ("library", "文库"),
    ];

    /// The columns of the file for the zone's platform: the six statutory values and where they belong.
    pub const REGISTRATION: &[Column] = &[
        ("seller", "卖家代码"),
        ("inventory_no", "清单编号"),
        ("line", "项号"),
        ("export_date", "出口日期"),
        ("name", "货物名称"),
        ("unit", "计量单位"),
        ("quantity", "数量"),
        ("price", "单价"),
        ("amount", "金额"),
        ("currency", "币制"),
        ("rate", "汇率"),
        ("rate_source", "汇率来源"),
        ("amount_cny", "人民币金额"),
        ("registration", "平台登记"),
        ("platform", "登记平台"),
        ("record_no", "登记编号"),
        ("confirmed_on", "确认日期"),
        ("registered_as", "平台所登六项（与清单不同时）"),
    ];

    /// The columns of what agents exported, line by line.
    pub const AGENCY: &[Column] = &[
        ("agent", "代理方代码"),
        ("agent_name", "代理方名称"),
        ("principal", "实际委托出口方代码"),
        ("principal_name", "实际委托出口方名称"),
        ("named", "清单何处载明卖家"),
        ("inventory_no", "清单编号"),
        ("order_no", "订单编号"),
        ("line", "项号"),
        ("part", "部分"),
        ("export_date", "出口日期"),
        ("hs_code", "商品编码"),
        ("name", "货物名称"),
        ("amount", "金额"),
        ("currency", "币制"),
        ("rate", "汇率"),
        ("rate_source", "汇率来源"),
        ("amount_cny", "人民币金额"),
        ("outcome", "建议"),
        ("agency_agreement", "委托代理协议"),
    ];

    /// A line of a paper as it stands in a ledger. The rate is the paper's own; `else_yuan` is for papers that were made before rates
    /// were kept, or that no table had a rate for.
    #[must_use]
    pub fn of(heading: &Heading, line: &PaperLine, else_yuan: impl FnOnce(&str, Date) -> Option<Yuan>) -> Self {
        let (inputs, fields) = (&line.inputs, &line.inputs.fields);
        let currency = if inputs.currency.is_empty() { &heading.currency } else { &inputs.currency };
        let yuan = line.yuan.clone().or_else(|| else_yuan(currency, fields.export_date?));
        let (seller, pack) = (inputs.seller.as_deref(), pack::of_digest(&line.pack.digest));
        let deadlines = pack.zip(fields.export_date).and_then(|(pack, day)| Deadlines::after(pack, day));
        let code = seller.map_or(heading.seller.as_str(), |seller| seller.code.as_str());
        let entered = inputs.entered.as_ref();
        let for_another = inputs.seller_named != SellerNamed::AsEnterprise;
        let agent = |text: &String| if for_another { text.clone() } else { String::new() };
        let principal = if for_another { principal(heading, line) } else { ("", "") };
        Self {
            inventory_no: heading.inventory_no.clone(),
            order_no: heading.order_no.clone(),
            line: line.line,
            part: line.part,
            seller: code.to_owned(),
            export_date: fields.export_date,
            hs_code: inputs.hs_code.clone(),
            name: fields.name.clone().unwrap_or_default(),
            unit: fields.unit.clone().unwrap_or_default(),
            quantity: line.quantity,
            price: fields.price,
            amount: line.amount,
            currency: currency.clone(),
            rate: yuan.as_ref().map(|yuan| yuan.rate),
            amount_cny: line.amount.zip(yuan.as_ref()).and_then(|(amount, yuan)| amount.checked_mul(yuan.rate)).map(cents),
            rate_source: yuan.map(|yuan| yuan.source).unwrap_or_default(),
            consumption_tax: line.reasons.iter().chain(&line.notes).any(|reason| reason.code == Code::ConsumptionTax),
            outcome: line.outcome,
            codes: line.reasons.iter().map(|reason| reason.code.as_str()).collect::<Vec<_>>().join(" "),
            legal_basis: line.reasons.iter().map(|reason| &*reason.legal_basis).collect::<Vec<_>>().join("；"),
            stage: line.stage,
            voucher: inputs.invoice,
            registration: registration(line),
            platform: entered.map(|at| at.platform.clone()).unwrap_or_default(),
            record_no: entered.map(|at| at.number.clone()).unwrap_or_default(),
            confirmed_on: entered.map(|at| at.confirmed_on),
            registered_as: registered_as(line),
            agency_agreement: inputs.evidence.agency,
            statement: inputs.evidence.statement,
            contract: inputs.evidence.contract,
            payment: inputs.evidence.payment,
            filing: inputs.evidence.filing,
            due: deadlines.map(|deadlines| deadlines.due),
            last_day: deadlines.map(|deadlines| deadlines.last),
            pack: format!("{} {} {}", line.pack.name, line.pack.version, line.pack.digest),
            library: line.library.as_ref().map(|used| used.version.clone()).unwrap_or_default(),
            agent: agent(&heading.seller),
            agent_name: agent(&heading.seller_name),
            principal: principal.0.to_owned(),
            principal_name: principal.1.to_owned(),
            named: inputs.seller_named,
            platform_reg_no: seller.and_then(|seller| seller.platform.as_ref()).map(|at| at.enterprise_reg_no.clone()).unwrap_or_default(),
            income_tax: seller.map(|seller| seller.income_tax).unwrap_or_default(),
            deemed_rate: pack.zip(fields.export_date).and_then(|(pack, day)| pack.limit("deemed_profit_rate", day)),
        }
    }

    /// Whether customs released it, on the list's own date: before that it is no sale.
    #[must_use]
    pub fn is_released(&self) -> bool {
        self.stage != Stage::Forecast && self.export_date.is_some()
    }

    /// Whether it is an exempt sale: exempt, and released.
    #[must_use]
    pub fn is_exempt_sale(&self) -> bool {
        self.outcome.is_exempt() && self.is_released()
    }

    /// Whether its six values belong on the zone's platform: exempt without voucher or kept from it by the registration alone.
    #[must_use]
    pub fn is_to_be_registered(&self) -> bool {
        let waits = self.codes.split(' ').all(|code| [Code::LineUnregistered.as_str(), Code::LineMismatch.as_str()].contains(&code));
        self.is_released() && (self.outcome == Outcome::ExemptNoInvoice || (self.outcome == Outcome::NotEligible && waits))
    }
}

/// The real seller and its name, as far as the list names one.
fn principal<'a>(heading: &'a Heading, line: &'a PaperLine) -> (&'a str, &'a str) {
    match line.inputs.seller.as_deref() {
        Some(seller) if seller.code == heading.owner => (&heading.owner, &heading.owner_name),
        Some(seller) => (&seller.code, ""),
        None if line.inputs.seller_named == SellerNamed::Nowhere => ("", ""),
        None => (&heading.owner, &heading.owner_name),
    }
}

/// What stands on the platform, where that is something else than the list says.
fn registered_as(line: &PaperLine) -> String {
    let Registration::Registered(values) = &line.inputs.registration else { return String::new() };
    if same_fields(values, &line.inputs.fields) {
        return String::new();
    }
    let number = |number: Option<Decimal>| number.map(|number| number.to_string()).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let day = values.export_date.map(|day| day.to_string()).unwrap_or_default();
    [day, text(&values.name), text(&values.unit), number(values.quantity), number(values.price), number(values.amount)].join(" | ")
}

fn registration(line: &PaperLine) -> &'static str {
    match &line.inputs.registration {
        Registration::NotRegistered => "no",
        Registration::OnWord => "on_word",
        Registration::Registered(values) if same_fields(values, &line.inputs.fields) => "equal",
        Registration::Registered(_) => "differs",
    }
}
