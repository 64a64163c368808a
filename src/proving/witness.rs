//! Countersigning: a second key looks whether a log has only grown since it last looked, and says so beneath the log's checkpoint.

use super::{Published, Result};
use crate::audit::{Checkpoint, CheckpointError, LogKey, LogVerifier};

/// Why a witness does not sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// What the log gives is no checkpoint of it.
    #[error("所给检查点不属于该日志 · what the log gives is no checkpoint of it: {0}")]
    Checkpoint(CheckpointError),
    /// What the witness saw last is no checkpoint of this log.
    #[error("上次所见检查点不属于该日志 · what was seen last is no checkpoint of this log: {0}")]
    Seen(CheckpointError),
    /// The log was longer before.
    #[error("日志变短：上次 {old} 条，现 {size} 条 · the log was cut: it had {old} entries and has {size}")]
    Cut {
        /// Its size when it was last seen.
        old: u64,
        /// Its size now.
        size: u64,
    },
    /// The log does not begin with what was seen of it.
    #[error(
        "日志前 {old} 条与上次所见不一致：历史被改写 · the first {old} entries are not those that were seen: another history is shown now"
    )]
    Rewritten {
        /// The size that was seen.
        old: u64,
    },
    /// The tiles do not have the root that was signed.
    #[error("哈希块与检查点的根不符 · the tiles do not have the root that the checkpoint signs")]
    Root,
}

/// Looks at the newest checkpoint of a log, and countersigns it at a time (seconds since 1970) if the log has only grown since `seen`.
///
/// # Errors
/// The log cannot be read.
pub async fn countersign(
    log: &dyn Published,
    key: &LogVerifier,
    witness: &LogKey,
    seen: Option<&str>,
    seconds: u64,
) -> Result<std::result::Result<String, Refused>> {
    let note = log.checkpoint().await?;
    let head = match Checkpoint::open(&note, key) {
        Ok(head) => head,
        Err(error) => return Ok(Err(Refused::Checkpoint(error))),
    };
    let old = match seen.map(|seen| Checkpoint::open(seen, key)).transpose() {
        Ok(old) => old,
        Err(error) => return Ok(Err(Refused::Seen(error))),
    };
    let old = old.unwrap_or_else(|| Checkpoint { origin: head.origin.clone(), size: 0, root: crate::audit::Hash::EMPTY_ROOT });
    if old.size > head.size {
        return Ok(Err(Refused::Cut { old: old.size, size: head.size }));
    }
    let proof = super::consistency(log, old.size, head.size).await?;
    if proof.root != head.root {
        return Ok(Err(Refused::Root));
    }
    if proof.old_root != old.root {
        return Ok(Err(Refused::Rewritten { old: old.size }));
    }
    Ok(witness.cosign(&note, seconds).map_err(|error| Refused::Checkpoint(error.into())))
}
