//! Signing in, with an account or with an API key, which is exchanged for a session; signing out; the switch of the language.

use std::time::Duration;

use maud::{Markup, html};
use tokio::time::sleep;
use uuid::Uuid;

use super::{
    Console,
    page::{Problem, Reply},
    routes::Asked,
    words::{COOKIE, Lang},
};
use crate::{
    access::{Call, Caller, Cause, allows, anybody, key_digest},
    accounts::{self, Attempt, Failure},
    audit::Entry,
    store::Holder,
    task,
};

/// No failure is answered sooner: how long it took is to tell nobody what was wrong.
const SOONEST: Duration = Duration::from_millis(300);
/// What the audit log calls it.
const ACT: &str = "sign_in";

/// The page with the forms.
pub(super) async fn page(console: &Console, asked: &Asked) -> Result<Reply, Problem> {
    let lang = asked.lang;
    let is_open = console.parts.access.is_open() && !has_accounts(console).await?;
    let body = html! {
        section.sign-in {
            h1 { (lang.t("登录控制台", "Sign in to the console")) }
            @if is_open {
                p.note { (lang.t("未配置调用方密钥：本机任何人都是管理员。", "No access keys are configured: anybody on this machine is the administrator.")) }
                form method="post" action="/sign-in" { button { (lang.t("登录", "Sign in")) } }
            } @else {
                (with_account(lang))
                (with_key(lang))
            }
        }
    };
    Ok(Reply::page(lang.t("登录", "Sign in"), "/sign-in", body))
}

fn with_account(lang: Lang) -> Markup {
    html! {
        form method="post" action="/sign-in" {
            label for="name" { (lang.t("账户名", "Account")) }
            input type="text" id="name" name="name" required autofocus maxlength="60" autocomplete="username" spellcheck="false" autocapitalize="none";
            label for="password" { (lang.t("密码", "Password")) }
            input type="password" id="password" name="password" required maxlength="200" autocomplete="current-password";
            label for="code" { (lang.t("动态码", "Code")) }
            input type="text" id="code" name="code" maxlength="40" autocomplete="one-time-code" spellcheck="false";
            p.hint { (lang.t("首次登录时留空；设备丢失时用恢复码。", "Leave it empty the first time; a recovery code where the device is lost.")) }
            button { (lang.t("登录", "Sign in")) }
        }
    }
}

fn with_key(lang: Lang) -> Markup {
    html! {
        form method="post" action="/sign-in" autocomplete="off" {
            label for="key" { (lang.t("或 API 密钥", "Or an API key")) }
            input type="password" id="key" name="key" required maxlength="200" autocomplete="off" spellcheck="false";
            p.hint { (lang.t("角色为 operator、auditor 或 administrator 的密钥。", "A key with the role operator, auditor or administrator.")) }
            button.plain { (lang.t("用密钥登录", "Sign in with the key")) }
        }
    }
}

async fn has_accounts(console: &Console) -> Result<bool, Problem> {
    Ok(!console.store().accounts().await?.is_empty())
}

/// Lets somebody in. A key whose role opens no page is as none; whatever fails is answered the same.
pub(super) async fn sign_in(console: &Console, asked: &Asked) -> Result<Reply, Problem> {
    let clockwork = &console.parts.clockwork;
    if !console.sessions.may_try(asked.peer, clockwork.now()) {
        return Err(Problem::TooOften);
    }
    let soonest = sleep(SOONEST);
    let (opening, cookie) = console.sessions.opening(clockwork);
    let tried = if asked.one("name").is_empty() {
        of_key(console, asked, opening).await?
    } else {
        let attempt =
            Attempt { name: asked.one("name"), password: asked.one("password"), code: asked.one("code"), address: Some(asked.peer) };
        let tried = console.accounts.sign_in(attempt, opening).await;
        tried.map(|account| accounts::caller(&account))
    };
    match tried {
        Ok(caller) => {
            console.sessions.succeeded(asked.peer);
            tracing::info!(actor.name = caller.actor.name, actor.role = caller.actor.role.as_str(), "signed in to the console");
            // A token that came with the request is not gone on with: the session has one of its own.
            Ok(Reply::Go("/".to_owned(), Some(cookie)))
        }
        Err(failure) => {
            let problem = failed(console, asked, failure);
            if problem == Problem::WrongKey {
                let wait = console.sessions.failed(asked.peer, clockwork.now());
                soonest.await;
                sleep(wait).await;
            }
            Err(problem)
        }
    }
}

/// Counts a failure, as calls at the door are counted.
pub(super) fn failed(console: &Console, asked: &Asked, failure: Failure) -> Problem {
    let refusals = console.parts.access.refusals();
    match failure {
        Failure::Unknown => refusals.unknown(Some(asked.peer)),
        Failure::Wrong => {}
        Failure::Shut(caller) => refusals.known(&caller.calling(Some(asked.peer), None), Cause::Locked, ACT),
        Failure::Error(error) => return problem(error),
    }
    tracing::warn!(peer.address = %asked.peer, "somebody failed to sign in to the console");
    Problem::WrongKey
}

pub(super) fn problem(error: accounts::Error) -> Problem {
    match error {
        accounts::Error::Invalid(faults) => Problem::Invalid(faults),
        accounts::Error::Nobody => Problem::NotFound,
        accounts::Error::Busy => Problem::Busy,
        accounts::Error::Store(error) => error.into(),
    }
}

/// Exchanges a key for a session; without any key configured and without accounts, anybody gets one.
async fn of_key(console: &Console, asked: &Asked, opening: accounts::Opening) -> Result<Result<Caller, Failure>, Problem> {
    let parts = &console.parts;
    let (holder, caller) = if parts.access.is_open() {
        if has_accounts(console).await? {
            return Ok(Err(Failure::Unknown));
        }
        (Holder::Anybody, anybody())
    } else {
        let digest = key_digest(asked.one("key").trim());
        match parts.access.identify_digest(&digest) {
            Ok(caller) => (Holder::Key(digest), caller),
            Err(_) => return Ok(Err(Failure::Unknown)),
        }
    };
    let caller = caller.calling(Some(asked.peer), None);
    if !allows(caller.actor.role, Call::ReadQueues) && !allows(caller.actor.role, Call::ReadAuditLog) {
        parts.access.refusals().known(&caller, Cause::Forbidden, ACT);
        return Ok(Err(Failure::Wrong));
    }
    let now = parts.clockwork.now();
    let entry = Entry {
        id: parts.clockwork.id(),
        at: now,
        actor: caller.actor.clone(),
        act: ACT.to_owned(),
        subject: Uuid::nil(),
        changes: vec![task::difference("sessions".to_owned(), "", "another")],
        why: String::new(),
    };
    parts.store.begin_session(now, opening.of(holder, now), entry).await?;
    Ok(Ok(caller))
}

pub(super) async fn sign_out(console: &Console, asked: &Asked) -> Result<Reply, Problem> {
    Ok(Reply::Go("/sign-in".to_owned(), Some(console.sessions.end(&console.parts, &asked.headers).await?)))
}

/// Sets the language and goes back, within this place only.
pub(super) fn language(console: &Console, asked: &Asked) -> Reply {
    let lang = if asked.one("to") == "en" { Lang::En } else { Lang::Zh };
    let back = asked.one("back");
    let is_ours = back.starts_with('/') && !back.starts_with("//") && !back.contains(['\\', '\r', '\n']);
    let secure = if console.parts.options.is_by_tls() { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000{secure}", lang.t("zh", "en"));
    Reply::Go(if is_ours { back.to_owned() } else { "/".to_owned() }, Some(cookie))
}
