//! The log as stored, and what is shown to those who look in.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use uuid::Uuid;

use super::{Absent, Deadline, KeptFollowUp, KeptReceipt, NumberKind, Summed};
use crate::{
    audit::{Entry, Hash},
    check::Finding,
    clock::Timestamp,
    declaration::{DeclarationId, DocumentId, FollowUp, Kind},
    dossier::Dossier,
    party::{Tenant, Trace},
    state::State,
};

/// An entry that no checkpoint covers yet.
#[derive(Debug, Clone)]
pub struct PendingEntry {
    /// Its id.
    pub id: Uuid,
    /// The hash of its canonical bytes (RFC 6962).
    pub leaf: Hash,
    /// What was written together with it ends here. Entries may be given their place up to any, but elsewhere that can cost the store a
    /// great deal more.
    pub is_last: bool,
}

/// An entry as stored, with its place if it has one.
#[derive(Debug, Clone)]
pub struct PlacedEntry {
    /// Its place in the log; nothing before the sequencer has come by.
    pub position: Option<i64>,
    /// The entry.
    pub entry: Entry,
}

/// A full tile of the log (256 hashes).
#[derive(Debug, Clone)]
pub struct StoredTile {
    /// 0 for leaves.
    pub level: i64,
    /// Its place on the level.
    pub index: i64,
    /// 256 hashes of 32 bytes.
    pub hashes: Vec<u8>,
}

/// What is needed to go on with the log: its size and its edge.
#[derive(Debug, Clone, Default)]
pub struct LogHead {
    /// Entries with a place.
    pub size: i64,
    /// Leaf hashes after the last full tile.
    pub leaves: Vec<[u8; 32]>,
    /// The full tiles that no full tile above them covers, by level and index.
    pub tiles: Vec<StoredTile>,
}

/// New places for entries, guarded by the size of the log.
#[derive(Debug, Clone)]
pub struct Sequencing {
    /// The size it was decided on.
    pub expected_size: i64,
    /// Entry ids in their new order, with leaf hashes.
    pub entries: Vec<(Uuid, [u8; 32])>,
    /// Tiles that became full.
    pub tiles: Vec<StoredTile>,
    /// The new root.
    pub root: [u8; 32],
    /// The signed note over it.
    pub note: String,
}

/// A row of the log as stored, for a check of the whole.
#[derive(Debug, Clone)]
pub struct StoredRow {
    /// Its place.
    pub position: i64,
    /// The columns beside the body.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// Whose.
    pub tenant: String,
    /// About what.
    pub subject: Uuid,
    /// What was done.
    pub act: String,
    /// In which trace that its caller named.
    pub trace: Option<Uuid>,
    /// The leaf hash.
    pub leaf: Vec<u8>,
    /// The canonical bytes; none if they are absent.
    pub body: Vec<u8>,
    /// Why they are.
    pub absent: Option<Absent>,
}

/// A checkpoint as stored.
#[derive(Debug, Clone)]
pub struct StoredCheckpoint {
    /// How many entries it covers.
    pub size: i64,
    /// The root over them.
    pub root: Vec<u8>,
    /// When it was signed.
    pub at: Timestamp,
    /// The signed note.
    pub note: String,
}

/// The traces in which callers submitted declarations, by their ids.
pub type Traces = HashMap<Uuid, Trace>;

/// Which audit entries are wanted.
#[derive(Debug, Clone, Default)]
pub struct EntryFilter {
    /// Only of this tenant.
    pub tenant: Option<Tenant>,
    /// Only about these subjects.
    pub subjects: Option<Vec<Uuid>>,
    /// Only of this trace: of the caller's that named it, or where none was named, of what was done to the declaration whose id it is.
    pub trace: Option<Uuid>,
    /// Only this act.
    pub act: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// Only with a greater position.
    pub after: Option<i64>,
    /// Only with a smaller position.
    pub before: Option<i64>,
    /// Also those without a position yet, at the end.
    pub pending: bool,
    /// At most so many.
    pub limit: u32,
}

/// What a number leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The number as asked.
    pub number: String,
    /// What kind of number it is here.
    pub kind: NumberKind,
    /// The declaration.
    pub declaration: Option<DeclarationId>,
    /// The document, of a waybill without a declaration.
    pub document: Option<DocumentId>,
}

/// Which decisions are wanted.
#[derive(Debug, Clone, Default)]
pub struct DecisionFilter {
    /// Only of this tenant.
    pub tenant: Option<Tenant>,
    /// Only after this declaration.
    pub after: Option<DeclarationId>,
    /// As it stood then; as it stands now, if no time is named.
    pub until: Option<Timestamp>,
    /// Also what of this kind was submitted about the declaration.
    pub kind: Option<Kind>,
    /// Only these.
    pub only: Option<Only>,
    /// At most so many declarations.
    pub limit: u32,
}

/// Declarations that are wanted by themselves.
#[derive(Debug, Clone)]
pub enum Only {
    /// Those of a record's lines.
    OfRecord(Uuid),
    /// These, as far as they are there, in whatever order.
    These(Vec<DeclarationId>),
}

/// A declaration with the decision on its lines.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The declaration with its documents, as it stands now.
    pub dossier: Dossier,
    /// The last decision made by the time asked for, as JSON; nothing, if there was none by then.
    pub assessment: Option<String>,
    /// What of the kind asked for was submitted about it by then, oldest first.
    pub follow_ups: Vec<(KeptFollowUp, Arc<FollowUp>)>,
}

/// A declaration as shown: all that is kept of it but the raw bytes.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The declaration with its documents.
    pub dossier: Dossier,
    /// Warnings given at acceptance.
    pub warnings: Vec<Finding>,
    /// Exemption decisions as JSON, oldest first.
    pub assessments: Vec<String>,
    /// Receipts, oldest first by returnTime.
    pub receipts: Vec<KeptReceipt>,
    /// How often it was amended, and the digest of the request that last did.
    pub amended: (u32, Option<[u8; 32]>),
    /// What was submitted on its own about it, oldest first.
    pub follow_ups: Vec<KeptFollowUp>,
    /// What customs summed it into.
    pub summed: Option<Summed>,
    /// Its open deadlines, earliest first.
    pub deadlines: Vec<Deadline>,
}

/// Which declarations are wanted, in the order of their ids (time).
#[derive(Debug, Clone, Default)]
pub struct ListFilter {
    /// Only of this tenant.
    pub tenant: Option<Tenant>,
    /// Only declared at offices whose code starts so.
    pub office: Option<String>,
    /// Only whose inventory is in this state.
    pub state: Option<State>,
    /// Only after this id.
    pub after: Option<DeclarationId>,
    /// At most so many.
    pub limit: u32,
}

/// A page of declarations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listed {
    /// Those that can be read.
    pub dossiers: Vec<Dossier>,
    /// Those that are there and cannot be read: the log says why.
    pub unreadable: Vec<DeclarationId>,
    /// The last of the page, be it readable or not.
    pub last: Option<DeclarationId>,
}

impl Listed {
    /// What was read of those that are there.
    pub(super) fn of(ids: &[Uuid], dossiers: Vec<Dossier>) -> Self {
        let read: HashSet<_> = dossiers.iter().map(|dossier| dossier.id.0).collect();
        let unreadable = ids.iter().filter(|id| !read.contains(id)).map(|id| DeclarationId(*id)).collect();
        Self { dossiers, unreadable, last: ids.last().map(|id| DeclarationId(*id)) }
    }

    /// How many are in the page.
    #[must_use]
    pub fn len(&self) -> usize {
        self.dossiers.len() + self.unreadable.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// How many documents of a kind are in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// The kind.
    pub kind: Kind,
    /// The state.
    pub state: State,
    /// How many.
    pub count: i64,
}
