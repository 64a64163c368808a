//! Checkpoints (C2SP tlog-checkpoint): the signed head of the tree at a size.

use super::{
    hash::Hash,
    note::{LogKey, LogVerifier, NoteError},
};

/// The head of a log's tree: which log, how many entries, and the root over them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the log; the name of its key is the same.
    pub origin: String,
    /// How many entries it covers.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// What is wrong with a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note around it is not right.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The text is not origin, size and root, a line each.
    #[error("内容不是检查点 · the text of the note is not a checkpoint")]
    Text,
    /// It is the checkpoint of another log.
    #[error("检查点属于另一份日志 · the checkpoint is that of another log")]
    OtherLog,
}

impl Checkpoint {
    /// Origin, size and root, a line each.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }

    /// Reads the text of a checkpoint; lines after the third may mean something to others and are passed over.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        if origin.is_empty() || lines.any(str::is_empty) {
            return None;
        }
        let size = size.parse().ok().filter(|number: &u64| number.to_string() == size)?;
        Some(Self { origin: origin.to_owned(), size, root: Hash::parse(root)? })
    }

    /// Signs it as the log.
    ///
    /// # Errors
    /// The key is that of another log.
    pub fn sign(&self, key: &LogKey) -> Result<String, CheckpointError> {
        if self.origin != key.name() {
            return Err(CheckpointError::OtherLog);
        }
        Ok(key.sign(&self.to_text())?)
    }

    /// Reads a checkpoint that the log signed.
    ///
    /// # Errors
    /// It is no note, not signed by the log, no checkpoint, or that of another log.
    pub fn open(note: &str, log: &LogVerifier) -> Result<Self, CheckpointError> {
        let checkpoint = Self::parse(log.open(note)?).ok_or(CheckpointError::Text)?;
        if checkpoint.origin == log.name() { Ok(checkpoint) } else { Err(CheckpointError::OtherLog) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of tlog-checkpoint.
    const EXAMPLE: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    #[test]
    fn the_example_of_the_specification_reads_back() {
        let checkpoint = Checkpoint::parse(EXAMPLE).unwrap();
        assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("example.com/behind-the-sofa", 20_852_163));
        assert_eq!(checkpoint.to_text(), EXAMPLE);
        assert_eq!(Checkpoint::parse(&format!("{EXAMPLE}an extension\n")), Some(checkpoint));
    }

    #[test]
    fn what_is_no_checkpoint_is_refused() {
        let cases = [
            "",
            "\n\n\n",
            EXAMPLE.trim_end(),
            &EXAMPLE.replace("20852163", "020852163"),
            &EXAMPLE.replace("20852163", "+20852163"),
            &EXAMPLE.replace("20852163", "-1"),
            &EXAMPLE.replace("20852163", "18446744073709551616"),
            &EXAMPLE.replace("q2I=", "q2J="),
            &EXAMPLE.replace("example.com/behind-the-sofa", ""),
            &format!("{EXAMPLE}\n"),
        ];
        for case in cases {
            assert_eq!(Checkpoint::parse(case), None, "{case:?}");
        }
    }

    #[test]
    fn only_the_log_itself_can_sign_for_it() {
        let key = LogKey::new("tongguan.example/log", &[1; 32]).unwrap();
        let checkpoint = Checkpoint { origin: key.name().to_owned(), size: 0, root: Hash::EMPTY_ROOT };
        let note = checkpoint.sign(&key).unwrap();
        assert_eq!(Checkpoint::open(&note, &key.verifier()), Ok(checkpoint.clone()));
        let other = Checkpoint { origin: "tongguan.example/other".to_owned(), ..checkpoint };
        assert_eq!(other.sign(&key), Err(CheckpointError::OtherLog));
        let astray = key.sign(&other.to_text()).unwrap();
        assert_eq!(Checkpoint::open(&astray, &key.verifier()), Err(CheckpointError::OtherLog));
        let no_checkpoint = key.sign("hello\n").unwrap();
        assert_eq!(Checkpoint::open(&no_checkpoint, &key.verifier()), Err(CheckpointError::Text));
        let namesake = LogKey::new(key.name(), &[2; 32]).unwrap();
        assert_eq!(Checkpoint::open(&note, &namesake.verifier()), Err(CheckpointError::Note(NoteError::Unsigned)));
    }
}
