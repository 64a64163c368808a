//! A month is archived by the command, killed over and over; everything answers as before, and what was altered is named.

use std::{fs, path::Path, time::Duration};

use tongguan::{clock::Clockwork, retention::Month};

use super::{
    rig::{self, Program},
    tamper,
};

const DAY_MS: i64 = 86_400_000;

struct Archived {
    folder: tempfile::TempDir,
    month: String,
}

impl Archived {
    /// What the demonstration has left, some months later.
    fn new() -> Self {
        let folder = tamper::copy();
        fs::copy(tamper::log_key(), folder.path().join("audit.logkey")).unwrap();
        let archived = Self { folder, month: Month::of(Clockwork::system().now()).to_string() };
        archived.configure(200);
        archived
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// So many days later.
    fn configure(&self, days: i64) {
        let mut config = rig::config(self.folder.path());
        config.store.file = self.folder.path().join("tongguan.db");
        config.audit.key = self.folder.path().join("audit.logkey");
        config.node.clock_shift_ms = days * DAY_MS;
        rig::write_config(&config, Path::new(&self.path("tongguan.toml")));
    }

    fn archive(&self) -> [String; 6] {
        ["archive".into(), self.month.clone(), "--to".into(), self.path("archives"), "--config".into(), self.path("tongguan.toml")]
    }

    fn audit(&self, what: &[&str], at_hand: bool) -> (bool, String) {
        let (dir, archives) = (self.path(""), self.path("archives"));
        let at_hand: &[&str] = if at_hand { &["--archives", &archives] } else { &[] };
        rig::run(&[&["audit"], what, &["--dir", &dir], at_hand].concat())
    }

    fn retention(&self, what: &[&str]) -> (bool, String) {
        let (config, archives) = (self.path("tongguan.toml"), self.path("archives"));
        let archives: &[&str] = if what[0] == "report" { &[] } else { &["--archives", &archives] };
        rig::run(&[&["retention"], what, &["--config", &config], archives].concat())
    }
}

#[test]
fn a_month_is_archived_over_kills_and_stays_verifiable_and_readable() {
    let archived = Archived::new();
    let order = tamper::an_order();
    let (_, before) = archived.audit(&["show", &order], false);
    let command = archived.archive();
    let command: Vec<_> = command.iter().map(String::as_str).collect();
    for time in 0..12_u64 {
        let program = Program::start(&command, &archived.folder.path().join("archive.log"));
        std::thread::sleep(Duration::from_millis(15 + time * 37 % 210));
        program.kill();
        if time % 4 == 3 {
            let (whole, told) = archived.audit(&["verify"], true);
            assert!(whole, "after {time} kills: {told}");
            assert_eq!(archived.audit(&["show", &order], true).1, before, "after {time} kills");
        }
    }
    let (done, told) = rig::run(&command);
    assert!(done, "{told}");
    let (done, told) = rig::run(&command);
    assert!(done && told.contains("made 0 archives"), "{told}");
    assert_eq!(archived.audit(&["show", &order], true).1, before);
    let (whole, told) = archived.audit(&["verify"], true);
    assert!(whole && told.contains("archives are whole: 1") && !told.contains("leaf hash"), "{told}");
    let (whole, told) = archived.audit(&["verify"], false);
    assert!(whole && told.contains("leaf hash alone"), "{told}");
    let (_, told) = archived.audit(&["show", &order], false);
    assert!(told.contains("not at hand") && told.contains("已归档"), "{told}");
    let (done, told) = archived.retention(&["report"]);
    assert!(done && told.contains("emptied") && told.contains("2037-01-01"), "{told}");
    altered(&archived);
    destroyed(&archived);
}

/// Any byte of either file.
fn altered(archived: &Archived) {
    for name in [format!("archives/{}.1.json", archived.month), format!("archives/{}.1.jsonl.gz", archived.month)] {
        let file = archived.path(&name);
        let whole = fs::read(&file).unwrap();
        for at in [whole.len() / 5, whole.len() / 2] {
            let mut bytes = whole.clone();
            bytes[at] = bytes[at].wrapping_add(1);
            fs::write(&file, bytes).unwrap();
            let (whole, told) = archived.audit(&["verify"], true);
            assert!(!whole && told.contains(&format!("{}.1", archived.month)), "{name} at {at}: {told}");
        }
        fs::write(&file, whole).unwrap();
    }
}

fn destroyed(archived: &Archived) {
    let (done, told) = archived.retention(&["destroy"]);
    assert!(done && told.contains("nothing to destroy"), "{told}");
    archived.configure(12 * 366);
    let (done, told) = archived.retention(&["destroy"]);
    assert!(done, "{told}");
    let digest = told.split("digest: ").nth(1).unwrap().trim().to_owned();
    let (done, told) = archived.retention(&["destroy", "--confirm", "00", "--why", "期满"]);
    assert!(!done && told.contains("preview it again"), "{told}");
    let (done, told) = archived.retention(&["destroy", "--confirm", &digest, "--why", "期满"]);
    assert!(done, "{told}");
    let (whole, told) = archived.audit(&["verify"], true);
    assert!(whole && told.contains("lawfully destroyed"), "{told}");
}
