//! `parse`: a message or a receipt, in an envelope or not, as JSON.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use super::{load_schemas, say, validate};
use crate::message::{
    self,
    dxp::{self, Opened},
};

#[derive(Debug, Args)]
pub(super) struct ParseArgs {
    /// 报文或回执文件；信封 DxpMsg、DxpMsgSv 自动打开 · A message or receipt; a DxpMsg or DxpMsgSv is opened.
    file: PathBuf,
}

/// Prints the message as JSON, an envelope's own fields beside it.
pub(super) fn parse(args: &ParseArgs) -> Result<ExitCode> {
    load_schemas()?;
    let bytes = validate::read(&args.file).with_context(|| format!("{0} 无法读取 · {0} cannot be read", args.file.display()))?;
    say(&serde_json::to_string_pretty(&json_of(&bytes)?)?);
    Ok(ExitCode::SUCCESS)
}

fn json_of(bytes: &[u8]) -> Result<Value> {
    let told = |error: message::Error| anyhow::anyhow!("{} · {error}", error.zh());
    match dxp::open(bytes).map_err(told)? {
        Opened::Business(_) | Opened::Report(_) => message::to_json(bytes).map_err(told),
        Opened::Envelope(envelope) => {
            let mut json = message::to_json(&envelope.data).map_err(told)?;
            let Some(object) = json.as_object_mut() else { bail!("信封中没有报文 · there is no message in the envelope") };
            let of_envelope = json!({
                "CopMsgId": envelope.cop_msg_id, "SenderId": envelope.sender, "ReceiverIds": envelope.receivers, "MsgType": envelope.msg_type
            });
            object.insert("DxpMsg".to_owned(), of_envelope);
            Ok(json)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn an_envelope_is_opened() {
        let message = "<CEB304Message xmlns=\"http://www.chinaport.gov.cn/ceb\" guid=\"G\" version=\"1.0\"><OrderReturn><orderNo>A</orderNo>\
            <returnStatus>2</returnStatus></OrderReturn></CEB304Message>";
        let address = dxp::Address { cop_msg_id: "M", sender: "S", receiver: "R", at: Timestamp::default(), msg_type: "CEB304Message" };
        let envelope = dxp::wrap(&address, message.as_bytes(), "").unwrap();
        let json = json_of(&envelope).unwrap();
        assert_eq!(json["CEB304Message"], json_of(message.as_bytes()).unwrap()["CEB304Message"]);
        assert_eq!(json["CEB304Message"]["OrderReturn"][0]["orderNo"], "A");
        assert_eq!((json["DxpMsg"]["CopMsgId"].as_str(), json["DxpMsg"]["SenderId"].as_str()), (Some("M"), Some("S")));
        assert!(json_of(b"<a/>").is_err() && json_of(b"garbage").is_err());
    }
}
