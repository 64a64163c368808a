//! The one table from our refusals to gRPC's statuses. Messages are short and in both languages; what happened inside goes to
//! the log only.

use std::time::Duration;

use prost::Message;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt, pb};

use super::{convert, proto};
use crate::{access::Denied, archive, check::Finding, intake::Refusal, store};

/// Findings that travel in a status, at most.
const MOST_FINDINGS: usize = 20;
/// Trailers hold about 8 KB, of which base64 takes a quarter and the message some.
const MOST_DETAIL_BYTES: usize = 5_000;
/// When to come back after UNAVAILABLE.
const RETRY_AFTER: Duration = Duration::from_secs(1);
const FINDINGS_URL: &str = "type.googleapis.com/tongguan.v1.Findings";
const ERROR_INFO_URL: &str = "type.googleapis.com/google.rpc.ErrorInfo";
const DOMAIN: &str = "tongguan";

/// A refusal's place in the table: the code, and what the caller is told.
fn row(refusal: &Refusal) -> (Code, &'static str, &'static str) {
    match refusal {
        Refusal::Invalid { .. } => (Code::InvalidArgument, "申报数据有误", "the declaration has faults"),
        Refusal::KeyConflict => (Code::AlreadyExists, "该幂等键已用于另一请求", "the idempotency key is bound to another request"),
        Refusal::OrderConflict => {
            (Code::AlreadyExists, "该订单号已以不同内容提交过", "this order number was submitted with different content")
        }
        Refusal::Unknown => (Code::NotFound, "未找到", "not found"),
        Refusal::Busy => (Code::Unavailable, "网关繁忙，请稍后以相同内容重试", "busy: send the same again later"),
        Refusal::Archived => (Code::FailedPrecondition, "已归档，归档不在手边", "it was archived, and the archive is not at hand"),
        Refusal::Internal => (Code::Internal, "网关内部错误", "internal error"),
    }
}

/// The status of a refusal; its details are described in `finding.proto`.
pub(super) fn of_refusal(refusal: &Refusal) -> Status {
    let (code, zh, en) = row(refusal);
    match refusal {
        Refusal::Invalid { findings, total } => with_findings(&format!("{zh} / {en} ({total})"), findings, *total),
        Refusal::Busy => busy(code, &format!("{zh} / {en}")),
        Refusal::KeyConflict | Refusal::OrderConflict | Refusal::Unknown | Refusal::Archived | Refusal::Internal => {
            Status::new(code, format!("{zh} / {en}"))
        }
    }
}

/// A refusal as the answer to one item of a stream.
pub(super) fn item(refusal: &Refusal) -> proto::Refusal {
    let (code, zh, en) = row(refusal);
    let findings = match refusal {
        Refusal::Invalid { findings, .. } => findings.iter().map(convert::finding).collect(),
        Refusal::KeyConflict | Refusal::OrderConflict | Refusal::Unknown | Refusal::Busy | Refusal::Archived | Refusal::Internal => {
            Vec::new()
        }
    };
    let retry_after_ms = if matches!(refusal, Refusal::Busy) { u32::try_from(RETRY_AFTER.as_millis()).unwrap_or(1_000) } else { 0 };
    proto::Refusal { code: number(code), zh: zh.into(), en: en.into(), findings, retry_after_ms }
}

fn number(code: Code) -> u32 {
    u32::try_from(i32::from(code)).unwrap_or(2)
}

/// The status of a failure of the store.
pub(super) fn of_store(error: &store::Error) -> Status {
    // Which archive it is helps who asks: somebody has to fetch it.
    if let store::Error::Archived(error @ archive::Error::Away(_)) = error {
        return away(&error.to_string());
    }
    of_refusal(&Refusal::of_store(error))
}

/// What is asked for was archived, and the archive is not at hand.
pub(super) fn away(told: &str) -> Status {
    Status::failed_precondition(told.replace(" · ", " / "))
}

/// The status of a call that is turned away.
pub(super) fn of_denied(denied: Denied) -> Status {
    match denied {
        Denied::Unknown => Status::unauthenticated("密钥无效或缺失 / no such key: authorization: Bearer tgk_…"),
        Denied::Forbidden => Status::permission_denied("该密钥的角色无权调用 / the role of this key may not make this call"),
    }
}

/// What the caller came in with opens no longer.
pub(super) fn revoked() -> Status {
    Status::unauthenticated(
        "密钥或证书已停用，流已结束；已答复的均已保存 / the key or certificate opens no longer: the stream ends, what was answered is kept",
    )
}

/// The caller calls too often.
pub(super) fn too_often(wait: Duration) -> Status {
    Status::with_error_details(
        Code::ResourceExhausted,
        "调用过于频繁，请稍后以相同内容重试 / too many calls a second: send the same again later",
        ErrorDetails::with_retry_info(Some(wait)),
    )
}

/// There is nothing of that name for this caller, whether or not somebody else has it.
pub(super) fn not_found() -> Status {
    Status::not_found("未找到 / not found")
}

/// What is kept contradicts itself.
pub(super) fn damaged() -> Status {
    Status::data_loss("审计日志已损坏，请运行 tongguan audit verify / the audit log is damaged: tongguan audit verify names the place")
}

/// Something about the question itself is wrong.
pub(super) fn invalid(zh: &str, en: &str) -> Status {
    Status::invalid_argument(format!("{zh} / {en}"))
}

/// One request holds more than any that makes sense.
pub(super) fn too_many_items() -> Status {
    invalid(
        &format!("单个请求中重复项过多（最多{}项）", super::codec::MOST_ITEMS),
        &format!("more than {} repeated fields in one request", super::codec::MOST_ITEMS),
    )
}

/// Too many calls are in hand already.
pub(super) fn too_many_calls() -> Status {
    busy(Code::Unavailable, "同时处理的请求过多，请稍后以相同内容重试 / too many calls at a time: send the same again later")
}

/// A ledger is being made already.
pub(super) fn too_many_ledgers() -> Status {
    busy(Code::ResourceExhausted, "正在生成其他账簿，请稍后重试 / other ledgers are being made: try again later")
}

/// Too many streams of items are open already.
pub(super) fn too_many_streams() -> Status {
    busy(Code::ResourceExhausted, "打开的流过多，请稍后重试 / too many open SubmitStream and PushWaybills calls")
}

/// A call took longer than calls may.
pub(super) fn too_slow() -> Status {
    Status::deadline_exceeded("请求超时；可以相同内容重试 / the call took too long; the same may be sent again")
}

/// Nothing came on a stream.
pub(super) fn idle() -> Status {
    Status::deadline_exceeded(
        "长时间未收到内容，流已结束；已答复的均已保存 / nothing was sent for long: the stream ends, what was answered is kept",
    )
}

/// Nobody took the answers of a stream.
pub(super) fn stalled() -> Status {
    Status::aborted(
        "长时间未读取答复，流已结束；未答复的请重发 / the answers were not read for long: the stream ends, send again what was not answered",
    )
}

/// Whether a refusal was made by the transport: ours are in both languages.
pub(super) fn is_of_transport(status: &Status) -> bool {
    status.code() != Code::Ok && status.message().is_ascii()
}

/// A refusal of the transport, in both languages.
pub(super) fn in_both(status: &Status) -> Status {
    if !is_of_transport(status) {
        return status.clone();
    }
    let (code, zh) = match status.code() {
        Code::OutOfRange => (Code::OutOfRange, "请求过大"),
        Code::Unimplemented => (Code::Unimplemented, "不支持该调用或压缩方式"),
        Code::Internal if status.message().contains("decode") => (Code::InvalidArgument, "请求内容无法解析"),
        Code::Internal => (Code::InvalidArgument, "请求不完整或格式错误"),
        Code::Cancelled | Code::DeadlineExceeded => (status.code(), "请求超时或被取消"),
        other => (other, "请求未能完成"),
    };
    Status::new(code, format!("{zh} / {}", status.message()))
}

/// Too many follow the log already.
pub(super) fn too_many_followers() -> Status {
    busy(Code::ResourceExhausted, "订阅过多，请稍后重试 / too many open Watch and Tail calls")
}

/// The gateway stops; what has been answered is kept.
pub(super) fn stopping() -> Status {
    busy(Code::Unavailable, "网关正在停止，请稍后重发未答复的内容 / stopping: send again what was not answered")
}

pub(super) fn busy(code: Code, message: &str) -> Status {
    Status::with_error_details(code, message, ErrorDetails::with_retry_info(Some(RETRY_AFTER)))
}

/// INVALID_ARGUMENT with as many findings as trailers hold.
fn with_findings(message: &str, findings: &[Finding], total: usize) -> Status {
    let mut list: Vec<_> = findings.iter().take(MOST_FINDINGS).map(convert::finding).collect();
    let count = u32::try_from(total).unwrap_or(u32::MAX);
    loop {
        let details = details(message, &proto::Findings { findings: list.clone(), count });
        if details.len() <= MOST_DETAIL_BYTES || list.pop().is_none() {
            return Status::with_details(Code::InvalidArgument, message, details.into());
        }
    }
}

/// The findings that a status carries.
pub(super) fn findings(status: &Status) -> Vec<proto::Finding> {
    let details = pb::Status::decode(status.details()).unwrap_or_default().details;
    let carried = details.iter().find(|any| any.type_url == FINDINGS_URL);
    carried.and_then(|any| proto::Findings::decode(any.value.as_slice()).ok()).unwrap_or_default().findings
}

fn details(message: &str, findings: &proto::Findings) -> Vec<u8> {
    let info = pb::ErrorInfo { reason: "FINDINGS".into(), domain: DOMAIN.into(), ..pb::ErrorInfo::default() };
    let any = |url: &str, value: Vec<u8>| prost_types::Any { type_url: url.into(), value };
    let details = vec![any(FINDINGS_URL, findings.encode_to_vec()), any(ERROR_INFO_URL, info.encode_to_vec())];
    pb::Status { code: i32::from(Code::InvalidArgument), message: message.into(), details }.encode_to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity;

    fn finding(length: usize) -> Finding {
        let zh = "错".repeat(length);
        let en = "x".repeat(length);
        Finding {
            path: "order.lines[0].price".into(),
            rule: "F-1".into(),
            severity: Severity::Error,
            zh: zh.clone(),
            en: en.clone(),
            remedy_zh: zh,
            remedy_en: en,
        }
    }

    fn carried(status: &Status) -> proto::Findings {
        let details = pb::Status::decode(status.details()).unwrap();
        let any = details.details.iter().find(|any| any.type_url == FINDINGS_URL).unwrap();
        proto::Findings::decode(any.value.as_slice()).unwrap()
    }

    #[test]
    fn findings_fit_into_trailers_whatever_their_number_and_length() {
        for (number, length, kept) in [(1, 10, 1), (500, 10, 20), (500, 100, 5), (3, 100_000, 0)] {
            let findings = vec![finding(length); number];
            let status = of_refusal(&Refusal::Invalid { findings, total: number });
            assert!(status.details().len() <= MOST_DETAIL_BYTES);
            let carried = carried(&status);
            assert_eq!((carried.findings.len(), carried.count), (kept, u32::try_from(number).unwrap()), "{number} of {length}");
        }
    }

    #[test]
    fn busy_says_when_to_come_back() {
        let status = of_refusal(&Refusal::Busy);
        assert_eq!(status.code(), Code::Unavailable);
        assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
    }

    #[test]
    fn items_carry_the_number_of_the_code() {
        assert_eq!(item(&Refusal::KeyConflict).code, 6);
        assert_eq!(item(&Refusal::Busy).retry_after_ms, 1_000);
    }
}
