//! What the gateway goes by: sellers and what they recorded, who may come in, rate libraries and rule packs, rules and code lists.

use maud::{Markup, html};
use time::Date;

use super::{
    Console, overview,
    page::{Problem, Reply, empty},
    routes::Asked,
    session::Session,
    words::{Lang, when},
};
use crate::{
    check::{self, Severity},
    codes,
    exemption::{Advisor, RegimeStatus, Span},
    intake,
    message::{SCHEMA_CODES, STRICT_RULES},
    party::Role,
    store::{KeptSeller, SellerFilter, Sellers},
};

/// Sellers on a page.
const PAGE: u32 = 100;
const LONGEST_NAME: usize = 100;

/// One of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Sellers,
    Keys,
    Tables,
    Rules,
}

impl Part {
    const ALL: [Self; 4] = [Self::Sellers, Self::Keys, Self::Tables, Self::Rules];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Sellers => "sellers",
            Self::Keys => "keys",
            Self::Tables => "tables",
            Self::Rules => "rules",
        }
    }

    const fn title(self, lang: Lang) -> &'static str {
        match self {
            Self::Sellers => lang.t("卖家与备查资料", "Sellers and evidence"),
            Self::Keys => lang.t("密钥与证书", "Keys and certificates"),
            Self::Tables => lang.t("退税率文库与规则包", "Rate libraries and rule packs"),
            Self::Rules => lang.t("校验规则与代码表", "Rules and code lists"),
        }
    }
}

pub(super) async fn page(console: &Console, session: &Session, asked: &Asked, part: Part) -> Result<Reply, Problem> {
    let lang = asked.lang;
    let shown = match part {
        Part::Sellers => sellers(console, session, asked).await?,
        Part::Keys => keys(lang, console),
        Part::Tables => tables(lang, console.parts.desk.advisor()),
        Part::Rules => rules(lang),
    };
    let body = html! {
        h1 { (part.title(lang)) }
        nav.subpages aria-label=(lang.t("参考", "Reference")) {
            @for other in Part::ALL { a href=(format!("/reference/{}", other.name())) aria-current=[(other == part).then_some("page")] { (other.title(lang)) } }
        }
        (shown)
    };
    Ok(Reply::page(part.title(lang), format!("/reference/{}", part.name()), body))
}

async fn sellers(console: &Console, session: &Session, asked: &Asked) -> Result<Markup, Problem> {
    let lang = asked.lang;
    let after = (asked.one("tenant"), asked.one("after"));
    let fits = |text: &str| !text.is_empty() && text.len() <= LONGEST_NAME;
    let after = (fits(after.0) && fits(after.1)).then(|| (after.0.to_owned(), after.1.to_owned()));
    let filter = SellerFilter { tenant: session.caller.scope.clone(), after, limit: PAGE };
    let Sellers { sellers, records } = console.store().sellers(filter).await?;
    let more = sellers.last().filter(|_| u32::try_from(sellers.len()) == Ok(PAGE)).map(|last| {
        form_urlencoded::Serializer::new(String::new()).append_pair("tenant", &last.tenant).append_pair("after", &last.seller.code).finish()
    });
    Ok(html! {
        section {
            h2 { (lang.t("卖家资料", "Sellers' profiles")) }
            @if sellers.is_empty() { (empty(lang.t("没有记录的卖家资料（配置文件中的除外）。", "No profile is recorded (but for those of the configuration)."))) }
            @else { (profiles(lang, &sellers)) }
            @if let Some(query) = more { p { a href=(format!("/reference/sellers?{query}")) { (lang.t("下一页", "Next page")) } } }
        }
        section {
            h2 { (lang.t("最近的备查记录", "Recorded last")) }
            @if records.is_empty() { (empty(lang.t("还没有备查记录。", "Nothing is recorded yet."))) }
            @else {
                div.scroll { table {
                    thead { tr { th scope="col" { (lang.t("时间", "when")) } th scope="col" { (lang.t("租户", "tenant")) } th scope="col" { (lang.t("种类", "kind")) } th scope="col" { "ID" } } }
                    tbody { @for record in &records { tr {
                        td { (when(record.at)) } td { (record.tenant) } td { (kind(lang, &record.kind)) } td { code { (record.id) } }
                    } } }
                } }
            }
        }
    })
}

const fn kind(lang: Lang, kind: &str) -> &str {
    match kind.as_bytes() {
        b"seller" => lang.t("卖家资料", "profile"),
        b"invoice" => lang.t("进货凭证", "voucher"),
        b"registration" => lang.t("综试区登记", "registration"),
        b"statement" => lang.t("无票声明", "statement of no voucher"),
        b"evidence" => lang.t("合同、收汇、代理协议", "contract, payment, agency agreement"),
        b"filing" => lang.t("免税申报", "filing"),
        b"choice" => lang.t("放弃退税", "refund given up"),
        _ => kind,
    }
}

fn profiles(lang: Lang, sellers: &[KeptSeller]) -> Markup {
    let said =
        |(count, last): &(i64, Option<String>)| html! { (count) @if let Some(last) = last { " " small { (lang.t("至 ", "to ")) (last) } } };
    html! {
        div.scroll { table {
            thead { tr {
                th scope="col" { (lang.t("代码", "code")) }
                th scope="col" { (lang.t("租户", "tenant")) }
                th scope="col" { (lang.t("注册城市", "city")) }
                th scope="col" { (lang.t("综试区平台登记", "on a zone's platform")) }
                th scope="col" { (lang.t("暂停期间", "suspended")) }
                th scope="col" { (lang.t("无票声明", "statements")) }
                th scope="col" { (lang.t("免税申报", "filings")) }
                th scope="col" { (lang.t("更新", "put")) }
            } }
            tbody { @for kept in sellers { tr {
                td { code { (kept.seller.code) } }
                td { (kept.tenant) }
                td { (kept.seller.city) }
                td { @if kept.seller.platform.is_some() { span.mark.good { (lang.t("是", "yes")) } } @else { span.mark { (lang.t("否", "no")) } } }
                td { @if kept.seller.suspended.is_empty() { "–" } @else { span.mark.bad { (kept.seller.suspended.len()) } } }
                td { (said(&kept.statements)) }
                td { (said(&kept.filings)) }
                td { (when(kept.at)) }
            } } }
        } }
    }
}

fn keys(lang: Lang, console: &Console) -> Markup {
    let known = console.parts.access.known();
    let now = console.parts.clockwork.now();
    html! {
        section {
            h2 { (lang.t("谁可以调用", "Who may call")) }
            @if known.is_empty() { (empty(lang.t("未配置密钥：本机任何人都是管理员。", "No keys are configured: anybody on this machine is the administrator."))) }
            @else {
                div.scroll { table {
                    thead { tr {
                        th scope="col" { (lang.t("名称", "name")) }
                        th scope="col" { (lang.t("角色", "role")) }
                        th scope="col" { (lang.t("租户", "tenant")) }
                        th scope="col" { (lang.t("凭", "by")) }
                        th scope="col" { (lang.t("有效至", "until")) }
                    } }
                    tbody { @for known in &known { tr {
                        td { strong { (known.actor.name) } }
                        td { (role(lang, known.actor.role)) }
                        td { (known.actor.tenant) }
                        td { @if known.by_certificate { (lang.t("证书", "certificate")) } @else { (lang.t("API 密钥", "API key")) } }
                        td { @match known.until {
                            Some(until) => { (when(until)) @if until < now { " " span.mark.bad { (lang.t("已过期", "expired")) } } }
                            None => { (lang.t("不限", "no end")) }
                        } }
                    } } }
                } }
            }
            p.hint { (lang.t("密钥只存摘要，无法查看；用 tongguan key 生成，写入配置后自动生效。", "Only digests of keys are kept, so none can be shown; tongguan key makes one, and the configuration is read again by itself.")) }
        }
        section { h2 { (lang.t("签名证书", "Signers' certificates")) } (overview::signers(lang, &console.parts.signers, now)) }
    }
}

const fn role(lang: Lang, role: Role) -> &'static str {
    match role {
        Role::Seller => lang.t("卖家", "seller"),
        Role::Carrier => lang.t("承运方", "carrier"),
        Role::Operator => lang.t("操作员", "operator"),
        Role::Auditor => lang.t("审计员", "auditor"),
        Role::Administrator => lang.t("管理员", "administrator"),
        Role::Gateway => lang.t("网关", "gateway"),
    }
}

fn days(span: Span) -> String {
    let day = |day: Option<Date>| day.map(|day| day.to_string()).unwrap_or_default();
    format!("{} … {}", day(span.from), day(span.to))
}

fn tables(lang: Lang, advisor: &Advisor) -> Markup {
    let versions = advisor.library().versions();
    html! {
        section {
            h2 { (lang.t("出口退税率文库", "Rate libraries")) }
            @if versions.is_empty() { (empty(lang.t("未载入文库：exemption.libraries。", "No library is loaded: exemption.libraries."))) }
            @else {
                div.scroll { table {
                    thead { tr { th scope="col" { (lang.t("版本", "version")) } th scope="col" { (lang.t("说明", "label")) } th scope="col" { (lang.t("出口日期", "export dates")) } th scope="col" { (lang.t("税率行", "rates")) } th scope="col" { "SHA-256" } } }
                    tbody { @for version in versions { tr {
                        td { strong { (version.used.version) } } td { (version.used.label) } td { (days(version.covers)) } td.number { (version.rows()) } td { code { (version.used.digest.get(..16).unwrap_or(&version.used.digest)) "…" } }
                    } } }
                } }
            }
        }
        section {
            h2 { (lang.t("规则包", "Rule packs")) }
            div.scroll { table {
                thead { tr { th scope="col" { (lang.t("名称", "name")) } th scope="col" { (lang.t("版本", "version")) } th scope="col" { (lang.t("出口日期", "export dates")) } th scope="col" { "财税〔2018〕103号" } th scope="col" { "SHA-256" } } }
                tbody { @for pack in advisor.packs() { tr {
                    td { strong { (pack.name) } } td { (pack.version) } td { (days(pack.covers)) }
                    td { @match pack.regime_103 {
                        RegimeStatus::Verified => { span.mark.good { (lang.t("已核对", "verified")) } }
                        RegimeStatus::Unverified => { span.mark.bad { (lang.t("未核对", "not verified")) } }
                    } }
                    td { code { (pack.digest.get(..16).unwrap_or(&pack.digest)) "…" } }
                } } }
            } }
        }
    }
}

fn rules(lang: Lang) -> Markup {
    let severity = |severity| match severity {
        Severity::Error => html! { span.mark.bad { (lang.t("拒绝", "error")) } },
        Severity::Warning => html! { span.mark { (lang.t("提示", "warning")) } },
    };
    let ours = [
        (lang.t("订单与运单", "Orders and waybills"), check::rules()),
        (lang.t("请求与通道", "Requests and lanes"), intake::rules::RULES.as_slice()),
    ];
    html! {
        p.hint { (lang.t("与 tongguan rules 相同，文件与表格的规则除外。", "As tongguan rules lists them, but for those of spreadsheets.")) }
        @for (title, rules) in ours {
            section { h2 { (title) }
                div.scroll { table {
                    thead { tr { th scope="col" { (lang.t("代码", "code")) } th scope="col" { (lang.t("级别", "severity")) } th scope="col" { (lang.t("规则", "rule")) } th scope="col" { (lang.t("处理", "remedy")) } th scope="col" { (lang.t("依据", "source")) } } }
                    tbody { @for rule in rules { tr id=(rule.code) {
                        td { code { (rule.code) } } td { (severity(rule.severity)) } td { (lang.t(rule.zh, rule.en)) } td { (lang.t(rule.remedy_zh, rule.remedy_en)) } td { small { (lang.t(rule.source_zh, rule.source_en)) } }
                    } } }
                } }
            }
        }
        section { h2 { (lang.t("报文模式与规范", "Message schema and specification")) }
            div.scroll { table {
                thead { tr { th scope="col" { (lang.t("代码", "code")) } th scope="col" { (lang.t("规则", "rule")) } } }
                tbody {
                    @for code in SCHEMA_CODES.iter() { tr id=(code.code) { td { code { (code.code) } } td { (lang.t(code.zh, code.en)) } } }
                    @for rule in STRICT_RULES.iter() { tr id=(rule.code) { td { code { (rule.code) } } td { (lang.t(rule.zh, rule.en)) " " small { (rule.source) } } } }
                }
            } }
        }
        section { h2 { (lang.t("代码表", "Code lists")) }
            div.scroll { table {
                thead { tr { th scope="col" { (lang.t("表", "list")) } th scope="col" { (lang.t("行", "rows")) } th scope="col" { (lang.t("数据日期", "as of")) } th scope="col" { (lang.t("来源", "source")) } } }
                tbody { @for (name, as_of, source, rows) in codes::sources() { tr { td { (name) } td.number { (rows) } td { (as_of) } td { (source) } } } }
            } }
        }
    }
}
