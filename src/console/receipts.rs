//! Receipts that match nothing, and how one is given to its document; arrivals that were put aside.

use maud::{Markup, html};
use uuid::Uuid;

use super::{
    Console,
    acts::{self, Preview},
    page::{Problem, Reply, empty},
    routes::Asked,
    session::Session,
    words::{Lang, when},
};
use crate::{
    access::{Call, allows},
    declaration::DocumentId,
    desk::{Attachment, Error},
    message::masked_text,
    receipt::{self, Key},
    store::KeptReceipt,
};

/// Rows on a page.
const PAGE: u32 = 200;
const LONGEST_TARGET: usize = 100;

pub(super) async fn unmatched(console: &Console, session: &Session, asked: &Asked) -> Result<Reply, Problem> {
    let lang = asked.lang;
    let found = console.store().unmatched(PAGE).await?;
    let may_act = allows(session.caller.actor.role, Call::Desk);
    let body = html! {
        h1 { (lang.t("未匹配的回执", "Receipts that match nothing")) }
        @if found.is_empty() { (empty(lang.t("所有回执都已找到单证。", "Every receipt has found its document."))) }
        @else {
            div.scroll { table {
                thead { tr {
                    th scope="col" { (lang.t("到达", "arrived")) }
                    th scope="col" { (lang.t("单证", "document")) }
                    th scope="col" { (lang.t("业务主键", "business key")) }
                    th scope="col" { (lang.t("回执", "receipt")) }
                    th scope="col" { (lang.t("来文", "arrival")) }
                    @if may_act { th scope="col" { (lang.t("操作", "do")) } }
                } }
                tbody { @for kept in &found { tr {
                    td { (when(kept.at)) }
                    td { (lang.kind(kept.receipt.key.kind())) }
                    td { code { (key(&kept.receipt.key)) } }
                    td { (word(lang, kept)) }
                    td { a href=(format!("/arrivals/{}", kept.arrival)) { (lang.t("原文", "as it came")) } }
                    @if may_act { td { a.button href=(format!("/attach?arrival={}&ordinal={}", kept.arrival, kept.ordinal)) { (lang.t("归于单证", "Attach")) } } }
                } } }
            } }
        }
    };
    Ok(Reply::page(lang.t("未匹配回执", "Unmatched receipts"), "/unmatched", body))
}

/// What it says, in plain words.
fn word(lang: Lang, kept: &KeptReceipt) -> Markup {
    let receipt = &kept.receipt;
    let told = receipt::explain(receipt.key.kind(), &receipt.code, &masked_text(&receipt.info));
    html! { span.code { (receipt.code) } " " (lang.t(&told.meaning_zh, &told.meaning_en)) }
}

fn key(key: &Key) -> String {
    match key {
        Key::Order { platform, seller, order_no } => format!("{platform} {seller} {order_no}"),
        Key::Waybill { carrier, waybill_no } => format!("{carrier} {waybill_no}"),
        Key::Inventory { declarant, enterprise_no, order_no, .. } => format!("{declarant} {enterprise_no} {order_no}"),
        Key::Payment { seller, order_no, payment_no } => format!("{seller} {order_no} {payment_no}"),
        Key::FollowUp { party, enterprise_no, .. } => format!("{party} {enterprise_no}"),
    }
}

/// Asks for the document, shows what would follow, and does it.
pub(super) async fn attach(console: &Console, session: &Session, asked: &Asked) -> Result<Reply, Problem> {
    let lang = asked.lang;
    let arrival = Uuid::try_parse(asked.one("arrival")).map_err(|_| Problem::NotFound)?;
    let ordinal: u32 = asked.one("ordinal").parse().map_err(|_| Problem::NotFound)?;
    let target = asked.one("target").trim();
    let title = lang.t("回执归于单证", "Attach a receipt");
    let here = format!("/attach?arrival={arrival}&ordinal={ordinal}");
    if target.is_empty() || target.chars().count() > LONGEST_TARGET {
        let kept = console.store().receipt(arrival, ordinal, DocumentId(Uuid::nil())).await?.ok_or(Problem::NotFound)?;
        return Ok(Reply::page(title, here, question(lang, title, arrival, &kept)));
    }
    let confirmed = asked.one("step") == "confirm";
    let order = acts::order(session, asked, confirmed);
    let attachment = Attachment { arrival, ordinal, target: target.to_owned() };
    let desk = &console.parts.desk;
    let (report, fault) = match desk.attach(&order, &attachment).await {
        Ok(report) => (report, None),
        Err(Error::Invalid(faults)) if confirmed => {
            let again = order.as_preview(acts::PREVIEW);
            (desk.attach(&again, &attachment).await.map_err(acts::problem)?, Some(faults))
        }
        Err(error) => return Err(acts::problem(error)),
    };
    if report.applied {
        return Ok(Reply::page(title, "/unmatched", acts::finished(asked, title, &report)));
    }
    let fields = html! {
        input type="hidden" name="arrival" value=(arrival);
        input type="hidden" name="ordinal" value=(ordinal);
        input type="hidden" name="target" value=(target);
    };
    Ok(Reply::page(title, here, acts::preview(session, asked, &Preview { title, to: "/attach", report: &report, fields, fault })))
}

fn question(lang: Lang, title: &str, arrival: Uuid, kept: &KeptReceipt) -> Markup {
    html! {
        h1 { (title) }
        dl.facts {
            dt { (lang.t("单证", "document")) } dd { (lang.kind(kept.receipt.key.kind())) }
            dt { (lang.t("业务主键", "business key")) } dd { code { (key(&kept.receipt.key)) } }
            dt { (lang.t("回执", "receipt")) } dd { (word(lang, kept)) }
            dt { (lang.t("来文", "arrival")) } dd { a href=(format!("/arrivals/{arrival}")) { code { (arrival) } } }
        }
        form.confirm method="get" action="/attach" {
            input type="hidden" name="arrival" value=(arrival);
            input type="hidden" name="ordinal" value=(kept.ordinal);
            input type="hidden" name="back" value="/unmatched";
            label for="target" { (lang.t("归于哪份单证：单证ID或编号", "To which document: its id, or a number")) }
            input id="target" name="target" required autofocus maxlength=(LONGEST_TARGET) spellcheck="false";
            div.buttons {
                button.strong { (lang.t("预览", "Preview")) }
                a.button href="/unmatched" { (lang.t("取消", "Cancel")) }
            }
        }
    }
}

pub(super) async fn quarantined(console: &Console, asked: &Asked) -> Result<Reply, Problem> {
    let lang = asked.lang;
    let before = Uuid::try_parse(asked.one("before")).ok();
    let found = console.store().quarantined(before, PAGE).await?;
    let more = found.last().filter(|_| u32::try_from(found.len()) == Ok(PAGE)).map(|last| last.id);
    let body = html! {
        h1 { (lang.t("隔离的来文", "Arrivals that were put aside")) }
        @if found.is_empty() { (empty(lang.t("没有隔离的来文：都已读懂。", "Nothing was put aside: all could be read."))) }
        @else {
            div.scroll { table {
                thead { tr {
                    th scope="col" { (lang.t("到达", "arrived")) }
                    th scope="col" { (lang.t("通道", "road")) }
                    th scope="col" { (lang.t("名称", "name")) }
                    th scope="col" { (lang.t("字节", "bytes")) }
                    th scope="col" { (lang.t("原因", "reason")) }
                } }
                tbody { @for arrival in &found { tr {
                    td { (when(arrival.at)) }
                    td { (arrival.road) }
                    td { a href=(format!("/arrivals/{}", arrival.id)) { (arrival.name) } }
                    td.number { (arrival.size) }
                    td { (arrival.reason) }
                } } }
            } }
        }
        @if let Some(last) = more { p { a href=(format!("/quarantined?before={last}")) { (lang.t("下一页", "Next page")) } } }
    };
    Ok(Reply::page(lang.t("隔离来文", "Quarantined"), "/quarantined", body))
}
