//! The working paper for a person to hand to the tax office, in Chinese and English: as text for a terminal, and as a page that prints
//! well. Advice, and said so on the page: the seller declares.

use time::Date;

use super::{
    NOTICE_EN, NOTICE_ZH,
    compare::{Change, compare},
    conditions::Condition,
    deadlines::Deadlines,
    decision::Part,
    facts::SellerNamed,
    pack,
    paper::{Paper, PaperLine, Worded},
    table::Span,
};

mod html;
mod text;

/// The language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Chinese.
    Zh,
    /// English.
    En,
}

impl Language {
    const fn of<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }
}

/// What stands above the lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heading {
    /// The number of the order.
    pub order_no: String,
    /// The credit code of the enterprise on the list.
    pub seller: String,
    /// 清单编号, once customs gave it.
    pub inventory_no: String,
    /// 预录入编号, once the port gave it.
    pub port_no: String,
    /// The state of the list, as it is called in the gateway.
    pub state: String,
    /// The currency of the order, by its customs code.
    pub currency: String,
    /// The name of the enterprise on the list.
    pub seller_name: String,
    /// The credit code of the owner (生产销售单位) on the list.
    pub owner: String,
    /// Its name.
    pub owner_name: String,
}

/// A page: heading, the latest paper, and how it came to it.
#[derive(Debug)]
pub struct Page<'a> {
    /// What stands above.
    pub heading: &'a Heading,
    /// The papers of the declaration's life, oldest first.
    pub papers: &'a [Paper],
}

/// A block of the page: a title and rows of name and value.
struct Block {
    title: String,
    rows: Vec<(String, String)>,
    /// A table of its own, under the rows: a header and its cells.
    table: Option<Grid>,
}

/// The cells of a table.
struct Grid {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Page<'_> {
    /// As text, in one language.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        text::written(&self.blocks(language))
    }

    /// As a page of HTML that prints, in one language.
    #[must_use]
    pub fn html(&self, language: Language) -> String {
        html::written(&self.blocks(language), language)
    }

    fn blocks(&self, language: Language) -> Vec<Block> {
        let mut blocks = vec![self.head(language)];
        if let Some(paper) = self.papers.last() {
            blocks.extend(paper.lines.iter().flat_map(|line| line_blocks(line, paper.on, language)));
        }
        blocks.push(history(self.papers, language));
        blocks
    }

    fn head(&self, language: Language) -> Block {
        let Heading { order_no, seller, inventory_no, port_no, state, currency, .. } = self.heading;
        let of = |zh, en| language.of(zh, en).to_owned();
        let mut rows = vec![
            (of("订单", "Order"), order_no.clone()),
            (of("清单电商企业", "Enterprise on the list"), seller.clone()),
            (of("清单编号", "List number"), none_as(inventory_no, language)),
            (of("预录入编号", "Port number"), none_as(port_no, language)),
            (of("清单状态", "State of the list"), state.clone()),
            (of("币制", "Currency"), currency.clone()),
        ];
        if let Some(paper) = self.papers.last() {
            rows.push((of("判定日期（北京）", "Decided on (Beijing)"), paper.on.to_string()));
        }
        rows.push((of("性质", "Nature"), of(NOTICE_ZH, NOTICE_EN)));
        Block { title: of("无票免税工作底稿", "Working paper: exemption without invoice"), rows, table: None }
    }
}

fn none_as(text: &str, language: Language) -> String {
    if text.is_empty() { language.of("尚无", "none yet").to_owned() } else { text.to_owned() }
}

fn span(valid: Span, language: Language) -> String {
    let day = |day: Option<Date>| day.map(|day| day.to_string()).unwrap_or_default();
    match (valid.from, valid.to) {
        (None, None) => language.of("期间不详", "dates not known").to_owned(),
        (from, to) => format!("{}..{}", day(from), day(to)),
    }
}

fn line_blocks(line: &PaperLine, on: Date, language: Language) -> Vec<Block> {
    let part = match line.part {
        Part::Whole => "",
        Part::Kept => language.of("（未退部分）", " (what stayed abroad)"),
        Part::Returned => language.of("（退回部分）", " (what came back)"),
    };
    let title = format!("{} {}{part}: {}", language.of("商品项", "Line"), line.line, language.of(line.outcome.zh(), line.outcome.en()));
    let mut blocks = vec![Block { title, rows: facts(line, on, language), table: Some(tests(line, language)) }];
    let mut say = |title: &str, reasons: &[Worded]| {
        if !reasons.is_empty() {
            blocks.push(Block { title: title.to_owned(), rows: Vec::new(), table: Some(reasons_table(reasons, language)) });
        }
    };
    say(language.of("理由", "Reasons"), &line.reasons);
    say(language.of("待补", "Still to come"), &line.pending);
    say(language.of("备注", "Notes"), &line.notes);
    blocks
}

fn facts(line: &PaperLine, on: Date, language: Language) -> Vec<(String, String)> {
    let of = |zh, en| language.of(zh, en).to_owned();
    let fields = &line.inputs.fields;
    let shown = |value: Option<String>| value.unwrap_or_else(|| language.of("缺", "missing").to_owned());
    let mut rows = vec![
        (of("结论代码", "Outcome"), format!("{} ({}, {})", line.outcome.as_str(), line.rule, line.stage.as_str())),
        (of("税号", "HS code"), line.inputs.hs_code.clone()),
        (of("1 出口日期（清单）", "1 Export date (list)"), shown(fields.export_date.map(|day| day.to_string()))),
        (of("2 货物名称", "2 Name of goods"), shown(fields.name.clone())),
        (of("3 计量单位", "3 Unit"), shown(fields.unit.clone())),
        (of("4 数量", "4 Quantity"), shown(line.quantity.map(|quantity| quantity.to_string()))),
        (of("5 单价", "5 Price"), shown(fields.price.map(|price| price.to_string()))),
        (of("6 金额", "6 Amount"), shown(line.amount.map(|amount| amount.to_string()))),
        (of("规则包", "Rule pack"), format!("{} {} · SHA-256 {}", line.pack.name, line.pack.version, line.pack.digest)),
        (
            of("文库", "Rate library"),
            line.library.as_ref().map_or_else(
                || of("没有覆盖出口日期的文库", "none covers the export date"),
                |used| format!("{} {} · SHA-256 {}…", used.version, used.label, used.digest),
            ),
        ),
        (of("证据", "Evidence"), evidence(line, language)),
    ];
    if let Some(used) = &line.override_used {
        rows.push((of("署名例外", "Named override"), format!("{}: {}", used.name, used.reason)));
    }
    if let Some(due) = deadlines(line).filter(|_| line.outcome.is_exempt()) {
        let late = if due.stopped(on) { language.of("，已过", ", passed") } else { "" };
        rows.push((of("申报期限", "To be filed by"), format!("{}；{} {}{late}", due.due, language.of("最迟", "at the latest"), due.last)));
    }
    for either in &line.alternatives {
        rows.push((format!("{} {}", language.of("若采", "If"), either.reading), either.outcome.as_str().to_owned()));
    }
    rows
}

fn deadlines(line: &PaperLine) -> Option<Deadlines> {
    Deadlines::after(pack::of_digest(&line.pack.digest)?, line.inputs.fields.export_date?)
}

fn evidence(line: &PaperLine, language: Language) -> String {
    let evidence = line.inputs.evidence;
    // Nobody needs an agreement who exports itself.
    let of_agent = evidence.agency.is_some() || line.inputs.seller_named != SellerNamed::AsEnterprise;
    let agency = of_agent.then_some((language.of("代理协议", "agency agreement"), evidence.agency));
    let all = [
        (language.of("无票声明", "statement of no voucher"), evidence.statement),
        (language.of("采购合同", "purchase contract"), evidence.contract),
        (language.of("付款", "payment"), evidence.payment),
        (language.of("申报", "filing"), evidence.filing),
    ];
    let one = |(name, on): (&str, Option<Date>)| match on {
        Some(on) => format!("{name} {on}"),
        None => format!("{name} {}", language.of("缺", "missing")),
    };
    all.into_iter().chain(agency).map(one).collect::<Vec<_>>().join("；")
}

fn condition(condition: Condition, language: Language) -> &'static str {
    match language {
        Language::Zh => condition.zh(),
        Language::En => condition.en(),
    }
}

fn tests(line: &PaperLine, language: Language) -> Grid {
    let of = |zh, en| language.of(zh, en).to_owned();
    let header = vec![
        of("条件", "Test"),
        of("结果", "Result"),
        of("依据的值", "Value"),
        of("来源", "Source"),
        of("条款", "Article"),
        of("推断", "Inference"),
    ];
    let rows = line.tests.iter().map(|test| {
        let codes: Vec<_> = test.codes.iter().map(|code| code.as_str()).collect();
        let mark = language.of(test.mark.zh(), test.mark.en());
        vec![
            condition(test.condition, language).to_owned(),
            if codes.is_empty() { mark.to_owned() } else { format!("{mark} ({})", codes.join(", ")) },
            test.value.clone(),
            language.of(&test.source_zh, &test.source_en).to_owned(),
            format!("{} ({})", test.legal_basis, span(test.valid, language)),
            of(if test.inferred { "是" } else { "否" }, if test.inferred { "yes" } else { "no" }),
        ]
    });
    Grid { header, rows: rows.collect() }
}

fn reasons_table(reasons: &[Worded], language: Language) -> Grid {
    let of = |zh, en| language.of(zh, en).to_owned();
    let header = vec![
        of("代码", "Code"),
        of("规则", "Rule"),
        of("含义", "Meaning"),
        of("法律依据", "Legal basis"),
        of("有效期", "Valid"),
        of("怎么办", "Remedy"),
    ];
    let row = |reason: &Worded| {
        vec![
            reason.code.to_string(),
            reason.rule.to_string(),
            language.of(&reason.zh, &reason.en).to_owned(),
            reason.legal_basis.to_string(),
            span(reason.valid, language),
            language.of(&reason.remedy_zh, &reason.remedy_en).to_owned(),
        ]
    };
    Grid { header, rows: reasons.iter().map(row).collect() }
}

/// The decisions of the declaration's life; each stays as it was made.
fn history(papers: &[Paper], language: Language) -> Block {
    let of = |zh, en| language.of(zh, en).to_owned();
    let before = std::iter::once(None).chain(papers.iter().map(Some));
    let rows = papers.iter().zip(before).map(|(paper, before)| {
        let changes = before.map(|before| compare(before, paper)).unwrap_or_default();
        let changes: Vec<_> = changes.iter().map(told).collect();
        let outcomes: Vec<_> = paper.lines.iter().map(|line| format!("{} {}", line.line, line.outcome.as_str())).collect();
        vec![paper.on.to_string(), paper.cause.as_str().to_owned(), outcomes.join("；"), changes.join("；")]
    });
    let header = vec![of("日期", "Day"), of("缘由", "Cause"), of("结论", "Outcomes"), of("变化", "What changed")];
    Block {
        title: of("判定经过（不覆盖）", "How it was decided (nothing is overwritten)"),
        rows: Vec::new(),
        table: Some(Grid { header, rows: rows.collect() }),
    }
}

fn told(change: &Change) -> String {
    let codes = |sign: &str, codes: Vec<super::Code>| codes.iter().map(|code| format!("{sign}{code}")).collect::<Vec<_>>();
    let words = [codes("+", change.added()), codes("−", change.removed())].concat();
    format!("{}: {}", change.line, words.join(" "))
}
