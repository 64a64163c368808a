//! What may be found broken in a kept log, and how to say it.

use std::fmt;

/// Where something is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The entry at a position, counted from 0.
    Entry(u64),
    /// One or more of these entries, both ends included.
    Entries {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
    },
    /// A tile.
    Tile {
        /// Its level.
        level: u8,
        /// Its index in the level.
        index: u64,
        /// The first entry under the first hash that is wrong.
        first: u64,
    },
    /// The checkpoint whose row has this size.
    Checkpoint {
        /// The size as the row has it.
        size: i64,
    },
}

impl Place {
    /// The first position it concerns.
    #[must_use]
    pub fn position(&self) -> u64 {
        match *self {
            Self::Entry(first) | Self::Entries { first, .. } | Self::Tile { first, .. } => first,
            Self::Checkpoint { size } => u64::try_from(size).unwrap_or(0).saturating_sub(1),
        }
    }
}

/// What is wrong there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No row has this position.
    Missing,
    /// A row has a position that was there before, or that no log has.
    Stray {
        /// The position the row has.
        position: i64,
    },
    /// The row cannot be read at all.
    Unreadable,
    /// The entry is not the one that was sequenced here.
    Altered,
    /// An entry of another position stands here.
    Moved {
        /// Where it belongs.
        from: u64,
    },
    /// The entry is right, the hash beside it is not.
    LeafAltered,
    /// The entry, the hash beside it and the tile do not agree, and no checkpoint tells which is right.
    Undecided,
    /// A column does not say what the entry says.
    Column(&'static str),
    /// What was sequenced here is not an entry.
    NotAnEntry,
    /// A tile is not made of the hashes of the entries under it.
    TileAltered,
    /// A full tile was not kept.
    TileMissing,
    /// Tiles are kept that belong to no entries.
    TilesTooMany {
        /// How many.
        count: u64,
    },
    /// The note is not a checkpoint.
    NoteMalformed,
    /// The note is not signed by the log.
    NoteUnsigned,
    /// The note is the checkpoint of another log.
    OtherLog,
    /// Size or root in the row are not those of the note.
    NoteDiffers,
    /// The sizes of the checkpoints do not increase.
    OutOfOrder,
    /// The log signed another root over these entries and those before them.
    RootDiffers {
        /// How many entries the signed root covers.
        size: u64,
    },
}

/// One thing that is broken in a kept log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken {
    /// Where.
    pub place: Place,
    /// What.
    pub fault: Fault,
}

impl Broken {
    /// The first position it concerns.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.place.position()
    }

    /// Orders what is found. A signed root that differs says only that something up to its end is wrong: what names an entry within
    /// comes before it.
    pub(super) fn rank(&self) -> u64 {
        match (self.place, self.fault) {
            (Place::Entries { last, .. }, Fault::RootDiffers { .. }) => last,
            _ => self.position(),
        }
    }

    /// In English.
    #[must_use]
    pub fn en(&self) -> String {
        let place = match self.place {
            Place::Entry(position) => format!("entry {position}"),
            Place::Entries { first, last } if first == last => format!("entry {first}"),
            Place::Entries { first, last } => format!("entries {first} to {last}"),
            Place::Tile { level, index, first } => format!("tile {index} of level {level}, from entry {first}"),
            Place::Checkpoint { size } => format!("checkpoint of {size} entries"),
        };
        format!("{place}: {}", self.fault.en())
    }

    /// In Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        let place = match self.place {
            Place::Entry(position) => format!("第 {position} 号记录"),
            Place::Entries { first, last } if first == last => format!("第 {first} 号记录"),
            Place::Entries { first, last } => format!("第 {first} 至 {last} 号记录"),
            Place::Tile { level, index, first } => format!("第 {level} 层第 {index} 号哈希块（自第 {first} 号记录起）"),
            Place::Checkpoint { size } => format!("覆盖 {size} 条记录的检查点"),
        };
        format!("{place}：{}", self.fault.zh())
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.zh(), self.en())
    }
}

impl Fault {
    fn en(self) -> String {
        match self {
            Self::Missing => "removed: no row is there".to_owned(),
            Self::Stray { position } => format!("a row too many has position {position}"),
            Self::Unreadable => "the row cannot be read".to_owned(),
            Self::Altered => "altered: it is not the entry that was sequenced here".to_owned(),
            Self::Moved { from } => format!("reordered: the entry of position {from} stands here"),
            Self::LeafAltered => "the hash kept beside it was altered".to_owned(),
            Self::Undecided => "the entry, the hash beside it and the tile do not agree".to_owned(),
            Self::Column(column) => format!("altered: column {column} does not say what the entry says"),
            Self::NotAnEntry => "what is kept is not an audit entry".to_owned(),
            Self::TileAltered => "altered: the hashes are not those of the entries".to_owned(),
            Self::TileMissing => "removed: the full tile is not there".to_owned(),
            Self::TilesTooMany { count } => {
                format!("{count} tiles are kept that belong to no entries: entries were removed, or tiles added")
            }
            Self::NoteMalformed => "the signed note is not a checkpoint".to_owned(),
            Self::NoteUnsigned => "the log's key did not sign this".to_owned(),
            Self::OtherLog => "it is the checkpoint of another log".to_owned(),
            Self::NoteDiffers => "altered: the row does not say what the signed note says".to_owned(),
            Self::OutOfOrder => "it does not cover more entries than the one before".to_owned(),
            Self::RootDiffers { size } => {
                format!("altered, removed, added or reordered: the signed root over the first {size} entries is another")
            }
        }
    }

    fn zh(self) -> String {
        match self {
            Self::Missing => "被删除，记录不存在".to_owned(),
            Self::Stray { position } => format!("多出一行，位置为 {position}"),
            Self::Unreadable => "该行无法读取".to_owned(),
            Self::Altered => "被篡改，不是当初排入此处的记录".to_owned(),
            Self::Moved { from } => format!("被调换，此处放的是第 {from} 号记录"),
            Self::LeafAltered => "旁存的哈希被篡改".to_owned(),
            Self::Undecided => "记录、旁存哈希与哈希块三者不一致".to_owned(),
            Self::Column(column) => format!("被篡改，列 {column} 与记录内容不一致"),
            Self::NotAnEntry => "所存内容不是审计记录".to_owned(),
            Self::TileAltered => "被篡改，哈希与记录不符".to_owned(),
            Self::TileMissing => "被删除，已满的哈希块不存在".to_owned(),
            Self::TilesTooMany { count } => format!("多出 {count} 个没有对应记录的哈希块：记录被删除，或哈希块被添加"),
            Self::NoteMalformed => "签名文本不是检查点".to_owned(),
            Self::NoteUnsigned => "不是本日志密钥的签名".to_owned(),
            Self::OtherLog => "这是另一个日志的检查点".to_owned(),
            Self::NoteDiffers => "被篡改，该行与签名文本不一致".to_owned(),
            Self::OutOfOrder => "覆盖的记录数没有比前一个检查点增加".to_owned(),
            Self::RootDiffers { size } => format!("被篡改、删除、插入或调换：与前 {size} 条记录的签名根不符"),
        }
    }
}

/// All that is broken in a kept log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{first}")]
pub struct Damage {
    /// The one that concerns the earliest entry; a range counts by its end.
    pub first: Broken,
    /// All that were listed, in the same order.
    pub found: Vec<Broken>,
    /// How many more there were that were not listed.
    pub unlisted: u64,
}
