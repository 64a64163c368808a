//! Roads, senders and signers: what may not go on, what fails, whose certificate ends.

use std::time::Duration;

use maud::{Markup, html};

use super::age;
use crate::{
    clock::Timestamp,
    console::{
        Console,
        acts::{self, button},
        page::{empty, token},
        session::Session,
        words::{Lang, when},
    },
    desk::Act,
    seal::Algorithm,
    signers::Standing,
    store::RoadQueue,
    task,
};

/// A certificate that ends so soon is told of.
const SOON: Duration = Duration::from_secs(30 * 86_400);

/// What was stopped and paused, each with why, and what waits on roads.
pub(super) struct Shut<'a> {
    pub stopped: &'a [(String, String)],
    pub paused: &'a [(String, String)],
    pub queues: &'a [RoadQueue],
}

/// Roads with a box each, so that many are paused or let go on at once, and stopped senders below.
pub(super) fn roads(lang: Lang, console: &Console, session: Option<&Session>, shut: &Shut<'_>, now: Timestamp) -> Markup {
    let known = console.parts.desk.roads();
    let others = shut.paused.iter().map(|(road, _)| road).filter(|road| !known.contains(road));
    let rows = html! {
        div.scroll { table {
            thead { tr {
                @if session.is_some() { th scope="col" { span.sr { (lang.t("选择", "choose")) } } }
                th scope="col" { (lang.t("通道", "road")) }
                th scope="col" { (lang.t("状态", "state")) }
                th scope="col" { (lang.t("待发报文", "to be sent")) }
                th scope="col" { (lang.t("其中失败过", "failed before")) }
                th scope="col" { (lang.t("最久", "oldest")) }
            } }
            tbody { @for road in known.iter().chain(others) { (row(lang, road, session.is_some(), shut, now)) } }
        } }
    };
    html! {
        @if let Some(session) = session {
            form method="post" action="/act" {
                (token(session))
                input type="hidden" name="back" value="/";
                (rows)
                div.buttons { @for act in [Act::Pause, Act::Resume] { (button(lang, act)) } }
            }
        } @else { (rows) }
        @for (sender, reason) in shut.stopped {
            div.shut {
                span.mark.bad { (lang.t("传输企业停用", "sender stopped")) } " " strong { (sender) } ": " (reason)
                @if let Some(session) = session { (acts::form(lang, session, sender, "/", &[Act::ResumeSender])) }
            }
        }
        @if shut.stopped.is_empty() { p.hint { (lang.t("没有传输企业停用。", "No sender is stopped.")) } }
    }
}

fn row(lang: Lang, road: &String, may_act: bool, shut: &Shut<'_>, now: Timestamp) -> Markup {
    let why = shut.paused.iter().find(|(name, _)| name == road).map(|(_, why)| why);
    let queue = shut.queues.iter().find(|queue| queue.road == *road);
    let failing = queue.map_or(0, |queue| queue.failing);
    html! {
        tr {
            @if may_act { td { input type="checkbox" name="item" value=(road) id=(format!("road-{road}")) aria-label=(format!("{} {road}", lang.t("选择", "choose"))); } }
            td { label for=(format!("road-{road}")) { strong { (road) } } }
            td {
                @if let Some(why) = why { span.mark.bad { (lang.t("通道暂停", "road paused")) } " " (why) }
                @else if failing > 0 { span.mark.bad { (lang.t("发送失败", "sending fails")) } }
                @else { span.mark.good { (lang.t("畅通", "open")) } }
            }
            td.number { a href=(format!("/deliveries?state=queued&road={road}")) { (queue.map_or(0, |queue| queue.queued)) } }
            td.number { (failing) }
            td { (age(lang, queue.and_then(|queue| queue.oldest), now)) }
        }
    }
}

/// The certificates of this node's signers: the serial number and the end, never whose they are.
pub(in crate::console) fn signers(lang: Lang, signers: &[Standing], now: Timestamp) -> Markup {
    if signers.is_empty() {
        return empty(lang.t("本节点的配置中没有签名密钥。", "No signers are configured on this node."));
    }
    html! {
        div.scroll { table {
            thead { tr {
                th scope="col" { (lang.t("名称", "name")) }
                th scope="col" { (lang.t("状态", "state")) }
                th scope="col" { (lang.t("有效至", "valid until")) }
                th scope="col" { (lang.t("算法", "signs by")) }
                th scope="col" { (lang.t("证书序列号", "serial number")) }
            } }
            tbody { @for signer in signers { tr {
                td { strong { (signer.name) } }
                @match &signer.certificate {
                    Ok((serial, algorithm, until)) => {
                        td { @if *until < now { span.mark.bad { (lang.t("已过期", "expired")) } }
                            @else if until.since(now) < SOON { span.mark.bad { (lang.t("即将过期", "ends soon")) } }
                            @else { span.mark.good { (lang.t("有效", "valid")) } } }
                        td { (when(*until)) }
                        td { @match algorithm { Algorithm::Sm2Sm3 => { "SM2 / SM3" }, Algorithm::RsaSha1 => { "RSA / SHA-1" } } }
                        td { code { (serial) } }
                    }
                    Err(error) => { td { span.mark.bad { (lang.t("无法读取", "cannot be read")) } } td colspan="3" { (task::chain(error.as_ref())) } }
                }
            } } }
        } }
    }
}
