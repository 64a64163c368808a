"""The drill itself; `run` beside it installs what it needs. Everything lives in one folder on loopback ports and ends with the script."""

import glob
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
SHIPPED = HERE.parent.parent / "src" / "demo"
POSTGRES = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))[-1]
CHUNK = 20          # orders that are submitted, and acknowledged, together
QUIET = 10          # seconds of undisturbed load before and after each blow
MEMBERS = ("one", "two", "three")
CARRIERS = {
    "declarant": ("91440101MA5TG07G5B", "广州南粤通关服务有限公司（示例）"),
    "guangzhou": ("91440101MA5TG08HXC", "广州云桥国际物流有限公司（示例）"),
    "dongguan": ("91441900MA5TG09J2N", "东莞虎门速运有限公司（示例）"),
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def until(what, is_so, longest=180):
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > longest:
            raise SystemExit(f"waited {longest} s for: {what}")
        time.sleep(0.1)
    return time.monotonic() - began


class Cluster:
    """etcd, three members under Patroni, and HAProxy before them."""

    def __init__(self, folder, protocol):
        self.folder, self.protocol = folder, protocol
        self.programs = {}
        self.etcd, self.front = free_port(), free_port()
        self.ports = {name: (free_port(), free_port()) for name in MEMBERS}
        (folder / "etcd").mkdir()
        peer = free_port()
        self.start("etcd", [
            "etcd", "--name", "drill", "--data-dir", str(folder / "etcd"), "--logger", "zap", "--enable-v2=true",
            "--listen-client-urls", f"http://127.0.0.1:{self.etcd}", "--advertise-client-urls", f"http://127.0.0.1:{self.etcd}",
            "--listen-peer-urls", f"http://127.0.0.1:{peer}", "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
            "--initial-cluster", f"drill=http://127.0.0.1:{peer}",
        ])
        for name in MEMBERS:
            self.configure(name)
            self.start_member(name)
        until("a primary and two standbys, one of them synchronous", self.is_whole)
        self.start_front()

    def start(self, name, command):
        log = open(self.folder / f"{name}.log", "ab")
        self.programs[name] = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder, start_new_session=True,
            env={"PATH": f"{POSTGRES}:/usr/sbin:{os.environ['PATH']}", "HOME": str(self.folder)},
        )

    def configure(self, name):
        port, rest = self.ports[name]
        data = self.folder / name
        configuration = {
            "scope": "tongguan", "name": name,
            "restapi": {"listen": f"127.0.0.1:{rest}", "connect_address": f"127.0.0.1:{rest}"},
            # The protocol of version 2, whose writes of the leader's key name the value that they replace. By that of version 3, Patroni
            # 3.0 writes it whatever it is: a primary that stood still while another was elected then takes the key back, and what was
            # acknowledged in between is lost. `--etcd3` shows it.
            self.protocol: {"host": f"127.0.0.1:{self.etcd}"},
            "bootstrap": {
                "dcs": {
                    # The shortest that Patroni allows for noticing a host that is gone.
                    "ttl": 20, "loop_wait": 2, "retry_timeout": 5, "maximum_lag_on_failover": 1048576,
                    # A primary that is gone is not waited for, and without a synchronous standby nothing is acknowledged.
                    "master_start_timeout": 0, "synchronous_mode": True, "synchronous_mode_strict": True,
                    "postgresql": {"use_pg_rewind": True, "parameters": {"max_connections": 100, "shared_buffers": "64MB", "wal_keep_size": "256MB"}},
                },
                "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}],
                "pg_hba": ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"],
            },
            "postgresql": {
                "listen": f"127.0.0.1:{port}", "connect_address": f"127.0.0.1:{port}", "data_dir": str(data), "bin_dir": POSTGRES,
                "pgpass": str(self.folder / f"{name}.pgpass"),
                "authentication": {"superuser": {"username": "postgres"}, "replication": {"username": "postgres"}, "rewind": {"username": "postgres"}},
                "parameters": {"unix_socket_directories": ""},
            },
        }
        # YAML is a superset of JSON.
        (self.folder / f"{name}.yml").write_text(json.dumps(configuration, indent=1))

    def start_member(self, name):
        command = ["patroni", str(self.folder / f"{name}.yml")]
        if os.getuid() == 0:
            command = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups", "--", *command]
        self.start(name, command)

    def start_front(self):
        servers = "\n".join(
            f"    server {name} 127.0.0.1:{port} check port {rest}" for name, (port, rest) in self.ports.items()
        )
        (self.folder / "haproxy.cfg").write_text(
            "defaults\n    mode tcp\n    timeout connect 1s\n    timeout client 1h\n    timeout server 1h\n    timeout check 1s\n"
            f"listen primary\n    bind 127.0.0.1:{self.front}\n    option httpchk GET /primary\n    http-check expect status 200\n"
            "    default-server inter 500 fall 2 rise 1 on-marked-down shutdown-sessions\n"
            f"{servers}\n"
        )
        self.start("haproxy", ["haproxy", "-db", "-f", str(self.folder / "haproxy.cfg")])

    def members(self):
        for _, rest in self.ports.values():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{rest}/cluster", timeout=1) as answer:
                    return json.load(answer)["members"]
            except OSError:
                continue
        return []

    def is_primary(self, name):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[name][1]}/primary", timeout=1) as answer:
                return answer.status == 200
        except OSError:
            return False

    def primary(self):
        return next((name for name in MEMBERS if self.is_primary(name)), None)

    def is_whole(self):
        members = self.members()
        roles = sorted(member["role"] for member in members if member["state"] in ("running", "streaming"))
        return len(roles) == 3 and "leader" in roles and "sync_standby" in roles

    def postmaster(self, name):
        return int((self.folder / name / "postmaster.pid").read_text().split()[0])

    def ask(self, sql, database="tongguan"):
        url = ",".join(f"127.0.0.1:{port}" for port, _ in self.ports.values())
        command = [f"{POSTGRES}/psql", "-XAtq", "-d", f"postgresql://postgres@{url}/{database}?target_session_attrs=read-write", "-c", sql]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()

    def url(self, way):
        hosts = [self.front] if way == "haproxy" else [port for port, _ in self.ports.values()]
        return "postgres://postgres@" + ",".join(f"127.0.0.1:{port}" for port in hosts) + "/tongguan"

    def end(self):
        for name in (*MEMBERS, "haproxy", "etcd"):
            program = self.programs.get(name)
            if program and program.poll() is None:
                os.killpg(program.pid, signal.SIGCONT)
                program.terminate()
        for program in self.programs.values():
            try:
                program.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(program.pid, signal.SIGKILL)


class Town:
    """Customs, two gateways and their callers."""

    def __init__(self, program, cluster, folder):
        self.program, self.cluster, self.folder = program, cluster, folder
        self.running, self.doors = {}, {}
        # What this shell says of a gateway of its own must not reach these.
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("TONGGUAN_")}
        for name, (_, firm) in CARRIERS.items():
            self.run("key", "new", name, "--subject", firm)
        self.run("key", "log", "drill.example/tongguan")
        for way in ("haproxy", "hosts"):
            self.doors[way] = free_port()
            self.configure(way)
        self.run("migrate", "--config", "hosts.toml")
        self.start("simulate", "simulate", "--config", "hosts.toml")
        for way in self.doors:
            self.start(way, "serve", "--config", f"{way}.toml", "--name", way)

    def run(self, *arguments, check=True):
        done = subprocess.run([self.program, *arguments], cwd=self.folder, capture_output=True, text=True, env=self.environment)
        if check and done.returncode != 0:
            raise SystemExit(f"{' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done

    def start(self, name, *arguments):
        log = open(self.folder / f"{name}.log", "ab")
        self.running[name] = subprocess.Popen(
            [self.program, *arguments], cwd=self.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.environment
        )

    def configure(self, way):
        signers = "".join(f'[[signers]]\nname = "{name}"\nkey = "{name}.key.pem"\ncertificate = "{name}.cert.pem"\n' for name in CARRIERS)
        senders = "".join(
            f'[[senders]]\nname = "{name}"\nparty = {{ code = "{code}", name = "{firm}" }}\ndxp_id = "DXPENT{number:010}"\n'
            f'signer = "{name}"\nroad = "customs"\n'
            for number, (name, (code, firm)) in enumerate(CARRIERS.items(), 1)
        )
        (self.folder / f"{way}.toml").write_text(
            f'[store.postgres]\nurl = "{self.cluster.url(way)}"\nstatement_ms = 3000\n[grpc]\nlisten = "127.0.0.1:{self.doors[way]}"\n'
            f'[audit]\nkey = "audit.logkey"\n[check]\nsample_rates = true\n[exemption]\nsample_library = true\n{signers}{senders}'
            '[[roads]]\nroad = "customs"\nfolder = "roads/customs"\nquiet_s = 2\n'
            '[[lanes]]\norder = { send = "declarant" }\ninventory = { send = "declarant" }\n'
            '[courier]\nsilence_s = 20\n[log]\nfilter = "warn"\n[simulator]\ndir = "roads"\nroads = ["customs"]\nreceipts_per_message = 100\n'
            "delays = { declaring_ms = 50, stored_ms = 50, review_ms = 50, passed_ms = 50, released_ms = 50, closed_ms = 50 }\n"
        )


class Load(threading.Thread):
    """Submits orders and their waybills at one door, chunk after chunk, and remembers when each was acknowledged and under which id."""

    def __init__(self, town, way, pairs):
        super().__init__(daemon=True)
        self.town, self.way, self.pairs = town, way, pairs
        self.acknowledged, self.moments, self.is_over, self.failed = [], [], threading.Event(), None

    def run(self):
        chunk = 0
        while not self.is_over.is_set():
            try:
                self.submit(chunk)
            except (SystemExit, OSError, ValueError) as failed:
                self.failed = failed
                return
            chunk += 1

    def submit(self, chunk):
        orders, waybills = [], []
        for place in range(chunk * CHUNK, (chunk + 1) * CHUNK):
            order, waybill = self.pairs[place % len(self.pairs)]
            mark = f"{self.way[:2].upper()}{place // len(self.pairs)}"
            order, waybill = json.loads(order), json.loads(waybill)
            order["idempotency_key"] += mark
            order["order"]["order_no"] += mark
            if "waybill_no" in order["inventory"]:
                order["inventory"]["waybill_no"] += mark
            order["inventory"]["exit_date"] = time.strftime("%Y%m%d", time.gmtime(time.time() + 8 * 3600))
            waybill["waybill_no"] += mark
            if "order" in waybill:
                waybill["order"]["order_no"] += mark
            orders.append(json.dumps(order, ensure_ascii=False))
            waybills.append(json.dumps(waybill, ensure_ascii=False))
        for what, lines in (("orders", orders), ("waybills", waybills)):
            file, report = self.town.folder / f"{self.way}.{what}.jsonl", self.town.folder / f"{self.way}.{what}.report"
            file.write_text("\n".join(lines) + "\n")
            more = ["--waybills"] if what == "waybills" else []
            self.town.run("submit", str(file), "--server", f"http://127.0.0.1:{self.town.doors[self.way]}", "--report", str(report),
                          "--patience", "120", *more)
            self.moments.append(time.monotonic())
            if what == "orders":
                self.acknowledged += [json.loads(line)["id"] for line in report.read_text().splitlines()]

    def longest_gap(self, since, until):
        moments = [since, *(moment for moment in self.moments if since <= moment <= until), until]
        return max(later - earlier for earlier, later in zip(moments, moments[1:]))


def pairs():
    expected = {line.split("\t")[0] for line in (SHIPPED / "expected.tsv").read_text().splitlines() if not line.startswith("#")}
    waybills = [(json.loads(line), line) for line in (SHIPPED / "waybills.jsonl").read_text().splitlines()]
    by_order = {waybill["order"]["order_no"]: line for waybill, line in waybills if "order" in waybill}
    by_number = {waybill["waybill_no"]: line for waybill, line in waybills}
    found = []
    for line in (SHIPPED / "orders.jsonl").read_text().splitlines():
        order = json.loads(line)
        number = order["order"]["order_no"]
        waybill = by_order.get(number) or by_number.get(order["inventory"].get("waybill_no"))
        if number not in expected and waybill:
            found.append((line, waybill))
    return found


def lose_host(cluster, name):
    """The machine is gone: Patroni and PostgreSQL at once."""
    pid = cluster.postmaster(name)
    cluster.programs[name].kill()
    os.kill(pid, signal.SIGKILL)
    cluster.programs[name].wait()


def lose_process(cluster, name):
    """PostgreSQL alone is killed; its Patroni is there to see it."""
    os.kill(cluster.postmaster(name), signal.SIGKILL)


def freeze_host(cluster, name):
    """The machine stands still for longer than anybody waits, and comes back believing that it is the primary."""
    session = cluster.programs[name].pid
    pids = subprocess.run(["pgrep", "-s", str(session)], capture_output=True, text=True).stdout.split()
    postmaster = cluster.postmaster(name)
    children = pathlib.Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    for pid in {str(postmaster), *children, *pids}:
        os.kill(int(pid), signal.SIGSTOP)
    return {str(postmaster), *children, *pids}


def blow(cluster, loads, name, strike):
    before = cluster.primary()
    began = time.monotonic()
    stopped = strike(cluster, before)
    until("another primary", lambda: cluster.primary() not in (None, before))
    elected = time.monotonic() - began
    new = cluster.primary()
    for load in loads:
        done = len(load.moments)
        until(f"callers at {load.way} are answered again", lambda: len(load.moments) >= done + 4 or load.failed)
    time.sleep(QUIET)
    for pid in stopped or ():
        try:
            os.kill(int(pid), signal.SIGCONT)
        except ProcessLookupError:
            pass
    if cluster.programs[before].poll() is not None:
        cluster.start_member(before)
    back = until("three members again", cluster.is_whole)
    time.sleep(QUIET)
    gaps = {load.way: load.longest_gap(began - 1, time.monotonic()) for load in loads}
    told = ", ".join(f"by {way} {gap:.1f} s" for way, gap in gaps.items())
    say(f"{name}: primary {before} -> {new} after {elected:.1f} s; longest gap for callers: {told}; whole again {back:.1f} s later")


def judge(cluster, town):
    """What customs took twice, by its own count, and whether the log is whole."""
    said = re.search(r"declared twice (\d+)", (town.folder / "simulate.log").read_text())
    twice = said.group(1) if said else "unknown"
    verified = town.run("audit", "verify", "--store", cluster.url("hosts"), "--key", "audit.vkey", check=False)
    say(f"declared twice {twice}")
    say(verified.stdout.splitlines()[0] if verified.stdout else verified.stderr)
    return twice == "0" and verified.returncode == 0


def main():
    # However it is ended, nothing of it goes on.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tongguan-drill-"))
    os.chmod(folder, 0o755)
    base = folder / "cluster"
    base.mkdir()
    if os.getuid() == 0:
        shutil.chown(base, "postgres", "postgres")
    cluster, is_well = None, False
    town = None
    try:
        cluster = Cluster(base, "etcd3" if "--etcd3" in sys.argv else "etcd")
        say(f"three members, primary {cluster.primary()}, a synchronous standby")
        cluster.ask("CREATE DATABASE tongguan", "postgres")
        place = folder / "town"
        place.mkdir()
        town = Town(sys.argv[1], cluster, place)
        loads = [Load(town, way, pairs()) for way in town.doors]
        for load in loads:
            load.start()
        time.sleep(QUIET)
        say(f"under load: {sum(len(load.acknowledged) for load in loads) / QUIET:.0f} orders a second acknowledged")
        for name, strike in (("host lost", lose_host), ("PostgreSQL killed", lose_process), ("host frozen", freeze_host)):
            blow(cluster, loads, name, strike)
        for load in loads:
            load.is_over.set()
            load.join()
            if load.failed:
                raise SystemExit(f"{load.way}: {load.failed}")
        acknowledged = {id for load in loads for id in load.acknowledged}
        lost = acknowledged - set(cluster.ask("SELECT id FROM declarations"))
        say(f"acknowledged {len(acknowledged)} orders, lost {len(lost)}")
        if lost:
            raise SystemExit("acknowledged orders are lost")
        open_lists = "SELECT count(*) FROM documents WHERE state <> CASE kind WHEN 603 THEN 'closed' ELSE 'stored' END"
        took = until("every list is closed", lambda: cluster.ask(open_lists) == ["0"], 600)
        say(f"every list is closed {took:.1f} s after the last order")
        nodes = town.run("nodes", "--config", "hosts.toml", check=False)
        say("nodes:\n" + nodes.stdout)
        for name in (*town.doors, "simulate"):
            town.running[name].terminate()
            town.running[name].wait(60)
        is_well = judge(cluster, town)
    finally:
        for program in (town.running if town else {}).values():
            if program.poll() is None:
                program.kill()
        if cluster:
            cluster.end()
        if is_well:
            shutil.rmtree(folder)
        else:
            print(f"what they said is in {folder}", file=sys.stderr)
    sys.exit(0 if is_well else 1)


main()
