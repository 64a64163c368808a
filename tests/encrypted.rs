//! The door with a certificate: callers that trust it come in, others do not.

use std::{path::Path, process::Command};

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
    TlsOptions { certificate, key }
}

#[tokio::test]
async fn a_caller_comes_in_by_the_certificate_it_trusts_and_no_other() {
    let folder = rig::folder();
    let mut config = rig::config(folder.path());
    let (ours, other) = (openssl(folder.path(), "ours"), openssl(folder.path(), "other"));
    config.grpc.tls = Some(ours.clone());
    let gateway = Gateway::start(&config, &Clockwork::system()).await.unwrap();
    let address = format!("https://{}", gateway.address());
    let trusted = std::fs::read(&ours.certificate).unwrap();
    let client = Client::connect(&address, None, Some(&trusted)).await.unwrap();
    let (orders, _) = rig::many(1);
    let (draft, idempotency_key) = rig::draft_of(&orders[0]);
    let mut answers = Vec::new();
    client.submit(vec![Item { id: "1".into(), draft, idempotency_key, needed_by: None }], |_, answer| answers.push(answer)).await.unwrap();
    assert!(matches!(answers[..], [Answer::Kept { .. }]), "{answers:?}");
    let stranger = std::fs::read(&other.certificate).unwrap();
    assert!(Client::connect(&address, None, Some(&stranger)).await.is_err(), "a certificate that vouches for another door");
    let plain = Client::connect(&format!("http://{}", gateway.address()), None, None).await;
    let refused = match plain {
        Ok(client) => client.submit(Vec::new(), |_, _| ()).await.is_err(),
        Err(_) => true,
    };
    assert!(refused, "nobody comes in unencrypted");
    gateway.stop().await;
}
