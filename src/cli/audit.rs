//! `audit …`: the log read without any right to write.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use uuid::Uuid;

use super::{complain, say, shown};
use crate::{
    archive::Archives,
    audit::LogVerifier,
    declaration::DeclarationId,
    desk::trace_asked,
    party::{Actor, Trace},
    store::{
        self, EntryFilter, PlacedEntry, Store,
        postgres::{self, Address, Postgres},
        sqlite::Sqlite,
    },
};

mod export;
mod verify;
mod witness;

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// 校验审计日志，指出第一条被改动的记录 · Verifies the log and names the first entry that was altered, removed or reordered.
    Verify(verify::VerifyArgs),
    /// 导出一票申报的审计证明，供第三方离线校验 · Writes what the log tells of one declaration with proofs, for a third party to verify offline.
    Export(export::ExportArgs),
    /// 以第二把密钥副署最新检查点 · Countersigns the newest checkpoint with a second key, if the log has only grown since that key last looked.
    Witness(witness::WitnessArgs),
    /// 输出最新的签名检查点，可另存他处 · Prints the latest signed checkpoint, to be saved elsewhere.
    Checkpoint(WhereArgs),
    /// 按任一单号讲述一票申报的经过 · Tells a declaration's story by any of its numbers.
    Show {
        /// 订单号、运单号、copNo、预录入号、清单号 · An order, waybill, enterprise, port or inventory number, or our id.
        number: String,
        #[command(flatten)]
        place: WhereArgs,
    },
    /// 查找一条追踪中的全部记录 · Every entry of a trace.
    Search {
        /// 追踪号，32位十六进制；调用方未给追踪号的，即申报 ID · The trace's id, 32 hexadecimal digits; without a caller's, the declaration's id.
        #[arg(long, value_parser = trace)]
        trace: Uuid,
        /// 最多条数 · At most so many.
        #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// 从此位置之后 · Only after this position.
        #[arg(long)]
        after: Option<i64>,
        #[command(flatten)]
        place: WhereArgs,
    },
}

fn trace(text: &str) -> Result<Uuid, String> {
    trace_asked(text).ok_or_else(|| "追踪号应为32位十六进制 · a trace has 32 hexadecimal digits".to_owned())
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
    /// 归档所在文件夹 · The folder in which archives lie; without it what was archived is told by its hash alone.
    #[arg(long)]
    archives: Option<PathBuf>,
}

impl WhereArgs {
    pub(super) async fn open(&self) -> Result<Arc<dyn Store>> {
        let cannot = |what: &dyn std::fmt::Display| format!("{what} 无法打开 · cannot be opened");
        if let Some(folder) = self.archives.as_ref().filter(|folder| !folder.is_dir()) {
            bail!("归档文件夹 {0} 不存在 · the folder of archives {0} is not there", folder.display());
        }
        let archives = self.archives.as_deref().map(Archives::at).unwrap_or_default();
        if let Some(url) = self.store.as_ref().filter(|store| Address::is_one(store)) {
            let options = postgres::Options::at(url);
            let store = Postgres::open_read_only(&options).await.with_context(|| cannot(&options.url))?;
            return Ok(Arc::new(store.with_archives(archives)));
        }
        let file = self.store.as_ref().map_or_else(|| only_one(&self.dir, "db"), |file| Ok(PathBuf::from(file)))?;
        let store = Sqlite::open_read_only(&file).await.with_context(|| cannot(&file.display()))?;
        Ok(Arc::new(store.with_archives(archives)))
    }

    /// The public key; a log elsewhere has none here, so that `key` must be given.
    fn verifier(&self) -> Result<LogVerifier> {
        let file = self.key.clone().map_or_else(|| only_one(&self.dir, "vkey"), Ok)?;
        let text =
            fs::read_to_string(&file).with_context(|| format!("公钥 {0} 无法读取 · the public key {0} cannot be read", file.display()))?;
        LogVerifier::parse(text.trim()).with_context(|| format!("{0} 中没有日志公钥 · {0} holds no public key of a log", file.display()))
    }
}

fn read(file: &Path) -> Result<String> {
    /// Checkpoints and bundles are far smaller.
    const LARGEST: u64 = 64 << 20;
    let cannot = || format!("{0} 无法读取 · {0} cannot be read", file.display());
    if fs::metadata(file).with_context(cannot)?.len() > LARGEST {
        bail!("{0} 过大 · {0} is too large", file.display());
    }
    fs::read_to_string(file).with_context(cannot)
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
        AuditCommand::Verify(args) => verify::verify(args).await,
        AuditCommand::Export(args) => export::export(args).await,
        AuditCommand::Witness(args) => witness::witness(args).await,
        AuditCommand::Checkpoint(place) => checkpoint(place).await,
        AuditCommand::Show { number, place } => show(number, place).await,
        AuditCommand::Search { trace, limit, after, place } => search(*trace, *limit, *after, place).await,
    }
}

async fn checkpoint(place: &WhereArgs) -> Result<ExitCode> {
    let Some(last) = place.open().await?.stored_checkpoints().await?.pop() else {
        bail!("没有检查点 · no checkpoint has been signed yet");
    };
    say(last.note.trim_end());
    Ok(ExitCode::SUCCESS)
}

/// What a number leads to: what the log tells of it under these ids, and the declaration, if it is one.
async fn led_to(store: &dyn Store, number: &str) -> Result<Vec<(Uuid, Option<DeclarationId>)>> {
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
    Ok(subjects)
}

async fn show(number: &str, place: &WhereArgs) -> Result<ExitCode> {
    let store = place.open().await?;
    for (subject, declaration) in led_to(store.as_ref(), number).await? {
        tell(store.as_ref(), subject, declaration).await?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn tell(store: &dyn Store, subject: Uuid, declaration: Option<DeclarationId>) -> Result<()> {
    let mut subjects = vec![subject];
    let kept = match declaration {
        Some(id) => store.show(None, id).await,
        None => Ok(None),
    };
    let kept = match kept {
        // Its entries still tell when what was done to it.
        Err(store::Error::Archived(error)) => {
            say(&error.to_string());
            None
        }
        kept => kept?,
    };
    if let Some(kept) = kept {
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
        say(&line(&placed));
    }
    Ok(())
}

async fn search(trace: Uuid, limit: u32, after: Option<i64>, place: &WhereArgs) -> Result<ExitCode> {
    let store = place.open().await?;
    let found = store.entries(EntryFilter { trace: Some(trace), after, pending: true, limit, ..EntryFilter::default() }).await?;
    if found.is_empty() {
        bail!("没有这条追踪的记录 · the log tells nothing of that trace");
    }
    for placed in &found {
        let subject = placed.entry.subject;
        let about = if subject.is_nil() { String::new() } else { format!(" {subject}") };
        say(&format!("{}{about}", line(placed)));
    }
    let is_full = u32::try_from(found.len()).is_ok_and(|len| len >= limit);
    if let Some(last) = found.last().and_then(|placed| placed.position).filter(|_| is_full) {
        complain(&format!("后面还有 · there may be more: --after {last}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// An entry in one line.
fn line(placed: &PlacedEntry) -> String {
    let entry = &placed.entry;
    let position = placed.position.map_or_else(|| "     —".to_owned(), |position| format!("{position:>6}"));
    let changes: Vec<_> = entry
        .changes
        .iter()
        .map(|change| format!("{}: {} → {}", change.field, shown(blank(&change.from)), shown(blank(&change.to))))
        .collect();
    let why = if entry.why.is_empty() { String::new() } else { format!(" ({})", shown(&entry.why)) };
    format!("{position} {} {} {} {}{why}", entry.at, who(&entry.actor), entry.act, changes.join(", "))
}

/// Who it was, from where, in the course of what, as far as it is known.
fn who(actor: &Actor) -> String {
    let from = actor.address.map(|address| format!("@{address}")).unwrap_or_default();
    let trace = actor.trace.map(|trace| format!(" [{}]", Trace::shown(trace.id))).unwrap_or_default();
    format!("{}:{}{from}{trace}", actor.role.as_str(), shown(&actor.name))
}

fn blank(text: &str) -> &str {
    if text.is_empty() { "—" } else { text }
}
