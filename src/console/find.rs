//! The search: one number, or thousands pasted, answered as a table, as CSV and as XLSX; or a page of all declarations in a state.

use std::collections::{BTreeMap, HashMap, HashSet};

use maud::{Markup, html};
use uuid::Uuid;

use super::{
    Console,
    page::{Problem, Reply, empty, token},
    routes::Asked,
    session::Session,
    sheet,
    words::Lang,
};
use crate::{
    declaration::{DeclarationId, Kind},
    dossier::{Document, current},
    explain::explain_turn,
    party::Tenant,
    state::State,
    store::{ListFilter, NumberKind},
};

/// Numbers in one search.
const MOST_NUMBERS: usize = 5_000;
/// Rows of one answer.
const MOST_ROWS: usize = 20_000;
/// Numbers that are asked of the store at a time.
const TOGETHER: usize = 200;
const LONGEST_NUMBER: usize = 100;
/// Declarations on a page of those in a state.
const PAGE: u32 = 100;

/// One row of an answer.
pub(super) struct Row {
    pub number: String,
    /// What kind of number it is; nothing for an id and for one that leads to nothing.
    pub what: Option<NumberKind>,
    /// The declaration, or the document where there is none.
    pub id: Option<Uuid>,
    pub is_declaration: bool,
    pub documents: Vec<Document>,
}

impl Row {
    /// The document of a kind as it counts now.
    pub(super) fn document(&self, kind: Kind) -> Option<&Document> {
        current(&self.documents, kind)
    }
}

pub(super) async fn page(console: &Console, session: &Session, asked: &Asked) -> Result<Reply, Problem> {
    let lang = asked.lang;
    let text = asked.one("numbers");
    let numbers = split(text);
    let scope = session.caller.scope.as_ref();
    if numbers.len() > MOST_NUMBERS {
        return Err(Problem::invalid("一次最多查询5000个编号", "search for 5,000 numbers at a time at most"));
    }
    let state = State::parse(asked.one("state"));
    let (rows, more) = match state {
        Some(state) if numbers.is_empty() => listed(console, scope, state, asked).await?,
        _ => (look(console, scope, &numbers).await?, None),
    };
    match asked.one("format") {
        "csv" => {
            return Ok(Reply::File("text/csv; charset=utf-8", Some("tongguan.csv".to_owned()), sheet::csv(sheet::found(lang, &rows))?));
        }
        "xlsx" => return Ok(Reply::File(sheet::XLSX, Some("tongguan.xlsx".to_owned()), sheet::xlsx(sheet::found(lang, &rows))?)),
        _ => {}
    }
    // One number that leads to one declaration is that declaration.
    let mut only = rows.iter().filter(|row| row.is_declaration).filter_map(|row| row.id);
    if let ([_], Some(id)) = (numbers.as_slice(), only.next())
        && only.all(|other| other == id)
        && rows.iter().all(|row| row.is_declaration)
    {
        return Ok(Reply::Go(format!("/declarations/{id}"), None));
    }
    let has_asked = !numbers.is_empty() || state.is_some();
    let body = html! {
        h1 { (lang.t("查询", "Search")) }
        form.search method="post" action="/find" {
            (token(session))
            label for="numbers" { (lang.t("订单、运单、清单等任何编号，每行一个，最多5000个", "Order, waybill, list: numbers of any kind, one a line, up to 5,000")) }
            textarea id="numbers" name="numbers" rows=(if has_asked { "3" } else { "8" }) required spellcheck="false" autofocus[!has_asked] { (text) }
            div.buttons {
                button.strong { (lang.t("查询", "Search")) }
                button name="format" value="csv" { "CSV" }
                button name="format" value="xlsx" { "XLSX" }
            }
        }
        @if has_asked { (answer(lang, &rows)) }
        @if let (Some(last), Some(state)) = (more, state) {
            p { a href=(format!("/find?state={}&after={}", state.as_str(), last.0)) { (lang.t("下一页", "Next page")) } }
        }
    };
    Ok(Reply::page(lang.t("查询", "Search"), "/find", body))
}

/// The numbers of a pasted text: by line, tab, comma or blank, each once.
fn split(text: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let parts = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '，' | '；' | '、'));
    parts.filter(|part| !part.is_empty() && seen.insert(*part)).map(str::to_owned).collect()
}

/// What numbers and ids lead to, in their order; what leads to nothing has a row that says so.
async fn look(console: &Console, scope: Option<&Tenant>, numbers: &[String]) -> Result<Vec<Row>, Problem> {
    let mut rows = Vec::new();
    for some in numbers.chunks(TOGETHER) {
        let fitting: Vec<_> = some.iter().filter(|number| number.chars().count() <= LONGEST_NUMBER).cloned().collect();
        let hits = console.store().find(scope, &fitting).await?;
        let given: HashMap<_, _> = fitting.iter().filter_map(|number| Some((number.as_str(), Uuid::try_parse(number).ok()?))).collect();
        let led = hits.iter().filter_map(|hit| hit.declaration.map(|id| id.0).or(hit.document.map(|id| id.0)));
        let ids: Vec<_> = led.chain(given.values().copied()).collect::<HashSet<_>>().into_iter().collect();
        let mut families: BTreeMap<Uuid, Vec<Document>> = BTreeMap::new();
        for document in console.store().documents(scope, &ids).await? {
            families.entry(document.declaration.map_or(document.id.0, |id| id.0)).or_default().push(document);
        }
        for number in some {
            let before = rows.len();
            if let Some(id) = given.get(number.as_str()).filter(|id| families.contains_key(id)) {
                rows.push(row(number, None, *id, &families));
            }
            let of_it = hits.iter().filter(|hit| hit.number == *number);
            for (hit, id) in of_it.filter_map(|hit| Some((hit, hit.declaration.map(|id| id.0).or(hit.document.map(|id| id.0))?))) {
                rows.push(row(number, Some(hit.kind), id, &families));
            }
            if rows.len() == before {
                rows.push(Row { number: number.clone(), what: None, id: None, is_declaration: false, documents: Vec::new() });
            }
        }
        if rows.len() > MOST_ROWS {
            return Err(Problem::invalid("结果超过20000行，请减少编号", "more than 20,000 rows: search for fewer numbers"));
        }
    }
    Ok(rows)
}

fn row(number: &str, what: Option<NumberKind>, id: Uuid, families: &BTreeMap<Uuid, Vec<Document>>) -> Row {
    let documents = families.get(&id).cloned().unwrap_or_default();
    let is_declaration = documents.iter().any(|document| document.declaration.is_some_and(|own| own.0 == id));
    Row { number: number.to_owned(), what, id: Some(id), is_declaration, documents }
}

/// Declarations whose inventory is in a state, a page, and where the next one begins.
async fn listed(
    console: &Console,
    scope: Option<&Tenant>,
    state: State,
    asked: &Asked,
) -> Result<(Vec<Row>, Option<DeclarationId>), Problem> {
    let after = Uuid::try_parse(asked.one("after")).ok().map(DeclarationId);
    let filter = ListFilter { tenant: scope.cloned(), state: Some(state), after, limit: PAGE, ..ListFilter::default() };
    let found = console.store().list(filter).await?;
    let row = |dossier: crate::dossier::Dossier| Row {
        number: dossier.declaration.order.order_no.clone(),
        what: Some(NumberKind::Order),
        id: Some(dossier.id.0),
        is_declaration: true,
        documents: dossier.documents,
    };
    let more = found.last.filter(|_| u32::try_from(found.len()) == Ok(PAGE));
    Ok((found.dossiers.into_iter().map(row).collect(), more))
}

/// What kind of number it is.
pub(super) const fn what(lang: Lang, kind: Option<NumberKind>) -> &'static str {
    match kind {
        None => "ID",
        Some(NumberKind::Order) => lang.t("订单编号", "order number"),
        Some(NumberKind::Waybill) => lang.t("物流运单编号", "waybill number"),
        Some(NumberKind::Enterprise) => lang.t("企业内部编号", "enterprise number"),
        Some(NumberKind::Port) => lang.t("预录入编号", "port number"),
        Some(NumberKind::Inventory) => lang.t("清单编号", "inventory number"),
        Some(NumberKind::Bill) => lang.t("提运单号", "bill"),
        Some(NumberKind::Bag) => lang.t("总包号", "bag"),
        Some(NumberKind::Payment) => lang.t("收款单订单编号", "payment's order number"),
        Some(NumberKind::Summary) => lang.t("汇总申请编号", "summary number"),
        Some(NumberKind::CustomsDeclaration) => lang.t("报关单编号", "customs declaration number"),
    }
}

fn answer(lang: Lang, rows: &[Row]) -> Markup {
    let missing = rows.iter().filter(|row| row.id.is_none()).count();
    html! {
        p role="status" { (rows.len()) " " (lang.t("行", "rows")) @if missing > 0 { "; " (missing) " " (lang.t("个编号未找到", "numbers lead to nothing")) } }
        @if rows.is_empty() { (empty(lang.t("没有这样的申报。", "There is no such declaration."))) }
        @else {
            div.scroll { table {
                thead { tr {
                    th scope="col" { (lang.t("编号", "number")) }
                    th scope="col" { (lang.t("种类", "kind")) }
                    @for kind in Kind::OF_PARCEL { th scope="col" { (lang.kind(kind)) } }
                    th scope="col" { (lang.t("轮到谁", "whose turn")) }
                } }
                tbody { @for row in rows { (line(lang, row)) } }
            } }
        }
    }
}

fn line(lang: Lang, row: &Row) -> Markup {
    let Some(id) = row.id else {
        return html! { tr.missing { td { code { (row.number) } } td colspan="5" { (lang.t("未找到", "not found")) } } };
    };
    let turn = row.document(Kind::Inventory).or(row.documents.last()).map(|document| explain_turn(document.state.turn()));
    html! {
        tr {
            td { @if row.is_declaration { a href=(format!("/declarations/{id}")) { code { (row.number) } } } @else { code { (row.number) } } }
            td { (what(lang, row.what)) }
            @if row.is_declaration {
                @for kind in Kind::OF_PARCEL { td { (standing(lang, row.document(kind))) } }
            } @else {
                td colspan="3" { @for document in &row.documents { (lang.kind(document.kind)) ": " (standing(lang, Some(document))) " " } }
            }
            td { @if let Some((zh, en)) = turn { (lang.t(zh, en)) } }
        }
    }
}

fn standing(lang: Lang, document: Option<&Document>) -> Markup {
    html! {
        @match document {
            Some(document) => {
                (lang.state(document.kind, document.state))
                @if document.on_hold { " " span.mark.bad { (lang.t("暂停", "held")) } }
            }
            None => { "–" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_apart_however_they_were_pasted() {
        assert_eq!(split("A1\r\n A2,A3;A1\t天津、B\u{3000}C\n\n"), ["A1", "A2", "A3", "天津", "B", "C"]);
        assert_eq!(split("  \n"), Vec::<String>::new());
    }
}
