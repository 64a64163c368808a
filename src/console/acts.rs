//! What is done from a page: first a preview of what would happen, with the question why; then the same, confirmed.

use maud::{Markup, html};
use uuid::Uuid;

use super::{
    Console,
    page::{Problem, Reply, token},
    routes::Asked,
    session::Session,
    words::Lang,
};
use crate::desk::{Act, Error, LONGEST_WHY, Order, Report, Told, Verdict};

/// What the button says.
pub(super) const fn label(lang: Lang, act: Act) -> &'static str {
    match act {
        Act::Hold => lang.t("暂停", "Hold"),
        Act::Release => lang.t("放行", "Release"),
        Act::Retry => lang.t("重试", "Retry"),
        Act::Arrived => lang.t("认定已送达", "It arrived"),
        Act::NotArrived => lang.t("认定未送达", "It did not arrive"),
        Act::Pause => lang.t("暂停通道", "Pause the road"),
        Act::Resume => lang.t("恢复通道", "Let the road go on"),
        Act::ResumeSender => lang.t("恢复传输企业", "Let the sender go on"),
        Act::Destroy => lang.t("销毁", "Destroy"),
    }
}

/// A button that asks for an act, within a form that holds the items.
pub(super) fn button(lang: Lang, act: Act) -> Markup {
    html! { button name="act" value=(act.as_str()) { (label(lang, act)) } }
}

/// A form about one item.
pub(super) fn form(lang: Lang, session: &Session, item: &str, back: &str, acts: &[Act]) -> Markup {
    html! {
        form.acts method="post" action="/act" {
            (token(session))
            input type="hidden" name="back" value=(back);
            input type="hidden" name="item" value=(item);
            @for act in acts { (button(lang, *act)) }
        }
    }
}

/// A preview, or what was done.
pub(super) async fn act(console: &Console, session: &Session, asked: &Asked) -> Result<Reply, Problem> {
    // What is to be destroyed is told by a preview of its own, not by items of a form.
    let act = Act::parse(asked.one("act")).filter(|act| *act != Act::Destroy).ok_or(Problem::NotFound)?;
    let items = asked.all("item");
    let confirmed = asked.one("step") == "confirm";
    let lang = asked.lang;
    if items.is_empty() {
        return Err(Problem::invalid("请先选择要处理的项", "choose what it is about first"));
    }
    let order = order(session, asked, confirmed);
    let desk = &console.parts.desk;
    let done = desk.act(&order, act, &items).await;
    let (report, fault) = match done {
        Ok(report) => (report, None),
        // What is wrong with the reason is told beside it.
        Err(Error::Invalid(faults)) if confirmed => {
            let again = order.as_preview(PREVIEW);
            (desk.act(&again, act, &items).await.map_err(problem)?, Some(faults))
        }
        Err(error) => return Err(problem(error)),
    };
    let title = label(lang, act);
    if let Some(id) = report.proposal {
        return Ok(Reply::Go(format!("/proposals/{id}"), None));
    }
    if report.applied {
        return Ok(Reply::page(title, "/", finished(asked, title, &report)));
    }
    let fields = html! {
        input type="hidden" name="act" value=(act.as_str());
        @for item in &items { input type="hidden" name="item" value=(item); }
    };
    Ok(Reply::page(title, "/", preview(session, asked, &Preview { title, to: "/act", report: &report, fields, fault })))
}

/// Stands for the reason in a preview, which writes nothing.
pub(super) const PREVIEW: &str = "preview";

/// Who orders, and why.
pub(super) fn order(session: &Session, asked: &Asked, confirmed: bool) -> Order {
    let why = if confirmed { asked.one("why").to_owned() } else { PREVIEW.to_owned() };
    Order::new(session.caller.clone(), why, !confirmed)
}

pub(super) fn problem(error: Error) -> Problem {
    match error {
        Error::Invalid(faults) => Problem::Invalid(faults),
        Error::Forbidden => Problem::Forbidden,
        Error::NoProposal => Problem::NotFound,
        Error::Changing => Problem::Busy,
        Error::Store(error) => error.into(),
    }
}

/// What is asked before anything is done.
pub(super) struct Preview<'a> {
    /// What it is.
    pub title: &'a str,
    /// Where the confirmation goes.
    pub to: &'a str,
    /// What would be done.
    pub report: &'a Report,
    /// What the form holds.
    pub fields: Markup,
    /// What is wrong with the reason that was given.
    pub fault: Option<Vec<(String, String)>>,
}

/// The page that asks why and for confirmation.
pub(super) fn preview(session: &Session, asked: &Asked, preview: &Preview<'_>) -> Markup {
    let lang = asked.lang;
    let report = preview.report;
    let is_possible = report.refused() == 0 && report.told.iter().any(|told| told.verdict == Verdict::Done);
    html! {
        h1 { (preview.title) ": " (lang.t("预览", "preview")) }
        @if report.refused() > 0 {
            p.problem role="alert" { (lang.t("有不能执行的项，全部不会执行：", "Some of it cannot be done, so nothing will be:")) }
        } @else if !is_possible {
            p.note { (lang.t("本已如此，无需改动。", "It is so already: there is nothing to do.")) }
        } @else {
            p { (lang.t("确认后将执行以下各项，并记入审计日志。", "Confirmed, this is done, and the audit log says so.")) }
        }
        (lines(lang, &report.told))
        @if is_possible {
            form.confirm method="post" action=(preview.to) {
                (token(session))
                input type="hidden" name="step" value="confirm";
                input type="hidden" name="back" value=(back(asked));
                (preview.fields)
                label for="why" { (lang.t("原因（不含个人信息）", "Why (no personal data)")) }
                @for (zh, en) in preview.fault.iter().flatten() { p.problem role="alert" { (lang.t(zh, en)) } }
                input type="text" id="why" name="why" required autofocus maxlength=(LONGEST_WHY) value=(asked.one("why"));
                div.buttons {
                    button.strong { (lang.t("确认", "Confirm")) }
                    a.button href=(back(asked)) { (lang.t("取消", "Cancel")) }
                }
            }
        } @else {
            p { a.button href=(back(asked)) { (lang.t("返回", "Back")) } }
        }
    }
}

/// The page that says what was done.
pub(super) fn finished(asked: &Asked, title: &str, report: &Report) -> Markup {
    let lang = asked.lang;
    html! {
        h1 { (title) ": " (lang.t("已执行", "done")) }
        p.done role="status" { (lang.t("已写入，并记入审计日志。", "It is done, and the audit log says so.")) }
        (lines(lang, &report.told))
        p { a.button href=(back(asked)) { (lang.t("返回", "Back")) } }
    }
}

/// Where one came from, within this place only.
fn back(asked: &Asked) -> String {
    let back = asked.one("back");
    let is_ours = back.starts_with('/') && !back.starts_with("//") && !back.contains('\\');
    if is_ours { back.to_owned() } else { "/".to_owned() }
}

/// What is left to do once a destruction is approved.
pub(super) fn to_carry_out(lang: Lang, id: Uuid) -> Markup {
    html! {
        p.note role="status" {
            (lang.t("已批准。提案有效期内由命令执行，届时再次核对全部内容：", "It is approved. This carries it out while the proposal stands, after looking at everything once more: "))
            code { "tongguan retention destroy --approved " (id) }
        }
    }
}

pub(super) fn lines(lang: Lang, told: &[Told]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th scope="col" { (lang.t("结果", "result")) }
                th scope="col" { (lang.t("项", "item")) }
                th scope="col" { (lang.t("单证", "document")) }
                th scope="col" { (lang.t("说明", "what")) }
            } }
            tbody { @for told in told { tr {
                td { @match told.verdict {
                    Verdict::Done => { span.mark.good { (lang.t("执行", "done")) } }
                    Verdict::Already => { span.mark { (lang.t("已是", "already")) } }
                    Verdict::Refused => { span.mark.bad { (lang.t("不能", "refused")) } }
                } }
                td { code { (told.asked) } }
                td { @if let Some(kind) = told.kind { (lang.kind(kind)) } }
                td { (lang.t(&told.zh, &told.en)) }
            } } }
        } }
    }
}
