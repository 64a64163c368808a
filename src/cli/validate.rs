//! `validate`: message files held against schema and specification, without a gateway.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use clap::Args;

use super::{load_schemas, say};
use crate::message::{self, Defect, dxp};

/// The most bytes of a file: what the reader takes, and one more, which it refuses.
const MAX_BYTES: u64 = (message::xml::MAX_BYTES + 1) as u64;

#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    /// 只按模式校验 · Holds against the schema alone, not the specification's text.
    #[arg(long)]
    schema_only: bool,
    /// 报文文件；信封 DxpMsg 连同其中的业务报文一并校验 · Message files; of a DxpMsg the message inside as well.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// One line a defect, `FILE:LINE:COLUMN PATH CODE text`; `FILE: ok` where there is none. What stands in an envelope is told under
/// `FILE!Data`, with its own lines and columns.
pub(super) fn validate(args: &ValidateArgs) -> Result<ExitCode> {
    load_schemas()?;
    let mut all_good = true;
    for file in &args.files {
        let lines = report(file, args.schema_only);
        all_good &= lines.is_empty();
        lines.iter().for_each(|line| say(line));
        if lines.is_empty() {
            say(&format!("{}: ok", file.display()));
        }
    }
    Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn report(file: &Path, schema_only: bool) -> Vec<String> {
    let name = file.display().to_string();
    match read(file) {
        Ok(bytes) => defects(&name, &bytes, schema_only),
        // Not a defect of a message, but the file is not valid either.
        Err(error) => vec![format!("{name}:1:1 / S-FILE 文件无法读取 · cannot be read: {error}")],
    }
}

/// The bytes of a message file, as many as its reader takes and one more.
pub(super) fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn defects(name: &str, bytes: &[u8], schema_only: bool) -> Vec<String> {
    let judge = if schema_only { message::validate } else { message::examine };
    let mut lines: Vec<_> = judge(bytes).iter().map(|defect| line(name, defect)).collect();
    if let Ok(envelope) = dxp::unwrap(bytes) {
        let inside = format!("{name}!Data");
        lines.extend(judge(&envelope.data).iter().map(|defect| line(&inside, defect)));
    }
    lines
}

fn line(name: &str, defect: &Defect) -> String {
    format!("{name}:{}:{} {} {} {} · {}", defect.line, defect.column, defect.path, defect.code, defect.zh, defect.en)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn tells_each_defect_in_a_line_and_opens_envelopes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.xml");
        let message = "<CEB900Message xmlns=\"http://www.chinaport.gov.cn/ceb\" guid=\"1\">\n</CEB900Message>";
        std::fs::write(&file, message).unwrap();
        let name = file.display().to_string();
        let lines = report(&file, true);
        assert_eq!(lines.len(), 3, "{lines:#?}");
        assert_eq!(
            lines[0],
            format!("{name}:1:1 /CEB900Message/@guid S-LENGTH 应为 36 个字符，实为 1 个 · must have 36 characters, has 1")
        );
        assert!(lines[2].starts_with(&format!("{name}:2:1 /CEB900Message/MessageReturn S-MISSING ")));
        let address = dxp::Address { cop_msg_id: "M", sender: "S", receiver: "R", at: Timestamp::default(), msg_type: "CEB900Message" };
        let envelope = dxp::wrap(&address, message.as_bytes(), "").unwrap();
        std::fs::write(&file, &envelope).unwrap();
        let lines = report(&file, false);
        assert_eq!(lines.len(), 3);
        assert!(lines[0].starts_with(&format!("{name}!Data:1:1 /CEB900Message/@guid S-LENGTH ")));
    }

    #[test]
    fn a_file_that_is_not_there_is_told() {
        let lines = report(Path::new("no/such/file"), false);
        assert!(lines[0].starts_with("no/such/file:1:1 / S-FILE "));
        assert_eq!(validate(&ValidateArgs { schema_only: false, files: vec!["no/such/file".into()] }).unwrap(), ExitCode::FAILURE);
    }
}
