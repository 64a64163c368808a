//! Callers with certificates: who is let in as whom, which certificates are refused, and keys, certificates and the door's own files
//! that change while the gateway runs.

use std::{fs, path::Path, process::Command, time::Duration};

use tongguan::{
    access::{CertificateOptions, KeyOptions, new_key},
    clock::Clockwork,
    config::Config,
    gateway::Gateway,
    grpc::{
        TlsOptions,
        proto::{ListRequest, QueuesRequest, declarations_client::DeclarationsClient, operations_client::OperationsClient},
    },
    party::Role,
    store::{EntryFilter, Store as _, sqlite::Sqlite},
};
use tonic::{
    Code, Request, Status,
    metadata::MetadataValue,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};

use super::rig::{self, Program};

fn certificates(folder: &Path) {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = home.join("target/python/bin/python");
    assert!(python.exists(), "{} is not there: tests/python/setup makes it, tests/run calls that", python.display());
    let made = Command::new(python).arg(home.join("tests/python/certificates.py")).arg(folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// A configuration for callers with certificates, and one with a key: `erp`.
fn configuration(folder: &Path) -> (Config, String) {
    certificates(folder);
    let mut config = rig::config(folder);
    let (key, sha256) = new_key(&Clockwork::system());
    let certificate = |name: &str, tenant: &str, role, subject: Option<&str>, san: Option<&str>| CertificateOptions {
        name: name.into(),
        tenant: tenant.into(),
        role: Some(role),
        subject: subject.map(Into::into),
        san: san.map(Into::into),
        until: None,
    };
    config.access.keys = vec![KeyOptions { name: "key".into(), tenant: "acme".into(), role: Role::Seller, sha256, until: None }];
    config.access.certificates = vec![
        certificate("erp", "acme", Role::Seller, Some("CN=erp,O=Acme"), None),
        certificate("desk", "house", Role::Operator, None, Some("DNS:desk.house.example")),
    ];
    let file = |name: &str| folder.join(name);
    fs::copy(file("door.cert.pem"), file("now.cert.pem")).unwrap();
    fs::copy(file("door.key.pem"), file("now.key.pem")).unwrap();
    config.grpc.tls =
        Some(TlsOptions { certificate: file("now.cert.pem"), key: file("now.key.pem"), client_ca: Some(file("ca.cert.pem")) });
    (config, key)
}

/// A connection of somebody with this certificate who trusts this authority.
async fn connect(address: &str, folder: &Path, certificate: Option<&str>, authority: &str) -> Result<Channel, tonic::transport::Error> {
    let read = |name: String| fs::read(folder.join(name)).unwrap();
    let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(format!("{authority}.cert.pem"))));
    if let Some(name) = certificate {
        tls = tls.identity(Identity::from_pem(read(format!("{name}.cert.pem")), read(format!("{name}.key.pem"))));
    }
    Endpoint::from_shared(format!("https://{address}")).unwrap().connect_timeout(Duration::from_secs(5)).tls_config(tls)?.connect().await
}

async fn list(channel: &Channel, key: Option<&str>) -> Result<(), Status> {
    let mut request = Request::new(ListRequest::default());
    if let Some(key) = key {
        request.metadata_mut().insert("authorization", MetadataValue::try_from(format!("Bearer {key}")).unwrap());
    }
    DeclarationsClient::new(channel.clone()).list(request).await.map(drop)
}

async fn queues(channel: &Channel) -> Result<(), Status> {
    OperationsClient::new(channel.clone()).queues(QueuesRequest {}).await.map(drop)
}

fn code(answer: Result<(), Status>) -> Code {
    answer.map_or_else(|status| status.code(), |()| Code::Ok)
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_open_as_what_they_are_mapped_to_and_bad_ones_do_not() {
    let folder = rig::folder();
    let (config, key) = configuration(folder.path());
    let gateway = Gateway::start(&config, &Clockwork::system()).await.unwrap();
    let address = gateway.address().unwrap().to_string();
    let come = |name: Option<&'static str>| connect(&address, folder.path(), name, "ca");

    let erp = come(Some("by-subject")).await.unwrap();
    assert_eq!((code(list(&erp, None).await), code(queues(&erp).await)), (Code::Ok, Code::PermissionDenied));
    let desk = come(Some("by-name")).await.unwrap();
    assert_eq!((code(list(&desk, None).await), code(queues(&desk).await)), (Code::Ok, Code::Ok));
    // Without a certificate a key is needed; who shows both is who the key says.
    let without = come(None).await.unwrap();
    assert_eq!((code(list(&without, None).await), code(list(&without, Some(&key)).await)), (Code::Unauthenticated, Code::Ok));
    assert_eq!(code(list(&desk, Some("tgk_wrong")).await), Code::Unauthenticated, "a wrong key is not made up for");
    // Good, but nobody's here.
    assert_eq!(code(list(&come(Some("unmapped")).await.unwrap(), None).await), Code::Unauthenticated);

    // TLS 1.3 ends the handshake before the door has looked: then it is the first call that fails.
    for bad in ["expired", "not-yet", "wrong-purpose", "stranger", "self-signed"] {
        match come(Some(bad)).await {
            Err(_) => {}
            Ok(channel) => {
                for key in [None, Some(key.as_str())] {
                    let refused = list(&channel, key).await.unwrap_err();
                    assert!(matches!(refused.code(), Code::Unavailable | Code::Unknown | Code::Cancelled), "{bad}: {refused:?}");
                }
            }
        }
    }
    assert!(code(list(&erp, None).await) == Code::Ok, "and all that time the others go on");
    gateway.stop().await;
    let refused = EntryFilter { act: Some("refuse".into()), pending: true, limit: 9, ..EntryFilter::default() };
    let told = Sqlite::open_read_only(&config.store.file).await.unwrap().entries(refused).await.unwrap();
    let told: Vec<_> = told.iter().map(|placed| (placed.entry.actor.name.as_str(), placed.entry.actor.address)).collect();
    assert_eq!(told, [("erp", "127.0.0.1".parse().ok())], "the address is that of the connection under the encryption");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doors_own_certificate_is_taken_over_while_it_is_open() {
    let folder = rig::folder();
    let (config, _) = configuration(folder.path());
    let gateway = Gateway::start(&config, &Clockwork::system()).await.unwrap();
    let address = gateway.address().unwrap().to_string();
    let old = connect(&address, folder.path(), Some("by-subject"), "ca").await.unwrap();
    assert!(connect(&address, folder.path(), Some("by-subject"), "other-ca").await.is_err());
    // A file that is of no use changes nothing.
    fs::write(folder.path().join("now.cert.pem"), "half a certif").unwrap();
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(connect(&address, folder.path(), Some("by-subject"), "ca").await.is_ok());
    for part in ["key", "cert"] {
        fs::copy(folder.path().join(format!("new-door.{part}.pem")), folder.path().join(format!("now.{part}.pem"))).unwrap();
    }
    rig::until(Duration::from_secs(20), "the new certificate", || async {
        connect(&address, folder.path(), Some("by-subject"), "other-ca").await.is_ok()
    })
    .await;
    let new = connect(&address, folder.path(), Some("by-subject"), "other-ca").await.unwrap();
    assert_eq!((code(list(&old, None).await), code(list(&new, None).await)), (Code::Ok, Code::Ok));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_a_changed_file_count_at_once_and_those_of_a_broken_one_do_not() {
    let folder = rig::folder();
    let (mut config, key) = configuration(folder.path());
    config.grpc.listen = format!("127.0.0.1:{}", rig::free_port());
    let address = config.grpc.listen.clone();
    let file = folder.path().join("tongguan.toml");
    rig::write_config(&config, &file);
    let gateway = Program::start(&["serve", "--config", file.to_str().unwrap()], &folder.path().join("said"));
    rig::until(Duration::from_secs(30), "the gateway", || async { gateway.said().contains("the gateway listens") }).await;
    let with_key = connect(&address, folder.path(), None, "ca").await.unwrap();
    let desk = connect(&address, folder.path(), Some("by-name"), "ca").await.unwrap();
    assert_eq!((code(list(&with_key, Some(&key)).await), code(queues(&desk).await)), (Code::Ok, Code::Ok));

    let revoked = config.access.keys.remove(0);
    rig::write_config(&config, &file);
    let shut = || async { code(list(&with_key, Some(&key)).await) == Code::Unauthenticated };
    rig::until(Duration::from_secs(10), "the key to be revoked", shut).await;
    assert_eq!(code(queues(&desk).await), Code::Ok);

    // A file that does not fit together is told of, and changes nothing; neither does it on SIGHUP.
    config.access.keys.push(KeyOptions { sha256: "nothing".into(), ..revoked.clone() });
    rig::write_config(&config, &file);
    let told = || async { gateway.said().contains("stay as they were") };
    rig::until(Duration::from_secs(10), "the fault to be told", told).await;
    assert_eq!(code(queues(&desk).await), Code::Ok);

    config.access.keys = vec![revoked];
    config.access.certificates.clear();
    rig::write_config(&config, &file);
    let hangup = Command::new("sh").arg("-c").arg(format!("kill -HUP {}", gateway.id())).status().unwrap();
    assert!(hangup.success());
    let open = || async { code(list(&with_key, Some(&key)).await) == Code::Ok };
    rig::until(Duration::from_secs(10), "the key to be back", open).await;
    assert_eq!(code(queues(&desk).await), Code::Unauthenticated);
    assert!(tokio::task::spawn_blocking(move || gateway.stop()).await.unwrap().success());
}
