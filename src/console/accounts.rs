//! The administrator's page of accounts: who has one, and what is done about it.

use maud::{Markup, html};

use super::{
    Console,
    page::{Problem, Reply, empty, token},
    routes::Asked,
    session::Session,
    sign_in::problem,
    words::{Lang, when},
};
use crate::{
    accounts::{LONGEST_WHY, New},
    clock::Timestamp,
    party::{Role, Tenant},
    store::KeptAccount,
};

const ROLES: [Role; 3] = [Role::Operator, Role::Auditor, Role::Administrator];

/// The accounts, and the form that makes another.
pub(super) async fn page(console: &Console, session: &Session, asked: &Asked) -> Result<Reply, Problem> {
    let lang = asked.lang;
    let all = console.accounts.all().await.map_err(problem)?;
    let now = console.parts.clockwork.now();
    let title = lang.t("账户", "Accounts");
    let body = html! {
        h1 { (title) }
        @if all.is_empty() {
            (empty(lang.t("还没有账户。", "There is no account yet.")))
        } @else {
            (table(lang, session, &all, now))
        }
        h2 { (lang.t("新账户", "A new account")) }
        form method="post" action="/accounts" {
            (token(session))
            label for="name" { (lang.t("账户名（工号等，不含个人信息）", "Name (a staff number, nothing personal)")) }
            input type="text" id="name" name="name" required maxlength="60" autocomplete="off" spellcheck="false";
            label for="role" { (lang.t("角色", "Role")) }
            select id="role" name="role" { @for role in ROLES { option value=(role.as_str()) { (role.as_str()) } } }
            label for="tenant" { (lang.t("租户（可空）", "Tenant (may be empty)")) }
            input type="text" id="tenant" name="tenant" maxlength="40" autocomplete="off" spellcheck="false";
            label for="why" { (lang.t("原因（不含个人信息）", "Why (no personal data)")) }
            input type="text" id="why" name="why" required maxlength=(LONGEST_WHY);
            button name="act" value="add" { (lang.t("新建", "Make it")) }
        }
    };
    Ok(Reply::page(title, "/accounts", body))
}

fn state(lang: Lang, account: &KeptAccount, now: Timestamp) -> Markup {
    let is_shut = account.locked_until.is_some_and(|until| now < until);
    html! {
        @if !account.enabled { span.mark.bad { (lang.t("停用", "disabled")) } }
        @else if is_shut { span.mark.bad { (lang.t("锁定", "locked")) } }
        @else if account.one_time_until.is_some() { span.mark { (lang.t("一次性密码", "one-time password")) } }
        @else if !account.enrolled { span.mark { (lang.t("未启用动态码", "no codes yet")) } }
        @else { span.mark.good { (lang.t("可用", "open")) } }
    }
}

fn table(lang: Lang, session: &Session, all: &[KeptAccount], now: Timestamp) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th scope="col" { (lang.t("账户名", "name")) }
                th scope="col" { (lang.t("角色", "role")) }
                th scope="col" { (lang.t("租户", "tenant")) }
                th scope="col" { (lang.t("状态", "state")) }
                th scope="col" { (lang.t("上次登录", "signed in last")) }
                th scope="col" { (lang.t("操作", "acts")) }
            } }
            tbody { @for account in all { tr {
                td { (account.name) }
                td { (account.role.as_str()) }
                td { (account.tenant.as_str()) }
                td { (state(lang, account, now)) }
                td { @if let Some(at) = account.signed_in_at { (when(at)) } }
                td { (acts(lang, session, account)) }
            } } }
        } }
    }
}

fn acts(lang: Lang, session: &Session, account: &KeptAccount) -> Markup {
    let why = lang.t("原因", "why");
    html! {
        form.acts method="post" action="/accounts" {
            (token(session))
            input type="hidden" name="name" value=(account.name);
            input type="text" name="why" required maxlength=(LONGEST_WHY) aria-label=(why) placeholder=(why);
            @if account.enabled {
                button name="act" value="disable" { (lang.t("停用", "Disable")) }
            } @else {
                button name="act" value="enable" { (lang.t("启用", "Enable")) }
            }
            button name="act" value="reset" { (lang.t("重置", "Reset")) }
            @if account.failures > 0 { button name="act" value="unlock" { (lang.t("解锁", "Unlock")) } }
        }
    }
}

/// Does something about an account.
pub(super) async fn act(console: &Console, session: &Session, asked: &Asked) -> Result<Reply, Problem> {
    let (accounts, by) = (&console.accounts, &session.caller.actor);
    let (name, why) = (asked.one("name").trim(), asked.one("why"));
    let one_time = match asked.one("act") {
        "add" => {
            let role = ROLES.into_iter().find(|role| role.as_str() == asked.one("role")).ok_or(Problem::NotFound)?;
            let tenant = match asked.one("tenant").trim() {
                "" => None,
                given => Some(
                    Tenant::parse(given)
                        .ok_or_else(|| Problem::invalid("租户为1至40个 a-z、0-9 或 -", "a tenant takes 1 to 40 of a-z, 0-9 and -"))?,
                ),
            };
            Some(accounts.add(by, &New { name: name.to_owned(), role, tenant }, None, why).await.map_err(problem)?)
        }
        "reset" => Some(accounts.reset(by, name, None, why).await.map_err(problem)?),
        "disable" => accounts.enable(by, name, false, why).await.map(|()| None).map_err(problem)?,
        "enable" => accounts.enable(by, name, true, why).await.map(|()| None).map_err(problem)?,
        "unlock" => accounts.unlock(by, name, why).await.map(|()| None).map_err(problem)?,
        _ => return Err(Problem::NotFound),
    };
    let Some(one_time) = one_time else { return Ok(Reply::Go("/accounts".to_owned(), None)) };
    let lang = asked.lang;
    let title = lang.t("一次性密码", "One-time password");
    let body = html! {
        h1 { (title) }
        p.done role="status" { (lang.t("请转交本人，首次登录时必须修改。此密码不再显示。",
            "Hand it to the person, who must change it at the first sign-in. It is not shown again.")) }
        p { (name) ": " code #one-time { (one_time) } }
        p { a.button href="/accounts" { (lang.t("返回", "Back")) } }
    };
    Ok(Reply::page(title, "/accounts", body))
}
