//! Verifies a signed message from its bytes alone, by the rules of the specification of 202205, §6 (enveloped XML signature).

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use sha1::Sha1;
use sm3::{Digest, Sm3};

use super::{
    certificate::{self, Algorithm, Identity},
    outline::{self, Element, Outline},
    refusal::Refusal,
};
use crate::message::{self, Part};

pub const CANONICAL: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
pub const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
pub const SM2_SM3: &str = "http://www.chinaport.gov.cn/2022/04/xmldsig#sm2-sm3";
pub const SM3: &str = "http://www.chinaport.gov.cn/2022/04/xmldsig#sm3";

/// What programs wrote before the names of 2022-05; accepted at Haikou in 2023.
const OLD_SM2_SM3: &str = "http://www.w3.org/2000/09/xmldsig#sm2-sm3";
const OLD_SM3: &str = "http://www.w3.org/2000/09/xmldsig#sm3";
/// Of certificates that are older than the names of 2022-05 (specification 202205, §6).
pub const RSA_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
pub const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";

const LONGEST_NAME: usize = 120;

/// How much is forgiven. What the customs side itself forgives is not public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The algorithm names of 2022-05, every byte as it was signed, and `KeyName` the certificate's serial number.
    Strict,
    /// Also the old names with digest SM3 or SHA-1, white space put into `SignedInfo` after signing, and any `KeyName`.
    Lenient,
}

/// A message whose signature holds. It says which certificate signed, not that the certificate is trusted.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Who signed.
    pub identity: Identity,
    /// What stands in `KeyName`; may be empty in [`Mode::Lenient`].
    pub key_name: String,
    /// The digest of the message without its signature.
    pub digest: Vec<u8>,
    /// Only with white space taken out of `SignedInfo` does the signature hold.
    pub normalised: bool,
}

/// Verifies the signature of a message, however it came about.
///
/// # Errors
/// The first rule that the message breaks.
pub fn verify(sealed: &[u8], mode: Mode) -> Result<Verified, Refusal> {
    let canonical = message::canonical(sealed, Part::Whole).map_err(|error| Refusal::Unreadable(error.zh(), error.to_string()))?;
    judge(&outline(&canonical)?, mode)
}

pub(super) fn outline(canonical: &[u8]) -> Result<Outline<'_>, Refusal> {
    outline::read(canonical).map_err(|broken| Refusal::Unreadable("报文不是规范形式".into(), broken.0.into()))
}

/// Verifies the signature of a message in canonical form.
pub(super) fn judge(outline: &Outline<'_>, mode: Mode) -> Result<Verified, Refusal> {
    let signature = match &outline.signature {
        _ if outline.signatures > 1 => return Err(Refusal::SeveralSignatures(outline.signatures)),
        None => return Err(Refusal::NoSignature),
        Some(_) if outline.depth != 1 => return Err(Refusal::Misplaced),
        Some(_) if outline.inherits => return Err(Refusal::Form("xml:*")),
        Some(signature) => signature,
    };
    let [info, value, key] = children(signature, "Signature", ["SignedInfo", "SignatureValue", "KeyInfo"])?;
    let reference = reference(info, mode)?;
    let (identity, key_name) = key_info(key, mode)?;
    if identity.algorithm() != reference.algorithm {
        return Err(Refusal::Certificate(certificate::Fault::OtherKey));
    }
    let digest = reference.method.of(outline.text, signature);
    if digest != reference.claimed {
        return Err(Refusal::DigestDiffers { computed: BASE64.encode(digest), claimed: BASE64.encode(reference.claimed) });
    }
    let value = decoded(value, "SignatureValue")?;
    let signed = in_context(outline.text, info);
    let normalised = holds(&identity, &signed, &value, mode)?;
    Ok(Verified { identity, key_name, digest, normalised })
}

/// Whether it holds only without white space; refused if it does not hold at all.
fn holds(identity: &Identity, signed: &str, value: &[u8], mode: Mode) -> Result<bool, Refusal> {
    if identity.algorithm() == Algorithm::Sm2Sm3 && value.len() != 64 {
        return Err(Refusal::SignatureLength(value.len()));
    }
    if certificate::verifies(identity, signed.as_bytes(), value) {
        return Ok(false);
    }
    let bare = (mode == Mode::Lenient).then(|| without_white_space(signed)).filter(|bare| bare != signed);
    match bare {
        Some(bare) if certificate::verifies(identity, bare.as_bytes(), value) => Ok(true),
        _ => Err(Refusal::SignatureWrong),
    }
}

enum DigestMethod {
    Sm3,
    Sha1,
}

impl DigestMethod {
    /// Of the message without its signature. Cutting the element out of the whole's canonical form gives the canonical form of
    /// the rest: nothing outside an element depends on what stands inside it.
    fn of(&self, text: &str, signature: &Element<'_>) -> Vec<u8> {
        let before = text.get(..signature.span.start).unwrap_or_default();
        let after = text.get(signature.span.end..).unwrap_or_default();
        match self {
            Self::Sm3 => Sm3::new().chain_update(before).chain_update(after).finalize().to_vec(),
            Self::Sha1 => Sha1::new().chain_update(before).chain_update(after).finalize().to_vec(),
        }
    }
}

struct Reference {
    algorithm: Algorithm,
    method: DigestMethod,
    claimed: Vec<u8>,
}

fn reference(info: &Element<'_>, mode: Mode) -> Result<Reference, Refusal> {
    let [canonical, method, reference] = children(info, "SignedInfo", ["CanonicalizationMethod", "SignatureMethod", "Reference"])?;
    only_algorithm(canonical, "CanonicalizationMethod", CANONICAL)?;
    let algorithm_of_key = match algorithm(method, "SignatureMethod")? {
        SM2_SM3 => Algorithm::Sm2Sm3,
        OLD_SM2_SM3 => legacy("SignatureMethod", OLD_SM2_SM3, mode).map(|()| Algorithm::Sm2Sm3)?,
        RSA_SHA1 => Algorithm::RsaSha1,
        other => return Err(unknown("SignatureMethod", other)),
    };
    if reference.attributes != [("URI", "")] {
        return Err(Refusal::Form("Reference"));
    }
    let [transforms, digest_method, digest_value] = children(reference, "Reference", ["Transforms", "DigestMethod", "DigestValue"])?;
    let [transform] = children(transforms, "Transforms", ["Transform"])?;
    only_algorithm(transform, "Transform", ENVELOPED)?;
    let method = match algorithm(digest_method, "DigestMethod")? {
        SHA1 if algorithm_of_key == Algorithm::RsaSha1 => DigestMethod::Sha1,
        other if algorithm_of_key == Algorithm::RsaSha1 => return Err(unknown("DigestMethod", other)),
        SM3 => DigestMethod::Sm3,
        OLD_SM3 => legacy("DigestMethod", OLD_SM3, mode).map(|()| DigestMethod::Sm3)?,
        SHA1 => legacy("DigestMethod", SHA1, mode).map(|()| DigestMethod::Sha1)?,
        other => return Err(unknown("DigestMethod", other)),
    };
    Ok(Reference { algorithm: algorithm_of_key, method, claimed: decoded(digest_value, "DigestValue")? })
}

fn key_info(key: &Element<'_>, mode: Mode) -> Result<(Identity, String), Refusal> {
    let named = key.children.iter().filter(|child| child.is("KeyName")).count();
    let data: Vec<_> = key.children.iter().filter(|child| child.is("X509Data")).collect();
    if data.is_empty() {
        return Err(Refusal::NoCertificate);
    }
    if named + data.len() != key.children.len() || named > 1 || data.len() > 1 || !blank(key) {
        return Err(Refusal::Form("KeyInfo"));
    }
    let mut certificates = data.iter().flat_map(|data| data.children.iter().filter(|child| child.is("X509Certificate")));
    let certificate = certificates.next().ok_or(Refusal::NoCertificate)?;
    if certificates.next().is_some() {
        return Err(Refusal::Form("X509Data"));
    }
    let identity = Identity::from_certificate(&decoded(certificate, "X509Certificate")?).map_err(Refusal::Certificate)?;
    let name = key.children.iter().find(|child| child.is("KeyName")).map(|child| bounded(child.text.trim())).unwrap_or_default();
    if mode == Mode::Strict && name != identity.key_name() {
        return Err(Refusal::KeyName { named: name, serial: identity.key_name().to_owned() });
    }
    Ok((identity, name))
}

/// Exactly these children, in this order, and nothing but white space between them.
fn children<'e, 'a, const N: usize>(of: &'e Element<'a>, name: &'static str, wanted: [&str; N]) -> Result<[&'e Element<'a>; N], Refusal> {
    let found: Vec<&Element<'a>> = of.children.iter().collect();
    let fits = found.len() == N && found.iter().zip(wanted).all(|(child, local)| child.is(local)) && blank(of);
    found.try_into().ok().filter(|_| fits).ok_or(Refusal::Form(name))
}

fn blank(element: &Element<'_>) -> bool {
    element.text.trim_ascii().is_empty()
}

fn algorithm<'a>(element: &Element<'a>, name: &'static str) -> Result<&'a str, Refusal> {
    match element.attributes.as_slice() {
        [("Algorithm", uri)] if element.children.is_empty() && blank(element) => Ok(uri),
        _ => Err(Refusal::Form(name)),
    }
}

fn only_algorithm(element: &Element<'_>, name: &'static str, wanted: &str) -> Result<(), Refusal> {
    let found = algorithm(element, name)?;
    if found == wanted { Ok(()) } else { Err(unknown(name, found)) }
}

fn unknown(element: &'static str, uri: &str) -> Refusal {
    Refusal::UnknownAlgorithm(element, bounded(uri))
}

fn legacy(element: &'static str, uri: &str, mode: Mode) -> Result<(), Refusal> {
    if mode == Mode::Lenient { Ok(()) } else { Err(Refusal::LegacyAlgorithm(element, uri.to_owned())) }
}

fn bounded(text: &str) -> String {
    text.chars().take(LONGEST_NAME).collect()
}

/// base64 in which line ends and spaces may stand, as XML Schema allows.
fn decoded(element: &Element<'_>, name: &'static str) -> Result<Vec<u8>, Refusal> {
    let dense: String = element.text.split_ascii_whitespace().collect();
    let bytes = BASE64.decode(dense).ok().filter(|bytes| !bytes.is_empty() && element.children.is_empty());
    bytes.ok_or(Refusal::Form(name))
}

/// `SignedInfo` alone, in canonical form: its start tag shows every namespace in scope, in the order of prefixes.
fn in_context(text: &str, info: &Element<'_>) -> String {
    let mut scope = std::collections::BTreeMap::new();
    scope.extend(info.scope.iter().copied());
    let start = text.get(info.span.start..info.opened).unwrap_or_default();
    let name = start.trim_start_matches('<').split([' ', '>']).next().unwrap_or_default();
    let mut alone = format!("<{name}");
    for (prefix, space) in scope.into_iter().filter(|(prefix, space)| !(prefix.is_empty() && space.is_empty())) {
        let colon = if prefix.is_empty() { "" } else { ":" };
        alone.push_str(&format!(" xmlns{colon}{prefix}=\"{space}\""));
    }
    for (attribute, value) in &info.attributes {
        alone.push_str(&format!(" {attribute}=\"{value}\""));
    }
    alone.push('>');
    alone.push_str(text.get(info.opened..info.span.end).unwrap_or_default());
    alone
}

/// Takes white space away from both ends of every run of text. By now no attribute in here holds a `>` or `<`.
fn without_white_space(signed: &str) -> String {
    let mut bare = String::with_capacity(signed.len());
    for piece in signed.split_inclusive('>') {
        let (text, tag) = piece.split_at(piece.find('<').unwrap_or(piece.len()));
        bare.push_str(text.trim_ascii());
        bare.push_str(tag);
    }
    bare
}

#[cfg(test)]
mod tests {
    use super::*;

    const REAL_KEY: &str =
        "d2f3909a9940afd8a03d9ac0f05d66b2a9c577453efba1ba3611b9acdb885167edd01c109fb792264b79fdfbd24a87bba54836fdac075163e7ce479e41cee856";

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    fn point(hex: &str) -> Vec<u8> {
        [vec![4], bytes(hex)].concat()
    }

    fn signed_info(method: &str, digest_method: &str, digest: &str) -> String {
        format!(
            "<ds:SignedInfo xmlns:ceb=\"http://www.chinaport.gov.cn/ceb\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><ds:CanonicalizationMethod Algorithm=\"{CANONICAL}\">\
             </ds:CanonicalizationMethod><ds:SignatureMethod Algorithm=\"{method}\"></ds:SignatureMethod><ds:Reference URI=\"\">\
             <ds:Transforms><ds:Transform Algorithm=\"{ENVELOPED}\"></ds:Transform></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"{digest_method}\"></ds:DigestMethod><ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>\
             </ds:SignedInfo>"
        )
    }

    /// Signatures made by real cards, published with the open-source signing service julxxy/chinaport-data-signature.
    #[test]
    fn signatures_of_real_cards_verify() {
        let samples = [
            ("S4bQ8Qh6nXZohX+NTac1SKbDvlM=", "kWMFA6ie8OzAAvZ0rhY4IItgC5DVFZ7OQ9wjgBS5j/2YLKtvT0FU2aYM8xLyGZu6b9PzJ9DvhdfDEEHIUOBZmA=="),
            ("b2FtM/jHvW4fnJpMMPWk/177RwA=", "Pa2Ge3A1iH9e+85jIraVccvf2MB4ykjgC1MjObNd/MbPOSZRWTaizlnfReH3ErRMH5Wc3m60ZM6h56v7t7lIWg=="),
        ];
        for (digest, value) in samples {
            let signed = signed_info(OLD_SM2_SM3, SHA1, digest);
            let value = BASE64.decode(value).unwrap();
            assert!(certificate::sm2_verifies(&point(REAL_KEY), signed.as_bytes(), &value));
            assert!(!certificate::sm2_verifies(&point(REAL_KEY), signed.replace("sm2", "sm9").as_bytes(), &value));
        }
    }

    /// The modulus of a real card of before 2022, and what it signed; published with the same service.
    const REAL_MODULUS: &str = "edf53ec93908a428a2fba18ed159b44ca7bcb656cad721b1734838790d940f8a676e5228d9cd994ae8091930360904cdbf209188d108d68c125567c8445248096f850e38108133e70218508d6392d7fe6028e41a1ec601b829daf44f0c4043eb371fce5f094f3544e82a012d39fc8cce47b7834846184fd09198d6172114cf57";
    const REAL_RSA_VALUE: &str = "mhWpJI3RsJZGiR8MqI3kcJAJPqgVOQi0IFJzp0CBWLG+Qa7ZnYJX+hi70J+/09diHYkCMDxcKuT5uogbFvi/9rOZnrn+YsL0h0/nGcO31lx/RpqT8i5GoSt/UcZe9COIbnrKwdh+90FLYIW4xS3Rsglv4CDL+e53GGmSdduSTUU=";

    #[test]
    fn a_signature_of_a_real_rsa_card_verifies() {
        use rsa::{BoxedUint, pkcs8::EncodePublicKey};
        let modulus = BoxedUint::from_be_slice_vartime(&bytes(REAL_MODULUS));
        let key = rsa::PublicKey::new(modulus, BoxedUint::from(65_537_u64)).unwrap().to_public_key_der().unwrap();
        let signed = signed_info(RSA_SHA1, SHA1, "b2FtM/jHvW4fnJpMMPWk/177RwA=");
        let value = BASE64.decode(REAL_RSA_VALUE).unwrap();
        assert!(certificate::rsa_verifies(key.as_bytes(), signed.as_bytes(), &value));
        assert!(!certificate::rsa_verifies(key.as_bytes(), signed.replace("b2Ft", "b2Fu").as_bytes(), &value));
        assert!(!certificate::rsa_verifies(key.as_bytes(), signed.as_bytes(), &value[1..]));
    }

    /// Made with libxml2 and a throw-away key.
    const SYNTHETIC: &str = "<ceb:CEB607Message xmlns:ceb=\"http://www.chinaport.gov.cn/ceb\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" \
        xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" guid=\"11111111-AAAA-4AAA-8AAA-000000000001\" version=\"1.0\">\
        <ceb:Synthetic>测试 &amp; A&lt;B</ceb:Synthetic></ceb:CEB607Message>";
    const SYNTHETIC_KEY: &str =
        "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";
    const SYNTHETIC_VALUE: &str = "spryrjRx7MYrdW2CrOgufTi1HoIMce2ZQNnoUl8iwalrXpHSYnmvaVNYk7TaUxkmSeYBVIyVQ3QhDHYqmZBGhQ==";
    const SYNTHETIC_DIGEST: &str = "1K+oCyT9FaFacSQD8nxX4Y6ZkXqyiyG3cRWV3OqagV4=";

    #[test]
    fn digest_and_signature_agree_with_libxml2() {
        assert_eq!(BASE64.encode(Sm3::digest(SYNTHETIC)), SYNTHETIC_DIGEST);
        assert_eq!(BASE64.encode(Sha1::digest(SYNTHETIC)), "bc6NhyJoRNjay9BhrXwDY8EOLKU=");
        let signed = signed_info(SM2_SM3, SM3, SYNTHETIC_DIGEST);
        assert!(certificate::sm2_verifies(&point(SYNTHETIC_KEY), signed.as_bytes(), &BASE64.decode(SYNTHETIC_VALUE).unwrap()));
    }

    #[test]
    fn the_parts_cut_from_the_whole_are_those_of_canonical_xml() {
        let document = "<?xml version=\"1.0\"?>\n<M xmlns='urn:m' xmlns:b='urn:b' b:z='1' a='2'>\r\n <b:x c='&#9;'/> t <!-- no -->\
            <d:Signature xmlns:d='http://www.w3.org/2000/09/xmldsig#' xmlns:b='urn:c' Id='s'> <d:SignedInfo xmlns='' xmlns:a='urn:a' Id='i'>\
            <e xmlns='urn:m'/><d:CanonicalizationMethod xmlns:b='urn:c'/> </d:SignedInfo></d:Signature>\n<y/></M>";
        let whole = message::canonical(document.as_bytes(), Part::Whole).unwrap();
        let outline = outline(&whole).unwrap();
        let signature = outline.signature.as_ref().unwrap();
        let name = |local| message::ElementName { space: outline::SIGNATURES, local };
        let only = message::canonical(document.as_bytes(), Part::Only(name("SignedInfo"))).unwrap();
        assert_eq!(in_context(outline.text, &signature.children[0]), String::from_utf8(only).unwrap());
        let without = message::canonical(document.as_bytes(), Part::Without(name("Signature"))).unwrap();
        assert_eq!(DigestMethod::Sm3.of(outline.text, signature), Sm3::digest(without).to_vec());
    }

    #[test]
    fn white_space_goes_and_nothing_else() {
        assert_eq!(without_white_space("<a b=\"1 2\">\n <c> x y\n</c>\n</a>"), "<a b=\"1 2\"><c>x y</c></a>");
    }
}
