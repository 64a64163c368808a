//! What surrounds every page: its head, its navigation, its policy; and pages for what went wrong.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use maud::{DOCTYPE, Markup, html};

use super::{Options, session::Session, words::Lang};
use crate::access::{Call, allows};

/// The one style sheet.
const STYLE: &str = include_str!("style.css");
/// Nothing runs, nothing is loaded but the style sheet, nobody frames it, and forms go nowhere else.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// The few lines that let a page grow while it is looked at, and what such a page may besides: run them, and ask this place.
const SCRIPT: &str = include_str!("live.js");
const LIVE_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// Seconds after which a page that grows is loaded again where no script runs.
const AGAIN_S: &str = "5";

/// How a page goes on after it was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Live {
    /// Not at all.
    No,
    /// It grows by a script; where none runs it is loaded again.
    Grows,
    /// It is loaded again.
    Again,
}

/// What a request gets.
pub(super) enum Reply {
    /// A page.
    Page {
        /// Its title.
        title: String,
        /// What is on it.
        body: Markup,
        /// Where it is, for the switch of the language.
        here: String,
        /// Whether it grows while it is looked at.
        live: Live,
    },
    /// What a page that grows is told, as it happens.
    Events(Body),
    /// Bytes: kind, the name to save them under, if they are to be saved.
    File(&'static str, Option<String>, Vec<u8>),
    /// The same, with a cookie to be set; the forms around it would be the former session's.
    With(Box<Self>, String),
    /// Another page, with a cookie to be set.
    Go(String, Option<String>),
}

impl Reply {
    /// A page.
    pub(super) fn page(title: impl Into<String>, here: impl Into<String>, body: Markup) -> Self {
        Self::Page { title: title.into(), body, here: here.into(), live: Live::No }
    }

    /// A page that grows while it is looked at: by a few lines of script, or by being loaded again and again.
    pub(super) fn live(title: impl Into<String>, here: impl Into<String>, body: Markup) -> Self {
        Self::Page { title: title.into(), body, here: here.into(), live: Live::Grows }
    }

    /// A page that is not whole yet: it is loaded again.
    pub(super) fn again(title: impl Into<String>, here: impl Into<String>, body: Markup) -> Self {
        Self::Page { title: title.into(), body, here: here.into(), live: Live::Again }
    }

    /// The script.
    pub(super) fn script() -> Self {
        Self::File("text/javascript; charset=utf-8", None, SCRIPT.as_bytes().to_vec())
    }

    /// The style sheet.
    pub(super) fn style() -> Self {
        Self::File("text/css; charset=utf-8", None, STYLE.as_bytes().to_vec())
    }

    /// A line of text.
    pub(super) fn text(text: String) -> Self {
        Self::File("text/plain; charset=utf-8", None, text.into_bytes())
    }
}

/// Why there is no page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    /// Nobody is signed in.
    SignIn,
    /// What somebody signed in with opens nothing.
    WrongKey,
    /// Too many failures.
    TooOften,
    /// The role may not see that.
    Forbidden,
    /// There is no such page, or nothing of that name.
    NotFound,
    /// The name under which the browser knows this place is none of ours.
    Host,
    /// The form is not of this session.
    Token,
    /// Something about the request is wrong, in both languages.
    Invalid(Vec<(String, String)>),
    /// Not now.
    Busy,
    /// The gateway is at fault; the log says how.
    Internal,
}

impl Problem {
    pub(super) fn invalid(zh: &str, en: &str) -> Self {
        Self::Invalid(vec![(zh.to_owned(), en.to_owned())])
    }

    /// It was archived, and the archive is not at hand: told in both languages, the Chinese first.
    pub(super) fn away(told: &str) -> Self {
        let (zh, en) = told.split_once(" · ").unwrap_or((told, told));
        Self::invalid(zh, en)
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::SignIn => StatusCode::SEE_OTHER,
            Self::WrongKey => StatusCode::UNAUTHORIZED,
            Self::TooOften => StatusCode::TOO_MANY_REQUESTS,
            Self::Forbidden | Self::Token => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn words(&self, lang: Lang) -> Vec<String> {
        let text = match self {
            Self::SignIn => lang.t("请先登录", "sign in first"),
            Self::WrongKey => {
                lang.t("账户名、密码、动态码或密钥不正确，或暂时不能使用", "name, password, code or key do not open, or not now")
            }
            Self::TooOften => lang.t("失败次数过多，请五分钟后再试", "too many failures: try again in five minutes"),
            Self::Forbidden => lang.t("您的角色无权查看此页", "your role may not see this page"),
            Self::NotFound => lang.t("没有此页，或未找到所求内容", "there is no such page, or nothing of that name"),
            Self::Host => lang.t("请用配置中的名称访问控制台（console.hosts）", "the console is not known by this name (console.hosts)"),
            Self::Token => lang.t("表单已过期，请返回重新填写", "the form is out of date: go back and fill it in again"),
            Self::Busy => lang.t("存储暂时无法读写，请稍后再试", "the store cannot be read or written now: try again in a moment"),
            Self::Internal => lang.t("网关内部错误，详见日志", "internal error: the log says more"),
            Self::Invalid(faults) => return faults.iter().map(|(zh, en)| lang.t(zh, en).to_owned()).collect(),
        };
        vec![text.to_owned()]
    }
}

/// The answer.
pub(super) fn reply(options: &Options, lang: Lang, session: Option<&Session>, reply: Reply) -> Response {
    match reply {
        Reply::Page { title, body, here, live } => {
            let page = whole(lang, session, &Head { title: &title, here: &here, live }, &body);
            let mut response = finished(options, StatusCode::OK, "text/html; charset=utf-8", page.into_string().into_bytes());
            if live == Live::Grows {
                response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(LIVE_POLICY));
            }
            response
        }
        Reply::Events(body) => sent(options, StatusCode::OK, "text/event-stream", body),
        Reply::File(kind, name, bytes) => {
            let mut response = finished(options, StatusCode::OK, kind, bytes);
            let named = name.and_then(|name| HeaderValue::try_from(format!("attachment; filename=\"{name}\"")).ok());
            if let Some(named) = named {
                response.headers_mut().insert(header::CONTENT_DISPOSITION, named);
            }
            response
        }
        Reply::Go(to, cookie) => {
            let mut response = finished(options, StatusCode::SEE_OTHER, "text/plain; charset=utf-8", Vec::new());
            if let Ok(to) = HeaderValue::try_from(to) {
                response.headers_mut().insert(header::LOCATION, to);
            }
            with_cookie(response, cookie)
        }
        Reply::With(inner, cookie) => with_cookie(self::reply(options, lang, None, *inner), Some(cookie)),
    }
}

fn with_cookie(mut response: Response, cookie: Option<String>) -> Response {
    if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::try_from(cookie).ok()) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// The page for what went wrong.
pub(super) fn problem(options: &Options, lang: Lang, session: Option<&Session>, problem: &Problem) -> Response {
    if *problem == Problem::SignIn {
        return reply(options, lang, None, Reply::Go("/sign-in".to_owned(), None));
    }
    let title = lang.t("未能完成", "that did not work");
    let body = html! {
        section.problem role="alert" {
            h1 { (title) }
            @for line in problem.words(lang) { p { (line) } }
            p { a href=(if session.is_some() { "/" } else { "/sign-in" }) { (lang.t("返回", "back")) } }
        }
    };
    let page = whole(lang, session, &Head { title, here: "/", live: Live::No }, &body);
    finished(options, problem.status(), "text/html; charset=utf-8", page.into_string().into_bytes())
}

fn finished(options: &Options, status: StatusCode, kind: &'static str, bytes: Vec<u8>) -> Response {
    sent(options, status, kind, Body::from(bytes))
}

fn sent(options: &Options, status: StatusCode, kind: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let cache = if kind.starts_with("text/css") || kind.starts_with("text/javascript") { "max-age=3600" } else { "no-store" };
    let mut fields = vec![
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, cache),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (header::HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    ];
    if options.is_by_tls() {
        fields.push((header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"));
    }
    for (name, value) in fields {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The pages that the navigation names: where, what in both languages, and what one must be allowed. Each has its number as access key.
const NAVIGATION: [(&str, &str, &str, Call); 11] = [
    ("/", "总览", "Overview", Call::ReadQueues),
    ("/find", "查询", "Search", Call::Find),
    ("/deliveries", "报文", "Messages", Call::ReadQueues),
    ("/unmatched", "未匹配回执", "Unmatched receipts", Call::ReadQueues),
    ("/quarantined", "隔离来文", "Quarantined", Call::ReadQueues),
    ("/logistics", "物流", "Logistics", Call::ReadQueues),
    ("/audit", "审计", "Audit", Call::ReadAuditLog),
    ("/reference", "参考", "Reference", Call::ReadQueues),
    ("/proposals", "待复核", "Proposals", Call::ReadQueues),
    ("/retention", "保存", "Retention", Call::ReadLegalHolds),
    ("/accounts", "账户", "Accounts", Call::Accounts),
];

/// What a page says of itself.
struct Head<'a> {
    title: &'a str,
    here: &'a str,
    live: Live,
}

fn whole(lang: Lang, session: Option<&Session>, head: &Head<'_>, body: &Markup) -> Markup {
    let Head { title, here, live } = *head;
    html! {
        (DOCTYPE)
        html lang=(lang.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) " · " (lang.t("通关", "Tongguan")) }
                link rel="stylesheet" href="/style.css";
                @match live {
                    Live::No => {}
                    Live::Grows => { script src="/live.js" defer {} noscript { meta http-equiv="refresh" content=(AGAIN_S); } }
                    Live::Again => { meta http-equiv="refresh" content="1"; }
                }
            }
            body {
                a.skip href="#main" { (lang.t("跳到正文", "Skip to content")) }
                header.top {
                    a.brand href="/" { "通关" small { "Tongguan" } }
                    @if let Some(session) = session { (navigation(lang, session, here)) }
                    (switch(lang, here))
                    @if let Some(session) = session {
                        form.out method="post" action="/sign-out" {
                            (token(session))
                            a.who href="/account" { (session.caller.actor.name) " · " (session.caller.actor.role.as_str()) }
                            button.plain { (lang.t("退出", "Sign out")) }
                        }
                    }
                }
                main id="main" tabindex="-1" { (body) }
            }
        }
    }
}

fn navigation(lang: Lang, session: &Session, here: &str) -> Markup {
    let role = session.caller.actor.role;
    let path = here.split('?').next().unwrap_or_default();
    let is_at = |to: &str| path == to || to != "/" && path.strip_prefix(to).is_some_and(|rest| rest.starts_with('/'));
    html! {
        nav aria-label=(lang.t("主菜单", "Main")) {
            @for (number, (to, zh, en, _)) in (1..).zip(NAVIGATION).filter(|(_, (.., call))| allows(role, *call)) {
                a href=(to) accesskey=[(number <= 9).then_some(number)] aria-current=[is_at(to).then_some("page")] { (lang.t(zh, en)) }
            }
            @if allows(role, Call::Find) {
                form.quick method="get" action="/find" role="search" {
                    input type="search" name="numbers" accesskey="s" maxlength="100" spellcheck="false" placeholder=(lang.t("任何编号", "any number")) aria-label=(lang.t("按任何编号查询", "Search by any number"));
                }
            }
        }
    }
}

fn switch(lang: Lang, here: &str) -> Markup {
    let (to, name) = match lang {
        Lang::Zh => ("en", "English"),
        Lang::En => ("zh", "中文"),
    };
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("to", to).append_pair("back", here).finish();
    html! { a.language href=(format!("/language?{query}")) lang=(to) hreflang=(to) { (name) } }
}

/// What vouches for a form.
pub(super) fn token(session: &Session) -> Markup {
    html! { input type="hidden" name="token" value=(session.token); }
}

/// What stands where there is nothing.
pub(super) fn empty(text: &str) -> Markup {
    html! { p.empty { (text) } }
}
