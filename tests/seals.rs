//! Sealing and verifying, from outside: what holds, and everything that must not.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use sha1::Sha1;
use sha2::Sha256;
use sm3::{Digest, Sm3};
use tongguan::{
    clock::{Clockwork, ManualClock, SeededEntropy, Timestamp},
    message::{ElementName, Part, canonical},
    seal::{Algorithm, Error, Identity, Mode, Refusal, Sealed, SignError, Signer, seal, verify},
    signers::{self, FileSigner, Pace, Signers, new_key, new_rsa_key, write_key},
};

const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
const SM2_SM3: &str = "http://www.chinaport.gov.cn/2022/04/xmldsig#sm2-sm3";
const SM3: &str = "http://www.chinaport.gov.cn/2022/04/xmldsig#sm3";
const BODY: &str = "<ceb:Note>测试 &amp; A&lt;B&gt; C</ceb:Note><ceb:Empty></ceb:Empty>";

fn message(body: &str) -> String {
    format!(
        "<ceb:CEB603Message xmlns:ceb=\"http://www.chinaport.gov.cn/ceb\" xmlns:ds=\"{DS}\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" guid=\"11111111-AAAA-4AAA-8AAA-000000000001\" version=\"1.0\">\
         {body}</ceb:CEB603Message>"
    )
}

fn clockwork(seed: u64) -> Clockwork {
    let now = Timestamp::parse_seconds("20261111000000").unwrap();
    Clockwork::new(Arc::new(ManualClock::at(now)), Arc::new(SeededEntropy::new(seed)))
}

fn key_files(dir: &Path, seed: u64) -> (PathBuf, PathBuf) {
    let (key, certificate) = new_key(&clockwork(seed), "广州测试报关行有限公司", 365).unwrap();
    write_key(dir, &format!("test-{seed}"), &key, &certificate).unwrap()
}

fn signer(seed: u64) -> FileSigner {
    let dir = tempfile::tempdir().unwrap();
    let (key, certificate) = key_files(dir.path(), seed);
    FileSigner::open(&key, &certificate).unwrap()
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

fn sealed(body: &str) -> Sealed {
    run(seal(message(body).as_bytes(), &signer(1))).unwrap()
}

fn sealed_text(body: &str) -> String {
    String::from_utf8(sealed(body).bytes().to_vec()).unwrap()
}

fn refusal(text: &str, mode: Mode) -> Refusal {
    verify(text.as_bytes(), mode).expect_err("must be refused")
}

fn rules(text: &str) -> [&'static str; 2] {
    [refusal(text, Mode::Strict).rule(), refusal(text, Mode::Lenient).rule()]
}

/// Signs as another program would, by the parts of canonical XML and not by our own cutting: `document` has DIGEST and VALUE in it.
fn signed_elsewhere(document: &str, sha1: bool, signer: &dyn Signer) -> String {
    let document =
        document.replace("KEY", signer.identity().key_name()).replace("CERT", &BASE64.encode(signer.identity().certificate_der()));
    let body = canonical(document.as_bytes(), Part::Without(ElementName { space: DS, local: "Signature" })).unwrap();
    let digest = if sha1 { BASE64.encode(Sha1::digest(&body)) } else { BASE64.encode(Sm3::digest(&body)) };
    let document = document.replace("DIGEST", &digest);
    let info = canonical(document.as_bytes(), Part::Only(ElementName { space: DS, local: "SignedInfo" })).unwrap();
    document.replace("VALUE", &BASE64.encode(run(signer.sign(&info)).unwrap()))
}

fn signature(method: &str, digest_method: &str) -> String {
    format!(
        "<ds:Signature><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\"/>\
         <ds:SignatureMethod Algorithm=\"{method}\"/><ds:Reference URI=\"\"><ds:Transforms><ds:Transform \
         Algorithm=\"{DS}enveloped-signature\"/></ds:Transforms><ds:DigestMethod Algorithm=\"{digest_method}\"/>\
         <ds:DigestValue>DIGEST</ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue>VALUE</ds:SignatureValue><ds:KeyInfo>\
         <ds:KeyName>KEY</ds:KeyName><ds:X509Data><ds:X509Certificate>CERT</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"
    )
}

#[test]
fn what_is_sealed_verifies_is_canonical_and_is_the_message_itself() {
    let (unsigned, signer) = (message(BODY), signer(1));
    let sealed = run(seal(unsigned.as_bytes(), &signer)).unwrap();
    for mode in [Mode::Strict, Mode::Lenient] {
        let verified = verify(sealed.bytes(), mode).unwrap();
        assert_eq!(&verified.identity, signer.identity());
        assert_eq!(verified.key_name, signer.identity().key_name());
        assert_eq!(verified.digest, Sm3::digest(&unsigned).to_vec());
        assert!(!verified.normalised);
    }
    assert_eq!(canonical(sealed.bytes(), Part::Whole).unwrap(), sealed.bytes());
    let without = canonical(sealed.bytes(), Part::Without(ElementName { space: DS, local: "Signature" })).unwrap();
    assert_eq!(without, unsigned.as_bytes());
    assert!(sealed.bytes().ends_with(b"</ds:KeyInfo></ds:Signature></ceb:CEB603Message>"));
    assert_eq!(sealed.digest(), &<[u8; 32]>::from(Sha256::digest(sealed.bytes())));
    assert_eq!(run(seal(unsigned.as_bytes(), &signer)).unwrap(), sealed, "one message and one key: the same bytes");
}

#[test]
fn another_spelling_of_the_same_message_verifies() {
    let text = sealed_text(BODY).replace("<ceb:Empty></ceb:Empty>", "<ceb:Empty />").replace("&gt;", ">");
    let text = format!("\u{FEFF}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- a -->{text}\n").replace("测试", "&#x6D4B;<![CDATA[试]]>");
    verify(text.as_bytes(), Mode::Strict).unwrap();
    let wrapped = text.replace("<ds:X509Certificate>", "<ds:X509Certificate>\n").replace("</ds:SignedInfo><", "</ds:SignedInfo>\n  <");
    verify(wrapped.as_bytes(), Mode::Strict).unwrap();
}

#[test]
fn one_changed_byte_anywhere_is_noticed() {
    let signer = signer(1);
    let original = sealed(BODY);
    for at in 0..original.bytes().len() {
        for flip in [1, 0x20] {
            let mut bytes = original.bytes().to_vec();
            bytes[at] ^= flip;
            if let Ok(verified) = verify(&bytes, Mode::Strict) {
                // A certificate is not part of what is signed: one that was changed is another certificate, which nobody trusts.
                assert_ne!(&verified.identity, signer.identity(), "byte {at}");
                assert_eq!(verified.identity.public_key(), signer.identity().public_key());
            }
        }
    }
}

#[test]
fn white_space_put_in_after_signing() {
    let text = sealed_text(BODY);
    let pretty = text.replace("<ds:Reference", "\n    <ds:Reference").replace("</ds:SignedInfo>", "\n  </ds:SignedInfo>");
    assert_eq!(refusal(&pretty, Mode::Strict), Refusal::SignatureWrong);
    assert!(verify(pretty.as_bytes(), Mode::Lenient).unwrap().normalised);
    let moved = text.replace("<ds:Signature>", "\n<ds:Signature>");
    assert_eq!(rules(&moved), ["signature.digest"; 2]);
    let changed = refusal(&text.replace("测试", "测 试"), Mode::Lenient);
    let Refusal::DigestDiffers { computed, claimed } = &changed else { panic!("{changed}") };
    assert!(computed != claimed && text.contains(claimed) && changed.zh().contains(computed) && changed.en().contains(claimed));
    assert_eq!(rules(&text.replace("测试 ", "测试&#13; ")), ["signature.digest"; 2]);
}

#[test]
fn white_space_that_was_signed_is_part_of_what_was_signed() {
    let document = message(&format!("{BODY}\n{}\n", signature(SM2_SM3, SM3).replace("><", ">\n <").replace(">DIGEST<", ">\nDIGEST\n<")));
    let text = signed_elsewhere(&document, false, &signer(1));
    assert!(!verify(text.as_bytes(), Mode::Strict).unwrap().normalised);
}

#[test]
fn another_certificate_does_not_fit() {
    let (text, one, other) = (sealed_text(BODY), signer(1), signer(2));
    let certificate = |signer: &FileSigner| BASE64.encode(signer.identity().certificate_der());
    let swapped = text.replace(&certificate(&one), &certificate(&other));
    assert_eq!(rules(&swapped), ["signature.key-name", "signature.value"]);
    let renamed = swapped.replace(one.identity().key_name(), other.identity().key_name());
    assert_eq!(rules(&renamed), ["signature.value"; 2]);
    assert_eq!(rules(&text.replace("<ds:X509Certificate>", "<ds:X509Certificate>AAAA")), ["signature.certificate"; 2]);
    let start = text.find("<ds:X509Data>").unwrap();
    let end = text.find("</ds:KeyInfo>").unwrap();
    assert_eq!(rules(&[&text[..start], &text[end..]].concat()), ["signature.certificate-missing"; 2]);
}

#[test]
fn a_signature_must_be_alone_and_in_its_place() {
    let text = sealed_text(BODY);
    let (start, end) = (text.find("<ds:Signature>").unwrap(), text.rfind("</ceb:").unwrap());
    let (before, signature, after) = (&text[..start], &text[start..end], &text[end..]);
    assert_eq!(refusal(&[before, signature, signature, after].concat(), Mode::Lenient), Refusal::SeveralSignatures(2));
    let hidden = format!("{before}<ceb:X>{signature}</ceb:X>{signature}{after}");
    assert_eq!(rules(&hidden), ["signature.several"; 2]);
    let other_prefix = format!("{before}<Signature xmlns=\"{DS}\"/>{signature}{after}");
    assert_eq!(rules(&other_prefix), ["signature.several"; 2]);
    let wrapped = format!("{before}<ceb:X>{signature}</ceb:X>{after}");
    assert_eq!(rules(&wrapped), ["signature.misplaced"; 2]);
    assert_eq!(
        rules(signature.replace("<ds:Signature>", &format!("<ds:Signature xmlns:ds=\"{DS}\">")).as_str()),
        ["signature.misplaced"; 2]
    );
    assert_eq!(rules(&format!("{text}<ceb:More/>")), ["signature.unreadable"; 2]);
    assert_eq!(rules(&message(BODY)), ["signature.none"; 2]);
    let object = text.replace("</ds:KeyInfo>", "</ds:KeyInfo><ds:Object><ceb:Note>other</ceb:Note></ds:Object>");
    assert_eq!(refusal(&object, Mode::Lenient), Refusal::Form("Signature"));
}

#[test]
fn nothing_but_the_whole_message_may_be_referred_to() {
    let signer = signer(1);
    let forms = [
        ("URI=\"\"", "URI=\"#part\"", "signature.form"),
        ("URI=\"\"", "", "signature.form"),
        ("<ds:Reference URI=\"\">", "<ds:Reference URI=\"\" Id=\"r\">", "signature.form"),
        ("enveloped-signature\"/>", "enveloped-signature\"/><ds:Transform Algorithm=\"urn:x\"/>", "signature.form"),
        ("#enveloped-signature", "#base64", "signature.algorithm"),
        ("REC-xml-c14n-20010315", "REC-xml-c14n-20010315#WithComments", "signature.algorithm"),
        (SM3, "http://www.w3.org/2001/04/xmlenc#sha256", "signature.algorithm"),
        (SM2_SM3, "http://www.w3.org/2000/09/xmldsig#rsa-sha1", "signature.algorithm"),
        ("<ds:DigestValue>DIGEST</ds:DigestValue>", "", "signature.form"),
        (">DIGEST<", ">*<", "signature.form"),
        (">VALUE<", "><", "signature.form"),
        (">VALUE<", ">AAAA<", "signature.length"),
        ("</ds:Reference>", "</ds:Reference><ds:Reference URI=\"\"></ds:Reference>", "signature.form"),
        ("<ds:SignedInfo>", "<ds:SignedInfo>text", "signature.form"),
    ];
    for (from, to, rule) in forms {
        let document = message(&format!("{BODY}{}", signature(SM2_SM3, SM3)));
        assert!(document.contains(from), "{from}");
        // The name SM3 begins the longer name too: with its closing quote it does not.
        let document =
            if from == SM3 { document.replace(&format!("{from}\""), &format!("{to}\"")) } else { document.replacen(from, to, 1) };
        let text = signed_elsewhere(&document, false, &signer);
        assert_eq!(rules(&text), [rule; 2], "{from} -> {to}");
    }
}

#[test]
fn old_names_hold_only_where_they_are_forgiven() {
    let signer = signer(1);
    for (sha1, digest) in [(false, "sm3"), (true, "sha1")] {
        let document = message(&format!("{BODY}{}", signature(&format!("{DS}sm2-sm3"), &format!("{DS}{digest}"))));
        let text = signed_elsewhere(&document, sha1, &signer);
        assert_eq!(refusal(&text, Mode::Strict).rule(), "signature.legacy");
        verify(text.as_bytes(), Mode::Lenient).unwrap();
        assert_eq!(refusal(&text.replace("测试", "试测"), Mode::Lenient).rule(), "signature.digest");
    }
}

#[test]
fn other_prefixes_and_inherited_namespaces_verify() {
    let signature =
        signature(SM2_SM3, SM3).replace("<ds:", "<").replace("</ds:", "</").replace("<Signature>", &format!("<Signature xmlns=\"{DS}\">"));
    let document = format!("<C xmlns:b=\"urn:b\" xmlns='urn:c' xmlns:a=\"urn:a\"><b:D a:x='1'/>\r\n{signature}</C>");
    verify(signed_elsewhere(&document, false, &signer(1)).as_bytes(), Mode::Strict).unwrap();
}

#[test]
fn hostile_bytes_are_refused() {
    let text = sealed_text(BODY);
    let doctype = format!("<!DOCTYPE x [<!ENTITY e \"e\">]>{text}");
    let deep = format!("{}{}", "<a>".repeat(10_000), "</a>".repeat(10_000));
    let gbk = [b"<?xml version=\"1.0\" encoding=\"GBK\"?>".as_slice(), text.as_bytes()].concat();
    let huge = vec![b' '; 64 * 1024 * 1024];
    for bytes in [b"".as_slice(), b"<", b"\xFF\xFE", doctype.as_bytes(), deep.as_bytes(), &gbk, &huge, &text.as_bytes()[..text.len() - 9]] {
        assert_eq!(verify(bytes, Mode::Lenient).unwrap_err().rule(), "signature.unreadable");
    }
}

#[test]
fn only_messages_as_our_writer_makes_them_are_signed() {
    let good = message(BODY);
    let seal_of = |text: &str| run(seal(text.as_bytes(), &signer(1)));
    for bad in [
        format!("<?xml version=\"1.0\"?>{good}"),
        format!("{good}\n"),
        good.replace("<ceb:Empty></ceb:Empty>", "<ceb:Empty/>"),
        good.replace(" guid=", "\n guid="),
        good.replace("测试", "测\r\n试"),
        good.replace("测试", "<!-- -->"),
        good.replace("xmlns:ds=", "xmlns:dsig="),
        good.replace("<ceb:Note>", "<ceb:Note xmlns:n=\"urn:n\">"),
        good.replace(" version=\"1.0\"", " a=\"1\""),
        String::new(),
    ] {
        assert!(matches!(seal_of(&bad), Err(Error::NotCanonical(_))), "{bad}");
    }
    assert!(matches!(seal_of(&sealed_text(BODY)), Err(Error::AlreadySigned)));
}

struct Faulty {
    honest: FileSigner,
    gives: Result<Vec<u8>, SignError>,
}

#[async_trait::async_trait]
impl Signer for Faulty {
    async fn sign(&self, _: &[u8]) -> Result<Vec<u8>, SignError> {
        self.gives.clone()
    }

    fn identity(&self) -> &Identity {
        self.honest.identity()
    }
}

#[test]
fn a_signer_that_errs_lets_nothing_leave() {
    let seal_by = |gives| run(seal(message(BODY).as_bytes(), &Faulty { honest: signer(1), gives })).unwrap_err();
    let other_key = run(signer(2).sign(b"other")).unwrap();
    assert!(matches!(seal_by(Ok(other_key)), Error::Refused(Refusal::SignatureWrong)));
    assert!(matches!(seal_by(Ok(vec![0; 64])), Error::Refused(Refusal::SignatureWrong)));
    assert!(matches!(seal_by(Ok(vec![0x30; 71])), Error::Refused(Refusal::SignatureLength(71))));
    assert!(matches!(seal_by(Ok(Vec::new())), Error::Refused(Refusal::Form("SignatureValue"))));
    let locked = SignError::Refused("card locked".into());
    assert!(!locked.is_transient());
    assert!(matches!(seal_by(Err(locked)), Error::Signer(SignError::Refused(_))));
}

#[test]
fn every_refusal_speaks_both_languages() {
    let text = sealed_text(BODY);
    for bad in [text.replace("测试", ""), text.replace("</ds:KeyInfo>", ""), message(BODY), text.replace(SM2_SM3, "urn:other")] {
        let refusal = refusal(&bad, Mode::Strict);
        assert!(!refusal.zh().is_ascii() && !refusal.en().is_empty() && refusal.en() != refusal.zh());
        assert!(!refusal.en().chars().any(|c| ('\u{4E00}'..='\u{9FFF}').contains(&c)));
    }
}

#[test]
fn new_keys_have_sixteen_digits_and_their_days() {
    for seed in 0..20 {
        let signer = signer(seed);
        let identity = signer.identity();
        assert!(identity.key_name().len() == 16 && identity.key_name().bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
        let start = Timestamp::parse_seconds("20261111000000").unwrap();
        let day = Duration::from_secs(86_400);
        assert!(identity.is_valid_at(start) && identity.is_valid_at(start + day * 365));
        assert!(!identity.is_valid_at(start - day) && !identity.is_valid_at(start + day * 366));
    }
    assert_ne!(signer(1).identity().key_name(), signer(2).identity().key_name());
    new_key(&clockwork(1), "O, \"R\" + <G>; \\ # = 公司", 36_500).unwrap();
    for (subject, days) in [("", 1), (" a", 1), ("a\nb", 1), (&*"长".repeat(65), 1), ("a", 0), ("a", 36_501)] {
        assert!(new_key(&clockwork(1), subject, days).is_err(), "{subject} {days}");
    }
}

#[test]
fn key_files_are_written_once_and_for_their_owner() {
    let dir = tempfile::tempdir().unwrap();
    let (key, certificate) = key_files(dir.path(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let before = std::fs::read(&key).unwrap();
    assert!(write_key(dir.path(), "test-1", "other", "other").is_err());
    assert_eq!(std::fs::read(&key).unwrap(), before);
    std::fs::remove_file(&key).unwrap();
    assert!(write_key(dir.path(), "test-1", "other", "other").is_err());
    assert!(!key.exists() && certificate.exists(), "no key is left without its certificate");
    for name in ["", "../x", "a/b", "a.b", &"a".repeat(61)] {
        assert!(matches!(write_key(dir.path(), name, "", ""), Err(signers::Error::Name)), "{name}");
    }
}

#[test]
fn keys_that_are_of_no_use_are_refused_and_none_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    let (key, certificate) = key_files(dir.path(), 1);
    let (_, other_certificate) = key_files(dir.path(), 2);
    let missing = dir.path().join("missing");
    let large = dir.path().join("large");
    std::fs::write(&large, vec![b'a'; 1 << 20]).unwrap();
    let error = |key: &Path, certificate: &Path| FileSigner::open(key, certificate).unwrap_err();
    assert!(matches!(error(&missing, &certificate), signers::Error::File { .. }));
    assert!(matches!(error(&large, &certificate), signers::Error::TooLarge(_)));
    assert!(matches!(error(&certificate, &certificate), signers::Error::Key(_)));
    assert!(matches!(error(&key, &key), signers::Error::NotPem(_)));
    assert!(matches!(error(&key, &other_certificate), signers::Error::Mismatch(_)));
    let signer = FileSigner::open(&key, &certificate).unwrap();
    let pem = std::fs::read_to_string(&key).unwrap();
    let printed = format!("{signer:?} {:?}", error(&key, &other_certificate));
    assert!(pem.lines().all(|line| !printed.contains(line)) && !printed.contains("广州"));
}

#[derive(Default)]
struct Busy {
    now: AtomicUsize,
    most: AtomicUsize,
}

struct Counting(FileSigner, Arc<Busy>);

#[async_trait::async_trait]
impl Signer for Counting {
    async fn sign(&self, _: &[u8]) -> Result<Vec<u8>, SignError> {
        let now = self.1.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.1.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.1.now.fetch_sub(1, Ordering::SeqCst);
        Ok(Vec::new())
    }

    fn identity(&self) -> &Identity {
        self.0.identity()
    }
}

#[test]
fn a_signer_is_paced_for_all_who_share_it() {
    let (mut signers, busy) = (Signers::default(), Arc::new(Busy::default()));
    let pace = Pace { at_once: 2.try_into().unwrap(), per_minute: Some(6_000.try_into().unwrap()) };
    signers.add("card", Arc::new(Counting(signer(1), busy.clone())), Pace { per_minute: None, ..pace }).unwrap();
    signers.add("slow", Arc::new(Counting(signer(1), busy.clone())), pace).unwrap();
    assert!(matches!(signers.add("card", Arc::new(signer(2)), pace), Err(signers::Error::NameTaken(_))));
    assert!(signers.get("other").is_none());
    assert_eq!(signers.names().collect::<Vec<_>>(), ["card", "slow"]);
    run(async {
        let card = signers.get("card").unwrap();
        tokio::join!(card.sign(b""), card.sign(b""), card.sign(b""), card.sign(b"")).0.unwrap();
        assert_eq!(busy.most.load(Ordering::SeqCst), 2);
        let (slow, begun) = (signers.get("slow").unwrap(), tokio::time::Instant::now());
        for _ in 0..4 {
            slow.sign(b"").await.unwrap();
        }
        assert!(begun.elapsed() >= Duration::from_millis(30), "4 turns, 10 ms apart");
    });
}

fn rsa_signer(bits: usize) -> FileSigner {
    let dir = tempfile::tempdir().unwrap();
    let (key, certificate) = new_rsa_key(&clockwork(1), "广州测试报关行有限公司", 365, bits).unwrap();
    let (key, certificate) = write_key(dir.path(), "rsa", &key, &certificate).unwrap();
    FileSigner::open(&key, &certificate).unwrap()
}

#[test]
fn older_cards_sign_with_rsa_and_sha1() {
    let (unsigned, signer) = (message(BODY), rsa_signer(1_024));
    assert_eq!(signer.identity().algorithm(), Algorithm::RsaSha1);
    let sealed = run(seal(unsigned.as_bytes(), &signer)).unwrap();
    let text = String::from_utf8(sealed.bytes().to_vec()).unwrap();
    assert!(text.contains(&format!("<ds:SignatureMethod Algorithm=\"{DS}rsa-sha1\">")));
    assert!(text.contains(&format!("<ds:DigestMethod Algorithm=\"{DS}sha1\">")));
    for mode in [Mode::Strict, Mode::Lenient] {
        let verified = verify(sealed.bytes(), mode).unwrap();
        assert_eq!(&verified.identity, signer.identity());
        assert_eq!(verified.digest, Sha1::digest(&unsigned).to_vec());
    }
    assert_eq!(run(seal(unsigned.as_bytes(), &signer)).unwrap(), sealed, "one message and one key: the same bytes");
    assert_eq!(rules(&text.replace("测试", "试测")), ["signature.digest"; 2]);
    let flipped = text.replace("</ds:KeyName>", "</ds:KeyName> ").replacen("rsa-sha1", "rsa-sha256", 1);
    assert_eq!(rules(&flipped), ["signature.algorithm"; 2]);
    assert_eq!(rules(&text.replace(&format!("{DS}sha1"), SM3)), ["signature.algorithm"; 2]);
    // A certificate of the other kind than the method.
    assert_eq!(rules(&text.replace(&format!("{DS}rsa-sha1"), SM2_SM3).replace(&format!("{DS}sha1"), SM3)), ["signature.certificate"; 2]);
    let value = text.split("<ds:SignatureValue>").nth(1).unwrap().split('<').next().unwrap();
    assert_eq!(BASE64.decode(value).unwrap().len(), 128);
    assert_eq!(rules(&text.replace(value, &BASE64.encode([1; 128]))), ["signature.value"; 2]);
    assert_eq!(rules(&text.replace(value, &BASE64.encode([1; 127]))), ["signature.value"; 2]);
}

#[test]
fn xmlsec_verifies_what_an_rsa_key_signed() {
    let signer = rsa_signer(2_048);
    let sealed = run(seal(message(BODY).as_bytes(), &signer)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (file, der) = (dir.path().join("a.xml"), dir.path().join("cert.der"));
    std::fs::write(&der, signer.identity().certificate_der()).unwrap();
    let xmlsec = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        let mut command = std::process::Command::new("xmlsec1");
        command.args(["--verify", &format!("--pubkey-cert-der:{}", signer.identity().key_name())]).arg(&der).arg(&file);
        let output = command.output().expect("xmlsec1 must be installed (Debian: xmlsec1)");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (holds, said) = xmlsec(sealed.bytes());
    assert!(holds, "{said}");
    let text = String::from_utf8(sealed.bytes().to_vec()).unwrap();
    assert!(!xmlsec(text.replace("测试", "试测").as_bytes()).0);
}

#[test]
fn a_signer_has_its_last_day() {
    let dir = tempfile::tempdir().unwrap();
    let (key, certificate) = key_files(dir.path(), 1);
    let options = |until: Option<&str>| signers::Options {
        name: "card".into(),
        key: key.clone(),
        certificate: certificate.clone(),
        until: until.map(str::to_owned),
        pace: Pace::default(),
    };
    let valid = |until: Option<&str>, at: &str| {
        let signers = Signers::open(&[options(until)]).unwrap();
        signers.get("card").unwrap().identity().is_valid_at(Timestamp::parse_seconds(at).unwrap())
    };
    assert!(valid(None, "20270401000000") && !valid(None, "20271112000000"), "the certificate's own days");
    assert!(valid(Some("20270331"), "20270331235959") && !valid(Some("20270331"), "20270401000000"));
    assert!(!valid(Some("20301231"), "20271112000000"), "a later day does not make a certificate last longer");
    assert!(matches!(Signers::open(&[options(Some("soon"))]), Err(signers::Error::Until(_))));
    for bits in [512, 1_023, 4_096] {
        assert!(matches!(new_rsa_key(&clockwork(1), "a", 1, bits), Err(signers::Error::Bits)));
    }
}
