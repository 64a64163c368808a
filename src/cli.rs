//! The command line. One binary does everything; `--help` tells the rest.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};

use crate::{check::characters::is_unseen, config::Config, message};

mod account;
mod audit;
mod bench;
mod compose;
mod demo;
mod desk;
mod exemption;
mod explain;
mod keys;
mod legal_hold;
mod migrate;
mod nodes;
mod outcome;
mod parse;
mod retention;
mod rows;
mod rules;
mod serve;
mod server;
mod sheet;
mod submit;
mod table;
mod validate;

/// 通关：跨境电商零售出口申报网关 · a declaration gateway for China's cross-border e-commerce retail exports.
#[derive(Debug, Parser)]
#[command(
    name = "tongguan",
    version,
    about = "通关：跨境电商零售出口申报网关 · a declaration gateway for China's cross-border e-commerce retail exports",
    disable_help_subcommand = true
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// 运行网关 · Runs the gateway until Ctrl-C.
    Serve(serve::ServeArgs),
    /// 运行模拟海关 · Runs the simulated customs of the same configuration until Ctrl-C.
    Simulate(ConfigArgs),
    /// 列出各节点及其配置差异 · Lists the nodes that work on the database, and where their configurations differ.
    Nodes(nodes::NodesArgs),
    /// 升级 PostgreSQL 数据库结构 · Brings a PostgreSQL database to this version's schema.
    Migrate(migrate::MigrateArgs),
    /// 演示：网关与模拟海关同进程，200 个样例订单 · Gateway and simulated customs in one process, with 200 shipped orders.
    Demo(demo::DemoArgs),
    /// 提交订单或运单文件（JSON Lines、CSV 或 XLSX）· Submits a file of orders or waybills (JSON lines, CSV or XLSX).
    Submit(submit::SubmitArgs),
    /// 生成空的 XLSX 模板 · Writes an empty XLSX template for submit.
    Template(sheet::TemplateArgs),
    /// 按模式与规范校验报文文件，逐条指出缺陷 · Validates message files by schema and specification, and names every defect.
    Validate(validate::ValidateArgs),
    /// 由 JSON 生成报文 · Writes a message from JSON, signed if asked for.
    Compose(compose::ComposeArgs),
    /// 将报文或回执转为 JSON · Prints a message or a receipt as JSON.
    Parse(parse::ParseArgs),
    /// 用中英文说明报文和回执 · Says in plain words what messages and receipts mean, and what to do next.
    Explain(explain::ExplainArgs),
    /// 列出全部校验规则 · Lists every rule that something can be refused by.
    Rules(rules::RulesArgs),
    /// 测量：每次一行 JSON · Measures what the gateway costs; prints one JSON line.
    Bench(bench::BenchArgs),
    /// 业务运行：暂停、放行、重试、认定、归档回执 · What operations staff do: hold, release, retry, resolve, pause, attach.
    #[command(subcommand)]
    Desk(desk::DeskCommand),
    /// 审计日志 · The audit log.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// 保存期限 · How long things are kept, and what is destroyed after that.
    #[command(subcommand)]
    Retention(retention::RetentionCommand),
    /// 归档一个月份中已完结的内容 · Archives what is over of a month: into files, out of the store.
    Archive(retention::ArchiveArgs),
    /// 法律保全 · Legal holds: what may not be archived or destroyed.
    #[command(subcommand)]
    LegalHold(legal_hold::LegalHoldCommand),
    /// 无票免税 · The exemption without invoice.
    #[command(subcommand)]
    Exemption(exemption::ExemptionCommand),
    /// 控制台账户 · Accounts of people at the console.
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// 密钥 · Keys.
    #[command(subcommand)]
    Key(keys::KeyCommand),
    /// 配置 · Configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Args)]
struct ConfigArgs {
    /// 配置文件 · The configuration file; TONGGUAN_… variables of the environment override it.
    #[arg(long, env = "TONGGUAN_CONFIG", default_value = "tongguan.toml")]
    config: PathBuf,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// 输出带注释的样例配置 · Prints a commented example.
    Example,
    /// 检查配置 · Reads a configuration and says what is wrong with it.
    Check(ConfigArgs),
}

/// Runs the command that the arguments name. Faults are told on standard error, in one line each cause.
pub async fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(args) => serve::serve(&args).await,
        Command::Simulate(args) => serve::simulate(&args.config).await,
        Command::Nodes(args) => nodes::nodes(&args).await,
        Command::Migrate(args) => migrate::migrate(&args).await,
        Command::Demo(args) => demo::demo(&args).await,
        Command::Submit(args) => submit::submit(&args).await,
        Command::Template(args) => sheet::template(&args),
        Command::Validate(args) => validate::validate(&args),
        Command::Compose(args) => compose::compose(&args).await,
        Command::Parse(args) => parse::parse(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Rules(args) => rules::rules(&args),
        Command::Bench(args) => bench::bench(&args).await,
        Command::Desk(command) => desk::run(&command).await,
        Command::Audit(command) => audit::run(&command).await,
        Command::Retention(command) => retention::run(&command).await,
        Command::Archive(args) => retention::archive(&args).await,
        Command::LegalHold(command) => legal_hold::run(&command).await,
        Command::Exemption(command) => exemption::run(&command).await,
        Command::Account(command) => account::run(&command).await,
        Command::Key(command) => keys::run(&command).await,
        Command::Config(ConfigCommand::Example) => {
            say(crate::config::EXAMPLE);
            Ok(ExitCode::SUCCESS)
        }
        Command::Config(ConfigCommand::Check(args)) => check_config(&args.config),
    };
    result.unwrap_or_else(|error| {
        complain(&format!("tongguan: {error:#}"));
        ExitCode::FAILURE
    })
}

/// Before anything else: a schema that is not known whole must stop us, not the first message.
fn load_schemas() -> anyhow::Result<()> {
    message::load_schemas().context("报文模式未能加载 · the message schemas are not loaded")
}

fn check_config(file: &Path) -> anyhow::Result<ExitCode> {
    let config = Config::load_whole(file)?;
    for note in config.notes() {
        complain(&note);
    }
    say(&format!("{}: ok", file.display()));
    Ok(ExitCode::SUCCESS)
}

/// Writes a line for the caller.
fn say(line: &str) {
    write_line(&mut std::io::stdout().lock(), line);
}

/// Writes a line about a fault.
fn complain(line: &str) {
    write_line(&mut std::io::stderr().lock(), line);
}

/// Whoever listened may have gone (`| head`): that is no fault, and the work goes on to its own end.
fn write_line(to: &mut dyn Write, line: &str) {
    let _ = writeln!(to, "{}", visible(line, &['\n', '\t'])).and_then(|()| to.flush());
}

/// A text from a file or a message, as one line of a terminal: what is not seen is written as its number.
fn shown(text: &str) -> String {
    visible(text, &[])
}

fn visible(text: &str, kept: &[char]) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unseen(c) && !kept.contains(&c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    struct Shut;

    impl Write for Shut {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn a_closed_pipe_is_no_fault() {
        write_line(&mut Shut, "nobody listens");
    }

    #[test]
    fn a_terminal_is_not_steered_by_what_is_printed() {
        let mut written = Vec::new();
        write_line(&mut written, "a\nb\u{1b}[2J\r\u{202e}订单");
        assert_eq!(String::from_utf8(written).unwrap(), "a\nb\\u{1b}[2J\\u{d}\\u{202e}订单\n");
        assert_eq!(shown("one\nline"), "one\\u{a}line");
    }
}
