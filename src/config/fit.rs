//! Whether a configuration can work: names that lead somewhere, numbers that do not stop everything, files that are there.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::{Component, Path, PathBuf},
};

use super::Config;
use crate::{
    access, console,
    lane::Duty,
    message::{self, Pack},
    node::{self, Role},
    party::{self, Sender},
    vault,
};

/// Everything that does not fit, each in a line.
pub(super) fn faults(config: &Config) -> Vec<String> {
    let mut faults = Vec::new();
    let signers = names("signer", config.signers.iter().map(|signer| signer.name.as_str()), &mut faults);
    let roads = names("road", config.roads.iter().map(|road| road.road.as_str()), &mut faults);
    let names = names("sender", config.senders.iter().map(|sender| sender.name.as_str()), &mut faults);
    for sender in &config.senders {
        check_sender(sender, &signers, &roads, &mut faults);
    }
    for (dxp_id, used) in count(config.senders.iter().map(|sender| sender.dxp_id.as_str())) {
        if used > 1 {
            faults.push(format!("  {used} 个 senders 使用同一 dxp_id · {used} senders have the dxp_id {dxp_id:?}"));
        }
    }
    for (folder, used) in count(config.roads.iter().map(|road| plain(&road.folder))) {
        if used > 1 {
            faults.push(format!("  {used} 条 roads 使用同一文件夹 · {used} roads have the folder {}", folder.display()));
        }
    }
    for pack in config.roads.iter().filter_map(|road| road.pack.as_deref()).filter(|pack| Pack::named(pack).is_none()) {
        let known: Vec<_> = message::packs().iter().map(Pack::name).collect();
        faults.push(format!("  roads: 没有报文规范 {pack:?}，只有 {0} · there is no pack {pack:?}, only {0}", known.join(", ")));
    }
    check_lanes(config, &names, &roads, &mut faults);
    for (missing, zh, en) in [
        (config.lanes.is_empty(), "没有 lanes", "there is no lane: nothing could be accepted"),
        (config.senders.is_empty(), "没有 senders", "there is no sender: nothing could be transmitted"),
        (config.roads.is_empty(), "没有 roads", "there is no road: nothing could leave"),
    ] {
        if missing {
            faults.push(format!("  {zh} · {en}"));
        }
    }
    faults.extend(zeros(config).into_iter().map(|name| format!("  {name} 不能为 0 · {name} must not be 0: nothing would move")));
    faults.extend(config.telemetry.faults().into_iter().map(|fault| format!("  {fault}")));
    check_node(&config.node, &mut faults);
    check_keys(&config.access, &mut faults);
    if !config.access.certificates.is_empty() && config.grpc.tls.as_ref().is_none_or(|tls| tls.client_ca.is_none()) {
        faults.push(
            "  access.certificates: 须设 grpc.tls.client_ca · grpc.tls.client_ca is needed: without it no certificate is asked for".into(),
        );
    }
    faults.extend(config.simulator.script.faults().into_iter().map(|fault| format!("  simulator.script: {fault}")));
    faults.extend(config.retention.faults().into_iter().map(|fault| format!("  {fault}")));
    faults.extend(open_door(config));
    faults.extend(open_console(&config.console));
    faults.extend(config.console.accounts.faults().into_iter().map(|fault| format!("  console.accounts.{fault}")));
    faults.extend(lone_person(&config.access));
    faults
}

/// Where nobody says who comes in, nobody is a second person.
fn lone_person(options: &access::Options) -> Option<String> {
    let is_open = options.keys.is_empty() && options.certificates.is_empty();
    (options.two_persons_over.is_some() && is_open).then(|| {
        "  access.two_persons_over: 须有 access.keys 或 access.certificates · it needs access.keys or access.certificates: without them everybody is the same".to_owned()
    })
}

/// Files that are needed and are not there.
pub(super) fn missing_files(config: &Config) -> Vec<String> {
    let runs = |roles: &[Role]| config.node.runs_any(roles);
    let signers = config.signers.iter().filter(|_| runs(&[Role::Pack])).flat_map(|signer| {
        [(format!("signers {:?}: key", signer.name), &signer.key), (format!("signers {:?}: certificate", signer.name), &signer.certificate)]
    });
    let listeners = [("grpc", &config.grpc.tls), ("console", &config.console.tls)];
    let tls = listeners.into_iter().filter(|_| runs(&[Role::Intake])).filter_map(|(name, tls)| Some((name, tls.as_ref()?)));
    let tls = tls.flat_map(|(name, tls)| {
        let own = [(format!("{name}.tls.certificate"), &tls.certificate), (format!("{name}.tls.key"), &tls.key)];
        own.into_iter().chain(tls.client_ca.iter().map(move |file| (format!("{name}.tls.client_ca"), file)))
    });
    let libraries = config
        .exemption
        .libraries
        .iter()
        .filter(|_| runs(&[Role::Intake, Role::Collect]))
        .map(|file| ("exemption.libraries".to_owned(), file));
    let log = runs(&[Role::Sequence]).then(|| ("audit.key".to_owned(), &config.audit.key));
    log.into_iter()
        .chain(signers)
        .chain(tls)
        .chain(libraries)
        .filter(|(_, path)| !path.is_file())
        .map(|(name, path)| format!("  {name}: 文件不存在 · there is no file {}", path.display()))
        .chain(vault::signs(&config.store.vault).err().filter(|_| touches_raw(config)).map(|error| format!("  store.vault: {error}")))
        .collect()
}

/// Whether this node writes or reads what is kept raw.
fn touches_raw(config: &Config) -> bool {
    config.node.runs_any(&[Role::Pack, Role::Deliver, Role::Receive, Role::Collect])
}

/// Folders of roads that are not there: they are made at the first message, but then nobody may be reading them.
pub(super) fn missing_folders(config: &Config) -> Vec<String> {
    let needed = config.node.runs_any(&[Role::Deliver, Role::Receive]);
    let missing = config.roads.iter().filter(|road| needed && !road.folder.is_dir());
    missing
        .map(|road| format!("  road {:?}: 文件夹不存在，将新建 · there is no folder {}; it will be made", road.road, road.folder.display()))
        .collect()
}

/// What is odd about this node.
pub(super) fn odd_nodes(config: &Config) -> Vec<String> {
    let idle: Vec<_> = Role::ALL.into_iter().filter(|role| !config.node.runs(*role)).collect();
    let mut odd = Vec::new();
    if config.store.postgres.is_none() && !idle.is_empty() {
        odd.push(format!(
            "  SQLite 只能由一个进程使用，未运行的部分无人承担 · SQLite is used by one process alone: nobody does what this node does not: {}",
            node::joined(&idle)
        ));
    }
    if config.node.clock_shift_ms != 0 {
        odd.push(format!(
            "  node.clock_shift_ms：本节点时钟被拨动，仅供演练 · the clock of this node is put ahead by {} ms: for rehearsals only",
            config.node.clock_shift_ms
        ));
    }
    odd
}

fn check_node(node: &node::Options, faults: &mut Vec<String>) {
    const LONGEST_NAME: usize = 60;
    if node.roles.is_empty() {
        faults.push("  node.roles 为空 · node.roles is empty: nothing would run".to_owned());
    }
    let mut roles = node.roles.clone();
    roles.sort_unstable();
    roles.dedup();
    if roles.len() < node.roles.len() {
        faults.push("  node.roles 有重复 · node.roles names a role twice".to_owned());
    }
    if node.name.len() > LONGEST_NAME || !node.name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
        faults
            .push(format!("  node.name {:?}: 名称最多60个字母、数字和 - _ . · a name takes up to 60 letters, digits and - _ .", node.name));
    }
    if node.gone_s.saturating_mul(1_000) < node.beat_ms.saturating_mul(3) {
        faults.push("  node.gone_s 至少为 node.beat_ms 的三倍 · node.gone_s is at least three times node.beat_ms".to_owned());
    }
}

fn check_sender(sender: &Sender, signers: &BTreeSet<&str>, roads: &BTreeSet<&str>, faults: &mut Vec<String>) {
    let Sender { name, party, signer, road, dxp_id, .. } = sender;
    if !signers.contains(signer.as_str()) {
        faults.push(format!("  sender {name:?} names signer {signer:?}, which is not there"));
    }
    if !roads.contains(road.as_str()) {
        faults.push(format!("  sender {name:?} names road {road:?}, which is not there"));
    }
    if dxp_id.is_empty() || dxp_id.len() > 16 {
        faults.push(format!("  sender {name:?}: a dxp_id has 1 to 16 characters"));
    }
    if let Err(error) = message::check_sender(sender) {
        faults
            .push(format!("  sender {name:?}: 订阅或扩展不合规范：{} · a subscription or the extension does not fit: {error}", error.zh()));
    }
    if !party::is_credit_code(&party.code) && !party::is_customs_code(&party.code) {
        faults.push(format!(
            "  sender {name:?}: 既非统一社会信用代码（含校验位）也非海关注册编码 · party.code {:?} is neither a credit code (with its check digit) nor a customs code",
            party.code
        ));
    }
}

fn check_lanes(config: &Config, senders: &BTreeSet<&str>, roads: &BTreeSet<&str>, faults: &mut Vec<String>) {
    for (at, lane) in config.lanes.iter().enumerate() {
        for duty in [&lane.order, &lane.waybill, &lane.inventory] {
            if let Duty::Send(Some(name)) = duty
                && !senders.contains(name.as_str())
            {
                faults.push(format!("  lane {} names sender {name:?}, which is not there", at + 1));
            }
        }
        if !lane.road.is_empty() && !roads.contains(lane.road.as_str()) {
            faults.push(format!("  lane {} names road {:?}, which is not there", at + 1, lane.road));
        }
    }
}

/// The numbers that must not be zero, and are.
fn zeros(config: &Config) -> Vec<String> {
    let Config { store, grpc, console, intake, gatekeeper, packer, courier, collector, simulator, .. } = config;
    let sequencer = &config.audit.sequencer;
    let numbers = [
        ("store.largest_mib", store.largest_mib == 0),
        ("store.postgres.connections", store.postgres.as_ref().is_some_and(|options| options.connections == 0)),
        ("store.postgres.statement_ms", store.postgres.as_ref().is_some_and(|options| options.statement_ms == 0)),
        ("store.postgres.patience_ms", store.postgres.as_ref().is_some_and(|options| options.patience_ms == 0)),
        ("node.beat_ms", config.node.beat_ms == 0),
        ("node.turn_s", config.node.turn_s == 0),
        ("grpc.connections", grpc.connections == 0),
        ("grpc.connections_per_address", grpc.connections_per_address == 0),
        ("console.connections", console.connections == 0),
        ("console.connections_per_address", console.connections_per_address == 0),
        ("grpc.handshake_s", grpc.handshake_s == 0),
        ("grpc.stall_s", grpc.stall_s == 0),
        ("grpc.idle_s", grpc.idle_s == 0),
        ("grpc.calls", grpc.calls == 0),
        ("grpc.calls_per_key", grpc.calls_per_key == 0),
        ("grpc.streams", grpc.streams == 0),
        ("grpc.streams_per_key", grpc.streams_per_key == 0),
        ("grpc.followers", grpc.followers == 0),
        ("grpc.followers_per_key", grpc.followers_per_key == 0),
        ("grpc.request_timeout_s", grpc.request_timeout_s == 0),
        ("grpc.request_kib", grpc.request_kib == 0),
        ("grpc.streams_per_connection", grpc.streams_per_connection == 0),
        ("grpc.calls_per_connection", grpc.calls_per_connection == 0),
        ("grpc.items_in_flight", grpc.items_in_flight == 0),
        ("grpc.keepalive_s", grpc.keepalive_s == 0),
        ("intake.queue_length", intake.queue_length == 0),
        ("intake.batch", intake.batch == 0),
        ("intake.workers", intake.workers == 0),
        ("intake.memory_mib", intake.memory_mib == 0),
        ("gatekeeper.poll_ms", gatekeeper.poll_ms == 0),
        ("gatekeeper.batch", gatekeeper.batch == 0),
        ("gatekeeper.again_s", gatekeeper.again_s == 0),
        ("packer.poll_ms", packer.poll_ms == 0),
        ("packer.batches", packer.batches == 0),
        ("packer.sign_s", packer.sign_s == 0),
        ("packer.lease_s", packer.lease_s == 0),
        ("packer.again_s", packer.again_s == 0),
        ("packer.aside_s", packer.aside_s == 0),
        ("packer.largest_bytes", packer.largest_bytes == 0),
        ("courier.poll_ms", courier.poll_ms == 0),
        ("courier.send_s", courier.send_s == 0),
        ("courier.silence_s", courier.silence_s == 0),
        ("courier.tries", courier.tries == 0),
        ("courier.breaker_failures", courier.breaker_failures == 0),
        ("collector.poll_ms", collector.poll_ms == 0),
        ("collector.receive_batch", collector.receive_batch == 0),
        ("collector.read_batch", collector.read_batch == 0),
        ("collector.lease_s", collector.lease_s == 0),
        ("collector.attempts", collector.attempts == 0),
        ("collector.port_retries", collector.port_retries == 0),
        ("audit.sequencer.poll_ms", sequencer.poll_ms == 0),
        ("audit.sequencer.batch", sequencer.batch == 0),
        ("audit.sequencer.role_s", sequencer.role_s == 0),
        ("simulator.poll_ms", simulator.poll_ms == 0),
        ("simulator.receipts_per_message", simulator.receipts_per_message == 0),
    ];
    let roads = config.roads.iter().flat_map(|road| {
        let numbers =
            [("concurrent", road.concurrent == 0), ("per_second", road.per_second == 0), ("largest_bytes", road.largest_bytes == 0)];
        numbers.into_iter().filter(|(_, zero)| *zero).map(|(name, _)| format!("roads {:?}.{name}", road.road))
    });
    numbers.into_iter().filter(|(_, zero)| *zero).map(|(name, _)| name.to_owned()).chain(roads).collect()
}

/// Each key by itself, so that every fault is told, then what they must not share.
fn check_keys(options: &access::Options, faults: &mut Vec<String>) {
    for key in &options.keys {
        if let Err(error) = access::Access::new(&access::Options { keys: vec![key.clone()], ..access::Options::default() }) {
            faults.push(format!("  access.keys: {error}"));
        }
    }
    for certificate in &options.certificates {
        let alone = access::Options { certificates: vec![certificate.clone()], ..access::Options::default() };
        if let Err(error) = access::Access::new(&alone) {
            faults.push(format!("  access.certificates: {error}"));
        }
    }
    let names = options.keys.iter().map(|key| key.name.as_str());
    for (name, used) in count(names.chain(options.certificates.iter().map(|certificate| certificate.name.as_str()))) {
        if used > 1 {
            faults.push(format!("  access.keys: {used} 个密钥或证书同名 · {used} keys or certificates are called {name:?}"));
        }
    }
}

/// Without API keys everybody may do everything, so only this machine may come in.
fn open_door(config: &Config) -> Option<String> {
    let Ok(address) = config.grpc.listen.parse::<SocketAddr>() else {
        return Some(format!("  grpc.listen {:?} is no address like 127.0.0.1:8650", config.grpc.listen));
    };
    let open = config.access.keys.is_empty() && config.access.certificates.is_empty() && !address.ip().is_loopback();
    open.then(|| {
        format!("  grpc.listen {address} can be reached from outside, and no access.keys are there; make one with `tongguan key api`")
    })
}

/// Cookies must not go over a network in the clear, and certificates of callers are not asked for there.
fn open_console(options: &console::Options) -> Vec<String> {
    let mut faults = Vec::new();
    if options.is_on() && !options.is_safe() {
        faults.push(format!(
            "  console.listen {:?} 只能监听本机，除非设 console.tls，或由前置代理负责 TLS（console.behind_tls） · console.listen must be on this machine, unless it speaks TLS (console.tls) or a proxy before it does (console.behind_tls)",
            options.listen
        ));
    }
    if options.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some()) {
        faults.push(
            "  console.tls.client_ca: 控制台以密钥或账户登录，不使用客户端证书 · the console is signed in to; it asks for no certificates"
                .into(),
        );
    }
    faults
}

fn names<'a>(what: &str, all: impl Iterator<Item = &'a str>, faults: &mut Vec<String>) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    for name in all {
        if name.is_empty() {
            faults.push(format!("  a {what} has no name"));
        } else if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
            faults.push(format!("  {what} {name:?}: 名称只能用字母、数字和 - _ . · a name takes letters, digits and - _ ."));
        }
        if !seen.insert(name) {
            faults.push(format!("  two {what}s are called {name:?}"));
        }
    }
    seen
}

fn count<T: Ord>(all: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    for one in all {
        *counts.entry(one).or_default() += 1;
    }
    counts
}

/// A folder as itself: links followed if it is there, else without `.` and `..`.
fn plain(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| {
        let mut plain = PathBuf::new();
        for part in folder.components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir => drop(plain.pop()),
                part => plain.push(part),
            }
        }
        plain
    })
}

#[cfg(test)]
mod tests;
