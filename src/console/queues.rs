//! Messages on their way, and those that wait for a person.

use maud::{Markup, html};
use uuid::Uuid;

use super::{
    Console,
    acts::button,
    page::{Problem, Reply, empty, token},
    routes::Asked,
    session::Session,
    words::{Lang, when},
};
use crate::{
    access::{Call, allows},
    declaration::MessageId,
    desk::Act,
    store::{Carriage, DeliveryFilter, KeptMessage},
};

/// Messages on a page.
const PAGE: u32 = 100;
const LONGEST_NAME: usize = 100;

pub(super) async fn deliveries(console: &Console, session: &Session, asked: &Asked) -> Result<Reply, Problem> {
    let lang = asked.lang;
    let some = |name: &str| Some(asked.one(name)).filter(|text| !text.is_empty() && text.len() <= LONGEST_NAME).map(str::to_owned);
    let carriage = Carriage::ALL.into_iter().find(|carriage| carriage.as_str() == asked.one("state"));
    let after = Uuid::try_parse(asked.one("after")).ok().map(MessageId);
    let filter = DeliveryFilter { sender: some("sender"), road: some("road"), carriage, after, limit: PAGE };
    let found = console.store().messages(filter).await?;
    let stopped: Vec<_> = console.store().stopped().await?.into_iter().map(|(sender, _)| sender).collect();
    let paused: Vec<_> = console.store().paused().await?.into_iter().map(|(road, _)| road).collect();
    let may_act = allows(session.caller.actor.role, Call::Desk);
    let more = found.last().filter(|_| u32::try_from(found.len()) == Ok(PAGE)).map(|last| last.id.0);
    let body = html! {
        h1 { (lang.t("报文", "Messages")) }
        (filters(lang, console, asked))
        @if found.is_empty() { (empty(lang.t("没有这样的报文：都已了结。", "There is no such message: all are over."))) }
        @else {
            form method="post" action="/act" {
                (token(session))
                input type="hidden" name="back" value="/deliveries";
                div.scroll { table {
                    thead { tr {
                        @if may_act { th scope="col" { span.sr { (lang.t("选择", "choose")) } } }
                        th scope="col" { (lang.t("状态", "state")) }
                        th scope="col" { (lang.t("内容", "carries")) }
                        th scope="col" { (lang.t("传输企业 / 通道", "sender / road")) }
                        th scope="col" { (lang.t("签名时间", "sealed")) }
                        th scope="col" { (lang.t("次数", "tries")) }
                        th scope="col" { (lang.t("下次", "next")) }
                        th scope="col" { (lang.t("原因", "reason")) }
                    } }
                    tbody { @for message in &found { (row(lang, message, may_act, &stopped, &paused)) } }
                } }
                @if may_act { div.buttons { @for act in [Act::Retry, Act::Arrived, Act::NotArrived] { (button(lang, act)) } } }
            }
        }
        @if let Some(last) = more {
            p { a href=(format!("/deliveries?{}after={last}", kept(asked))) { (lang.t("下一页", "Next page")) } }
        }
    };
    Ok(Reply::page(lang.t("报文", "Messages"), format!("/deliveries?{}", kept(asked)), body))
}

/// What was asked for, as it goes into the address of the next page.
fn kept(asked: &Asked) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for name in ["state", "sender", "road"] {
        if !asked.one(name).is_empty() {
            query.append_pair(name, asked.one(name));
        }
    }
    let text = query.finish();
    if text.is_empty() { text } else { text + "&" }
}

fn filters(lang: Lang, console: &Console, asked: &Asked) -> Markup {
    html! {
        form.filters method="get" action="/deliveries" {
            label { (lang.t("状态", "state")) " "
                select name="state" {
                    option value="" { (lang.t("全部未了结", "all that are not over")) }
                    @for carriage in Carriage::ALL.into_iter().filter(|carriage| *carriage != Carriage::Over) {
                        option value=(carriage.as_str()) selected[asked.one("state") == carriage.as_str()] { (lang.carriage(carriage)) }
                    }
                }
            }
            label { (lang.t("通道", "road")) " "
                select name="road" {
                    option value="" { (lang.t("全部", "all")) }
                    @for road in console.parts.desk.roads() { option value=(road) selected[asked.one("road") == road] { (road) } }
                }
            }
            label { (lang.t("传输企业", "sender")) " " input name="sender" value=(asked.one("sender")) maxlength=(LONGEST_NAME); }
            button { (lang.t("筛选", "Filter")) }
        }
    }
}

fn row(lang: Lang, message: &KeptMessage, may_act: bool, stopped: &[String], paused: &[String]) -> Markup {
    let waits = message.carriage == Carriage::Queued;
    let id = message.id.0.to_string();
    html! {
        tr {
            @if may_act {
                td { @if message.carriage.is_given_up() {
                    input type="checkbox" name="item" value=(id) id=(format!("m-{id}")) aria-label=(format!("{} {id}", lang.t("选择", "choose")));
                } }
            }
            td {
                label for=(format!("m-{id}")) {
                    span.mark.bad[message.carriage.is_given_up()] { (lang.carriage(message.carriage)) }
                    @if waits && stopped.contains(&message.sender) { " " span.mark.bad { (lang.t("传输企业停用", "sender stopped")) } }
                    @if waits && paused.contains(&message.road) { " " span.mark.bad { (lang.t("通道暂停", "road paused")) } }
                }
            }
            td { a href=(format!("/messages/{id}")) { (message.sealed) " " (lang.kind(message.kind)) } }
            td { (message.sender) " / " (message.road) }
            td { (when(message.sealed_at)) }
            td { (message.attempts) }
            td { @match message.due_at { Some(at) => (when(at)), None => (lang.t("不再自动发送", "not by itself")) } }
            td { (message.reason) }
        }
    }
}
