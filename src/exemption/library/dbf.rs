//! Reads the tables of Visual FoxPro and its elders in which the tax authority publishes the rate library: a DBF file, with the memo
//! texts beside it in an FPT file, in GB18030. Only what the library needs; nothing in such a file is trusted to be where it says.

use encoding_rs::GB18030;
use time::Date;

use super::super::table::DataError;

const TABLE: &str = "DBF";
/// 0x30 to 0x32: Visual FoxPro, whose memo fields hold a number of four bytes.
const VISUAL_FOXPRO: std::ops::RangeInclusive<u8> = 0x30..=0x32;
/// dBase III and FoxPro 2, without and with memo.
const OLDER: [u8; 3] = [0x03, 0x83, 0xF5];
const FIELD: usize = 32;
const HEADER_END: u8 = 0x0D;
/// A name of goods is a few hundred bytes.
const LONGEST_MEMO: usize = 64 * 1024;

struct Field {
    name: String,
    kind: u8,
    at: usize,
    length: usize,
}

/// A table: its fields and its records' bytes, none of them deleted.
pub(super) struct Table<'a> {
    fields: Vec<Field>,
    /// Number, counted from 1 with the deleted ones, and bytes.
    records: Vec<(usize, &'a [u8])>,
    memo: Option<Memo<'a>>,
    visual: bool,
}

fn broken(line: usize, what: impl Into<String>) -> DataError {
    DataError::new(TABLE, line, what)
}

fn number(bytes: &[u8], at: usize, length: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    bytes.iter().rev().try_fold(0_usize, |sum, &byte| sum.checked_mul(256)?.checked_add(usize::from(byte)))
}

impl<'a> Table<'a> {
    /// Reads a table, with its memo file if it has one.
    ///
    /// # Errors
    /// If it is of no known kind, cut short, or does not hold what its header says.
    pub(super) fn read(bytes: &'a [u8], memo: Option<&'a [u8]>) -> Result<Self, DataError> {
        let kind = *bytes.first().ok_or_else(|| broken(0, "文件为空 · the file is empty"))?;
        let visual = VISUAL_FOXPRO.contains(&kind);
        if !visual && !OLDER.contains(&kind) {
            return Err(broken(0, format!("不认识的表类型 · {kind:#04x} is no kind of table that is known")));
        }
        let cut = || broken(0, "文件不完整 · the file is cut short");
        let count = number(bytes, 4, 4).ok_or_else(cut)?;
        let start = number(bytes, 8, 2).ok_or_else(cut)?;
        let length = number(bytes, 10, 2).ok_or_else(cut)?;
        let fields = fields(bytes, start)?;
        let used = fields.last().map_or(1, |field| field.at + field.length);
        if length < used {
            return Err(broken(0, format!("字段总长与记录长度不符 · its fields take {used} bytes and a record has {length}")));
        }
        let all = count.checked_mul(length).and_then(|size| bytes.get(start..start.checked_add(size)?)).ok_or_else(cut)?;
        let records =
            all.chunks_exact(length).zip(1..).filter(|(record, _)| record.first() != Some(&b'*')).map(|(record, at)| (at, record));
        Ok(Self { fields, records: records.collect(), memo: memo.map(Memo::read).transpose()?, visual })
    }

    /// The numbers of its records.
    pub(super) fn numbers(&self) -> impl Iterator<Item = (usize, &'a [u8])> {
        self.records.iter().copied()
    }

    fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// Whether it has a field.
    pub(super) fn has(&self, name: &str) -> bool {
        self.field(name).is_some()
    }

    /// A field of a record as text; a day as `2026-11-26`. Nothing where the table has no such field.
    ///
    /// # Errors
    /// If it is not in GB18030, is no day, or its memo is not where it says.
    pub(super) fn text(&self, line: usize, record: &[u8], name: &str) -> Result<String, DataError> {
        let Some(field) = self.field(name) else { return Ok(String::new()) };
        let bytes = record.get(field.at..field.at + field.length).unwrap_or_default();
        let wrong = |what: &str| broken(line, format!("{name}: {what}"));
        match field.kind {
            b'M' => self.memo_text(bytes).map_err(wrong),
            b'D' => {
                let text = decoded(bytes).ok_or_else(|| wrong("应为8位日期 · a day of eight digits is expected"))?;
                if text.is_empty() {
                    return Ok(text);
                }
                let day = text.parse::<u32>().ok().filter(|_| text.len() == 8).and_then(day);
                day.map(|day| day.to_string())
                    .ok_or_else(|| wrong("没有这一天，应为8位日期 · there is no such day; one of eight digits is expected"))
            }
            b'I' => number(bytes, 0, 4)
                .map(|number| number.to_string())
                .ok_or_else(|| wrong("应为4字节整数 · a number of four bytes is expected")),
            b'C' | b'N' | b'F' | b'L' | b'V' => decoded(bytes).ok_or_else(|| wrong("不是 GB18030 编码 · it is not in GB18030")),
            other => Err(wrong(&format!("不认识的字段类型 {0} · a field of kind {0} is not known", char::from(other)))),
        }
    }

    fn memo_text(&self, bytes: &[u8]) -> Result<String, &'static str> {
        let block = if self.visual && bytes.len() == 4 {
            number(bytes, 0, 4).unwrap_or_default()
        } else {
            let text = std::str::from_utf8(bytes).map_err(|_| "备注编号无法读取 · the number of its memo cannot be read")?.trim();
            if text.is_empty() { 0 } else { text.parse().map_err(|_| "备注编号无法读取 · the number of its memo cannot be read")? }
        };
        match (&self.memo, block) {
            (_, 0) => Ok(String::new()),
            (None, _) => Err("缺少备注文件（.FPT） · the memo file (.FPT) is missing"),
            (Some(memo), block) => decoded(memo.at(block)?).ok_or("备注不是 GB18030 编码 · its memo is not in GB18030"),
        }
    }
}

fn day(number: u32) -> Option<Date> {
    let month = u8::try_from(number / 100 % 100).ok()?.try_into().ok()?;
    Date::from_calendar_date(i32::try_from(number / 10_000).ok()?, month, u8::try_from(number % 100).ok()?).ok()
}

fn fields(bytes: &[u8], start: usize) -> Result<Vec<Field>, DataError> {
    let (mut fields, mut at) = (Vec::new(), 1);
    let header = bytes.get(FIELD..start).ok_or_else(|| broken(0, "文件不完整 · the file is cut short"))?;
    for row in header.chunks(FIELD) {
        if row.first() == Some(&HEADER_END) {
            return if fields.is_empty() { Err(broken(0, "没有字段 · there are no fields")) } else { Ok(fields) };
        }
        let (Some(name), Some(&kind), Some(&length)) = (row.get(..11), row.get(11), row.get(16)) else { break };
        let name: String = name.iter().take_while(|&&byte| byte != 0).map(|&byte| char::from(byte)).collect();
        let length = usize::from(length);
        fields.push(Field { name, kind, at, length });
        at += length;
    }
    Err(broken(0, "字段表没有结束标志 · the list of fields does not end"))
}

/// Text without the blanks and zeros that fill it up; nothing if it is not in GB18030.
fn decoded(bytes: &[u8]) -> Option<String> {
    let text = GB18030.decode_without_bom_handling_and_without_replacement(bytes)?;
    Some(text.trim_matches(|c: char| c.is_whitespace() || c == '\0').to_owned())
}

/// The texts of a memo file.
struct Memo<'a> {
    bytes: &'a [u8],
    block: usize,
}

fn big(bytes: &[u8], at: usize, length: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    bytes.iter().try_fold(0_usize, |sum, &byte| sum.checked_mul(256)?.checked_add(usize::from(byte)))
}

impl<'a> Memo<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, DataError> {
        let block = big(bytes, 6, 2).ok_or_else(|| DataError::new("FPT", 0, "文件不完整 · the file is cut short"))?;
        // Older writers put zero for a block of one byte.
        Ok(Self { bytes, block: if block == 0 { 1 } else { block } })
    }

    fn at(&self, block: usize) -> Result<&'a [u8], &'static str> {
        let lost = "备注不在备注文件中 · its memo is not in the memo file";
        let at = block.checked_mul(self.block).ok_or(lost)?;
        let length = big(self.bytes, at.checked_add(4).ok_or(lost)?, 4).ok_or(lost)?;
        if length > LONGEST_MEMO {
            return Err("备注过长，不是商品名称 · its memo is longer than any name of goods");
        }
        let from = at.checked_add(8).ok_or(lost)?;
        self.bytes.get(from..from.checked_add(length).ok_or(lost)?).ok_or(lost)
    }
}
