//! Why a signature is refused: each rule by name, so that 验签失败 can be explained.

use std::fmt;

use super::certificate::Fault;

/// The rule that a signed message breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It cannot be read as XML, or is larger than is read: why, in Chinese and in English.
    Unreadable(String, String),
    /// There is no `ds:Signature`.
    NoSignature,
    /// There is more than one `ds:Signature`, so many.
    SeveralSignatures(usize),
    /// The `ds:Signature` is not right under the root.
    Misplaced,
    /// This element is missing, there twice, or does not hold what it must.
    Form(&'static str),
    /// This element names an algorithm that is unknown or not supported.
    UnknownAlgorithm(&'static str, String),
    /// This element names an algorithm by the old name, or the old digest, which only [`Mode::Lenient`](super::Mode) accepts.
    LegacyAlgorithm(&'static str, String),
    /// `KeyInfo` holds no certificate.
    NoCertificate,
    /// The certificate is of no use.
    Certificate(Fault),
    /// `KeyName` is not the certificate's serial number.
    KeyName {
        /// What stands there.
        named: String,
        /// The certificate's serial number.
        serial: String,
    },
    /// The message is not the one that was signed.
    DigestDiffers {
        /// The digest of the message without its signature, base64.
        computed: String,
        /// What `DigestValue` says.
        claimed: String,
    },
    /// The signature value does not have 64 bytes but so many (DER instead of r‖s, perhaps).
    SignatureLength(usize),
    /// The signature value was not made by the certificate's key over this `SignedInfo`.
    SignatureWrong,
}

impl Refusal {
    /// The stable name of the rule.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Unreadable(..) => "signature.unreadable",
            Self::NoSignature => "signature.none",
            Self::SeveralSignatures(_) => "signature.several",
            Self::Misplaced => "signature.misplaced",
            Self::Form(_) => "signature.form",
            Self::UnknownAlgorithm(..) => "signature.algorithm",
            Self::LegacyAlgorithm(..) => "signature.legacy",
            Self::NoCertificate => "signature.certificate-missing",
            Self::Certificate(_) => "signature.certificate",
            Self::KeyName { .. } => "signature.key-name",
            Self::DigestDiffers { .. } => "signature.digest",
            Self::SignatureLength(_) => "signature.length",
            Self::SignatureWrong => "signature.value",
        }
    }

    /// In Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Self::Unreadable(zh, _) => format!("报文无法规范化：{zh}"),
            Self::NoSignature => "报文没有签名节点 ds:Signature".into(),
            Self::SeveralSignatures(count) => format!("报文有 {count} 个签名节点 ds:Signature，只允许一个"),
            Self::Misplaced => "签名节点 ds:Signature 不在根节点之下".into(),
            Self::Form(element) => format!("签名节点 {element} 缺失、重复或内容不符合要求"),
            Self::UnknownAlgorithm(element, uri) => format!("{element} 的算法未知或不支持：{uri}"),
            Self::LegacyAlgorithm(element, uri) => format!("{element} 用的是旧算法名称：{uri}，应使用 2022-05 规范的名称"),
            Self::NoCertificate => "KeyInfo 中没有 X.509 证书".into(),
            Self::Certificate(fault) => format!("签名证书不可用：{}", fault.zh()),
            Self::KeyName { named, serial } => format!("KeyName 为 {named}，与证书序列号 {serial} 不一致"),
            Self::DigestDiffers { computed, claimed } => {
                format!("摘要不一致：按报文计算为 {computed}，DigestValue 为 {claimed}；报文在签名后被改动（包括换行、空格、编码）")
            }
            Self::SignatureLength(length) => format!("签名值为 {length} 字节，SM2 签名值应为 64 字节的 r‖s（不是 DER）"),
            Self::SignatureWrong => "签名值验证不通过：不是该证书的私钥所签，或 SignedInfo 在签名后被改动".into(),
        }
    }

    /// In English.
    #[must_use]
    pub fn en(&self) -> String {
        match self {
            Self::Unreadable(_, en) => format!("the message has no canonical form: {en}"),
            Self::NoSignature => "the message has no ds:Signature".into(),
            Self::SeveralSignatures(count) => format!("the message has {count} ds:Signature where one is allowed"),
            Self::Misplaced => "the ds:Signature is not right under the root".into(),
            Self::Form(element) => format!("{element} is missing, there twice, or does not hold what it must"),
            Self::UnknownAlgorithm(element, uri) => format!("{element} names an algorithm that is unknown or not supported: {uri}"),
            Self::LegacyAlgorithm(element, uri) => format!("{element} uses an old name: {uri}; use the names of the 2022-05 specification"),
            Self::NoCertificate => "KeyInfo holds no X.509 certificate".into(),
            Self::Certificate(fault) => format!("the certificate is of no use: {fault}"),
            Self::KeyName { named, serial } => format!("KeyName is {named}, the certificate's serial number is {serial}"),
            Self::DigestDiffers { computed, claimed } => {
                format!(
                    "the digest differs: {computed} computed, {claimed} claimed; the message was changed after signing (line ends, spaces and encoding count)"
                )
            }
            Self::SignatureLength(length) => format!("the signature value has {length} bytes; SM2 needs the 64 bytes of r‖s (not DER)"),
            Self::SignatureWrong => "the signature does not verify: another key made it, or SignedInfo was changed after signing".into(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en())
    }
}

impl std::error::Error for Refusal {}
