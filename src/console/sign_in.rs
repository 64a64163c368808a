//! Signing in with an API key, which is exchanged for a session; signing out; the switch of the language.

use maud::html;

use super::{
    Console,
    page::{Problem, Reply},
    routes::Asked,
    words::{COOKIE, Lang},
};
use crate::access::{Call, allows};

/// The page with the form.
pub(super) fn page(console: &Console, asked: &Asked, told: Option<&str>) -> Reply {
    let lang = asked.lang;
    let is_open = console.parts.access.is_open();
    let body = html! {
        section.sign-in {
            h1 { (lang.t("登录控制台", "Sign in to the console")) }
            @if let Some(told) = told { p.problem role="alert" { (told) } }
            @if is_open {
                p.note { (lang.t("未配置调用方密钥：本机任何人都是管理员。", "No access keys are configured: anybody on this machine is the administrator.")) }
            }
            form method="post" action="/sign-in" autocomplete="off" {
                @if !is_open {
                    label for="key" { (lang.t("API 密钥", "API key")) }
                    input type="password" id="key" name="key" required autofocus maxlength="200" autocomplete="current-password" spellcheck="false";
                    p.hint { (lang.t("角色为 operator、auditor 或 administrator 的密钥。", "A key with the role operator, auditor or administrator.")) }
                }
                button { (lang.t("登录", "Sign in")) }
            }
        }
    };
    Reply::page(lang.t("登录", "Sign in"), "/sign-in", body)
}

/// Exchanges a key for a session. A key whose role opens no page is as none.
pub(super) async fn sign_in(console: &Console, asked: &Asked) -> Result<Reply, Problem> {
    let clockwork = &console.parts.clockwork;
    if !console.sessions.may_try(asked.peer, clockwork.now()) {
        return Err(Problem::TooOften);
    }
    let authorization = format!("Bearer {}", asked.one("key").trim());
    let opens = |call| move |role| allows(role, call);
    let caller = console.parts.access.identify(Some(&authorization)).ok();
    let caller = caller.filter(|caller| opens(Call::ReadQueues)(caller.actor.role) || opens(Call::ReadAuditLog)(caller.actor.role));
    let Some(caller) = caller else {
        let wait = console.sessions.failed(asked.peer, clockwork.now());
        tracing::warn!(peer.address = %asked.peer, "somebody failed to sign in to the console");
        tokio::time::sleep(wait).await;
        return Err(Problem::WrongKey);
    };
    console.sessions.succeeded(asked.peer);
    tracing::info!(actor.name = caller.actor.name, actor.role = caller.actor.role.as_str(), "signed in to the console");
    // A token that came with the request is not gone on with: the session has one of its own.
    Ok(Reply::Go("/".to_owned(), Some(console.sessions.begin(caller, clockwork))))
}

pub(super) fn sign_out(console: &Console, asked: &Asked) -> Reply {
    Reply::Go("/sign-in".to_owned(), Some(console.sessions.end(&asked.headers)))
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
