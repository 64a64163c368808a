//! What is destroyed, as a line of a preview says it: a second person approves these lines, and a digest is of them.

use std::fmt;

use super::digest;
use crate::{archive::Name, retention::Month};

/// Something that has outlived its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An archive, by its name and the digest of its manifest.
    Archive(Name, String),
    /// Attempts at delivery of a month.
    Attempts(Month),
}

impl Target {
    /// Reads what [`Target`] writes; nothing if it is none.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let (kind, rest) = line.split_once(' ')?;
        match kind {
            "archive" => {
                let (name, manifest) = rest.split_once(' ')?;
                let is_digest = manifest.len() == 64 && manifest.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
                is_digest.then_some(Self::Archive(Name::parse(name)?, manifest.to_owned()))
            }
            "attempts" => Month::parse(rest).map(Self::Attempts),
            _ => None,
        }
    }

    /// A digest of lines, in whatever order they are: by it a preview is confirmed.
    #[must_use]
    pub fn digest_of(lines: &[String]) -> String {
        let mut lines = lines.to_vec();
        lines.sort_unstable();
        digest(&lines)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Archive(name, manifest) => write!(f, "archive {name} {manifest}"),
            Self::Attempts(month) => write!(f, "attempts {month}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_are_written_and_nothing_else_is() {
        let manifest = "0f".repeat(32);
        for line in [format!("archive 2026-11.3 {manifest}"), "attempts 2026-11".to_owned()] {
            assert_eq!(Target::parse(&line).unwrap().to_string(), line);
        }
        let upper = manifest.to_uppercase();
        for line in ["", "archive", "archive 2026-11.3", "attempts 2026-13", "attempts 2026-11 ", "all 2026-11"] {
            assert_eq!(Target::parse(line), None, "{line}");
        }
        for line in
            [format!("archive ../2026-11.3 {manifest}"), format!("archive 2026-11.3 {upper}"), format!("archive 2026-11.0 {manifest}")]
        {
            assert_eq!(Target::parse(&line), None, "{line}");
        }
    }

    #[test]
    fn the_digest_does_not_depend_on_the_order() {
        let [one, two, three] = ["archive 1", "attempts 2", "attempts 3"].map(str::to_owned);
        assert_eq!(Target::digest_of(&[one.clone(), two.clone()]), Target::digest_of(&[two.clone(), one.clone()]));
        assert_ne!(Target::digest_of(&[one.clone(), two]), Target::digest_of(&[one, three]));
    }
}
