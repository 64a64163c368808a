//! One entry with the proof that it stands in the tree, and the bundle of a declaration's entries for a third party.

use std::sync::Arc;

use maud::html;
use uuid::Uuid;

use super::{entries, signed};
use crate::{
    audit::{Checkpoint, leaf_hash},
    console::{
        Console,
        page::{Problem, Reply},
        routes::Asked,
        session::Session,
    },
    declaration::{DeclarationId, Kind},
    proving::{self, Error, Kept, bundle::Bundle},
    store::EntryFilter,
    task,
};

/// An entry, where it stands, and the path from it to the root that the log signed, walked once more for this page.
pub(in crate::console) async fn page(console: &Console, session: &Session, asked: &Asked, text: &str) -> Result<Reply, Problem> {
    let lang = asked.lang;
    let position: i64 = text.parse().ok().filter(|position| *position >= 0).ok_or(Problem::NotFound)?;
    let filter = EntryFilter {
        tenant: session.caller.scope.clone(),
        after: Some(position - 1),
        before: position.checked_add(1),
        limit: 1,
        ..EntryFilter::default()
    };
    let found = console.store().entries(filter).await?;
    if found.is_empty() {
        return Err(Problem::NotFound);
    }
    let size = signed(console).await?;
    let log = Kept(Arc::clone(&console.parts.store));
    let unsigned = |number: i64| u64::try_from(number).map_err(|_| Problem::NotFound);
    let proven = proving::inclusion(&log, unsigned(position)?, unsigned(size)?).await;
    // The path is one of hashes: what is shown must have the hash that it begins with.
    let row = console.store().stored_entries(position, 1).await?.pop().filter(|row| row.position == position).ok_or(Problem::NotFound)?;
    let is_shown = proven.as_ref().is_ok_and(|proven| leaf_hash(&row.body) == proven.leaf);
    let checkpoint = console.store().checkpoint_over(size).await?.filter(|checkpoint| checkpoint.size == size);
    let note = checkpoint.map(|checkpoint| checkpoint.note).unwrap_or_default();
    // The root that the path leads to must be the one that was signed, by the key that this node knows.
    let opened = console.parts.log.as_ref().map(|key| Checkpoint::open(&note, key).map(|head| head.root));
    let title = format!("{} {position}", lang.t("审计记录", "Audit entry"));
    let body = html! {
        h1 { (title) }
        (entries(lang, &found, size))
        @match &proven {
            Ok(proven) => {
                @if !is_shown { p.problem role="alert" { (lang.t("此记录已被改动：其哈希不是树中的叶。请校验整个日志。", "This entry was altered: its hash is not the leaf of the tree. Verify the whole log.")) } }
                @else { @match opened {
                    Some(Ok(root)) if root == proven.root => { p.done role="status" { (lang.t("证明成立：此记录在所签的树中。", "The proof holds: the entry stands in the tree that was signed.")) } }
                    None => { p.note role="status" { (lang.t("路径成立；本节点没有日志公钥，签名未核对。", "The path holds; this node has no public key of the log, so the signature was not looked at.")) } }
                    Some(_) => { p.problem role="alert" { (lang.t("签名的根与此树不符：请校验整个日志。", "The signed root is not that of this tree: verify the whole log.")) } }
                } }
                dl.facts {
                    dt { (lang.t("树中位置", "position in the tree")) } dd { (proven.position) }
                    dt { (lang.t("检查点大小", "size of the checkpoint")) } dd { (proven.size) }
                    dt { (lang.t("叶哈希", "hash of the leaf")) } dd { code { (proven.leaf) } }
                    dt { (lang.t("路径（RFC 6962）", "path (RFC 6962)")) } dd { ol.path { @for hash in &proven.path { li { code { (hash) } } } } }
                    dt { (lang.t("根", "root")) } dd { code { (proven.root) } }
                }
            }
            Err(error) => { p.problem role="alert" { (lang.t("不能证明：请校验整个日志。", "It cannot be proven: verify the whole log.")) " " (error) } }
        }
        @if !note.is_empty() { h2 { (lang.t("签名检查点", "Signed checkpoint")) } pre.raw tabindex="0" { (note) } }
        p.buttons {
            @if position > 0 { a.button rel="prev" href=(format!("/audit/entries/{}", position - 1)) { (lang.t("前一条", "The one before")) } }
            @if position + 1 < size { a.button rel="next" href=(format!("/audit/entries/{}", position + 1)) { (lang.t("后一条", "The next")) } }
        }
    };
    Ok(Reply::page(title, format!("/audit/entries/{position}"), body))
}

/// What the log tells of a declaration, with proofs: the same file as `audit export` writes.
pub(in crate::console) async fn bundle(console: &Console, session: &Session, text: &str) -> Result<Reply, Problem> {
    let id = DeclarationId(Uuid::try_parse(text).map_err(|_| Problem::NotFound)?);
    let shown = console.store().show(session.caller.scope.as_ref(), id).await?.ok_or(Problem::NotFound)?;
    let Some(key) = &console.parts.log else {
        return Err(Problem::invalid("本节点没有日志公钥", "this node has no public key of the log"));
    };
    let waybills = shown.dossier.documents.iter().filter(|document| document.kind == Kind::Waybill).map(|document| document.id.0);
    let subjects = std::iter::once(id.0).chain(waybills).collect();
    let bundle = Bundle::make(&Kept(Arc::clone(&console.parts.store)), subjects, key).await.map_err(|error| match error {
        Error::Store(error) => error.into(),
        Error::Away(told) => Problem::away(&told),
        Error::Absent | Error::Proof(_) => {
            Problem::invalid("尚无已签名的记录，请稍后再试", "nothing about it is signed yet: try again in a moment")
        }
        Error::Damaged | Error::Unreachable(_) => {
            tracing::error!(error = task::chain(&error), "a declaration's proofs could not be made");
            Problem::invalid("日志已损坏，请校验整个日志", "the log is damaged: verify the whole of it")
        }
    })?;
    let bytes = serde_json::to_vec_pretty(&bundle).map_err(|_| Problem::Internal)?;
    Ok(Reply::File("application/json", Some(format!("tongguan-audit-{}.json", id.0)), bytes))
}
