//! Which gateway a command speaks to, as whom, and whom it trusts: the same arguments for every command that speaks to one.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{
    grpc::client::{Client, Error},
    tiles::Trust,
};

/// Where the other side speaks TLS.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct TrustArgs {
    /// 对方证书的签发者（PEM），地址用 https:// · Who vouches for the other side's certificate (PEM); the address then begins with https://.
    #[arg(long, env = "TONGGUAN_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// 本方客户端证书（PEM）· Our own certificate, shown to the other side (PEM).
    #[arg(long, env = "TONGGUAN_CERT", value_name = "FILE", requires = "cert_key", requires = "ca")]
    cert: Option<PathBuf>,
    /// 该证书的私钥（PEM）· The certificate's secret key (PEM).
    #[arg(long, env = "TONGGUAN_CERT_KEY", value_name = "FILE", requires = "cert")]
    cert_key: Option<PathBuf>,
}

impl TrustArgs {
    /// What the files hold; nothing where none says whom to trust.
    pub(super) fn read(&self) -> Result<Option<Trust>> {
        let read = |path: &PathBuf| fs::read(path).with_context(|| format!("{0} 无法读取 · {0} cannot be read", path.display()));
        let Some(ca) = &self.ca else { return Ok(None) };
        let identity = match (&self.cert, &self.cert_key) {
            (Some(cert), Some(key)) => Some((read(cert)?, read(key)?)),
            _ => None,
        };
        Ok(Some(Trust { authority: read(ca)?, identity }))
    }
}

/// A gateway, and who calls.
#[derive(Debug, Clone, Args)]
pub(super) struct ServerArgs {
    /// 网关地址 · The gateway.
    #[arg(long, env = "TONGGUAN_SERVER", default_value = "http://127.0.0.1:8650")]
    server: String,
    /// API 密钥；以证书登入者不需要 · The API key; who comes in with a certificate needs none.
    #[arg(long, env = "TONGGUAN_KEY", hide_env_values = true)]
    key: Option<String>,
    #[command(flatten)]
    trust: TrustArgs,
}

impl ServerArgs {
    /// What it takes to connect, read from the files once.
    pub(super) fn read(&self) -> Result<Server<'_>> {
        let trust = self.trust.read()?;
        if self.server.starts_with("https://") && trust.is_none() {
            bail!("https:// 须以 --ca 指明证书签发者 · for https://, --ca says who vouches for the gateway");
        }
        Ok(Server { args: self, trust })
    }

    /// Connects.
    pub(super) async fn connect(&self) -> Result<Client> {
        Ok(self.read()?.connect().await?)
    }
}

/// A gateway that may be connected to again and again.
pub(super) struct Server<'a> {
    args: &'a ServerArgs,
    trust: Option<Trust>,
}

impl Server<'_> {
    pub(super) async fn connect(&self) -> Result<Client, Error> {
        Client::connect_as(&self.args.server, self.args.key.as_deref(), self.trust.as_ref()).await
    }
}
