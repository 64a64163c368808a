//! The command line. One binary does everything; `--help` tells the rest.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

mod audit;
mod demo;
mod keys;
mod outcome;
mod rows;
mod serve;
mod submit;
mod table;

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
    Serve(ConfigArgs),
    /// 运行模拟海关 · Runs the simulated customs of the same configuration until Ctrl-C.
    Simulate(ConfigArgs),
    /// 演示：网关与模拟海关同进程，200 个样例订单 · Gateway and simulated customs in one process, with 200 shipped orders.
    Demo(demo::DemoArgs),
    /// 提交订单或运单文件（JSON Lines 或 CSV）· Submits a file of orders or waybills (JSON lines or CSV).
    Submit(submit::SubmitArgs),
    /// 审计日志 · The audit log.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
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
        Command::Serve(args) => serve::serve(&args.config).await,
        Command::Simulate(args) => serve::simulate(&args.config).await,
        Command::Demo(args) => demo::demo(&args).await,
        Command::Submit(args) => submit::submit(&args).await,
        Command::Audit(command) => audit::run(&command).await,
        Command::Key(command) => keys::run(&command),
        Command::Config(ConfigCommand::Example) => {
            say(crate::config::EXAMPLE);
            Ok(ExitCode::SUCCESS)
        }
        Command::Config(ConfigCommand::Check(args)) => crate::config::Config::load(&args.config).map_err(Into::into).map(|_| {
            say(&format!("{}: ok", args.config.display()));
            ExitCode::SUCCESS
        }),
    };
    result.unwrap_or_else(|error| {
        complain(&format!("tongguan: {error:#}"));
        ExitCode::FAILURE
    })
}

/// Writes a line for the caller.
#[expect(clippy::print_stdout, reason = "what a command is asked for goes to standard output")]
fn say(line: &str) {
    println!("{line}");
}

/// Writes a line about a fault.
#[expect(clippy::print_stderr, reason = "what went wrong goes to standard error")]
fn complain(line: &str) {
    eprintln!("{line}");
}
