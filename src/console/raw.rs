//! Messages and arrivals as they are: the bytes as text, escaped, and arrivals as files.

use maud::{Markup, html};
use uuid::Uuid;

use super::{
    Console,
    page::{Problem, Reply},
    routes::Asked,
    words::when,
};
use crate::{
    declaration::MessageId,
    message::dxp::{self, Opened},
};

/// Bytes that a page shows.
const SHOWN: usize = 256 * 1_024;

fn id(text: &str) -> Result<Uuid, Problem> {
    Uuid::try_parse(text).map_err(|_| Problem::NotFound)
}

fn block(asked: &Asked, bytes: &[u8]) -> Markup {
    let part = bytes.get(..SHOWN).unwrap_or(bytes);
    html! {
        @if part.len() < bytes.len() {
            p.note { (asked.lang.t("太长，仅显示开头 256 KiB。", "It is long: only the first 256 KiB are shown.")) }
        }
        pre.raw tabindex="0" { (String::from_utf8_lossy(part)) }
    }
}

/// A sealed message: what it carries, how far it has come, its bytes.
pub(super) async fn message(console: &Console, asked: &Asked, text: &str) -> Result<Reply, Problem> {
    let (lang, id) = (asked.lang, MessageId(id(text)?));
    let with = console.store().messages_of(&[id]).await?.pop().ok_or(Problem::NotFound)?;
    let bytes = console.store().sealed(id).await?.unwrap_or_default();
    let message = &with.message;
    let body = html! {
        h1 { (lang.t("报文", "Message")) " " code { (id.0) } }
        dl.facts {
            dt { (lang.t("内容", "carries")) } dd { (with.documents.len()) " / " (message.sealed) " " (lang.kind(message.kind)) }
            dt { (lang.t("状态", "state")) } dd { (lang.carriage(message.carriage)) }
            dt { (lang.t("传输企业", "sender")) } dd { (message.sender) }
            dt { (lang.t("通道", "road")) } dd { (message.road) }
            dt { (lang.t("签名时间", "sealed")) } dd { (when(message.sealed_at)) }
            dt { (lang.t("发送次数", "attempts")) } dd { (message.attempts) }
            @if !message.reason.is_empty() { dt { (lang.t("原因", "reason")) } dd { (message.reason) } }
        }
        h2 { (lang.t("单证", "Documents")) }
        ul {
            @for document in &with.documents {
                li {
                    (lang.kind(document.kind)) " · " (lang.state(document.kind, document.state)) " "
                    @if let Some(declaration) = document.declaration { a href=(format!("/declarations/{}", declaration.0)) { code { (declaration.0) } } }
                    @else { code { (document.id) } }
                }
            }
        }
        h2 { (lang.t("原文", "As it is sent")) }
        (block(asked, &bytes))
    };
    Ok(Reply::page(lang.t("报文", "Message"), format!("/messages/{}", id.0), body))
}

/// What came from customs.
pub(super) async fn arrival(console: &Console, asked: &Asked, text: &str) -> Result<Reply, Problem> {
    let lang = asked.lang;
    let (arrival, bytes) = console.store().arrival(id(text)?).await?.ok_or(Problem::NotFound)?;
    let body = html! {
        h1 { (lang.t("来文", "Arrival")) " " code { (arrival.id) } }
        dl.facts {
            dt { (lang.t("名称", "name")) } dd { (arrival.name) }
            dt { (lang.t("通道", "road")) } dd { (arrival.road) }
            dt { (lang.t("到达时间", "arrived")) } dd { (when(arrival.at)) }
            dt { (lang.t("字节", "bytes")) } dd { (arrival.size) }
            @if !arrival.reason.is_empty() { dt { (lang.t("隔离原因", "put aside because")) } dd { (arrival.reason) } }
        }
        p { a href=(format!("/arrivals/{}/file", arrival.id)) download { (lang.t("下载原文", "Save as it came")) } }
        @if let Ok(Opened::Envelope(envelope)) = dxp::open(&bytes) {
            h2 { (lang.t("信封内的报文", "What is in the envelope")) }
            (block(asked, &envelope.data))
            h2 { (lang.t("原文", "As it came")) }
        }
        (block(asked, &bytes))
    };
    Ok(Reply::page(lang.t("来文", "Arrival"), format!("/arrivals/{}", arrival.id), body))
}

/// The same as a file.
pub(super) async fn arrival_file(console: &Console, text: &str) -> Result<Reply, Problem> {
    let (arrival, bytes) = console.store().arrival(id(text)?).await?.ok_or(Problem::NotFound)?;
    Ok(Reply::File("application/octet-stream", Some(format!("{}.xml", arrival.id)), bytes))
}
