//! Every page there is, and what opens it: the one table.

use std::net::IpAddr;

use axum::http::{HeaderMap, Method};

use super::{
    Console, account, accounts, acts, audit, declaration, find, logistics, metrics, overview,
    page::{Problem, Reply},
    proposals, queues, raw, receipts, reference, retention,
    session::Session,
    sign_in,
    words::Lang,
};
use crate::access::{Call, Sight};

/// What opens a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// Nothing.
    Anybody,
    /// Being signed in.
    SignedIn,
    /// Being allowed to make that call.
    Call(Call),
}

/// A page, with what its path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    Live,
    Ready,
    Metrics,
    Style,
    Script,
    Language,
    SignInPage,
    SignIn,
    SignOut,
    Account,
    AccountPassword,
    AccountCodePage,
    AccountCode,
    AccountOut,
    Accounts,
    AccountsAct,
    Retention,
    RetentionCount,
    LegalHold,
    Proposals,
    Proposal(String),
    Decide(String),
    Overview,
    Find,
    FindMany,
    Declaration(String),
    Deliveries,
    Unmatched,
    AttachPage,
    Attach,
    Quarantined,
    Message(String),
    RevealMessage(String),
    Arrival(String),
    RevealArrival(String),
    ArrivalFile(String),
    Act,
    Audit,
    AuditExport,
    AuditTail,
    AuditTailEvents,
    AuditEntry(String),
    Check,
    CheckBegin,
    CheckEvents,
    Bundle(String),
    Logistics,
    Reference(reference::Part),
}

/// What was asked, beside the path.
pub(super) struct Asked {
    pub lang: Lang,
    pub peer: IpAddr,
    pub query: Vec<(String, String)>,
    pub form: Vec<(String, String)>,
    pub headers: HeaderMap,
}

impl Route {
    /// Whether it is about oneself: open to whoever has yet to set up the account.
    pub(super) const fn is_own(&self) -> bool {
        matches!(self, Self::SignOut | Self::Account | Self::AccountPassword | Self::AccountCodePage | Self::AccountCode | Self::AccountOut)
    }
}

impl Asked {
    /// The first value of a field; empty if there is none.
    pub(super) fn one(&self, name: &str) -> &str {
        self.form.iter().chain(&self.query).find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }

    /// All values of a field that say something.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let values = self.form.iter().chain(&self.query).filter(|(known, _)| known == name);
        values.map(|(_, value)| value.trim().to_owned()).filter(|value| !value.is_empty()).collect()
    }
}

/// The page at a path, and what opens it. What is not here is not there.
pub(super) fn find(method: &Method, path: &str) -> Option<(Route, Gate)> {
    let segments: Vec<_> = path.trim_matches('/').split('/').collect();
    let own = |text: &&str| (*text).to_owned();
    let (look, read) = (Gate::Call(Call::ReadQueues), Gate::Call(Call::ReadAuditLog));
    Some(match (method.as_str(), segments.as_slice()) {
        ("GET", ["livez"]) => (Route::Live, Gate::Anybody),
        ("GET", ["readyz"]) => (Route::Ready, Gate::Anybody),
        ("GET", ["metrics"]) => (Route::Metrics, Gate::Anybody),
        ("GET", ["style.css"]) => (Route::Style, Gate::Anybody),
        ("GET", ["live.js"]) => (Route::Script, Gate::Anybody),
        ("GET", ["language"]) => (Route::Language, Gate::Anybody),
        ("GET", ["sign-in"]) => (Route::SignInPage, Gate::Anybody),
        ("POST", ["sign-in"]) => (Route::SignIn, Gate::Anybody),
        ("POST", ["sign-out"]) => (Route::SignOut, Gate::SignedIn),
        ("GET", ["account"]) => (Route::Account, Gate::SignedIn),
        ("POST", ["account", "password"]) => (Route::AccountPassword, Gate::SignedIn),
        ("GET", ["account", "code"]) => (Route::AccountCodePage, Gate::SignedIn),
        ("POST", ["account", "code"]) => (Route::AccountCode, Gate::SignedIn),
        ("POST", ["account", "out"]) => (Route::AccountOut, Gate::SignedIn),
        ("GET", ["accounts"]) => (Route::Accounts, Gate::Call(Call::Accounts)),
        ("POST", ["accounts"]) => (Route::AccountsAct, Gate::Call(Call::Accounts)),
        ("GET", ["retention"]) => (Route::Retention, Gate::Call(Call::ReadLegalHolds)),
        ("POST", ["retention", "count"]) => (Route::RetentionCount, Gate::Call(Call::ReadLegalHolds)),
        ("POST", ["retention", "holds"]) => (Route::LegalHold, Gate::Call(Call::LegalHold)),
        ("GET", ["proposals"]) => (Route::Proposals, look),
        ("GET", ["proposals", id]) => (Route::Proposal(own(id)), look),
        ("POST", ["proposals", id]) => (Route::Decide(own(id)), Gate::Call(Call::Desk)),
        ("GET", [""]) => (Route::Overview, Gate::SignedIn),
        ("GET", ["find"]) => (Route::Find, Gate::Call(Call::Find)),
        ("POST", ["find"]) => (Route::FindMany, Gate::Call(Call::Find)),
        ("GET", ["declarations", id]) => (Route::Declaration(own(id)), Gate::Call(Call::Find)),
        ("GET", ["deliveries"]) => (Route::Deliveries, look),
        ("GET", ["unmatched"]) => (Route::Unmatched, look),
        ("GET", ["attach"]) => (Route::AttachPage, Gate::Call(Call::Desk)),
        ("POST", ["attach"]) => (Route::Attach, Gate::Call(Call::Desk)),
        ("GET", ["quarantined"]) => (Route::Quarantined, look),
        ("GET", ["messages", id]) => (Route::Message(own(id)), Gate::Call(Call::ReadRaw)),
        ("POST", ["messages", id, "reveal"]) => (Route::RevealMessage(own(id)), Gate::Call(Call::Reveal)),
        ("POST", ["arrivals", id, "reveal"]) => (Route::RevealArrival(own(id)), Gate::Call(Call::Reveal)),
        ("GET", ["arrivals", id]) => (Route::Arrival(own(id)), Gate::Call(Call::ReadRaw)),
        ("GET", ["arrivals", id, "file"]) => (Route::ArrivalFile(own(id)), Gate::Call(Call::ReadRaw)),
        ("POST", ["act"]) => (Route::Act, Gate::Call(Call::Desk)),
        ("GET", ["audit"]) => (Route::Audit, read),
        ("GET", ["audit", "export"]) => (Route::AuditExport, read),
        ("GET", ["audit", "tail"]) => (Route::AuditTail, read),
        ("GET", ["audit", "tail", "events"]) => (Route::AuditTailEvents, read),
        ("GET", ["audit", "entries", position]) => (Route::AuditEntry(own(position)), read),
        ("GET", ["audit", "check"]) => (Route::Check, read),
        ("POST", ["audit", "check"]) => (Route::CheckBegin, read),
        ("GET", ["audit", "check", "events"]) => (Route::CheckEvents, read),
        ("GET", ["logistics"]) => (Route::Logistics, look),
        ("GET", ["reference"]) => (Route::Reference(reference::Part::Sellers), look),
        ("GET", ["reference", part]) => (Route::Reference(reference::Part::named(part)?), look),
        ("GET", ["declarations", id, "bundle"]) => (Route::Bundle(own(id)), read),
        _ => return None,
    })
}

/// A page for anybody.
pub(super) async fn open(console: &Console, route: Route, asked: &Asked) -> Result<Reply, Problem> {
    match route {
        Route::Live => Ok(Reply::text("ok\n".to_owned())),
        Route::Ready => metrics::ready(console).await,
        Route::Metrics => metrics::metrics(console).await,
        Route::Style => Ok(Reply::style()),
        Route::Script => Ok(Reply::script()),
        Route::Language => Ok(sign_in::language(console, asked)),
        Route::SignInPage => sign_in::page(console, asked).await,
        Route::SignIn => sign_in::sign_in(console, asked).await,
        _ => Err(Problem::NotFound),
    }
}

/// A page for somebody who may see it.
pub(super) async fn shown(console: &Console, route: Route, session: &Session, asked: &Asked) -> Result<Reply, Problem> {
    match route {
        Route::SignOut => sign_in::sign_out(console, asked).await,
        Route::Account => Ok(account::page(session, asked)),
        Route::AccountPassword => account::password(console, session, asked).await,
        Route::AccountCodePage => account::code_page(console, session, asked).await,
        Route::AccountCode => account::code(console, session, asked).await,
        Route::AccountOut => account::out(console, session, asked).await,
        Route::Accounts => accounts::page(console, session, asked).await,
        Route::AccountsAct => accounts::act(console, session, asked).await,
        Route::Retention => retention::page(console, session, asked).await,
        Route::RetentionCount => Ok(retention::count(console, session)),
        Route::LegalHold => retention::hold(console, session, asked).await,
        Route::Proposals => proposals::page(console, session, asked).await,
        Route::Proposal(id) => proposals::one(console, session, asked, &id).await,
        Route::Decide(id) => proposals::decide(console, session, asked, &id).await,
        Route::Overview => overview::page(console, session, asked).await,
        Route::Find | Route::FindMany => find::page(console, session, asked).await,
        Route::Declaration(id) => declaration::page(console, session, asked, &id).await,
        Route::Deliveries => queues::deliveries(console, session, asked).await,
        Route::Unmatched => receipts::unmatched(console, session, asked).await,
        Route::AttachPage | Route::Attach => receipts::attach(console, session, asked).await,
        Route::Quarantined => receipts::quarantined(console, asked).await,
        Route::Message(id) => raw::message(console, session, asked, &id, Sight::Masked).await,
        Route::RevealMessage(id) => raw::message(console, session, asked, &id, Sight::Whole).await,
        Route::Arrival(id) => raw::arrival(console, session, asked, &id, Sight::Masked).await,
        Route::RevealArrival(id) => raw::arrival(console, session, asked, &id, Sight::Whole).await,
        Route::ArrivalFile(id) => raw::arrival_file(console, &id).await,
        Route::Act => acts::act(console, session, asked).await,
        Route::Audit => audit::page(console, session, asked).await,
        Route::AuditExport => audit::export(console, session, asked).await,
        Route::AuditTail => audit::tail::page(console, session, asked).await,
        Route::AuditTailEvents => audit::tail::events(console, session, asked).await,
        Route::AuditEntry(position) => audit::proof::page(console, session, asked, &position).await,
        Route::Check => Ok(audit::checking::page(console, session, asked)),
        Route::CheckBegin => Ok(audit::checking::begin(console, session)),
        Route::CheckEvents => Ok(audit::checking::events(console, asked)),
        Route::Bundle(id) => audit::proof::bundle(console, session, &id).await,
        Route::Logistics => logistics::page(console, session, asked).await,
        Route::Reference(part) => reference::page(console, session, asked, part).await,
        _ => Err(Problem::NotFound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_anybody_may_see_is_listed_here_once_more() {
        const PATHS: [(&str, &str); 51] = [
            ("GET", "/livez"),
            ("GET", "/readyz"),
            ("GET", "/metrics"),
            ("GET", "/style.css"),
            ("GET", "/live.js"),
            ("GET", "/language"),
            ("GET", "/sign-in"),
            ("POST", "/sign-in"),
            ("POST", "/sign-out"),
            ("GET", "/account"),
            ("POST", "/account/password"),
            ("GET", "/account/code"),
            ("POST", "/account/code"),
            ("POST", "/account/out"),
            ("GET", "/accounts"),
            ("POST", "/accounts"),
            ("GET", "/retention"),
            ("POST", "/retention/count"),
            ("POST", "/retention/holds"),
            ("GET", "/proposals"),
            ("GET", "/proposals/x"),
            ("POST", "/proposals/x"),
            ("GET", "/"),
            ("GET", "/find"),
            ("POST", "/find"),
            ("GET", "/declarations/x"),
            ("GET", "/deliveries"),
            ("GET", "/unmatched"),
            ("GET", "/attach"),
            ("POST", "/attach"),
            ("GET", "/quarantined"),
            ("GET", "/messages/x"),
            ("GET", "/arrivals/x"),
            ("POST", "/messages/x/reveal"),
            ("POST", "/arrivals/x/reveal"),
            ("POST", "/act"),
            ("GET", "/audit"),
            ("GET", "/audit/export"),
            ("GET", "/audit/tail"),
            ("GET", "/audit/tail/events"),
            ("GET", "/audit/entries/0"),
            ("GET", "/audit/check"),
            ("POST", "/audit/check"),
            ("GET", "/audit/check/events"),
            ("GET", "/declarations/x/bundle"),
            ("GET", "/logistics"),
            ("GET", "/reference"),
            ("GET", "/reference/sellers"),
            ("GET", "/reference/keys"),
            ("GET", "/reference/tables"),
            ("GET", "/reference/rules"),
        ];
        for (at, (method, path)) in PATHS.iter().enumerate() {
            let (_, gate) = find(&Method::try_from(*method).unwrap(), path).unwrap();
            assert_eq!(gate == Gate::Anybody, at < 8, "{method} {path}");
        }
        for (method, path) in
            [("POST", "/"), ("GET", "/act"), ("GET", "/nothing"), ("DELETE", "/find"), ("GET", "/declarations"), ("GET", "/a/b/c/d")]
        {
            assert_eq!(find(&Method::try_from(method).unwrap(), path), None, "{method} {path}");
        }
    }
}
