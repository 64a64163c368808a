//! One's own account: the password, the device that gives codes, and the end of all sessions.

use maud::{Markup, PreEscaped, html};

use super::{
    Console,
    page::{Problem, Reply, token},
    routes::Asked,
    session::Session,
    sign_in::{failed, problem},
    words::Lang,
};
use crate::{
    accounts::{Attempt, SHORTEST},
    store::{Ending, Holder, KeptAccount},
};

/// The page of one's own account.
pub(super) fn page(session: &Session, asked: &Asked) -> Reply {
    let lang = asked.lang;
    let title = lang.t("我的账户", "My account");
    let body = html! {
        h1 { (title) }
        @if let Some(account) = &session.account {
            @if account.one_time_until.is_some() {
                p.note { (lang.t("请先把一次性密码改为自己的密码。", "First change the one-time password to one of your own.")) }
            }
            (password_form(lang, session, account))
            @if account.enrolled {
                p { (lang.t("剩余恢复码：", "Recovery codes left: ")) (account.recovery.len()) }
            }
        } @else {
            p { (lang.t("以 API 密钥登录。", "Signed in with an API key.")) }
        }
        form method="post" action="/account/out" {
            (token(session))
            button { (lang.t("退出全部会话", "Sign out everywhere")) }
        }
    };
    Reply::page(title, "/account", body)
}

fn password_form(lang: Lang, session: &Session, account: &KeptAccount) -> Markup {
    let hint = format!(
        "{}{SHORTEST}{}",
        lang.t("至少", "At least "),
        lang.t("个字符，不含账户名。其他会话随之结束。", " characters, without the account's name. Your other sessions end.")
    );
    html! {
        form method="post" action="/account/password" {
            (token(session))
            input type="hidden" name="username" autocomplete="username" value=(account.name);
            label for="present" { (lang.t("当前密码", "Present password")) }
            input type="password" id="present" name="present" required maxlength="200" autocomplete="current-password";
            label for="new" { (lang.t("新密码", "New password")) }
            input type="password" id="new" name="new" required maxlength="200" autocomplete="new-password";
            label for="again" { (lang.t("再次输入新密码", "The new one again")) }
            input type="password" id="again" name="again" required maxlength="200" autocomplete="new-password";
            p.hint { (hint) }
            button { (lang.t("修改密码", "Change the password")) }
        }
    }
}

fn own(session: &Session) -> Result<&KeptAccount, Problem> {
    session.account.as_ref().ok_or(Problem::NotFound)
}

/// Changes the password; the session goes on under another token.
pub(super) async fn password(console: &Console, session: &Session, asked: &Asked) -> Result<Reply, Problem> {
    let account = own(session)?;
    if !console.sessions.may_try(asked.peer, console.parts.clockwork.now()) {
        return Err(Problem::TooOften);
    }
    if asked.one("new") != asked.one("again") {
        return Err(Problem::invalid("两次输入的新密码不同", "the new password was not typed the same twice"));
    }
    let (opening, cookie) = console.sessions.opening(&console.parts.clockwork);
    let attempt = Attempt { name: &account.name, password: asked.one("present"), code: "", address: Some(asked.peer) };
    match console.accounts.change_password(attempt, asked.one("new"), opening).await {
        Ok(()) => Ok(Reply::Go("/".to_owned(), Some(cookie))),
        Err(failure) => {
            let problem = failed(console, asked, failure);
            if problem == Problem::WrongKey {
                let wait = console.sessions.failed(asked.peer, console.parts.clockwork.now());
                tokio::time::sleep(wait).await;
            }
            Err(problem)
        }
    }
}

/// The page that shows a device what codes are made of, until one has come of it.
pub(super) async fn code_page(console: &Console, session: &Session, asked: &Asked) -> Result<Reply, Problem> {
    let account = own(session)?;
    if account.one_time_until.is_some() || account.enrolled {
        return Ok(Reply::Go("/account".to_owned(), None));
    }
    let shown = console.accounts.enrolment(&account.name).await.map_err(problem)?;
    let lang = asked.lang;
    let title = lang.t("启用动态码", "Set up codes");
    let body = html! {
        h1 { (title) }
        p { (lang.t("用验证器应用扫描，或手工输入密钥；然后填入它显示的六位动态码。此密钥以后不再显示。",
            "Scan this with an authenticator app, or type the secret; then give the code of six digits that it shows. The secret is not shown again.")) }
        div.qr { (PreEscaped(shown.picture)) }
        p { code #secret { (shown.secret) } }
        p { a href=(shown.uri) { "otpauth" } }
        form method="post" action="/account/code" {
            (token(session))
            label for="code" { (lang.t("动态码", "Code")) }
            input type="text" id="code" name="code" required autofocus maxlength="10" inputmode="numeric" autocomplete="one-time-code";
            button { (lang.t("启用", "Set up")) }
        }
    };
    Ok(Reply::page(title, "/account/code", body))
}

/// Takes the first code; shows the recovery codes, once. The session goes on under another token.
pub(super) async fn code(console: &Console, session: &Session, asked: &Asked) -> Result<Reply, Problem> {
    let account = own(session)?;
    if account.one_time_until.is_some() {
        return Ok(Reply::Go("/account".to_owned(), None));
    }
    let (opening, cookie) = console.sessions.opening(&console.parts.clockwork);
    let recovery = console.accounts.enrol(&session.caller.actor, &account.name, asked.one("code"), opening).await.map_err(problem)?;
    let lang = asked.lang;
    let title = lang.t("恢复码", "Recovery codes");
    let body = html! {
        h1 { (title) }
        p.done role="status" { (lang.t("动态码已启用。设备丢失时，每个恢复码可代替动态码登录一次。请妥善保存，以后不再显示。",
            "Codes are in use. Where the device is lost, each of these opens once in the place of a code. Keep them safe: they are not shown again.")) }
        ul.recovery { @for code in &recovery { li { code { (code) } } } }
        p { a.button href="/" { (lang.t("继续", "Go on")) } }
    };
    Ok(Reply::With(Box::new(Reply::page(title, "/", body)), cookie))
}

/// Ends all sessions of whoever this is.
pub(super) async fn out(console: &Console, session: &Session, asked: &Asked) -> Result<Reply, Problem> {
    match (&session.account, session.holder) {
        (Some(account), _) => console.accounts.sign_out_everywhere(&session.caller.actor, &account.name).await.map_err(problem)?,
        (None, Holder::Account(_)) => return Err(Problem::NotFound),
        (None, holder) => console.store().end_sessions(Ending::Of(holder)).await?,
    }
    super::sign_in::sign_out(console, asked).await
}
