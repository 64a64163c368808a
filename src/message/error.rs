//! What can be wrong with a message: short texts in both languages, with the place. They name elements, never values.

use std::{borrow::Cow, fmt};

/// Where in a message: counted from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// The bytes are not UTF-8.
    NotUtf8,
    /// The declaration names another encoding.
    OtherEncoding,
    /// More bytes than are read.
    TooLarge,
    /// Deeper than is read.
    TooDeep,
    /// More elements than are read.
    TooManyElements,
    /// More attributes on one element than are read.
    TooManyAttributes,
    /// A DOCTYPE.
    Doctype,
    /// A processing instruction.
    Instruction,
    /// An entity that is not one of the five.
    Entity,
    /// A character that XML does not allow.
    Character,
    /// Not well-formed.
    Syntax,
    /// A prefix that is bound to no namespace.
    Prefix,
    /// An attribute given twice.
    AttributeTwice,
    /// An element that may be there once is there twice.
    ElementTwice,
    /// No message type that we know.
    UnknownMessage,
    /// An element or a value is missing.
    Missing,
    /// A value is longer than it may be, or is not what belongs there.
    Value,
    /// Not 1 to 100 documents or receipts.
    Count,
    /// What is to be sent is not of the message's kind, or lacks what its kind needs.
    Content,
    /// Not base64.
    Base64,
    /// A message that the pack of its date does not have.
    NotInPack,
}

impl Problem {
    const fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::NotUtf8 => ("报文不是 UTF-8 编码（可能是 GBK）", "the message is not UTF-8 (perhaps GBK)"),
            Self::OtherEncoding => ("报文声明的编码不是 UTF-8", "the message declares an encoding other than UTF-8"),
            Self::TooLarge => ("报文过大", "the message is too large"),
            Self::TooDeep => ("报文层次过深", "the message is nested too deeply"),
            Self::TooManyElements => ("报文节点过多", "the message has too many elements"),
            Self::TooManyAttributes => ("节点属性过多", "an element has too many attributes"),
            Self::Doctype => ("不接受 DOCTYPE", "DOCTYPE is not accepted"),
            Self::Instruction => ("不接受处理指令", "processing instructions are not accepted"),
            Self::Entity => ("不接受自定义实体", "only the five predefined entities and character references are accepted"),
            Self::Character => ("含有 XML 不允许的字符", "a character that XML does not allow"),
            Self::Syntax => ("XML 格式错误", "not well-formed XML"),
            Self::Prefix => ("命名空间前缀未声明", "a prefix is bound to no namespace"),
            Self::AttributeTwice => ("属性重复", "an attribute is given twice"),
            Self::ElementTwice => ("节点重复", "an element is there twice"),
            Self::UnknownMessage => ("未知报文类型", "unknown message type"),
            Self::Missing => ("缺少节点或值", "an element or its value is missing"),
            Self::Value => ("值不符合要求", "a value is not what belongs there"),
            Self::Count => ("单证数量应为 1 至 100", "there must be 1 to 100 documents"),
            Self::Content => ("单证内容与报文类型不符", "the document does not fit the message"),
            Self::Base64 => ("Base64 内容错误", "not base64"),
            Self::NotInPack => ("该日期的报文规范中没有此报文", "the specification of that date has no such message"),
        }
    }
}

/// A message that cannot be read or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    problem: Problem,
    subject: Cow<'static, str>,
    place: Option<Place>,
}

/// The most characters of a name that is told: names in a message may be as long as the message.
const LONGEST_SUBJECT: usize = 60;

impl Error {
    pub(super) fn new(problem: Problem, subject: impl Into<Cow<'static, str>>) -> Self {
        let mut subject = subject.into();
        if let Some((end, _)) = subject.char_indices().nth(LONGEST_SUBJECT) {
            subject.to_mut().truncate(end);
        }
        Self { problem, subject, place: None }
    }

    /// Says where: at byte `offset` of `text`.
    pub(super) fn at(mut self, text: &str, offset: usize) -> Self {
        let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
        let line_start = before.iter().rposition(|&b| b == b'\n').map_or(0, |newline| newline + 1);
        let characters = before.iter().skip(line_start).filter(|&&b| b & 0xC0 != 0x80).count();
        self.place = Some(Place { line: before.iter().filter(|&&b| b == b'\n').count() + 1, column: characters + 1 });
        self
    }

    /// What is wrong.
    #[must_use]
    pub const fn problem(&self) -> Problem {
        self.problem
    }

    /// Which element, attribute or encoding; may be empty.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Where, if it came from bytes.
    #[must_use]
    pub const fn place(&self) -> Option<Place> {
        self.place
    }

    /// In Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        let place = self.place.map_or_else(String::new, |place| format!("（第 {} 行第 {} 列）", place.line, place.column));
        let subject = if self.subject.is_empty() { String::new() } else { format!("：{}", self.subject) };
        format!("{}{subject}{place}", self.problem.texts().0)
    }
}

/// In English.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.problem.texts().1)?;
        if !self.subject.is_empty() {
            write!(f, ": {}", self.subject)?;
        }
        self.place.map_or(Ok(()), |place| write!(f, " (line {}, column {})", place.line, place.column))
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::new(problem, "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_and_where_in_both_languages() {
        let error = Error::new(Problem::Entity, "nbsp").at("<a>\n中文&nbsp;</a>", 10);
        assert_eq!(error.place(), Some(Place { line: 2, column: 3 }));
        assert_eq!(error.to_string(), "only the five predefined entities and character references are accepted: nbsp (line 2, column 3)");
        assert_eq!(error.zh(), "不接受自定义实体：nbsp（第 2 行第 3 列）");
        assert_eq!(Error::new(Problem::Prefix, "名".repeat(10_000)).subject(), "名".repeat(LONGEST_SUBJECT));
        assert_eq!(Error::from(Problem::Count).to_string(), "there must be 1 to 100 documents");
    }
}
