//! Which language a page is in, and words that many pages have.

use axum::http::{HeaderMap, header};

use maud::{Markup, html};

use super::session::cookie;
use crate::{clock::Timestamp, declaration::Kind, explain::explain_state, state::State, store::Carriage};

/// The cookie that holds the language.
pub(super) const COOKIE: &str = "tongguan-language";

/// The language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lang {
    /// Chinese.
    Zh,
    /// English.
    En,
}

impl Lang {
    /// What the reader chose, else what its browser prefers.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        match cookie(headers, COOKIE).as_deref() {
            Some("zh") => return Self::Zh,
            Some("en") => return Self::En,
            _ => {}
        }
        let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if wanted.to_ascii_lowercase().starts_with("en") { Self::En } else { Self::Zh }
    }

    /// The text in this language.
    pub(super) const fn t<'t>(self, zh: &'t str, en: &'t str) -> &'t str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }

    /// As HTML names it.
    pub(super) const fn tag(self) -> &'static str {
        self.t("zh-CN", "en")
    }

    /// The name of a document.
    pub(super) fn kind(self, kind: Kind) -> &'static str {
        self.t(kind.row().zh, kind.row().en)
    }

    /// What a state means.
    pub(super) const fn state(self, kind: Kind, state: State) -> &'static str {
        let text = explain_state(kind, state);
        self.t(text.meaning_zh, text.meaning_en)
    }

    /// How far a message has come.
    pub(super) const fn carriage(self, carriage: Carriage) -> &'static str {
        match carriage {
            Carriage::Queued => self.t("待发送", "to be sent"),
            Carriage::Delivered => self.t("已发送，待回执", "sent, not answered yet"),
            Carriage::Unanswered => self.t("已发送，无回执", "sent, nobody answers"),
            Carriage::Shelved => self.t("搁置", "shelved"),
            Carriage::Over => self.t("已了结", "over"),
        }
    }
}

/// A moment of Beijing, to the second; all of it for whoever points at it.
pub(super) fn when(at: Timestamp) -> Markup {
    let whole = at.to_string();
    let short = whole.get(..19).unwrap_or(&whole).replace('T', " ");
    html! { time datetime=(whole) title=(whole) { (short) } }
}
