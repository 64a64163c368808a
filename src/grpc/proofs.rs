//! Checkpoints and proofs, for who wants to see for himself.

use tonic::Status;
use uuid::Uuid;

use super::{Door, convert, proto, status};
use crate::{
    access::Caller,
    audit::{Entry, Hash},
    party::Tenant,
    proving::{self, Error, Kept},
    store::{EntryFilter, StoredCheckpoint, StoredRow},
    task,
};

const PAGE: u32 = 500;
/// Pages looked through for an entry of a subject.
const MOST_PAGES: usize = 20;

pub(super) async fn checkpoint(door: &Door, asked: &proto::CheckpointRequest) -> Result<proto::CheckpointResponse, Status> {
    let found = match asked.size {
        Some(size) if size < 0 => return Err(negative()),
        Some(size) => door.store().checkpoint_over(size).await,
        None => door.store().last_checkpoint().await,
    };
    let StoredCheckpoint { size, root, at, note } = found.map_err(|error| status::of_store(&error))?.ok_or_else(status::not_found)?;
    Ok(proto::CheckpointResponse { note, size, root, at: Some(convert::timestamp(at)) })
}

pub(super) async fn inclusion(
    door: &Door,
    caller: &Caller,
    asked: &proto::ProveInclusionRequest,
) -> Result<proto::ProveInclusionResponse, Status> {
    let row = row(door, caller, asked).await?;
    let size = size(door, asked.size).await?;
    let position = u64::try_from(row.position).map_err(|_| status::not_found())?;
    let proven = proving::inclusion(&log(door), position, size).await.map_err(of_proving)?;
    Ok(proto::ProveInclusionResponse {
        position: row.position,
        size: i64::try_from(size).map_err(|_| negative())?,
        root: proven.root.as_bytes().to_vec(),
        leaf: row.body,
        path: bytes(&proven.path),
        note: note(door, size, proven.root).await?,
    })
}

pub(super) async fn consistency(door: &Door, asked: &proto::ProveConsistencyRequest) -> Result<proto::ProveConsistencyResponse, Status> {
    let old = u64::try_from(asked.from_size).map_err(|_| negative())?;
    let size = size(door, asked.to_size).await?;
    if old > size {
        return Err(status::invalid("from_size 大于 to_size 或日志长度", "from_size is greater than to_size or than the log"));
    }
    let proven = proving::consistency(&log(door), old, size).await.map_err(of_proving)?;
    Ok(proto::ProveConsistencyResponse {
        from_size: asked.from_size,
        from_root: proven.old_root.as_bytes().to_vec(),
        to_size: i64::try_from(size).map_err(|_| negative())?,
        to_root: proven.root.as_bytes().to_vec(),
        path: bytes(&proven.path),
        note: note(door, size, proven.root).await?,
    })
}

fn log(door: &Door) -> Kept {
    Kept(std::sync::Arc::clone(&door.parts.store))
}

fn bytes(path: &[Hash]) -> Vec<Vec<u8>> {
    path.iter().map(|hash| hash.as_bytes().to_vec()).collect()
}

fn negative() -> Status {
    status::invalid("位置和长度不能为负", "positions and sizes are not negative")
}

/// The size asked for, or that of the newest checkpoint. A longer log than the signed one is none yet.
async fn size(door: &Door, asked: Option<i64>) -> Result<u64, Status> {
    let known = log(door).size().await.map_err(of_proving)?;
    match asked {
        None => Ok(known),
        Some(size) => {
            u64::try_from(size).map_err(|_| negative()).and_then(|size| if size <= known { Ok(size) } else { Err(status::not_found()) })
        }
    }
}

/// The row of the entry that is asked for, if it is one that the caller may see.
async fn row(door: &Door, caller: &Caller, asked: &proto::ProveInclusionRequest) -> Result<StoredRow, Status> {
    let position = match &asked.entry {
        Some(proto::prove_inclusion_request::Entry::Position(position)) if *position < 0 => return Err(negative()),
        Some(proto::prove_inclusion_request::Entry::Position(position)) => *position,
        Some(proto::prove_inclusion_request::Entry::EntryId(id)) => place(door, caller, id, &asked.subject).await?,
        None => return Err(status::invalid("须给出 position 或 entry_id", "position or entry_id is needed")),
    };
    let found = door.store().stored_entries(position, 1).await.map_err(|error| status::of_store(&error))?;
    let theirs = |row: &StoredRow| {
        let tenant = serde_json::from_slice::<Entry>(&row.body).ok().map(|entry| entry.actor.tenant);
        // Of what was archived only the columns tell whose it is.
        let tenant = if row.absent.is_some() { Tenant::parse(&row.tenant) } else { tenant };
        caller.scope.is_none() || tenant.as_ref() == caller.scope.as_ref()
    };
    let row = found.into_iter().find(|row| row.position == position && theirs(row)).ok_or_else(status::not_found)?;
    match &row.absent {
        None => Ok(row),
        Some(absent) => Err(status::away(&absent.told())),
    }
}

/// Where an entry stands.
async fn place(door: &Door, caller: &Caller, id: &str, subject: &str) -> Result<i64, Status> {
    let (Ok(id), Ok(subject)) = (Uuid::try_parse(id), Uuid::try_parse(subject)) else {
        return Err(status::invalid("entry_id 与 subject 均须为 UUID", "entry_id and subject are UUIDs, and both are needed"));
    };
    let mut filter = EntryFilter { tenant: caller.scope.clone(), subjects: Some(vec![subject]), limit: PAGE, ..EntryFilter::default() };
    for _ in 0..MOST_PAGES {
        let page = door.store().entries(filter.clone()).await.map_err(|error| status::of_store(&error))?;
        if let Some(placed) = page.iter().find(|placed| placed.entry.id == id) {
            return placed.position.ok_or_else(status::not_found);
        }
        match page.last().and_then(|placed| placed.position) {
            Some(last) if u32::try_from(page.len()) == Ok(PAGE) => filter.after = Some(last),
            _ => break,
        }
    }
    Err(status::not_found())
}

/// The checkpoint that was signed at just this size. One that signs another root than the tiles have shows damage.
async fn note(door: &Door, size: u64, root: Hash) -> Result<String, Status> {
    let size = i64::try_from(size).map_err(|_| negative())?;
    let found = door.store().checkpoint_over(size).await.map_err(|error| status::of_store(&error))?;
    match found.filter(|checkpoint| checkpoint.size == size) {
        Some(checkpoint) if checkpoint.root != root.as_bytes() => Err(of_proving(Error::Damaged)),
        Some(checkpoint) => Ok(checkpoint.note),
        None => Ok(String::new()),
    }
}

fn of_proving(error: Error) -> Status {
    match error {
        Error::Store(error) => status::of_store(&error),
        Error::Absent | Error::Proof(_) => status::not_found(),
        Error::Away(told) => status::away(&told),
        Error::Damaged | Error::Unreachable(_) => {
            tracing::error!(error = task::chain(&error), "无法给出审计日志的证明 · no proof of the audit log can be given");
            status::damaged()
        }
    }
}
