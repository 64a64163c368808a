//! The door and the console with a certificate: callers that trust it come in, others do not.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::Command,
    time::Duration,
};

use tongguan::{
    clock::Clockwork,
    gateway::Gateway,
    grpc::{
        TlsOptions,
        client::{Answer, Client, Item},
    },
};

use super::rig;

fn openssl(folder: &Path, name: &str) -> TlsOptions {
    let (key, certificate) = (folder.join(format!("{name}-door.key.pem")), folder.join(format!("{name}-door.cert.pem")));
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
    command.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]);
    let output = command.arg("-keyout").arg(&key).arg("-out").arg(&certificate).output().expect("openssl must be installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    TlsOptions { certificate, key, client_ca: None }
}

#[tokio::test]
async fn a_caller_comes_in_by_the_certificate_it_trusts_and_no_other() {
    let folder = rig::folder();
    let mut config = rig::config(folder.path());
    let (ours, other) = (openssl(folder.path(), "ours"), openssl(folder.path(), "other"));
    config.grpc.tls = Some(ours.clone());
    let gateway = Gateway::start(&config, &Clockwork::system()).await.unwrap();
    let address = format!("https://{}", gateway.address().unwrap());
    let trusted = std::fs::read(&ours.certificate).unwrap();
    let client = Client::connect(&address, None, Some(&trusted)).await.unwrap();
    let (orders, _) = rig::many(1);
    let (draft, idempotency_key) = rig::draft_of(&orders[0]);
    let mut answers = Vec::new();
    client.submit(vec![Item { id: "1".into(), draft, idempotency_key, needed_by: None }], |_, answer| answers.push(answer)).await.unwrap();
    assert!(matches!(answers[..], [Answer::Kept { .. }]), "{answers:?}");
    let stranger = std::fs::read(&other.certificate).unwrap();
    assert!(Client::connect(&address, None, Some(&stranger)).await.is_err(), "a certificate that vouches for another door");
    let plain = Client::connect(&format!("http://{}", gateway.address().unwrap()), None, None).await;
    let refused = match plain {
        Ok(client) => client.submit(Vec::new(), |_, _| ()).await.is_err(),
        Err(_) => true,
    };
    assert!(refused, "nobody comes in unencrypted");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_encrypt_or_never_ends_the_handshake_is_closed() {
    let folder = rig::folder();
    let mut config = rig::config(folder.path());
    config.grpc.tls = Some(openssl(folder.path(), "ours"));
    config.grpc.handshake_s = 1;
    let gateway = Gateway::start(&config, &Clockwork::system()).await.unwrap();
    // A handshake that says how long its first record is, and stops there.
    let begun = [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), vec![7; 40]].concat();
    for bytes in [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), b"GET / HTTP/1.1\r\n\r\n".to_vec(), Vec::new(), begun] {
        let address = gateway.address().unwrap();
        let closed = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(&bytes).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let ended = stream.read_to_end(&mut Vec::new());
            ended.map_or_else(|error| error.kind() == std::io::ErrorKind::ConnectionReset, |_| true)
        });
        assert!(closed.await.unwrap());
    }
    gateway.stop().await;
}

/// What the console answers to somebody who trusts a certificate; nothing if the handshake fails.
fn page(address: &str, trusted: &Path) -> Option<String> {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--include", "--max-time", "20", "--cacert"]).arg(trusted);
    let output = command.arg(format!("https://{address}/sign-in")).output().expect("curl must be installed");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_speaks_tls_with_a_certificate_that_may_be_renewed() {
    let folder = rig::folder();
    let mut config = rig::config(folder.path());
    let (ours, other) = (openssl(folder.path(), "ours"), openssl(folder.path(), "other"));
    let address = format!("127.0.0.1:{}", rig::free_port());
    config.console.listen.clone_from(&address);
    config.console.tls = Some(ours.clone());
    let gateway = Gateway::start(&config, &Clockwork::system()).await.unwrap();
    let answers = |trusted: &Path| page(&address, trusted);
    rig::until(Duration::from_secs(20), "the console answers by TLS", || async { answers(&ours.certificate).is_some() }).await;
    let page = answers(&ours.certificate).unwrap().to_ascii_lowercase();
    assert!(page.contains("strict-transport-security: max-age=31536000") && page.contains("<h1>"), "{page}");
    assert_eq!(answers(&other.certificate), None, "another certificate");
    let plain = rig::http::ask(&address, "GET", "/sign-in", &[], b"", Duration::from_secs(20));
    assert!(plain.is_err() || plain.unwrap().status == 0, "nobody comes in unencrypted");
    let before = folder.path().join("before.pem");
    std::fs::copy(&ours.certificate, &before).unwrap();
    std::fs::copy(&other.key, &ours.key).unwrap();
    std::fs::copy(&other.certificate, &ours.certificate).unwrap();
    rig::until(Duration::from_secs(20), "the new certificate is shown", || async { answers(&other.certificate).is_some() }).await;
    assert_eq!(answers(&before), None, "the old one is not shown any more");
    gateway.stop().await;
}
