//! Pages for operations staff, and what is seen from outside: metrics, liveness, readiness. Rendered here, and whole without scripts.
//!
//! One table ([`routes`]) names every page with the call of [`crate::access`] that opens it; what is not in it is not there. Pages only look and ask:
//! what is decided is decided by [`crate::desk`], as over gRPC. Values are escaped where they are written into a page; the policy that
//! goes with each page lets a browser load nothing but its one style sheet, and on pages that grow one script as well.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::to_bytes,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, Method, header},
    response::Response,
};
use serde::{Deserialize, Serialize};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    time::timeout,
};

use crate::{
    access::{Access, Cause, allows},
    accounts::{self as people, Accounts},
    archive,
    audit::LogVerifier,
    clock::Clockwork,
    desk::Desk,
    listener::{self, Bounds, HTTP_1, Lines, Origin, Tls, TlsOptions, cut_after, renew},
    retention as keeping, signers,
    store::{self, Store},
};

mod account;
mod accounts;
mod acts;
mod audit;
mod declaration;
mod find;
mod life;
mod logistics;
mod metrics;
mod overview;
mod page;
mod proposals;
mod queues;
mod raw;
mod receipts;
mod reference;
mod retention;
mod routes;
mod session;
mod sheet;
mod sign_in;
mod words;
mod xml;

use page::{Problem, Reply};
use routes::{Asked, Gate};
use session::Sessions;
use words::Lang;

/// Bytes of a form: thousands of numbers.
const FORM_BYTES: usize = 512 * 1_024;
/// A page that takes longer is given up.
const LONGEST: Duration = Duration::from_secs(20);
/// A connection that has not asked for anything by then is closed.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// One on which nothing moves for so long is closed: longer than any page takes.
const SILENCE: Duration = Duration::from_secs(60);
/// What connections get to end when the gateway stops.
const DRAIN: Duration = Duration::from_secs(5);

/// Where the console is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Where it listens; empty: there is none. Only this machine, unless it or a proxy before it speaks TLS.
    pub listen: String,
    /// Connections at a time.
    pub connections: usize,
    /// Connections at a time from one address.
    pub connections_per_address: usize,
    /// Its certificate; without it pages and passwords cross the network in the clear.
    pub tls: Option<TlsOptions>,
    /// A proxy before it speaks TLS to browsers: cookies are sent by TLS alone, and it may listen elsewhere than on this machine.
    pub behind_tls: bool,
    /// Names under which browsers know it, beside addresses and `localhost`: others are refused, so that no page elsewhere can pass itself
    /// off as this one.
    pub hosts: Vec<String>,
    /// Minutes without a request that end a session.
    pub idle_min: u64,
    /// Hours that end a session in any case.
    pub longest_h: u64,
    /// How accounts are kept.
    pub accounts: people::Options,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: String::new(),
            connections: 256,
            connections_per_address: 64,
            tls: None,
            behind_tls: false,
            hosts: Vec::new(),
            idle_min: 30,
            longest_h: 12,
            accounts: people::Options::default(),
        }
    }
}

impl Options {
    /// Whether there is a console.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.listen.is_empty()
    }

    /// Whether it listens where it may.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        let address = self.listen.parse::<SocketAddr>();
        let is_local = address.is_ok_and(|address| address.ip().is_loopback()) || self.listen.starts_with("localhost:");
        is_local || self.is_by_tls()
    }

    /// Whether browsers speak TLS to it, or to what stands before it.
    #[must_use]
    pub fn is_by_tls(&self) -> bool {
        self.behind_tls || self.tls.is_some()
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            connections: self.connections,
            connections_per_address: self.connections_per_address,
            handshake: HANDSHAKE,
            preface: 1,
            silence: SILENCE,
            stall: SILENCE,
            answers_count: true,
            farewell: Vec::new(),
        }
    }
}

/// Why there is no console.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its certificate.
    #[error(transparent)]
    Listener(#[from] listener::Error),
    /// Serving failed.
    #[error("控制台无法运行 · the console cannot be served")]
    Serving(#[from] std::io::Error),
}

/// What the console opens to.
#[derive(Clone)]
pub struct Parts {
    /// What is kept.
    pub store: Arc<dyn Store>,
    /// What operations staff decide.
    pub desk: Desk,
    /// Who may do what.
    pub access: Arc<Access>,
    /// Time and randomness.
    pub clockwork: Clockwork,
    /// The public key of the audit log, where this node knows it: without it the log is not verified here.
    pub log: Option<LogVerifier>,
    /// Who signs here, and until when.
    pub signers: Vec<signers::Standing>,
    /// How long things are kept, and where archives lie.
    pub retention: keeping::Options,
    /// How it is.
    pub options: Options,
}

/// What every page holds.
struct Console {
    parts: Parts,
    sessions: Sessions,
    accounts: Accounts,
    figures: Arc<overview::Cache>,
    /// Who may follow the log yet.
    followers: Arc<Semaphore>,
    check: audit::checking::Check,
    /// How much is kept, as it was counted last.
    kept: retention::Counting,
    stop: watch::Receiver<bool>,
}

impl Console {
    fn store(&self) -> &dyn Store {
        self.parts.store.as_ref()
    }
}

/// Serves until `stop` says so; pages in hand are finished.
///
/// # Errors
/// If the listener fails, or its certificate is of no use.
pub async fn serve(listener: TcpListener, parts: Parts, mut stop: watch::Receiver<bool>) -> Result<(), Error> {
    let sessions = Sessions::new(&parts.options);
    let accounts = Accounts::new(Arc::clone(&parts.store), parts.clockwork.clone(), parts.options.accounts.clone());
    let accounts = accounts.map_err(std::io::Error::other)?;
    let console = Arc::new(Console {
        parts,
        sessions,
        accounts,
        figures: Arc::default(),
        followers: Arc::new(Semaphore::new(audit::tail::FOLLOWERS)),
        check: audit::checking::Check::default(),
        kept: retention::Counting::default(),
        stop: stop.clone(),
    });
    // Counting all that is kept takes a while: whoever asks first is not to wait for it.
    console.figures.figures(&console, None, Duration::ZERO).await;
    let router = Router::new().fallback(handle).with_state(Arc::clone(&console));
    let options = &console.parts.options;
    let tls = options.tls.as_ref().map(|tls| Tls::open(tls, HTTP_1)).transpose()?.map(Arc::new);
    let (cutting, cut) = watch::channel(false);
    tokio::spawn(cut_after(stop.clone(), DRAIN, cutting));
    if let Some(tls) = &tls {
        tokio::spawn(renew(Arc::clone(tls), stop.clone()));
    }
    let listener = Lines::new(listener, &options.bounds(), tls, cut)?;
    let stopped = async move {
        // An error means that the other side is gone, which is a stop as well.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    axum::serve(listener, router.into_make_service_with_connect_info::<Origin>()).with_graceful_shutdown(stopped).await?;
    Ok(())
}

async fn handle(State(console): State<Arc<Console>>, ConnectInfo(Origin(peer)): ConnectInfo<Origin>, request: Request) -> Response {
    let lang = Lang::of(request.headers());
    match timeout(LONGEST, answer(&console, peer, lang, request)).await {
        Ok(response) => response,
        Err(_) => page::problem(&console.parts.options, lang, None, &Problem::Busy),
    }
}

async fn answer(console: &Console, peer: IpAddr, lang: Lang, request: Request) -> Response {
    let options = &console.parts.options;
    let mut session = None;
    match told(console, peer, lang, request, &mut session).await {
        Ok(reply) => page::reply(options, lang, session.as_ref(), reply),
        Err(problem) => page::problem(options, lang, session.as_ref(), &problem),
    }
}

async fn told(
    console: &Console,
    peer: IpAddr,
    lang: Lang,
    request: Request,
    known: &mut Option<session::Session>,
) -> Result<Reply, Problem> {
    let options = &console.parts.options;
    let (head, body) = request.into_parts();
    let is_known = |host: &str| {
        options.hosts.iter().any(|name| name == host) || host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
    };
    if !host(&head.headers).is_some_and(|host| is_known(&host)) {
        return Err(Problem::Host);
    }
    let is_post = head.method == Method::POST;
    let (route, gate) = routes::find(&head.method, head.uri.path()).ok_or(Problem::NotFound)?;
    let called = called(&head.method, head.uri.path());
    if gate != Gate::Anybody {
        let found = console.sessions.find(&console.parts, &head.headers).await?;
        *known = found.map(|session| session.asking(peer, &head.headers));
    }
    let form = if is_post {
        if !is_form(&head.headers) {
            return Err(Problem::NotFound);
        }
        let bytes = to_bytes(body, FORM_BYTES).await.map_err(|_| Problem::invalid("表单过大", "the form is too large"))?;
        form_urlencoded::parse(&bytes).into_owned().collect()
    } else {
        Vec::new()
    };
    let query = form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let asked = Asked { lang, peer, query, form, headers: head.headers };
    let session = match gate {
        Gate::Anybody => return routes::open(console, route, &asked).await,
        Gate::SignedIn => known.clone().ok_or(Problem::SignIn)?,
        Gate::Call(call) => {
            let session = known.clone().ok_or(Problem::SignIn)?;
            if !allows(session.caller.actor.role, call) {
                refused(console, &session, &called);
                return Err(Problem::Forbidden);
            }
            session
        }
    };
    if let Some(place) = session.owes().filter(|_| !route.is_own()) {
        return Ok(Reply::Go(place.to_owned(), None));
    }
    // A form that another page has had filled in does not know the session's secret.
    if is_post && !session.vouches(asked.one("token")) {
        refused(console, &session, &called);
        return Err(Problem::Token);
    }
    routes::shown(console, route, &session, &asked).await
}

/// A page as refusals name it: what its path names is left out, so that there are no more of them than sorts of pages.
fn called(method: &Method, path: &str) -> String {
    format!("{method} /{}", path.split('/').nth(1).unwrap_or_default())
}

/// Somebody who is known is turned away: with the sums of a minute that becomes an entry, as at the door.
fn refused(console: &Console, session: &session::Session, called: &str) {
    console.parts.access.refusals().known(&session.caller, Cause::Forbidden, called);
}

/// The name under which the browser knows this place.
fn host(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    Some(name.to_ascii_lowercase())
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Unavailable(_) => {
                tracing::warn!(error = crate::task::chain(&error), "a page could not be made: the store cannot be read now");
                Self::Busy
            }
            store::Error::Archived(ref away @ archive::Error::Away(_)) => Self::away(&away.to_string()),
            store::Error::Inconsistent { .. } | store::Error::Schema(_) | store::Error::Archived(_) => {
                tracing::error!(error = crate::task::chain(&error), "a page could not be made");
                Self::Internal
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_listens_on_this_machine_unless_a_proxy_speaks_tls() {
        let at = |listen: &str, behind_tls| Options { listen: listen.into(), behind_tls, ..Options::default() };
        for (listen, safe) in
            [("127.0.0.1:1", true), ("[::1]:1", true), ("localhost:1", true), ("0.0.0.0:1", false), ("example.com:1", false)]
        {
            assert_eq!(at(listen, false).is_safe(), safe, "{listen}");
            assert!(at(listen, true).is_safe());
        }
        assert!(!Options::default().is_on());
    }

    #[test]
    fn the_host_is_told_without_its_port() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, value.parse().unwrap());
            host(&headers)
        };
        for (value, name) in [("127.0.0.1:8", "127.0.0.1"), ("[::1]:8", "[::1]"), ("Desk.example", "desk.example"), ("a:b", "a:b")] {
            assert_eq!(of(value).as_deref(), Some(name));
        }
        assert_eq!(host(&HeaderMap::new()), None);
    }
}
