//! `account …`: accounts of people at the console, in the store itself. On SQLite no gateway may be running on it; there, and everywhere
//! else, the console's page of accounts does the same.

use std::{
    io::{BufRead as _, IsTerminal as _},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Result, bail};
use clap::{Args, Subcommand, ValueEnum};

use super::{complain, say, shown, table};
use crate::{
    access::anybody,
    accounts::{Accounts, LONGEST_PASSWORD, New},
    clock::Clockwork,
    config::Config,
    party::{Actor, Role, Tenant},
    store::{KeptAccount, Store, postgres::Postgres, sqlite::Sqlite},
    vault::Vault,
};

const WIDTH: usize = 40;

#[derive(Debug, Subcommand)]
pub(super) enum AccountCommand {
    /// 新建账户，输出一次性密码 · Makes an account and prints its one-time password, to be changed at the first sign-in.
    Add(AddArgs),
    /// 列出账户 · Lists the accounts.
    List(PlaceArgs),
    /// 停用账户，其会话立即结束 · Shuts an account; its sessions end at once.
    Disable(NamedArgs),
    /// 重新启用账户 · Opens an account again.
    Enable(NamedArgs),
    /// 重置密码与动态码，其会话立即结束 · Gives a new one-time password and takes the codes away; its sessions end at once.
    Reset(ResetArgs),
    /// 解除因失败次数过多的锁定 · Lets an account that failures shut open again.
    Unlock(NamedArgs),
}

#[derive(Debug, Args)]
pub(super) struct PlaceArgs {
    /// 配置文件 · The configuration file.
    #[arg(long, env = "TONGGUAN_CONFIG", default_value = "tongguan.toml")]
    config: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// 账户名（工号等，不含个人信息）· The name, which the audit log holds: a staff number, nothing personal.
    name: String,
    /// 角色 · What it may do.
    #[arg(long, value_enum)]
    role: StaffRole,
    /// 租户 · Whose entries it writes where they are about nobody else's data.
    #[arg(long, default_value = Tenant::LOCAL)]
    tenant: String,
    /// 原因 · Why, for the audit log.
    #[arg(long, default_value = "command line")]
    why: String,
    /// 从标准输入读取一次性密码 · Reads the one-time password from standard input, a line, instead of making one.
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Args)]
pub(super) struct ResetArgs {
    #[command(flatten)]
    named: NamedArgs,
    /// 从标准输入读取一次性密码 · Reads the one-time password from standard input, a line, instead of making one.
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Debug, Args)]
pub(super) struct NamedArgs {
    /// 账户名 · The account.
    name: String,
    /// 原因 · Why, for the audit log.
    #[arg(long, default_value = "command line")]
    why: String,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum StaffRole {
    /// 业务运行 · Operations.
    Operator,
    /// 只读审计日志 · The audit log alone.
    Auditor,
    /// 全部 · Everything.
    Administrator,
}

impl From<StaffRole> for Role {
    fn from(role: StaffRole) -> Self {
        match role {
            StaffRole::Operator => Self::Operator,
            StaffRole::Auditor => Self::Auditor,
            StaffRole::Administrator => Self::Administrator,
        }
    }
}

pub(super) async fn run(command: &AccountCommand) -> Result<ExitCode> {
    match command {
        AccountCommand::Add(args) => {
            let Some(tenant) = Tenant::parse(&args.tenant) else {
                bail!("租户为1至40个 a-z、0-9 或 - · a tenant takes 1 to 40 of a-z, 0-9 and -");
            };
            let given = given(args.password_stdin)?;
            let (store, accounts) = open(&args.place).await?;
            let new = New { name: args.name.clone(), role: args.role.into(), tenant: Some(tenant) };
            let made = accounts.add(&by(), &new, given.clone(), &args.why).await;
            store.close().await;
            tell_password(&args.name, &made?, given.is_some());
        }
        AccountCommand::Reset(ResetArgs { named, password_stdin }) => {
            let given = given(*password_stdin)?;
            let (store, accounts) = open(&named.place).await?;
            let made = accounts.reset(&by(), &named.name, given.clone(), &named.why).await;
            store.close().await;
            tell_password(&named.name, &made?, given.is_some());
        }
        AccountCommand::List(place) => {
            let (store, accounts) = open(place).await?;
            let all = accounts.all().await;
            store.close().await;
            list(&all?);
        }
        AccountCommand::Disable(args) => change(args, Change::Disable).await?,
        AccountCommand::Enable(args) => change(args, Change::Enable).await?,
        AccountCommand::Unlock(args) => change(args, Change::Unlock).await?,
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Disable,
    Enable,
    Unlock,
}

async fn change(args: &NamedArgs, change: Change) -> Result<()> {
    let (store, accounts) = open(&args.place).await?;
    let done = match change {
        Change::Disable => accounts.enable(&by(), &args.name, false, &args.why).await,
        Change::Enable => accounts.enable(&by(), &args.name, true, &args.why).await,
        Change::Unlock => accounts.unlock(&by(), &args.name, &args.why).await,
    };
    store.close().await;
    done?;
    say(&format!("{}: ok", shown(&args.name)));
    Ok(())
}

/// Whoever may open the database from here is the administrator of this machine.
fn by() -> Actor {
    anybody().actor
}

async fn open(place: &PlaceArgs) -> Result<(Arc<dyn Store>, Accounts)> {
    let config = Config::load(&place.config)?;
    let clockwork = Clockwork::system();
    let (options, vault) = (&config.store, Vault::open(&config.store.vault, &clockwork)?);
    let store: Arc<dyn Store> = match &options.postgres {
        Some(postgres) => Arc::new(Postgres::open(postgres).await?.with_vault(vault)),
        None => Arc::new(Sqlite::open_bounded(&options.file, options.largest_mib).await?.with_vault(vault)),
    };
    let accounts = Accounts::new(Arc::clone(&store), clockwork, config.console.accounts)?;
    Ok((store, accounts))
}

/// A password from standard input, if one is to be read.
fn given(is_asked: bool) -> Result<Option<String>> {
    if !is_asked {
        return Ok(None);
    }
    let input = std::io::stdin();
    if input.is_terminal() {
        complain("一次性密码（会显示在屏幕上）· one-time password (it is seen as it is typed):");
    }
    let mut line = String::new();
    // Four bytes a character at most.
    let most = u64::try_from(LONGEST_PASSWORD * 4 + 2).unwrap_or(u64::MAX);
    std::io::Read::take(input.lock(), most).read_line(&mut line)?;
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn tell_password(name: &str, one_time: &str, was_given: bool) {
    if was_given {
        say(&format!("{}: ok", shown(name)));
    } else {
        say(&format!("account  = {}\npassword = {one_time}", shown(name)));
    }
    complain("首次登录时必须修改 · it is to be changed at the first sign-in");
}

fn list(all: &[KeptAccount]) {
    let now = Clockwork::system().now();
    let row = |account: &KeptAccount| {
        let state = match (account.enabled, account.locked_until.is_some_and(|until| now < until), account.enrolled) {
            (false, ..) => "停用 disabled",
            (_, true, _) => "锁定 locked",
            _ if account.one_time_until.is_some() => "一次性密码 one-time password",
            (_, _, false) => "未启用动态码 no codes yet",
            (true, false, true) => "可用 open",
        };
        let at = account.signed_in_at.map(|at| at.to_string()).unwrap_or_default();
        vec![shown(&account.name), account.role.as_str().to_owned(), account.tenant.as_str().to_owned(), state.to_owned(), at]
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    let heading = ["账户 account", "角色 role", "租户 tenant", "状态 state", "上次登录 signed in"];
    say(&table::layout(&heading, &rows, WIDTH));
}
