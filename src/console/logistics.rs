//! What carriers push: how far their documents have come, what waits for its order, and each act about a waybill as it happens.

use maud::{Markup, html};

use super::{
    Console,
    audit::tail,
    overview,
    page::{Problem, Reply},
    routes::Asked,
    session::Session,
    words::Lang,
};
use crate::{
    access::{Call, allows},
    declaration::Kind,
    state::State,
    store::Count,
};

/// What carriers transmit or push.
const KINDS: [Kind; 4] = [Kind::Waybill, Kind::Manifest, Kind::Arrival, Kind::Departure];

pub(super) async fn page(console: &Console, session: &Session, asked: &Asked) -> Result<Reply, Problem> {
    let lang = asked.lang;
    let figures = console.figures.figures(console, session.caller.scope.as_ref(), overview::PATIENCE).await;
    let title = lang.t("物流", "Logistics");
    let may_follow = allows(session.caller.actor.role, Call::ReadAuditLog);
    let followed = if may_follow { Some(tail::of_kind(console, session, asked, Kind::Waybill).await?) } else { None };
    let body = html! {
        h1 { (title) }
        section {
            h2 { (lang.t("物流单证：种类与状态", "Carriers' documents by kind and state")) }
            @match &figures {
                Some(figures) => { (counted(lang, &figures.counts)) }
                None => { p.empty role="status" { (lang.t("正在统计……", "Being counted …")) } }
            }
        }
        @if let Some(followed) = followed {
            section { h2 { (lang.t("运单的最新变化（实时）", "What happens to waybills, live")) } (followed) }
        }
    };
    Ok(Reply::live(title, "/logistics", body))
}

fn counted(lang: Lang, counts: &[Count]) -> Markup {
    let none = lang.t("承运方还没有推送任何单证。", "No carrier has pushed anything yet.");
    let waits = lang.t("待匹配订单或条件", "waits for its order or its gate");
    overview::kinds(lang, counts.iter().filter(|count| KINDS.contains(&count.kind)), none, |count| {
        (count.state == State::Waiting).then_some(waits)
    })
}
