//! Looks at the bytes of a spreadsheet before it is opened: it is an archive, and archives can hold more than they seem to.

use std::{
    fs,
    io::{Cursor, Read},
    path::Path,
};

use anyhow::{Context, Result, bail};
use zip::ZipArchive;

/// The most bytes of a file.
const MOST_BYTES: u64 = 64 << 20;
/// The most bytes of all that is in it.
const MOST_INFLATED: u64 = 384 << 20;
/// The most things that are in it.
const MOST_ENTRIES: usize = 1_000;
/// Where the table of texts says how many it has.
const HEAD: usize = 1_024;

/// Reads a file and makes sure that what is in it has bounds.
pub(super) fn read(file: &Path) -> Result<Vec<u8>> {
    let name = file.display();
    let open = || -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        fs::File::open(file)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = open().with_context(|| format!("{name} 无法读取 · {name} cannot be read"))?;
    inspect(&bytes).with_context(|| format!("{name} 未读取 · {name} is not read"))?;
    Ok(bytes)
}

fn inspect(bytes: &[u8]) -> Result<()> {
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MOST_BYTES) {
        bail!("文件超过 64 MiB，请拆分 · larger than 64 MiB: split it");
    }
    if bytes.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
        bail!("有密码，或是旧版 .xls：请另存为无密码的 .xlsx · it has a password, or is an old .xls: save it as .xlsx without a password");
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes)).context("不是 .xlsx 文件 · not an .xlsx file")?;
    if archive.len() > MOST_ENTRIES {
        bail!("内含文件过多 · too many files in it");
    }
    let mut left = MOST_INFLATED;
    let mut buffer = vec![0; 64 << 10];
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).context("文件已损坏 · it is damaged")?;
        let is_texts = entry.name()?.ends_with("sharedStrings.xml");
        let (mut head, mut length) = (Vec::new(), 0_u64);
        loop {
            let read = entry.read(&mut buffer).context("文件已损坏 · it is damaged")?;
            if read == 0 {
                break;
            }
            if head.len() < HEAD {
                head.extend(buffer.iter().take(read).take(HEAD));
            }
            length += u64::try_from(read)?;
            left = left
                .checked_sub(u64::try_from(read)?)
                .context("解压后超过 384 MiB：疑为压缩炸弹，或请拆分 · more than 384 MiB when inflated: a zip bomb, or split it")?;
        }
        // The reader makes room for as many texts as the table claims: at least five bytes each.
        if is_texts && claimed(&head).is_some_and(|texts| texts > length / 5 + 1) {
            bail!("共享字符串表所称数目不实 · the table of texts claims more than it holds");
        }
    }
    Ok(())
}

/// The number of texts that the head of their table claims; one that cannot be read is too many.
fn claimed(head: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(head);
    let (_, rest) = text.split_once("uniqueCount")?;
    let digits: String = rest.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    Some(digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    fn archive(entries: &[(&str, &[u8], usize)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes, times) in entries {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            for _ in 0..*times {
                writer.write_all(bytes).unwrap();
            }
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn what_inflates_without_end_is_refused() {
        let bomb = archive(&[("xl/worksheets/sheet1.xml", &vec![b' '; 1 << 20], 385)]);
        assert!(bomb.len() < 1 << 20, "{}", bomb.len());
        assert!(inspect(&bomb).unwrap_err().to_string().contains("zip bomb"));
        let many: Vec<_> = (0..=MOST_ENTRIES).map(|at| format!("f{at}")).collect();
        let many: Vec<(&str, &[u8], usize)> = many.iter().map(|name| (name.as_str(), b"x".as_slice(), 1)).collect();
        assert!(inspect(&archive(&many)).unwrap_err().to_string().contains("too many files"));
    }

    #[test]
    fn a_table_of_texts_does_not_claim_more_than_it_holds() {
        let table = |count: &str| archive(&[("xl/sharedStrings.xml", format!("<sst uniqueCount=\"{count}\"><si/></sst>").as_bytes(), 1)]);
        assert!(inspect(&table("1")).is_ok());
        for count in ["4000000000", "99999999999999999999999999"] {
            assert!(inspect(&table(count)).unwrap_err().to_string().contains("claims more"), "{count}");
        }
    }

    #[test]
    fn other_files_are_told_apart() {
        assert!(inspect(b"PK but no archive").unwrap_err().to_string().contains("not an .xlsx"));
        assert!(inspect(&[0xD0, 0xCF, 0x11, 0xE0, 0]).unwrap_err().to_string().contains("password"));
        assert!(read(Path::new("no/such/file.xlsx")).unwrap_err().to_string().contains("cannot be read"));
    }
}
