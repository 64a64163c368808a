//! Gathers the options of every part from one TOML file and the environment (`TONGGUAN_STORE__FILE=…` overrides `store.file`),
//! refuses what it does not know, and looks whether the parts fit together: every fault at once.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use serde::{Deserialize, Serialize};

use crate::{
    access, collector, console, courier, endpoint,
    exemption::{Seller, Settings},
    gatekeeper, grpc, intake,
    lane::Lane,
    node, packer,
    party::Sender,
    retention, sequencer, signers, simulator,
    store::{postgres, sqlite},
    telemetry, tiles, vault,
};

mod check;
mod fit;
mod sections;

pub use check::{CheckOptions, TableError};

/// A commented configuration that works as it stands, once its keys are made.
pub const EXAMPLE: &str = include_str!("config/example.toml");

/// Everything that can be configured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where things are kept.
    pub store: StoreOptions,
    /// This process among others.
    pub node: node::Options,
    /// The door.
    pub grpc: grpc::Options,
    /// Pages for operations staff.
    pub console: console::Options,
    /// Who may come in.
    pub access: access::Options,
    /// Identities towards customs.
    pub senders: Vec<Sender>,
    /// Keys.
    pub signers: Vec<signers::Options>,
    /// Roads to customs.
    pub roads: Vec<endpoint::Options>,
    /// Who transmits what; the first that covers a declaration counts.
    pub lanes: Vec<Lane>,
    /// Taking in.
    pub intake: intake::Options,
    /// What declarations are checked by.
    pub check: CheckOptions,
    /// Gates.
    pub gatekeeper: gatekeeper::Options,
    /// Packing and signing.
    pub packer: packer::Options,
    /// Delivering.
    pub courier: courier::Options,
    /// Collecting receipts.
    pub collector: collector::Options,
    /// The audit log.
    pub audit: AuditOptions,
    /// How long things are kept, and where archives lie.
    pub retention: retention::Options,
    /// The exemption advice.
    pub exemption: ExemptionOptions,
    /// What is written about itself.
    pub log: LogOptions,
    /// Traces.
    pub telemetry: telemetry::Options,
    /// The simulated customs, for `simulate`.
    pub simulator: simulator::Options,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            store: StoreOptions::default(),
            node: node::Options::default(),
            grpc: grpc::Options::default(),
            console: console::Options::default(),
            access: access::Options::default(),
            senders: Vec::new(),
            signers: Vec::new(),
            roads: Vec::new(),
            lanes: vec![Lane::default()],
            intake: intake::Options::default(),
            check: CheckOptions::default(),
            gatekeeper: gatekeeper::Options::default(),
            packer: packer::Options::default(),
            courier: courier::Options::default(),
            collector: collector::Options::default(),
            audit: AuditOptions::default(),
            retention: retention::Options::default(),
            exemption: ExemptionOptions::default(),
            log: LogOptions::default(),
            telemetry: telemetry::Options::default(),
            simulator: simulator::Options::default(),
        }
    }
}

/// The largest script file of the simulated customs, in bytes.
const LARGEST_SCRIPT: u64 = 1 << 20;

/// Where things are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreOptions {
    /// The SQLite file; made if it is not there.
    pub file: PathBuf,
    /// Mebibytes that it may grow to: a full store refuses work, it does not fill the disk.
    pub largest_mib: u32,
    /// A PostgreSQL database in its stead.
    pub postgres: Option<postgres::Options>,
    /// Keys with which what is kept raw is encrypted.
    pub vault: vault::Options,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { file: PathBuf::from("tongguan.db"), largest_mib: sqlite::LARGEST_MIB, postgres: None, vault: vault::Options::default() }
    }
}

/// The audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditOptions {
    /// The file with the secret key that signs checkpoints (`tongguan key log`).
    pub key: PathBuf,
    /// The sequencer.
    pub sequencer: sequencer::Options,
    /// The log over HTTP, for public verifiers.
    pub tiles: tiles::Options,
}

impl Default for AuditOptions {
    fn default() -> Self {
        Self { key: PathBuf::from("audit.logkey"), sequencer: sequencer::Options::default(), tiles: tiles::Options::default() }
    }
}

/// What the exemption advice rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct ExemptionOptions {
    /// CSV files of the refund rate library, one for each version; none: every line that needs it is for review.
    pub libraries: Vec<PathBuf>,
    /// Uses the shipped sample library: made up, for demonstrations only.
    pub sample_library: bool,
    /// Seller profiles.
    pub sellers: Vec<Seller>,
    /// Readings, overrides, zone rules.
    pub settings: Settings,
}

/// How the program's own log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// What is written about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogOptions {
    /// The form.
    pub format: LogFormat,
    /// What is written: `info`, `tongguan=debug`, …
    pub filter: String,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { format: LogFormat::default(), filter: "info".to_owned() }
    }
}

/// Why a configuration is of no use.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not there.
    #[error("配置 {path} 不存在；`tongguan config example` 输出样例 · the configuration {path} is not there; `tongguan config example` prints one", path = .0.display())]
    Missing(PathBuf),
    /// It cannot be read: a key that nobody knows, a value of the wrong kind.
    #[error("配置无法读取 · the configuration cannot be read:\n{0}")]
    Unreadable(String),
    /// Its parts do not fit together.
    #[error("配置有误 · the configuration does not fit together:\n{}", .0.join("\n"))]
    Unfit(Vec<String>),
}

impl Config {
    /// Reads a file and the environment. Relative paths in it count from the file's folder.
    ///
    /// # Errors
    /// If it is not there, cannot be read or does not fit together; every fault is told.
    pub fn load(file: &Path) -> Result<Self, Error> {
        let config = Self::read(file)?;
        config.fit()?;
        Ok(config)
    }

    fn read(file: &Path) -> Result<Self, Error> {
        if !file.is_file() {
            return Err(Error::Missing(file.to_owned()));
        }
        let environment = Env::prefixed("TONGGUAN_").ignore(&["config", "server", "key", "ca", "official", "story"]).split("__");
        let figment = Figment::from(Serialized::defaults(Self::default())).merge(Toml::file_exact(file)).merge(environment);
        let mut config: Self = figment.extract().map_err(|errors| {
            let told: Vec<_> = errors.into_iter().map(|error| format!("  {error}")).collect();
            Error::Unreadable(told.join("\n"))
        })?;
        config.rebase(file.parent().unwrap_or(Path::new("")));
        config.read_script()?;
        Ok(config)
    }

    /// Adds what the simulated customs' script file says to its script.
    fn read_script(&mut self) -> Result<(), Error> {
        let Some(file) = &self.simulator.script_file else { return Ok(()) };
        let unreadable = |what: &dyn std::fmt::Display| Error::Unreadable(format!("  {}: {what}", file.display()));
        let length = std::fs::metadata(file).map_err(|error| unreadable(&error))?.len();
        if length > LARGEST_SCRIPT {
            return Err(unreadable(&"超过 1 MiB · more than 1 MiB"));
        }
        let read: simulator::Script = Figment::from(Toml::file_exact(file)).extract().map_err(|error| unreadable(&error))?;
        self.simulator.script.rule.extend(read.rule);
        Ok(())
    }

    fn rebase(&mut self, folder: &Path) {
        let mut paths = vec![&mut self.store.file, &mut self.audit.key, &mut self.simulator.dir];
        paths.extend(self.signers.iter_mut().flat_map(|signer| [&mut signer.key, &mut signer.certificate]));
        paths.extend(self.roads.iter_mut().map(|road| &mut road.folder));
        paths.extend(self.exemption.libraries.iter_mut());
        paths.extend(self.collector.forward.as_mut());
        paths.extend(self.retention.archives.as_mut());
        paths.extend(self.simulator.script_file.as_mut());
        paths.extend(
            self.store
                .postgres
                .as_mut()
                .into_iter()
                .flat_map(|options| [&mut options.password_file, &mut options.root_certificate])
                .flatten(),
        );
        paths.extend(self.store.vault.keys.iter_mut().filter_map(|key| key.file.as_mut()));
        paths.extend(self.check.rates.as_mut());
        paths.extend(self.check.limits.as_mut());
        let tls = self.grpc.tls.as_mut().into_iter().chain(&mut self.console.tls);
        paths.extend(tls.flat_map(|tls| [&mut tls.certificate, &mut tls.key].into_iter().chain(&mut tls.client_ca)));
        for path in paths {
            if path.is_relative() {
                *path = folder.join(&*path);
            }
        }
    }

    /// Reads a file and the environment, and looks whether the files that it names are there and its tables good, as far as the roles
    /// of this node need them.
    ///
    /// # Errors
    /// As [`Config::load`], and if files are missing; every fault is told.
    pub fn load_whole(file: &Path) -> Result<Self, Error> {
        Self::load_as(file, |_| ())
    }

    /// As [`Config::load_whole`], with what the command line says about this node.
    ///
    /// # Errors
    /// As [`Config::load_whole`].
    pub fn load_as(file: &Path, set: impl FnOnce(&mut node::Options)) -> Result<Self, Error> {
        let mut config = Self::read(file)?;
        set(&mut config.node);
        let takes_in = config.node.runs(node::Role::Intake);
        let tables = config.check.parameters().err().filter(|_| takes_in).unwrap_or_default();
        let tables = tables.iter().map(|fault| format!("  {fault}")).collect();
        Self::all_well([fit::faults(&config), fit::missing_files(&config), tables].concat())?;
        Ok(config)
    }

    /// Looks whether the parts fit together, and nothing stops everything.
    ///
    /// # Errors
    /// Everything that does not fit.
    pub fn fit(&self) -> Result<(), Error> {
        Self::all_well(fit::faults(self))
    }

    /// What is odd but may be right.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        [fit::missing_folders(self), fit::odd_nodes(self)].concat()
    }

    /// A digest of each section, by which nodes see that they differ; what a node may have of its own does not count.
    #[must_use]
    pub fn sections(&self) -> BTreeMap<String, String> {
        sections::of(self)
    }

    fn all_well(faults: Vec<String>) -> Result<(), Error> {
        if faults.is_empty() { Ok(()) } else { Err(Error::Unfit(faults)) }
    }
}

/// Reads a value from TOML text.
///
/// # Errors
/// If the text is no such value.
pub fn read_toml<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Error> {
    Figment::from(Toml::string(text)).extract().map_err(|error| Error::Unreadable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn load(text: &str) -> Result<Config, Error> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tongguan.toml");
        fs::write(&file, text).unwrap();
        Config::load(&file)
    }

    #[test]
    fn the_example_is_right() {
        let config = load(EXAMPLE).unwrap();
        assert_eq!(config.senders.len(), 2);
        assert!(config.store.file.is_absolute(), "paths count from the file's folder");
    }

    #[test]
    fn what_the_example_only_offers_of_signers_senders_and_roads_is_right() {
        let mut text = EXAMPLE.to_owned();
        for name in ["until", "subscriptions", "extension", "pack"] {
            let offered = format!("\n# {name} = ");
            assert_eq!(text.matches(&offered).count(), 1, "{name}");
            text = text.replace(&offered, &format!("\n{name} = "));
        }
        let config = load(&text).unwrap();
        assert_eq!(config.signers[0].until.as_deref(), Some("20270630"));
        assert_eq!((config.senders[0].subscriptions.len(), config.senders[0].extension.is_some()), (1, true));
        assert_eq!(config.roads[0].pack.as_deref(), Some("2018-113"));
    }

    #[test]
    fn what_nobody_knows_is_refused() {
        let error = load("[store]\nfiel = \"x\"\n").unwrap_err().to_string();
        assert!(error.contains("fiel"), "{error}");
        let error = load("[packer]\npoll_ms = \"soon\"\n").unwrap_err().to_string();
        assert!(error.contains("poll_ms"), "{error}");
    }

    #[test]
    fn every_misfit_is_told_at_once() {
        let text = "[grpc]\nlisten = \"0.0.0.0:1\"\n[[senders]]\nname = \"a\"\nparty = { code = \"C\", name = \"N\" }\ndxp_id = \"\"\nsigner = \"s\"\nroad = \"r\"\n\
                    [[lanes]]\norder = { send = \"b\" }\nroad = \"q\"\n";
        let Error::Unfit(faults) = load(text).unwrap_err() else { panic!("unfit") };
        assert_eq!(faults.len(), 8, "{faults:#?}");
    }

    #[test]
    fn the_tables_of_the_check_are_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tongguan.toml");
        fs::write(&file, format!("{EXAMPLE}\n[check]\nrates = \"rates.csv\"\n")).unwrap();
        fs::write(
            folder.path().join("rates.csv"),
            "currency,rate,from,until,source\nUSD,x,2026-01-01,2026-12-31,海关\nUSD,7.1,,2026-12-31,\n",
        )
        .unwrap();
        let told = Config::load_whole(&file).unwrap_err().to_string();
        assert!(told.contains("rates.csv") && told.contains("line 2: ") && told.matches("line 3: ").count() == 2, "{told}");
        assert!(told.contains("audit.key"), "beside what else is wrong: {told}");
        // Where only names and numbers are looked at, files are left alone.
        assert!(Config::load(&file).unwrap().check.rates.unwrap().starts_with(folder.path()));
    }

    #[test]
    fn a_script_comes_from_a_file_and_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let (file, script) = (folder.path().join("tongguan.toml"), folder.path().join("sandbox.toml"));
        // The example ends within the section of the simulated customs.
        fs::write(&file, format!("{EXAMPLE}\nscript_file = \"sandbox.toml\"\nsandbox = true\n")).unwrap();
        let told = Config::load(&file).unwrap_err().to_string();
        assert!(told.contains("sandbox.toml"), "{told}");
        let rule = "[[rule]]\nkind = \"inventory\"\norder = \"A-*\"\n";
        fs::write(&script, format!("{rule}outcome = \"refused\"\ntext = \"x\"\n{rule}delay_ms = 5000\n")).unwrap();
        let config = Config::load(&file).unwrap();
        assert_eq!(config.simulator.script.rule.len(), 2);
        assert!(config.simulator.sandbox);
        for (wrong, named) in [("outcom = \"refused\"", "outcom"), ("outcome = \"rejected\"", "simulator.script"), ("[", "sandbox.toml")] {
            fs::write(&script, format!("{rule}{wrong}\n")).unwrap();
            let told = Config::load(&file).unwrap_err().to_string();
            assert!(told.contains(named), "{wrong}: {told}");
        }
        fs::write(&script, "#".repeat(1 << 21)).unwrap();
        assert!(Config::load(&file).unwrap_err().to_string().contains("1 MiB"));
    }

    #[test]
    fn a_missing_file_is_named() {
        assert!(matches!(Config::load(Path::new("nowhere.toml")), Err(Error::Missing(_))));
    }
}
