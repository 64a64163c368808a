//! What one person has proposed, and a second one is to decide.

use maud::html;
use uuid::Uuid;

use super::{
    Console, acts,
    page::{Problem, Reply, empty, token},
    routes::Asked,
    session::Session,
    words::{Lang, when},
};
use crate::{
    access::{Call, allows},
    desk::{Act, LONGEST_WHY, Order, Proposed},
    store::ProposalState,
};

fn label(lang: Lang, proposed: &Proposed) -> &str {
    proposed.act.map_or(&proposed.kept.act, |act| acts::label(lang, act))
}

/// Those that are open.
pub(super) async fn page(console: &Console, _: &Session, asked: &Asked) -> Result<Reply, Problem> {
    let lang = asked.lang;
    let all = console.parts.desk.proposals().await.map_err(acts::problem)?;
    let title = lang.t("待复核的提案", "Proposals to be decided");
    let body = html! {
        h1 { (title) }
        @if all.is_empty() {
            (empty(lang.t("没有待复核的提案。", "Nothing waits for a second person.")))
        } @else {
            div.scroll { table {
                thead { tr {
                    th scope="col" { (lang.t("操作", "act")) }
                    th scope="col" { (lang.t("项数", "items")) }
                    th scope="col" { (lang.t("提出者", "proposed by")) }
                    th scope="col" { (lang.t("提出时间", "when")) }
                    th scope="col" { (lang.t("原因", "why")) }
                } }
                tbody { @for proposed in &all { tr {
                    td { a href=(format!("/proposals/{}", proposed.kept.id)) { (label(lang, proposed)) } }
                    td.number { (proposed.kept.items.len()) }
                    td { (proposed.kept.actor.name) }
                    td { (when(proposed.kept.at)) }
                    td { (proposed.kept.why) }
                } } }
            } }
        }
    };
    Ok(Reply::page(title, "/proposals", body))
}

fn id(text: &str) -> Result<Uuid, Problem> {
    Uuid::try_parse(text).map_err(|_| Problem::NotFound)
}

/// One of them, with what is asked of whoever may decide it.
pub(super) async fn one(console: &Console, session: &Session, asked: &Asked, given: &str) -> Result<Reply, Problem> {
    let lang = asked.lang;
    let proposed = console.parts.desk.proposal(id(given)?).await.map_err(acts::problem)?;
    let kept = &proposed.kept;
    let is_open = kept.state == ProposalState::Open && console.parts.clockwork.now() < kept.until;
    let is_own = session.caller.person.as_deref() == Some(kept.person.as_str());
    let role = session.caller.actor.role;
    let may = allows(role, Call::Desk);
    let is_destruction = proposed.act == Some(Act::Destroy);
    let may_approve = !is_own && (!is_destruction || allows(role, Call::Destroy));
    let title = format!("{}: {}", lang.t("提案", "Proposal"), label(lang, &proposed));
    let body = html! {
        h1 { (title) }
        p {
            (lang.t("提出者：", "Proposed by ")) (kept.actor.name) " · " (when(kept.at)) " · "
            (lang.t("有效至 ", "until ")) (when(kept.until)) " · " (lang.t("原因：", "why: ")) (kept.why)
        }
        @if let Some((by, at)) = &kept.ended {
            p.note role="status" {
                @if kept.state == ProposalState::Done && is_destruction { (lang.t("已批准：", "Approved by ")) }
                @else if kept.state == ProposalState::Done { (lang.t("已批准并执行：", "Approved and done by ")) }
                @else { (lang.t("已否决：", "Declined by ")) }
                (by) " · " (when(*at))
            }
        } @else if !is_open {
            p.note role="status" { (lang.t("已过期。", "It has lapsed.")) }
        } @else if is_own {
            p.note role="status" { (lang.t("尚未执行：须由另一人复核。", "Nothing is done yet: a second person is to approve it.")) }
        }
        (acts::lines(lang, &proposed.told))
        @if is_destruction && kept.state == ProposalState::Done { (acts::to_carry_out(lang, kept.id)) }
        @if is_destruction && is_open && may && !may_approve && !is_own {
            p.note { (lang.t("销毁须由管理员批准。", "An administrator approves a destruction.")) }
        }
        @if is_open && may {
            form.confirm method="post" action=(format!("/proposals/{}", kept.id)) {
                (token(session))
                @if may_approve {
                    div.buttons { button.strong name="verdict" value="approve" formnovalidate {
                        @if is_destruction { (lang.t("批准", "Approve")) } @else { (lang.t("批准并执行", "Approve, and do it")) }
                     } }
                }
                label for="why" { (lang.t("否决的原因（不含个人信息）", "Why it is declined (no personal data)")) }
                input type="text" id="why" name="why" required maxlength=(LONGEST_WHY);
                div.buttons {
                    button name="verdict" value="decline" { @if is_own { (lang.t("撤回", "Take it back")) } @else { (lang.t("否决", "Decline")) } }
                    a.button href="/proposals" { (lang.t("返回", "Back")) }
                }
            }
        } @else {
            p { a.button href="/proposals" { (lang.t("返回", "Back")) } }
        }
    };
    Ok(Reply::page(title, format!("/proposals/{}", kept.id), body))
}

/// Approves one, or declines it.
pub(super) async fn decide(console: &Console, session: &Session, asked: &Asked, given: &str) -> Result<Reply, Problem> {
    let lang = asked.lang;
    let (id, desk) = (id(given)?, &console.parts.desk);
    let order = Order::new(session.caller.clone(), asked.one("why").to_owned(), false);
    match asked.one("verdict") {
        "approve" => {
            let report = desk.approve(&order, id).await.map_err(acts::problem)?;
            let title = lang.t("复核", "Second person");
            let body = if report.refused() > 0 {
                html! {
                    h1 { (title) }
                    p.problem role="alert" { (lang.t("有不能执行的项，全部未执行：", "Some of it cannot be done, so nothing was:")) }
                    (acts::lines(lang, &report.told))
                    p { a.button href=(format!("/proposals/{id}")) { (lang.t("返回", "Back")) } }
                }
            } else if let Some(id) = report.approved {
                html! { h1 { (title) } (acts::lines(lang, &report.told)) (acts::to_carry_out(lang, id)) }
            } else {
                acts::finished(asked, title, &report)
            };
            Ok(Reply::page(title, "/proposals", body))
        }
        "decline" => {
            desk.decline(&order, id).await.map_err(acts::problem)?;
            Ok(Reply::Go("/proposals".to_owned(), None))
        }
        _ => Err(Problem::NotFound),
    }
}
