//! The log as others see it: tiles over HTTP, bundles, a witness; checked by our own commands and by a verifier that has none of our
//! code (`tests/python/tlog.py`).

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};
use tongguan::{
    audit::{LogKey, WitnessVerifier},
    store::{Store, sqlite::Sqlite},
    tiles,
};

use super::{
    rig::{self, Program},
    tamper,
};

type Alteration = &'static dyn Fn(&mut Value);

/// A log that is served, until it is dropped.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    store: Arc<dyn Store>,
    _stop: watch::Sender<bool>,
    _task: JoinHandle<std::io::Result<()>>,
}

async fn serve(file: &Path, options: tiles::Options) -> Served {
    let store: Arc<dyn Store> = Arc::new(Sqlite::open_read_only(file).await.unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let served = Arc::clone(&store);
    let task = tokio::spawn(async move { tiles::serve(listener, served, &options, stopped).await });
    Served { address, store, _stop: stop, _task: task }
}

pub(crate) async fn serve_demonstration() -> Served {
    serve(&tamper::demonstration().join("tongguan.db"), tiles::Options::default()).await
}

impl Served {
    fn http(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Sends bytes and reads until the other side ends: the head in lower case, and the body.
async fn raw(address: SocketAddr, request: &[u8]) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    (String::from_utf8_lossy(&answer[..end]).to_lowercase(), answer[end..].to_vec())
}

async fn get(address: SocketAddr, path: &str) -> (String, Vec<u8>) {
    raw(address, format!("GET {path} HTTP/1.1\r\nhost: log\r\nconnection: close\r\n\r\n").as_bytes()).await
}

fn python(arguments: &[&str]) -> (bool, String) {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = home.join("target/python/bin/python");
    assert!(program.exists(), "{} is not there: tests/python/setup makes it, tests/run calls that", program.display());
    let script = home.join("tests/python").join(arguments[0]);
    let output = Command::new(program).arg(script).args(&arguments[1..]).stdin(Stdio::null()).output().unwrap();
    (output.status.success(), format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

/// Runs something that waits, beside what is served here.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

pub(crate) async fn commanded(arguments: &[&str]) -> (bool, String) {
    let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
    beside(move || rig::run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())).await
}

pub(crate) fn vkey() -> String {
    let folder = tamper::demonstration();
    rig::files(folder).into_iter().find(|file| file.extension().is_some_and(|e| e == "vkey")).unwrap().to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_without_our_code_believes_the_tiles_and_so_does_ours() {
    let served = serve_demonstration().await;
    let (http, key) = (served.http(), vkey());
    let size = served.store.last_checkpoint().await.unwrap().unwrap().size;
    let (content, said) = {
        let (http, key) = (http.clone(), key.clone());
        beside(move || python(&["tiles.py", &http, &key])).await
    };
    assert!(content, "{said}");
    let told: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(told["size"], size);
    assert!(told["acts"]["accept"].as_i64().unwrap() > 100, "{told}");
    let (content, said) = commanded(&["audit", "verify", "--tiles", &http, "--key", &key]).await;
    assert!(content && said.contains(&format!("the log is whole: {size} entries")), "{said}");

    // A checkpoint that was saved is held to; one of another log is told apart, as is another key.
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let first = served.store.checkpoint_over(1).await.unwrap().unwrap();
    let since = file("since", &first.note);
    let (content, said) = commanded(&["audit", "verify", "--tiles", &http, "--key", &key, "--since", &since]).await;
    assert!(content, "{said}");
    let stranger = LogKey::new("stranger.example/log", &[9; 32]).unwrap();
    let theirs = file("theirs", &stranger.sign("stranger.example/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n").unwrap());
    let (content, said) = commanded(&["audit", "verify", "--tiles", &http, "--key", &key, "--since", &theirs]).await;
    assert!(!content && said.contains("no checkpoint of this log"), "{said}");
    let other_key = file("other.vkey", &stranger.verifier().to_string());
    let (content, said) = commanded(&["audit", "verify", "--tiles", &http, "--key", &other_key]).await;
    assert!(!content && said.contains("does not hold"), "{said}");
    let (content, said) = commanded(&["audit", "verify", "--tiles", "http://127.0.0.1:1", "--key", &key]).await;
    assert!(!content && said.contains("cannot be read"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn altered_entries_and_tiles_are_seen_over_http_by_both() {
    for (sql, named) in [
        (
            "UPDATE audit_entries SET body = cast(replace(body, '\"act\":\"', '\"act\":\"x') AS BLOB) WHERE position = 300",
            Some("entry 300:"),
        ),
        ("UPDATE audit_entries SET leaf = zeroblob(32) WHERE position = (SELECT max(position) FROM audit_entries)", None),
        ("UPDATE audit_tiles SET hashes = cast(zeroblob(32) || substr(hashes, 33) AS BLOB) WHERE level = 0 AND idx = 1", Some("entry 256")),
        ("UPDATE audit_entries SET position = -1 WHERE position = 100", Some("")),
    ] {
        let folder = tamper::altered(&[sql]).await;
        let served = serve(&folder.path().join("tongguan.db"), tiles::Options::default()).await;
        let (http, key) = (served.http(), vkey());
        let (content, said) = commanded(&["audit", "verify", "--tiles", &http, "--key", &key]).await;
        assert!(!content, "{sql}: {said}");
        assert!(named.is_none_or(|named| said.contains(named)), "{sql}: {said}");
        let (content, said) = beside(move || python(&["tiles.py", &http, &key])).await;
        assert!(!content && said.contains("Refused"), "{sql}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_served_is_bounded_and_read_only() {
    let served = serve_demonstration().await;
    let size = u64::try_from(served.store.last_checkpoint().await.unwrap().unwrap().size).unwrap();
    let (head, body) = get(served.address, "/checkpoint").await;
    assert!(head.starts_with("http/1.1 200") && head.contains("text/plain; charset=utf-8") && head.contains("no-cache"), "{head}");
    assert!(String::from_utf8(body).unwrap().contains(&format!("\n{size}\n")));
    let (head, body) = get(served.address, "/tile/0/000").await;
    assert!(head.contains("application/octet-stream") && head.contains("immutable") && body.len() == 8_192, "{head}");
    let (head, body) = get(served.address, "/tile/0/000.p/3").await;
    assert!(head.starts_with("http/1.1 200") && body.len() == 96, "{head}");
    let edge = size / 256;
    let (head, body) = get(served.address, &format!("/tile/1/000.p/{edge}")).await;
    assert!(head.starts_with("http/1.1 200") && body.len() == usize::try_from(edge * 32).unwrap(), "{head}");
    let beyond = [
        format!("/tile/0/{edge:03}"),
        format!("/tile/0/{edge:03}.p/{}", size % 256 + 1),
        format!("/tile/entries/{:03}", edge + 1),
        format!("/tile/1/000.p/{}", edge + 1),
        "/tile/7/000".to_owned(),
        "/tile/0/x018/x446/x744/x073/x709/x551/615".to_owned(),
        "/tile/0/..%2f..%2fetc".to_owned(),
        "/tile/0/%30%30%30".to_owned(),
        "/".to_owned(),
        "/../tongguan.db".to_owned(),
        format!("/tile/0/{}", "x000/".repeat(2_000)),
    ];
    for path in beyond {
        let (head, _) = get(served.address, &path).await;
        assert!(head.starts_with("http/1.1 404"), "{path}: {head}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let request = format!("{method} /checkpoint HTTP/1.1\r\nhost: log\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        let (head, _) = raw(served.address, request.as_bytes()).await;
        assert!(head.starts_with("http/1.1 405") && head.contains("allow: get, head"), "{method}: {head}");
    }
    let (head, body) = raw(served.address, b"HEAD /checkpoint HTTP/1.1\r\nhost: log\r\nconnection: close\r\n\r\n").await;
    assert!(head.starts_with("http/1.1 200") && body.is_empty(), "{head}");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_and_many_connections_are_closed_and_leave_room() {
    let options = tiles::Options { connections_per_address: 2, silence_s: 1, ..tiles::Options::default() };
    let served = serve(&tamper::demonstration().join("tongguan.db"), options).await;
    let mut idle = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(b"GET /checkpoint HTTP/1.1\r\nx-slow: ").await.unwrap();
        idle.push(stream);
    }
    // A third is closed at once; when the slow ones were given up, there is room again.
    let mut third = TcpStream::connect(served.address).await.unwrap();
    let closed = tokio::time::timeout(Duration::from_secs(5), third.read(&mut [0; 16])).await.unwrap();
    assert!(matches!(closed, Ok(0) | Err(_)));
    for stream in &mut idle {
        let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut Vec::new())).await;
        assert!(ended.is_ok(), "a slow connection was not ended");
    }
    let (head, _) = get(served.address, "/checkpoint").await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_believed_and_none_of_its_alterations() {
    let folder = tempfile::tempdir().unwrap();
    let home = tamper::demonstration().to_str().unwrap();
    let out = folder.path().join("bundle.json").to_str().unwrap().to_owned();
    let number = tamper::an_order();
    let (content, said) = commanded(&["audit", "export", &number, "--dir", home, "--out", &out]).await;
    assert!(content, "{said}");
    let (content, said) = commanded(&["audit", "export", &number, "--dir", home, "--out", &out]).await;
    assert!(!content && said.contains("cannot be written"), "it is not written over: {said}");
    let (content, said) = commanded(&["audit", "verify", "--export", &out, "--key", &vkey()]).await;
    assert!(content && said.contains("the proofs hold"), "{said}");
    let key = vkey();
    let (content, said) = {
        let out = out.clone();
        beside(move || python(&["bundle.py", &out, &key])).await
    };
    assert!(content, "{said}");
    let told: Value = serde_json::from_str(&said).unwrap();
    assert!(told["entries"].as_i64().unwrap() >= 3 && told["tried"].as_i64().unwrap() > 500, "{told}");
    println!("{said}");

    let whole: Value = serde_json::from_str(&fs::read_to_string(&out).unwrap()).unwrap();
    let spoilt = |change: &dyn Fn(&mut Value)| {
        let mut bundle = whole.clone();
        change(&mut bundle);
        let path = folder.path().join("spoilt.json");
        fs::write(&path, bundle.to_string()).unwrap();
        rig::run(&["audit", "verify", "--export", path.to_str().unwrap(), "--key", &vkey()])
    };
    let alterations: [(&str, Alteration); 7] = [
        ("it is not in the log", &|bundle| bundle["entries"][0]["entry"] = "{}".into()),
        ("it is not in the log", &|bundle| bundle["entries"][1]["position"] = 500.into()),
        ("it is not in the log", &|bundle| drop(bundle["entries"][0]["proof"].as_array_mut().unwrap().pop())),
        ("not about what", &|bundle| bundle["subjects"][0] = "01900000-0000-7000-8000-000000000000".into()),
        ("there are no entries", &|bundle| bundle["entries"] = Value::Array(Vec::new())),
        ("the format", &|bundle| bundle["format"] = "other".into()),
        ("out of order", &|bundle| bundle["entries"].as_array_mut().unwrap().reverse()),
    ];
    for (named, change) in alterations {
        let (content, said) = spoilt(change);
        assert!(!content && said.contains(named), "{named}: {said}");
    }
    let (content, said) = commanded(&["audit", "export", "no-such-number", "--dir", home]).await;
    assert!(!content && said.contains("nothing is kept under the number"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_signs_what_has_only_grown() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let witness = LogKey::new("witness.example/w", &[5; 32]).unwrap();
    fs::write(path("w.logkey"), witness.to_secret_text()).unwrap();
    let served = serve_demonstration().await;
    let (http, key) = (served.http(), vkey());
    let run = |source: Vec<String>| {
        let arguments =
            [vec!["audit", "witness", "--witness-key"].into_iter().map(str::to_owned).collect(), vec![path("w.logkey")], source].concat();
        async move { commanded(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await }
    };
    let source =
        |seen: &str, more: &[&str]| ["--seen", &path(seen), "--key", &key].iter().chain(more).map(ToString::to_string).collect::<Vec<_>>();
    let home = tamper::demonstration().to_str().unwrap();
    for more in [["--tiles", &http], ["--dir", home]] {
        // The first look, and one after the log has grown from an earlier checkpoint.
        let earlier = served.store.checkpoint_over(1).await.unwrap().unwrap();
        for seen in [None, Some(&earlier.note)] {
            drop(fs::remove_file(path("seen")));
            if let Some(seen) = seen {
                fs::write(path("seen"), seen).unwrap();
            }
            let (content, said) = run(source("seen", &more)).await;
            assert!(content && said.contains("— witness.example/w "), "{said}");
            let note = fs::read_to_string(path("seen")).unwrap();
            let at = WitnessVerifier::parse(&witness.witness().to_string()).unwrap().seen(&note).unwrap();
            let (seen_file, log_key, w) = (path("seen"), fs::read_to_string(&key).unwrap(), witness.witness().to_string());
            let (content, said) = beside(move || python(&["cosigned.py", &seen_file, &log_key, &w])).await;
            assert!(content && said.trim().ends_with(&format!(" {at}")), "{said}");
        }
    }
    // The log's own key under another history: a checkpoint of the same size with another root, and one of a longer log.
    let log = LogKey::parse(&fs::read_to_string(tamper::log_key()).unwrap()).unwrap();
    let size = served.store.last_checkpoint().await.unwrap().unwrap().size;
    for (size, named) in [(size, "another history"), (size - 1, "another history"), (size + 1, "was cut")] {
        let forged = log.sign(&format!("{}\n{size}\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", log.name())).unwrap();
        fs::write(path("forged"), &forged).unwrap();
        let (content, said) = run(source("forged", &["--tiles", &http])).await;
        assert!(!content && said.contains(named), "{said}");
        assert_eq!(fs::read_to_string(path("forged")).unwrap(), forged, "what was seen stays");
    }
    let secret = tamper::log_key();
    let own = ["audit", "witness", "--witness-key", secret.to_str().unwrap(), "--seen", &path("x"), "--key", &key, "--tiles", &http];
    let (content, said) = commanded(&own).await;
    assert!(!content && said.contains("a key of its own"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_publishes_its_log_where_it_is_told_to_and_nowhere_else() {
    let folder = rig::folder();
    let mut config = rig::config(folder.path());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let listen = format!("127.0.0.1:{}", rig::free_port());
    config.grpc.listen = format!("127.0.0.1:{}", rig::free_port());
    config.audit.tiles.listen = Some(listen.clone());
    rig::write_config(&config, Path::new(&path("tongguan.toml")));
    let gateway = Program::start(&["serve", "--config", &path("tongguan.toml")], Path::new(&path("said")));
    rig::until(Duration::from_secs(30), "the gateway", || async { gateway.said().contains("the gateway listens") }).await;
    assert!(gateway.said().contains(&format!("published at http://{listen}")), "{}", gateway.said());
    let (orders, _) = rig::many(3);
    rig::write_lines(Path::new(&path("orders.jsonl")), &orders);
    let server = format!("http://{}", config.grpc.listen);
    let (content, said) = commanded(&["submit", &path("orders.jsonl"), "--server", &server]).await;
    assert!(content, "{said}");
    let key = path("audit.vkey");
    let http = format!("http://{listen}");
    rig::until(Duration::from_secs(30), "a checkpoint", || async { get(listen.parse().unwrap(), "/checkpoint").await.0.contains(" 200 ") })
        .await;
    let (content, said) = commanded(&["audit", "verify", "--tiles", &http, "--key", &key]).await;
    assert!(content, "{said}");
    assert!(beside(move || gateway.stop()).await.success());
}
