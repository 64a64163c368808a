//! `audit export`: what the log tells of one declaration, for a third party.

use std::{fs, io::Write, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::Args;

use super::{WhereArgs, led_to, say};
use crate::{
    check::characters::is_unseen,
    proving::{Error, Kept, bundle::Bundle},
};

#[derive(Debug, Args)]
pub(in crate::cli) struct ExportArgs {
    /// 订单号、运单号、copNo、预录入号、清单号 · An order, waybill, enterprise, port or inventory number, or our id.
    number: String,
    /// 写入的文件；默认标准输出 · The file to write; standard output without it. Never written over.
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    place: WhereArgs,
}

pub(super) async fn export(args: &ExportArgs) -> Result<ExitCode> {
    let key = args.place.verifier()?;
    let store = args.place.open().await?;
    let mut subjects = Vec::new();
    for (subject, declaration) in led_to(store.as_ref(), &args.number).await? {
        subjects.push(subject);
        if let Some(id) = declaration
            && let Some(kept) = store.show(None, id).await?
        {
            subjects.extend(kept.dossier.documents.iter().map(|document| document.id.0));
        }
    }
    let bundle = match Bundle::make(&Kept(store), subjects, &key).await {
        Err(Error::Absent) => {
            anyhow::bail!("尚无已签名的记录，请稍后再试 · nothing about it is under a signed checkpoint yet: try again in a moment")
        }
        made => made?,
    };
    let text = escaped(&serde_json::to_string_pretty(&bundle)?);
    match &args.out {
        None => say(&text),
        Some(file) => {
            let cannot = || format!("{0} 无法写入 · {0} cannot be written", file.display());
            let mut written = fs::File::create_new(file).with_context(cannot)?;
            written
                .write_all(text.as_bytes())
                .and_then(|()| written.write_all(b"\n"))
                .and_then(|()| written.sync_all())
                .with_context(cannot)?;
            say(&format!("{}: {} entries", file.display(), bundle.entries.len()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// JSON in which everything that is not seen is written as its number: it may be looked at on a terminal.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unseen(c) && c != '\n' {
            text.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            text.push(c);
        }
    }
    text
}
