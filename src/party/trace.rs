//! In the course of what something is done: a caller's trace context (W3C Trace Context, `traceparent`).

use std::{fmt, num::NonZeroU64, num::NonZeroU128, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// A trace, and the caller's own span in it. Written as `traceparent` is: `00-<trace id>-<span id>-<flags>`, in lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Trace {
    /// The trace's id: 32 hexadecimal digits.
    pub id: NonZeroU128,
    /// The span out of which we were called: 16 hexadecimal digits.
    pub span: NonZeroU64,
    /// Whether the caller itself records the trace.
    pub is_sampled: bool,
}

/// A text is no trace context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a W3C traceparent")]
pub struct NoTrace;

impl Trace {
    /// The trace's id alone, as it is kept to search by.
    #[must_use]
    pub const fn as_uuid(&self) -> Uuid {
        Uuid::from_u128(self.id.get())
    }

    /// The trace's id alone, as it is shown.
    #[must_use]
    pub fn shown(id: NonZeroU128) -> String {
        format!("{id:032x}")
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.id, self.span, u8::from(self.is_sampled))
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Trace {
    type Err = NoTrace;

    /// Reads a `traceparent` of any version; of later ones, what the first has as well.
    fn from_str(text: &str) -> Result<Self, NoTrace> {
        const LENGTH: usize = 55;
        let (head, rest) = text.split_at_checked(LENGTH).ok_or(NoTrace)?;
        let is_ours = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte) || byte == b'-';
        let [version, id, span, flags] = head.split('-').collect::<Vec<_>>()[..] else { return Err(NoTrace) };
        let fits = [version, id, span, flags].map(str::len) == [2, 32, 16, 2] && head.bytes().all(is_ours);
        let ends = rest.is_empty() || (version != "00" && rest.starts_with('-'));
        if !fits || !ends || version == "ff" {
            return Err(NoTrace);
        }
        let number = |text: &str| u128::from_str_radix(text, 16).map_err(|_| NoTrace);
        Ok(Self {
            id: NonZeroU128::new(number(id)?).ok_or(NoTrace)?,
            span: u64::try_from(number(span)?).ok().and_then(NonZeroU64::new).ok_or(NoTrace)?,
            is_sampled: number(flags)? & 1 == 1,
        })
    }
}

impl Serialize for Trace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Trace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_what_w3c_gives_as_examples_and_writes_it_again() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let trace: Trace = text.parse().unwrap();
        assert_eq!(trace.to_string(), text);
        assert_eq!(Trace::shown(trace.id), "0af7651916cd43dd8448eb211c80319c");
        assert!(trace.is_sampled && !text.replace("-01", "-00").parse::<Trace>().unwrap().is_sampled);
        let later = format!("cc{}-what-will-be", &text[2..]);
        assert_eq!(later.parse(), Ok(trace), "a later version says what this one does");
        assert_eq!(serde_json::from_str::<Trace>(&serde_json::to_string(&trace).unwrap()).unwrap(), trace);
    }

    #[test]
    fn nothing_else_is_one() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        for bad in [
            String::new(),
            "00".to_owned(),
            good.to_uppercase(),
            format!("{good}-more"),
            format!("ff{}", &good[2..]),
            good.replace("0af7651916cd43dd8448eb211c80319c", "00000000000000000000000000000000"),
            good.replace("b7ad6b7169203331", "0000000000000000"),
            good.replace('-', "_"),
            good.replace("0af7", "0-f7"),
            good.replace("0af7", "+af7"),
            format!("{}通", &good[..54]),
            format!("01{}x", &good[2..]),
        ] {
            assert_eq!(bad.parse::<Trace>(), Err(NoTrace), "{bad}");
        }
    }
}
