//! One declaration: its line of life, its documents and messages, what customs said in plain words, the advice on the exemption with its
//! reasons, and every entry of the audit log about it.

use maud::{Markup, html};
use uuid::Uuid;

use super::{
    Console, acts, audit, life,
    page::{Problem, Reply, empty},
    retention,
    routes::Asked,
    session::Session,
    words::{Lang, when},
};
use crate::{
    access::{Call, allows},
    declaration::{DeclarationId, Kind, MessageId},
    desk::Act,
    dossier::Document,
    exemption::{self, NOTICE_EN, NOTICE_ZH, Paper, Worded},
    explain::{explain_state, explain_turn, explain_wait, inventory_wait},
    message::masked_text,
    receipt,
    retention::Month,
    store::{EntryFilter, Held, MessageWithDocuments, Shown},
};

/// Entries of a story.
const LONGEST_STORY: u32 = 1_000;
/// Receipts on a page.
const MOST_RECEIPTS: usize = 200;

pub(super) async fn page(console: &Console, session: &Session, asked: &Asked, text: &str) -> Result<Reply, Problem> {
    let lang = asked.lang;
    let id = DeclarationId(Uuid::try_parse(text).map_err(|_| Problem::NotFound)?);
    let scope = session.caller.scope.as_ref();
    let shown = console.store().show(scope, id).await?.ok_or(Problem::NotFound)?;
    let dossier = &shown.dossier;
    let mut messages: Vec<MessageId> = dossier.documents.iter().filter_map(|document| document.message).collect();
    messages.sort_unstable();
    messages.dedup();
    let messages = if messages.is_empty() { Vec::new() } else { console.store().messages_of(&messages).await? };
    let waybills = dossier.documents.iter().filter(|document| document.kind == Kind::Waybill).map(|document| document.id.0);
    let subjects = std::iter::once(id.0).chain(waybills).collect();
    let filter =
        EntryFilter { tenant: scope.cloned(), subjects: Some(subjects), pending: true, limit: LONGEST_STORY, ..EntryFilter::default() };
    let story = console.store().entries(filter).await?;
    let size = audit::signed(console).await?;
    let here = format!("/declarations/{}", id.0);
    let may_act = allows(session.caller.actor.role, Call::Desk);
    let order_no = &dossier.declaration.order.order_no;
    let seller = Held::Seller(dossier.declaration.order.seller.code.to_string());
    let any = [Held::Declaration(id.0), seller, Held::Month(Month::of(dossier.accepted_at))];
    let holds = console.store().legal_holds_on(&dossier.tenant, &any).await?;
    let may_keep = allows(session.caller.actor.role, Call::LegalHold).then_some(session);
    let body = html! {
        h1 { (lang.t("申报", "Declaration")) " " (order_no) }
        (facts(lang, console, &shown))
        @if may_act {
            (acts::form(lang, session, &id.0.to_string(), &here, &[Act::Hold, Act::Release, Act::Retry, Act::Arrived, Act::NotArrived]))
        }
        (retention::on_one(lang, &holds, may_keep, &id.0.to_string(), &here))
        section { h2 { (lang.t("进程", "Line of life")) }
            (life::steps(lang, &shown))
            (life::line(lang, &shown, &story, console.parts.clockwork.now()))
        }
        section { h2 { (lang.t("单证", "Documents")) } (documents(lang, &shown)) }
        section { h2 { (lang.t("回执", "Receipts")) } (receipts(lang, &shown)) }
        section { h2 { (lang.t("报文", "Messages")) } (sent(lang, &messages)) }
        section { h2 { (lang.t("无票免税建议", "Advice on the exemption")) } (advice(lang, &shown)) }
        section { h2 { (lang.t("审计记录", "Audit entries")) }
            @if allows(session.caller.actor.role, Call::ReadAuditLog) {
                p { a.button href=(format!("/declarations/{}/bundle", id.0)) download { (lang.t("下载审计证明（JSON）", "Save with proofs (JSON)")) } }
            }
            (audit::entries(lang, &story, size))
        }
    };
    Ok(Reply::page(order_no.clone(), here, body))
}

fn facts(lang: Lang, console: &Console, shown: &Shown) -> Markup {
    let dossier = &shown.dossier;
    let inventory = &dossier.declaration.inventory;
    let document = dossier.document(Kind::Inventory);
    let wait = inventory_wait(dossier, console.parts.clockwork.now()).map(explain_wait);
    html! {
        dl.facts {
            dt { (lang.t("现状", "now")) }
            dd {
                @if let Some(document) = document {
                    @let text = explain_state(document.kind, document.state);
                    strong { (lang.t(text.meaning_zh, text.meaning_en)) }
                    @if let Some((zh, en)) = wait { " · " (lang.t(zh, en)) }
                    br; (lang.t(text.next_zh, text.next_en))
                } @else { (lang.t("清单由他方传输", "somebody else transmits the inventory")) }
            }
            @if let Some(document) = document {
                dt { (lang.t("轮到", "whose turn")) } dd { (lang.t(explain_turn(document.state.turn()).0, explain_turn(document.state.turn()).1)) }
                @if let Some(no) = &document.enterprise_no { dt { "copNo" } dd { code { (no.0) } } }
                @if let Some(no) = &document.port_no { dt { "preNo" } dd { code { (no.0) } } }
                @if let Some(no) = &document.inventory_no { dt { (lang.t("清单编号", "inventory number")) } dd { code { (no.0) } } }
            }
            dt { (lang.t("运单", "waybill")) } dd { @match &dossier.waybill_no { Some(no) => { code { (no) } } None => { "–" } } }
            dt { (lang.t("租户", "tenant")) } dd { (dossier.tenant) }
            dt { (lang.t("申报关区", "declared at")) } dd { (inventory.declared_at) " · " (inventory.trade_mode) }
            dt { (lang.t("接受", "accepted")) } dd { (when(dossier.accepted_at)) }
            dt { (lang.t("最迟", "needed by")) } dd { (when(dossier.needed_by)) }
            dt { "ID" } dd { code { (dossier.id.0) } }
        }
    }
}

fn documents(lang: Lang, shown: &Shown) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th scope="col" { (lang.t("单证", "document")) }
                th scope="col" { (lang.t("状态", "state")) }
                th scope="col" { (lang.t("海关最后答复", "customs' last word")) }
                th scope="col" { (lang.t("传输企业 / 通道", "sender / road")) }
                th scope="col" { (lang.t("打包次数", "packed")) }
                th scope="col" { "ID" }
            } }
            tbody { @for document in &shown.dossier.documents { tr {
                td { (lang.kind(document.kind)) @if document.action.number() != 1 { " " small { (asks(lang, document)) } } }
                td { (lang.state(document.kind, document.state)) @if document.on_hold { " " span.mark.bad { (lang.t("暂停", "held")) } } }
                td { @match &document.last_word {
                    Some(word) => {
                        @let told = receipt::explain(document.kind, &word.code, &masked_text(&word.info));
                        span.code { (word.code) } " " (lang.t(&told.meaning_zh, &told.meaning_en)) br; small { (when(word.at)) }
                    }
                    None => { "–" }
                } }
                td { (document.sender) " / " (document.road) }
                td.number { (document.packed) }
                td { code { (document.id) } }
            } } }
        } }
    }
}

fn asks(lang: Lang, document: &Document) -> &'static str {
    if document.action.number() == 2 { lang.t("变更", "amends") } else { lang.t("删除", "deletes") }
}

fn receipts(lang: Lang, shown: &Shown) -> Markup {
    let kind = |id| shown.dossier.documents.iter().find(|document| Some(document.id) == id).map(|document| document.kind);
    html! {
        @if shown.receipts.is_empty() { (empty(lang.t("还没有回执。", "No receipt has come yet."))) }
        @else {
            ol.receipts { @for kept in shown.receipts.iter().rev().take(MOST_RECEIPTS) {
                @let told = receipt::explain(kept.receipt.key.kind(), &kept.receipt.code, &masked_text(&kept.receipt.info));
                li {
                    (when(kept.receipt.at.unwrap_or(kept.at))) " "
                    strong { (kind(kept.document).map_or("", |kind| lang.kind(kind))) } " "
                    span.code { (kept.receipt.code) } " " (lang.t(&told.meaning_zh, &told.meaning_en))
                    @if !kept.effect { " " small { (lang.t("（未改变状态）", "(changed nothing)")) } }
                    div.next { (lang.t("下一步：", "Next: ")) (lang.t(&told.next_zh, &told.next_en)) }
                    @if !kept.receipt.info.is_empty() { div.info { (masked_text(&kept.receipt.info)) } }
                    a href=(format!("/arrivals/{}", kept.arrival)) { (lang.t("原文", "as it came")) }
                }
            } }
        }
    }
}

fn sent(lang: Lang, messages: &[MessageWithDocuments]) -> Markup {
    html! {
        @if messages.is_empty() { (empty(lang.t("还没有打包。", "Nothing is packed yet."))) }
        @else {
            ul { @for with in messages {
                @let message = &with.message;
                li {
                    a href=(format!("/messages/{}", message.id.0)) { code { (message.id.0) } } " "
                    (lang.kind(message.kind)) " · " span.mark.bad[message.carriage.is_given_up()] { (lang.carriage(message.carriage)) }
                    " · " (when(message.sealed_at)) " · " (message.attempts) " " (lang.t("次", "tries"))
                    @if !message.reason.is_empty() { div.info { (message.reason) } }
                }
            } }
        }
    }
}

fn advice(lang: Lang, shown: &Shown) -> Markup {
    let read =
        |body: &String| exemption::read(body).inspect_err(|error| tracing::error!(error = %error, "kept exemption advice cannot be read"));
    let Some(paper) = shown.assessments.last().and_then(|body| read(body).ok()) else {
        return empty(lang.t("没有可显示的建议。", "There is no advice to show."));
    };
    html! {
        p.hint { (lang.t(NOTICE_ZH, NOTICE_EN)) }
        (lines(lang, &paper))
    }
}

fn lines(lang: Lang, paper: &Paper) -> Markup {
    html! {
        ol.advice { @for line in &paper.lines {
            li {
                strong { (lang.t("商品项", "line")) " " (line.line) ": " (lang.t(line.outcome.zh(), line.outcome.en())) } " "
                small { (line.rule) }
                @for (name, worded) in [(lang.t("理由", "why"), &line.reasons), (lang.t("待定", "still to come"), &line.pending), (lang.t("附注", "beside"), &line.notes)] {
                    @if !worded.is_empty() {
                        div { (name) ":" }
                        ul { @for worded in worded { (reason(lang, worded)) } }
                    }
                }
            }
        } }
    }
}

fn reason(lang: Lang, worded: &Worded) -> Markup {
    let remedy = lang.t(&worded.remedy_zh, &worded.remedy_en);
    html! {
        li {
            (lang.t(&worded.zh, &worded.en))
            div.law { (worded.legal_basis) " · " span.code { (worded.code) } }
            @if !remedy.is_empty() { div.next { (lang.t("补救：", "Remedy: ")) (remedy) } }
        }
    }
}
