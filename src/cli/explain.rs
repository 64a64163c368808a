//! `explain`: messages, receipts and envelopes in plain words, without a gateway.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use clap::Args;

use super::{complain, say, shown, validate::read};
use crate::{
    declaration::Action,
    message::gist::{self, Business, Content, Gist, Status, Told},
    receipt::{self, Explanation, FormatReceipt, TransportReceipt},
};

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// 报文、回执或信封文件 · Files with messages, receipts or envelopes, as they were sent or received.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// 只解释前几份单证 · Explains only so many documents of each file; the rest is counted.
    #[arg(long, default_value_t = 100)]
    most: usize,
}

/// A paragraph a file; a file that cannot be read is told why on standard error, and makes the status 1.
pub(super) fn explain(args: &ExplainArgs) -> Result<ExitCode> {
    let mut all_read = true;
    for file in &args.files {
        match told(file, args.most) {
            Ok(lines) => lines.iter().for_each(|line| say(line)),
            Err(why) => {
                complain(&format!("{}: {why}", file.display()));
                all_read = false;
            }
        }
    }
    Ok(if all_read { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn told(file: &Path, most: usize) -> Result<Vec<String>, String> {
    let bytes = read(file).map_err(|error| format!("文件无法读取 · cannot be read: {error}"))?;
    let gist = gist::gist(&bytes).map_err(|error| format!("无法识别 · not understood: {} · {error}", shown(&error.zh())))?;
    Ok(paragraph(&file.display().to_string(), &gist, most))
}

fn paragraph(name: &str, gist: &Gist, most: usize) -> Vec<String> {
    let (title, rest) = match &gist.content {
        Content::Request(business) => (business_title(business, "企业报文", "from an enterprise"), documents(business, most)),
        Content::Answer(business) => (business_title(business, "海关回执", "from customs"), documents(business, most)),
        Content::Format(receipt, about) => (
            "CEB900 报文格式校验回执：整份报文被拒 · a whole message was refused".to_owned(),
            whole(&receipt.original, "", &receipt.code, &receipt.info, &format_meaning(receipt, *about)),
        ),
        Content::Transport(report) => (
            "DxpRep 传输平台回执 · the transport's own answer".to_owned(),
            whole(&report.original, &report.sender_dxp_id, &report.code, &report.info, &transport_meaning(report)),
        ),
    };
    let mut lines = vec![format!("{name}: {title}")];
    lines.extend(outside(gist));
    lines.extend(rest);
    lines
}

fn business_title(business: &Business, of_zh: &str, of_en: &str) -> String {
    let (zh, en) = business.name;
    let number = business.number;
    if business.number == business.about {
        format!("CEB{number} {zh}（{of_zh}）· {en}, {of_en}")
    } else {
        format!("CEB{number} {zh}回执（答复 CEB{}）· receipts for CEB{}, {en}, {of_en}", business.about, business.about)
    }
}

/// The envelope, the sender, and what is odd about the bytes.
fn outside(gist: &Gist) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(envelope) = &gist.envelope {
        let shell = if envelope.relayed { "，外有中继外壳 DxpMsgSv · in a relay's shell" } else { "" };
        lines.push(format!(
            "  信封 · envelope {}: {} → {}, {}{shell}",
            shown(&envelope.id),
            shown(&envelope.sender),
            shown(&envelope.receivers.join(", ")),
            shown(&envelope.created)
        ));
    }
    let oddities = [
        (gist.oddities.zero, "前导 0x00 · a leading byte of zero"),
        (gist.oddities.mark, "BOM · a byte order mark"),
        (gist.oddities.no_namespace, "无命名空间 · no namespace"),
    ];
    let odd: Vec<_> = oddities.iter().filter(|odd| odd.0).map(|odd| odd.1).collect();
    if !odd.is_empty() {
        lines.push(format!("  字节特点（无害）· odd and harmless: {}", odd.join("; ")));
    }
    lines
}

fn documents(business: &Business, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some((code, name, dxp_id)) = &business.transfer {
        let signed = if business.signed { "有签名 · signed" } else { "无签名 · not signed" };
        lines.push(format!("  传输企业 · transmitted by {} {}, {}, {signed}", shown(code), shown(name), shown(dxp_id)));
    }
    lines.push(format!("  共 {0} 份 · {0} in all", business.count));
    for (at, document) in business.documents.iter().take(most).enumerate() {
        lines.push(format!("  {}. {}", at + 1, numbers(document)));
        if let Some(status) = &document.status {
            lines.extend(answered(business.about, status));
        }
    }
    let untold = business.count.saturating_sub(business.documents.iter().take(most).count());
    if untold > 0 {
        lines.push(format!("  另有 {untold} 份未列出 · {untold} more"));
    }
    lines
}

fn numbers(document: &Told) -> String {
    let mut parts = Vec::new();
    if let Some(action) = document.action {
        parts.push(
            match action {
                Action::Add => "新增 · add",
                Action::Amend => "变更 · amend",
                Action::Delete => "删除 · delete",
            }
            .to_owned(),
        );
    }
    parts.extend(
        document
            .numbers
            .iter()
            .map(|(zh, en, value)| if zh == en { format!("{zh} {}", shown(value)) } else { format!("{zh} {en} {}", shown(value)) }),
    );
    if document.lines > 0 {
        parts.push(format!("{0} 行 · {0} lines", document.lines));
    }
    parts.join(", ")
}

fn answered(about: i64, status: &Status) -> Vec<String> {
    let at = status.at.map_or_else(|| "时间不明 · no time".to_owned(), |at| at.to_string());
    let code = if status.code.is_empty() { "—" } else { &status.code };
    let mut lines = vec![format!("     [{}] {at}", shown(code))];
    lines.extend(meaning(&receipt::explain_answer(about, &status.code, &status.info)));
    if !status.info.is_empty() {
        lines.push(format!("     原文 · as said: {}", shown(&status.info)));
    }
    lines
}

fn whole(original: &str, sender: &str, code: &str, info: &str, explanation: &Explanation) -> Vec<String> {
    let of = if sender.is_empty() { String::new() } else { format!(", {}", shown(sender)) };
    let mut lines = vec![format!("  所指报文 · about message {}{of}", shown(original)), format!("     [{}]", shown(code))];
    lines.extend(meaning(explanation));
    if !info.is_empty() {
        lines.push(format!("     原文 · as said: {}", shown(info)));
    }
    lines
}

fn format_meaning(receipt: &FormatReceipt, about: i64) -> Explanation {
    receipt::explain_answer(about, &receipt.code, &receipt.info)
}

fn transport_meaning(report: &TransportReceipt) -> Explanation {
    receipt::explain_transport(report.code.trim())
}

fn meaning(explanation: &Explanation) -> Vec<String> {
    let Explanation { meaning_zh, meaning_en, fault, side, next_zh, next_en } = explanation;
    let (fault, side) = (fault.names(), side.names());
    vec![
        format!("     {} · {}", shown(meaning_zh), shown(meaning_en)),
        format!("     责任 · whose fault: {} · {}；轮到 · whose turn: {} · {}", fault.0, fault.1, side.0, side.1),
        format!("     → {next_zh} · {next_en}"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Timestamp, message::dxp};

    fn written(bytes: &[u8]) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.xml");
        std::fs::write(&file, bytes).unwrap();
        told(&file, 100).map(|lines| lines.join("\n"))
    }

    #[test]
    fn receipts_are_told_with_meaning_fault_and_next_step() {
        let xml = "\0<CEB604Message xmlns=\"http://www.chinaport.gov.cn/ceb\"><InventoryReturn><copNo>C1</copNo><returnStatus>500</returnStatus>\
            <returnTime>20200615171556654</returnTime><returnInfo>[Code:2400;Desc:查验]</returnInfo></InventoryReturn>\
            <InventoryReturn><copNo>C2</copNo><returnStatus>-603001</returnStatus><returnInfo>\u{202e}x</returnInfo></InventoryReturn></CEB604Message>";
        let text = written(xml.as_bytes()).unwrap();
        for said in [
            "CEB604 出口清单回执（答复 CEB603）",
            "共 2 份 · 2 in all",
            "copNo C1",
            "[500] 2020-06-15T17:15:56.654",
            "海关查验",
            "轮到 · whose turn: 监管场所 · the supervised site",
            "→ 通知监管场所和物流企业配合查验",
            "查验",
            "责任 · whose fault: 电商企业 · the seller",
            "清单业务校验失败",
            "a leading byte of zero",
            "\\u{202e}x",
        ] {
            assert!(text.contains(said), "{said}:\n{text}");
        }
    }

    #[test]
    fn envelopes_reports_and_refusals_are_told() {
        let address =
            dxp::Address { cop_msg_id: "M-7", sender: "S-1", receiver: "R-1", at: Timestamp::default(), msg_type: "CEB900Message" };
        let refusal = "<CEB900Message><MessageReturn><returnStatus>-999999</returnStatus><returnInfo>验签失败</returnInfo><oriCopMsgId>M-6</oriCopMsgId>\
            <oriMessageType>CEB303Message</oriMessageType></MessageReturn></CEB900Message>";
        let envelope = dxp::wrap(&address, refusal.as_bytes(), "").unwrap();
        let shell = dxp::shell(&envelope, uuid::Uuid::nil(), Timestamp::default()).unwrap();
        let text = written(&shell).unwrap();
        for said in ["整份报文被拒", "in a relay's shell", "S-1 → R-1", "about message M-6", "certificate", "no namespace"] {
            assert!(text.contains(said), "{said}:\n{text}");
        }
        let text = written(&dxp::compose_report("1001", "签名无效", Timestamp::default(), &address).unwrap()).unwrap();
        assert!(text.contains("DxpRep") && text.contains("[1001]") && text.contains("数字签名无效") && text.contains("M-7, S-1"), "{text}");
    }

    #[test]
    fn what_cannot_be_read_is_told_why_and_the_rest_goes_on() {
        assert!(written(b"\xb9\xe3").unwrap_err().contains("GBK"));
        assert!(written(b"<a/>").unwrap_err().contains("unknown message type"));
        let folder = tempfile::tempdir().unwrap();
        let good = folder.path().join("good.xml");
        std::fs::write(
            &good,
            "<CEB792Message><SummaryResult><SummaryResultHead><copNo>1</copNo></SummaryResultHead></SummaryResult></CEB792Message>",
        )
        .unwrap();
        let run = |files: Vec<PathBuf>| explain(&ExplainArgs { files, most: 1 }).unwrap();
        assert_eq!(run(vec![good.clone()]), ExitCode::SUCCESS);
        assert_eq!(run(vec!["no/such/file".into(), good]), ExitCode::FAILURE);
    }
}
