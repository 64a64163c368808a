//! `audit verify` and `audit show`: the log read without any right to write.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use uuid::Uuid;

use super::{complain, say, shown};
use crate::{
    audit::{
        Damage, LogVerifier, StoredCheckpoint, StoredEntry,
        verify::{Checkpoints, Summary, Verifier},
    },
    declaration::DeclarationId,
    store::{
        EntryFilter, Store,
        postgres::{self, Address, Postgres},
        sqlite::Sqlite,
    },
};

/// Entries read at a time: a tile of them, since the check asks for one tile per 256 entries.
const PAGE: u32 = 256;

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// 校验审计日志，指出第一条被改动的记录 · Verifies the log and names the first entry that was altered, removed or reordered.
    Verify {
        /// 早先另存的检查点：日志须包含它 · A checkpoint saved earlier elsewhere: the log must still hold what it signed.
        #[arg(long)]
        since: Option<PathBuf>,
        #[command(flatten)]
        place: WhereArgs,
    },
    /// 输出最新的签名检查点，可另存他处 · Prints the latest signed checkpoint, to be saved elsewhere.
    Checkpoint(WhereArgs),
    /// 按任一单号讲述一票申报的经过 · Tells a declaration's story by any of its numbers.
    Show {
        /// 订单号、运单号、copNo、预录入号、清单号 · An order, waybill, enterprise, port or inventory number, or our id.
        number: String,
        #[command(flatten)]
        place: WhereArgs,
    },
}

#[derive(Debug, Args)]
pub(super) struct WhereArgs {
    /// 目录：读取其中的 *.db 与 *.vkey · A folder: its one *.db and *.vkey are read.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// 数据库文件或 postgres:// 地址 · The database file, if not the one in the folder, or the address of a PostgreSQL database.
    #[arg(long, env = "TONGGUAN_STORE", hide_env_values = true)]
    store: Option<String>,
    /// 日志公钥文件 · The file with the log's public key, if not the one in the folder; best kept elsewhere.
    #[arg(long)]
    key: Option<PathBuf>,
}

impl WhereArgs {
    pub(super) async fn open(&self) -> Result<Box<dyn Store>> {
        let cannot = |what: &dyn std::fmt::Display| format!("{what} 无法打开 · cannot be opened");
        if let Some(url) = self.store.as_ref().filter(|store| Address::is_one(store)) {
            let options = postgres::Options::at(url);
            return Ok(Box::new(Postgres::open_read_only(&options).await.with_context(|| cannot(&options.url))?));
        }
        let file = self.store.as_ref().map_or_else(|| only_one(&self.dir, "db"), |file| Ok(PathBuf::from(file)))?;
        Ok(Box::new(Sqlite::open_read_only(&file).await.with_context(|| cannot(&file.display()))?))
    }

    fn verifier(&self) -> Result<LogVerifier> {
        let file = self.key.clone().map_or_else(|| only_one(&self.dir, "vkey"), Ok)?;
        let text =
            fs::read_to_string(&file).with_context(|| format!("公钥 {0} 无法读取 · the public key {0} cannot be read", file.display()))?;
        LogVerifier::parse(text.trim()).with_context(|| format!("{0} 中没有日志公钥 · {0} holds no public key of a log", file.display()))
    }
}

fn only_one(folder: &Path, extension: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| format!("文件夹 {0} 无法读取 · the folder {0} cannot be read", folder.display()))?;
    let mut found: Vec<_> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.extension().is_some_and(|e| e == extension)).collect();
    match (found.pop(), found.len()) {
        (Some(path), 0) => Ok(path),
        (None, _) => bail!("there is no *.{extension} in {}", folder.display()),
        (Some(_), more) => bail!("there are {} *.{extension} in {}; name one", more + 1, folder.display()),
    }
}

pub(super) async fn run(command: &AuditCommand) -> Result<ExitCode> {
    match command {
        AuditCommand::Verify { since, place } => verify(place, since.as_deref()).await,
        AuditCommand::Checkpoint(place) => checkpoint(place).await,
        AuditCommand::Show { number, place } => show(number, place).await,
    }
}

async fn verify(place: &WhereArgs, since: Option<&Path>) -> Result<ExitCode> {
    let store = place.open().await?;
    let mut checkpoints = Checkpoints::new(place.verifier()?);
    let kept = store.stored_checkpoints().await?;
    for row in &kept {
        checkpoints.add(&StoredCheckpoint { size: row.size, root: &row.root, note: &row.note });
    }
    if let Some(file) = since {
        let note = fs::read_to_string(file).with_context(|| format!("{0} 无法读取 · {0} cannot be read", file.display()))?;
        checkpoints.since(&note).with_context(|| format!("{0} 不是本日志的检查点 · {0} is no checkpoint of this log", file.display()))?;
    }
    let pending = store.pending_entries(u32::MAX).await?.len();
    if kept.is_empty() && pending > 0 {
        complain("没有签名检查点 · no checkpoint is signed: nothing vouches for these entries");
        return Ok(ExitCode::FAILURE);
    }
    let mut verifier = checkpoints.verifier();
    // What no checkpoint covers yet is under nobody's signature: it has no tiles, and nothing can be said of it.
    let signed = i64::try_from(verifier.covered()).unwrap_or(i64::MAX);
    feed(store.as_ref(), &mut verifier, kept.iter().map(|row| row.size).fold(signed, i64::max)).await?;
    let tiles = u64::try_from(store.stored_tiles().await?.len())?;
    let untold = store.untold().await?;
    match verifier.finish(tiles) {
        Ok(summary) => Ok(tell_summary(&summary, pending, untold, since.is_none())),
        Err(damage) => {
            tell_damage(&damage);
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Gives the verifier every entry before a position, with the tiles that it asks for.
async fn feed(store: &dyn Store, verifier: &mut Verifier, covered: i64) -> Result<()> {
    let mut from = i64::MIN;
    loop {
        let mut page = store.stored_entries(from, PAGE).await?;
        page.retain(|row| row.position < covered);
        for row in &page {
            while let Some(id) = verifier.wanted() {
                let tile = store.stored_tile(i64::from(id.level), i64::try_from(id.index)?).await?;
                verifier.tile(id, tile.as_deref());
            }
            verifier.entry(&StoredEntry {
                position: row.position,
                id: row.id,
                at: row.at,
                tenant: &row.tenant,
                subject: row.subject,
                act: &row.act,
                leaf: &row.leaf,
                body: &row.body,
            });
        }
        let Some(last) = page.last() else { break };
        from = last.position.saturating_add(1);
    }
    while let Some(id) = verifier.wanted().filter(|id| id.level > 0) {
        let tile = store.stored_tile(i64::from(id.level), i64::try_from(id.index)?).await?;
        verifier.tile(id, tile.as_deref());
    }
    Ok(())
}

fn tell_summary(summary: &Summary, pending: usize, untold: Option<DeclarationId>, is_alone: bool) -> ExitCode {
    if let Some(id) = untold {
        complain(&format!(
            "日志已损坏：申报 {id} 的受理记录不存在 · the log is broken: it does not tell of the acceptance of declaration {id}"
        ));
        return ExitCode::FAILURE;
    }
    say(&format!(
        "日志完整 · the log is whole: {} entries, {} of them under {} signed checkpoints, {pending} waiting for a checkpoint; root {}",
        summary.entries, summary.signed, summary.checkpoints, summary.root
    ));
    if is_alone {
        say(
            "提示：截断到旧检查点的日志须用另存的检查点才能发现 · a log cut back to an old checkpoint is only seen with --since and a checkpoint saved elsewhere (audit checkpoint)",
        );
    }
    ExitCode::SUCCESS
}

fn tell_damage(damage: &Damage) {
    complain(&format!("日志已损坏 · the log is broken, first at: {}", damage.first));
    for broken in &damage.found {
        complain(&format!("  {broken}"));
    }
    if damage.unlisted > 0 {
        complain(&format!("  … {} more", damage.unlisted));
    }
}

async fn checkpoint(place: &WhereArgs) -> Result<ExitCode> {
    let Some(last) = place.open().await?.stored_checkpoints().await?.pop() else {
        bail!("没有检查点 · no checkpoint has been signed yet");
    };
    say(last.note.trim_end());
    Ok(ExitCode::SUCCESS)
}

async fn show(number: &str, place: &WhereArgs) -> Result<ExitCode> {
    let store = place.open().await?;
    let mut subjects: Vec<(Uuid, Option<DeclarationId>)> = Vec::new();
    if let Ok(id) = Uuid::parse_str(number) {
        subjects.push((id, Some(DeclarationId(id))));
    }
    for hit in store.find(None, &[number.to_owned()]).await? {
        let subject = hit.declaration.map(|id| (id.0, Some(id))).or_else(|| hit.document.map(|id| (id.0, None)));
        subjects.extend(subject.filter(|subject| !subjects.contains(subject)));
    }
    if subjects.is_empty() {
        bail!("没有这个单号 · nothing is kept under the number {number}");
    }
    for (subject, declaration) in subjects {
        tell(store.as_ref(), subject, declaration).await?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn tell(store: &dyn Store, subject: Uuid, declaration: Option<DeclarationId>) -> Result<()> {
    let mut subjects = vec![subject];
    if let Some(kept) = match declaration {
        Some(id) => store.show(None, id).await?,
        None => None,
    } {
        let dossier = &kept.dossier;
        say(&format!(
            "申报 · declaration {} — order {}, office {}, waybill {}",
            dossier.id,
            shown(&dossier.declaration.order.order_no),
            dossier.declaration.inventory.declared_at,
            shown(dossier.waybill_no.as_deref().unwrap_or("—"))
        ));
        let mut documents: Vec<_> = dossier.documents.iter().collect();
        documents.sort_by_key(|document| document.kind);
        for document in documents {
            let text = crate::explain::explain_state(document.kind, document.state);
            let code = document.last_word.as_ref().map_or("—", |word| word.code.as_str());
            say(&format!(
                "  {} {} [{}] {} · {}",
                document.kind.as_str(),
                document.state.as_str(),
                shown(code),
                text.meaning_zh,
                text.meaning_en
            ));
            subjects.push(document.id.0);
        }
    }
    let filter = EntryFilter { subjects: Some(subjects), pending: true, limit: 10_000, ..EntryFilter::default() };
    for placed in store.entries(filter).await? {
        let entry = placed.entry;
        let position = placed.position.map_or_else(|| "     —".to_owned(), |position| format!("{position:>6}"));
        let changes: Vec<_> = entry
            .changes
            .iter()
            .map(|change| format!("{}: {} → {}", change.field, shown(blank(&change.from)), shown(blank(&change.to))))
            .collect();
        let why = if entry.why.is_empty() { String::new() } else { format!(" ({})", shown(&entry.why)) };
        say(&format!("{position} {} {} {} {}{why}", entry.at, shown(&entry.actor.name), entry.act, changes.join(", ")));
    }
    Ok(())
}

fn blank(text: &str) -> &str {
    if text.is_empty() { "—" } else { text }
}
