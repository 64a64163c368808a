//! Messages and arrivals as they are: the bytes as text, escaped, and arrivals as files.

use maud::{Markup, html};
use uuid::Uuid;

use super::{
    Console, acts,
    page::{Problem, Reply, token},
    routes::Asked,
    session::Session,
    words::when,
    xml,
};
use crate::{
    access::Sight,
    declaration::MessageId,
    desk::{LONGEST_WHY, Revealed},
    message::{
        dxp::{self, Opened},
        masked,
    },
};

/// Bytes that a page shows.
const SHOWN: usize = 256 * 1_024;

fn id(text: &str) -> Result<Uuid, Problem> {
    Uuid::try_parse(text).map_err(|_| Problem::NotFound)
}

/// The bytes; whole ones for a reason that the log is told first.
async fn bytes(console: &Console, session: &Session, asked: &Asked, what: Revealed, sight: Sight) -> Result<Vec<u8>, Problem> {
    if sight == Sight::Whole {
        if asked.one("confirm") != "yes" {
            return Err(Problem::invalid("请确认查看将记入审计日志", "confirm that the audit log will tell of it"));
        }
        let order = acts::order(session, asked, true);
        return console.parts.desk.reveal(&order, what).await.map_err(acts::problem)?.ok_or(Problem::NotFound);
    }
    Ok(match what {
        Revealed::Message(id) => console.store().sealed(id).await?.unwrap_or_default(),
        Revealed::Arrival(id) => console.store().arrival(id).await?.ok_or(Problem::NotFound)?.1,
    })
}

/// Asks why what is personal is to be shown.
fn question(session: &Session, asked: &Asked, sight: Sight, to: &str, is_saved: bool) -> Markup {
    let lang = asked.lang;
    html! {
        @if sight == Sight::Masked {
            p.note { (lang.t("个人信息已遮盖（电话、备注、证书等）。", "What is personal is masked: telephones, notes, certificates and the like.")) }
            details {
                summary { (lang.t("显示个人信息", "Show what is personal")) }
                form.confirm method="post" action=(to) {
                    (token(session))
                    label for="why" { (lang.t("原因（不含个人信息）", "Why (no personal data)")) }
                    input type="text" id="why" name="why" required maxlength=(LONGEST_WHY);
                    label { input type="checkbox" name="confirm" value="yes" required; " " (lang.t("我知道此次查看将记入审计日志", "I know that the audit log will tell of this")) }
                    div.buttons {
                        button.strong { (lang.t("显示", "Show")) }
                        @if is_saved { button name="as" value="file" { (lang.t("下载", "Save")) } }
                    }
                }
            }
        } @else {
            p.note role="status" { (lang.t("以下为未遮盖的原文，此次查看已记入审计日志。", "This is not masked; the audit log tells of it.")) }
        }
    }
}

fn block(asked: &Asked, bytes: &[u8], sight: Sight) -> Markup {
    let masked = (sight == Sight::Masked).then(|| masked(bytes));
    let bytes = masked.as_deref().map_or(bytes, str::as_bytes);
    let part = bytes.get(..SHOWN).unwrap_or(bytes);
    html! {
        @if part.len() < bytes.len() {
            p.note { (asked.lang.t("太长，仅显示开头 256 KiB。", "It is long: only the first 256 KiB are shown.")) }
        }
        pre.raw tabindex="0" { (xml::coloured(&String::from_utf8_lossy(part))) }
    }
}

/// A sealed message: what it carries, how far it has come, its bytes.
pub(super) async fn message(console: &Console, session: &Session, asked: &Asked, text: &str, sight: Sight) -> Result<Reply, Problem> {
    let (lang, id) = (asked.lang, MessageId(id(text)?));
    let with = console.store().messages_of(&[id]).await?.pop().ok_or(Problem::NotFound)?;
    let bytes = bytes(console, session, asked, Revealed::Message(id), sight).await?;
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
        (question(session, asked, sight, &format!("/messages/{}/reveal", id.0), false))
        (block(asked, &bytes, sight))
    };
    Ok(Reply::page(lang.t("报文", "Message"), format!("/messages/{}", id.0), body))
}

/// What came from customs.
pub(super) async fn arrival(console: &Console, session: &Session, asked: &Asked, text: &str, sight: Sight) -> Result<Reply, Problem> {
    let (lang, id) = (asked.lang, id(text)?);
    let (arrival, _) = console.store().arrival(id).await?.ok_or(Problem::NotFound)?;
    let bytes = bytes(console, session, asked, Revealed::Arrival(id), sight).await?;
    if asked.one("as") == "file" && sight == Sight::Whole {
        return Ok(file(id, bytes));
    }
    let body = html! {
        h1 { (lang.t("来文", "Arrival")) " " code { (arrival.id) } }
        dl.facts {
            dt { (lang.t("名称", "name")) } dd { (arrival.name) }
            dt { (lang.t("通道", "road")) } dd { (arrival.road) }
            dt { (lang.t("到达时间", "arrived")) } dd { (when(arrival.at)) }
            dt { (lang.t("字节", "bytes")) } dd { (arrival.size) }
            @if !arrival.reason.is_empty() { dt { (lang.t("隔离原因", "put aside because")) } dd { (arrival.reason) } }
        }
        p { a href=(format!("/arrivals/{}/file", arrival.id)) download { (lang.t("下载（已遮盖）", "Save, masked")) } }
        (question(session, asked, sight, &format!("/arrivals/{}/reveal", arrival.id), true))
        @if let Ok(Opened::Envelope(envelope)) = dxp::open(&bytes) {
            h2 { (lang.t("信封内的报文", "What is in the envelope")) }
            (block(asked, &envelope.data, sight))
            h2 { (lang.t("原文", "As it came")) }
        }
        (block(asked, &bytes, sight))
    };
    Ok(Reply::page(lang.t("来文", "Arrival"), format!("/arrivals/{}", arrival.id), body))
}

/// The same as a file, masked.
pub(super) async fn arrival_file(console: &Console, text: &str) -> Result<Reply, Problem> {
    let (arrival, bytes) = console.store().arrival(id(text)?).await?.ok_or(Problem::NotFound)?;
    Ok(file(arrival.id, masked(&bytes).into_bytes()))
}

fn file(id: Uuid, bytes: Vec<u8>) -> Reply {
    Reply::File("application/octet-stream", Some(format!("{id}.xml")), bytes)
}
