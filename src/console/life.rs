//! A declaration's life: how far it has come, and everything that happened to it in one line, in plain words.

use maud::{Markup, html};

use super::{
    overview::age,
    words::{Lang, when},
};
use crate::{
    audit::Entry,
    clock::Timestamp,
    declaration::Kind,
    explain::{explain_state, explain_turn},
    message::masked_text,
    party::Role,
    receipt,
    state::State,
    store::{KeptReceipt, PlacedEntry, Shown},
};

/// Moments of one line.
const MOST: usize = 300;
/// A pause that is told of.
const PAUSE_S: u64 = 60;

/// The good road, from acceptance to the end.
const ROAD: [State; 8] =
    [State::Due, State::Packed, State::Delivered, State::Declaring, State::Stored, State::Passed, State::Released, State::Closed];

/// How many steps of the good road a state has behind it; nothing for what has left the road.
fn behind(state: State) -> Option<usize> {
    Some(match state {
        State::Waiting => 0,
        State::Due => 1,
        State::Packed => 2,
        State::Delivered | State::Held | State::Unmatched => 3,
        State::Declaring | State::Sent => 4,
        State::Stored | State::Review | State::Inspection => 5,
        State::Passed => 6,
        State::Released => 7,
        State::Closed => 8,
        State::PortFailed | State::Refused | State::Rejected | State::Cancelled => return None,
    })
}

/// Orders and waybills are done once they are stored.
fn road(kind: Kind) -> impl Iterator<Item = (usize, State)> {
    ROAD.into_iter().enumerate().take(if kind == Kind::Inventory { ROAD.len() } else { 5 })
}

/// How far each document has come on the good road.
pub(super) fn steps(lang: Lang, shown: &Shown) -> Markup {
    html! {
        @for kind in Kind::OF_PARCEL {
            @if let Some(document) = shown.dossier.document(kind) {
                @let done = behind(document.state);
                div.life {
                    span.what { (lang.kind(kind)) }
                    ol.steps aria-label=(lang.kind(kind)) {
                        @for (at, state) in road(kind) {
                            li.reached[done.is_some_and(|done| at < done)] aria-current=[(done == Some(at + 1)).then_some("step")] {
                                (lang.state(kind, state))
                            }
                        }
                        @if done.is_none() { li.lost aria-current="step" { (lang.state(kind, document.state)) } }
                    }
                }
            }
        }
    }
}

/// One moment: when, how it looks, what happened.
struct Moment {
    at: Timestamp,
    tone: &'static str,
    what: Markup,
}

/// Everything that happened, from acceptance to now, and what comes next.
pub(super) fn line(lang: Lang, shown: &Shown, story: &[PlacedEntry], now: Timestamp) -> Markup {
    let mut moments: Vec<_> = story.iter().filter_map(|placed| of_entry(lang, &placed.entry)).collect();
    moments.extend(shown.receipts.iter().map(|kept| of_receipt(lang, shown, kept)));
    moments.sort_by_key(|moment| moment.at);
    moments.truncate(MOST);
    let pairs: Vec<_> = std::iter::once(None).chain(moments.iter().map(|moment| Some(moment.at))).zip(&moments).collect();
    html! {
        ol.line-of-life {
            @for (before, moment) in pairs {
                li class=(moment.tone) {
                    @if let Some(before) = before.filter(|before| moment.at.since(*before).as_secs() >= PAUSE_S) {
                        div.gap { (lang.t("之后 ", "after ")) (age(lang, Some(before), moment.at)) }
                    }
                    (when(moment.at)) " " (moment.what)
                }
            }
            (next(lang, shown, now))
        }
    }
}

/// The kind that a field of an entry is about.
fn kind_of(field: &str) -> Option<Kind> {
    Kind::parse(field.strip_suffix(".state")?)
}

const fn tone(state: State) -> &'static str {
    match state {
        State::PortFailed | State::Refused | State::Rejected | State::Cancelled | State::Unmatched => "bad",
        State::Stored | State::Passed | State::Released | State::Closed => "good",
        _ => "",
    }
}

/// What an entry tells, if it is about a document's state or something that a person did. Receipts tell of themselves.
fn of_entry(lang: Lang, entry: &Entry) -> Option<Moment> {
    if entry.act == "receipt" {
        return None;
    }
    let states = entry.changes.iter().filter_map(|change| Some((kind_of(&change.field)?, State::parse(&change.to)?)));
    let states: Vec<_> = states.collect();
    let by_person = entry.actor.role != Role::Gateway;
    if states.is_empty() && !by_person {
        return None;
    }
    let what = html! {
        @for (place, (kind, state)) in states.iter().enumerate() {
            @if place > 0 { "; " }
            strong { (lang.kind(*kind)) } " " (lang.state(*kind, *state))
        }
        @if by_person { " " small { code { (entry.act) } " · " (entry.actor.name) } @if !entry.why.is_empty() { div.info { (entry.why) } } }
    };
    let tone = states.iter().map(|(_, state)| tone(*state)).max_by_key(|tone| (*tone == "bad", *tone == "good")).unwrap_or("quiet");
    Some(Moment { at: entry.at, tone, what })
}

fn of_receipt(lang: Lang, shown: &Shown, kept: &KeptReceipt) -> Moment {
    let told = receipt::explain(kept.receipt.key.kind(), &kept.receipt.code, &masked_text(&kept.receipt.info));
    let kind = shown.dossier.documents.iter().find(|document| Some(document.id) == kept.document).map(|document| document.kind);
    let what = html! {
        span.mark { (lang.t("回执", "receipt")) } " "
        strong { (kind.map_or("", |kind| lang.kind(kind))) } " " span.code { (kept.receipt.code) } " " (lang.t(&told.meaning_zh, &told.meaning_en))
        @if !kept.effect { " " small { (lang.t("（未改变状态）", "(changed nothing)")) } }
    };
    let is_bad = kept.receipt.code.starts_with('-') || matches!(kept.receipt.code.as_str(), "4" | "100");
    Moment {
        at: kept.at,
        tone: if is_bad {
            "bad"
        } else if kept.effect {
            "good"
        } else {
            "quiet"
        },
        what,
    }
}

/// Where it stands, and whose turn it is.
fn next(lang: Lang, shown: &Shown, now: Timestamp) -> Markup {
    let dossier = &shown.dossier;
    let Some(inventory) = dossier.document(Kind::Inventory) else { return html! {} };
    let text = explain_state(inventory.kind, inventory.state);
    let (zh, en) = explain_turn(inventory.state.turn());
    let is_late = !inventory.state.is_declared() && dossier.needed_by < now && inventory.state != State::Closed;
    html! {
        li class=(if is_late { "bad" } else { "quiet" }) aria-current="step" {
            strong { (lang.t("现在", "now")) } ": " (lang.t(text.next_zh, text.next_en)) " · " (lang.t("轮到", "turn of ")) " " (lang.t(zh, en))
            @if is_late { div.info { strong.bad { (lang.t("已过最迟时间 ", "needed by ")) (when(dossier.needed_by)) } } }
        }
    }
}
