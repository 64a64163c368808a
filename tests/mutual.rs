//! Callers with certificates: who is let in as whom, which certificates are refused, and keys, certificates and the door's own files
//! that change while the gateway runs.

use std::{fs, path::Path, process::Command, time::Duration};

use tongguan::{
    access::{CertificateOptions, KeyOptions, new_key},
    clock::Clockwork,
    config::Config,
    demo,
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

use super::{
    grpc::access,
    published,
    rig::{self, Program},
};

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
        person: None,
    };
    config.access.keys =
        vec![KeyOptions { name: "key".into(), tenant: "acme".into(), role: Role::Seller, sha256, until: None, person: None }];
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
async fn every_call_by_every_role_that_comes_with_a_certificate_and_with_a_key() {
    let folder = rig::folder();
    let (mut config, _) = configuration(folder.path());
    let (mut keys, mut certificates) = (Vec::new(), Vec::new());
    config.access = tongguan::access::Options::default();
    for (role, _) in access::LETTERS {
        let (key, sha256) = new_key(&Clockwork::system());
        let (name, tenant) = (role.as_str().to_owned(), "house".to_owned());
        config.access.keys.push(KeyOptions {
            name: format!("{name}-key"),
            tenant: tenant.clone(),
            role,
            sha256,
            until: None,
            person: None,
        });
        let subject = Some(format!("CN={name},O=Roles"));
        config.access.certificates.push(CertificateOptions {
            name: name.clone(),
            tenant,
            role: Some(role),
            subject,
            san: None,
            until: None,
            person: None,
        });
        keys.push(format!("Bearer {key}"));
        certificates.push(format!("role-{name}"));
    }
    config.grpc.listen = format!("127.0.0.1:{}", rig::free_port());
    let address = config.grpc.listen.clone();
    let file = folder.path().join("tongguan.toml");
    rig::write_config(&config, &file);
    let gateway = Program::start(&["serve", "--config", file.to_str().unwrap()], &folder.path().join("said"));
    rig::until(Duration::from_secs(30), "the gateway", || async { gateway.said().contains("the gateway listens") }).await;

    let with_key = connect(&address, folder.path(), None, "ca").await.unwrap();
    let mut calls = 0;
    for ((role, letter), (key, certificate)) in access::LETTERS.iter().zip(keys.iter().zip(&certificates)) {
        let with_certificate = connect(&address, folder.path(), Some(certificate), "ca").await.unwrap();
        for name in access::calls() {
            for (channel, authorization) in [(&with_certificate, ""), (&with_key, key.as_str())] {
                let answer = code(access::call(channel, authorization, &name).await);
                assert_ne!(answer, Code::Unauthenticated, "{name} by {}", role.as_str());
                assert_eq!(
                    answer != Code::PermissionDenied,
                    access::may(&name).contains(*letter),
                    "{name} by {}: {answer:?}",
                    role.as_str()
                );
                calls += 1;
            }
        }
    }
    assert!(calls >= 5 * 2 * 50, "{calls}");
    for name in access::calls() {
        assert_eq!(code(access::call(&with_key, "", &name).await), Code::Unauthenticated, "{name} by nobody");
    }
    assert!(tokio::task::spawn_blocking(move || gateway.stop()).await.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_come_in_with_a_certificate() {
    let folder = rig::folder();
    let (config, key) = configuration(folder.path());
    let gateway = Gateway::start(&config, &Clockwork::system()).await.unwrap();
    let address = format!("https://{}", gateway.address().unwrap());
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let orders = folder.path().join("orders.jsonl");
    fs::write(&orders, demo::ORDERS.lines().take(1).collect::<String>()).unwrap();
    let come = |command: &[&str], with: &[String]| {
        let arguments: Vec<String> =
            command.iter().map(ToString::to_string).chain(["--server".to_owned(), address.clone()]).chain(with.iter().cloned()).collect();
        async { tokio::task::spawn_blocking(move || rig::run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())).await.unwrap() }
    };
    let as_whom = |name: &str| {
        let parts =
            ["--ca", &file("ca.cert.pem"), "--cert", &file(&format!("{name}.cert.pem")), "--cert-key", &file(&format!("{name}.key.pem"))];
        parts.map(ToOwned::to_owned)
    };
    let (content, said) = come(&["desk", "queues"], &as_whom("by-name")).await;
    assert!(content, "{said}");
    let (content, said) = come(&["desk", "queues"], &as_whom("by-subject")).await;
    assert!(!content && said.contains("may not"), "a seller: {said}");
    let (content, said) = come(&["submit", orders.to_str().unwrap(), "--exit-today"], &as_whom("by-subject")).await;
    assert!(content, "{said}");
    let (content, said) = come(&["desk", "queues"], &as_whom("stranger")).await;
    assert!(!content, "{said}");
    // A certificate without its key, or a door that nobody vouches for, is told before anybody is called.
    let (content, said) = come(&["desk", "queues"], &as_whom("by-name")[..4]).await;
    assert!(!content && said.contains("--cert-key"), "{said}");
    let (content, said) = come(&["desk", "queues", "--key", &key], &[]).await;
    assert!(!content && said.contains("--ca"), "{said}");
    gateway.stop().await;
}

/// Speaks TLS before a plain server, and asks who comes for a certificate.
async fn front(folder: &Path, behind: std::net::SocketAddr) -> std::net::SocketAddr {
    use tokio_rustls::rustls::{
        RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        server::WebPkiClientVerifier,
    };
    let read = |name: &str| fs::read(folder.join(name)).unwrap();
    let certificate = |name: &str| CertificateDer::from_pem_slice(&read(name)).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate("ca.cert.pem")).unwrap();
    let provider = std::sync::Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone()).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate("door.cert.pem")], PrivateKeyDer::from_pem_slice(&read("door.key.pem")).unwrap())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut outside) = acceptor.accept(stream).await else { return };
                let mut inside = tokio::net::TcpStream::connect(behind).await.unwrap();
                drop(tokio::io::copy_bidirectional(&mut outside, &mut inside).await);
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_verified_over_https_with_a_certificate_and_not_without() {
    let folder = rig::folder();
    certificates(folder.path());
    let served = published::serve_demonstration().await;
    let (front, key) = (front(folder.path(), served.address).await, published::vkey());
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let address = format!("https://{front}");
    let verify = ["audit", "verify", "--tiles", &address, "--key", &key];
    let with = |name: &str, authority: &str| {
        let (cert, cert_key) = (file(&format!("{name}.cert.pem")), file(&format!("{name}.key.pem")));
        let more = ["--ca".into(), file(authority), "--cert".into(), cert, "--cert-key".into(), cert_key];
        verify.iter().map(ToString::to_string).chain(more).collect::<Vec<String>>()
    };
    let run = |arguments: Vec<String>| async move {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        published::commanded(&arguments).await
    };
    let (content, said) = run(with("by-subject", "ca.cert.pem")).await;
    assert!(content && said.contains("the log is whole"), "{said}");
    for (name, authority) in [("stranger", "ca.cert.pem"), ("by-subject", "other-ca.cert.pem")] {
        let (content, said) = run(with(name, authority)).await;
        assert!(!content && said.contains(&address), "{name} {authority}: {said}");
    }
    let (content, said) = run(verify.iter().map(ToString::to_string).collect()).await;
    assert!(!content && said.contains("--ca"), "{said}");
    let (content, said) = run(with("by-subject", "door.key.pem")).await;
    assert!(!content && said.contains("--ca"), "a file without a certificate: {said}");
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
