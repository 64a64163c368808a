//! A log read over HTTP from wherever it is published, ours or a copy of it.

use std::{error::Error as _, time::Duration};

use async_trait::async_trait;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Request, StatusCode, Uri, body::Bytes, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::Mutex,
    time::{error::Elapsed, timeout},
};

use super::{
    path::{Resource, unbundle},
    trust::{Connector, Trust},
};
use crate::{
    audit::{Hash, Tile, TileId},
    proving::{Error, Published, Result},
};

type Sender = http1::SendRequest<Empty<Bytes>>;

const PATIENCE: Duration = Duration::from_secs(30);
/// 256 entries of 65,535 bytes and their lengths.
const LARGEST: usize = 256 * 65_537;

/// A published log, read over HTTP, encrypted or not. What it says is believed only as far as it is signed.
pub struct Remote {
    host: String,
    port: u16,
    /// What shakes hands, where the log is read by TLS.
    connector: Option<Connector>,
    /// Before every path, without a slash at the end.
    prefix: String,
    /// One connection, for as long as the other side keeps it.
    sender: Mutex<Option<Sender>>,
}

impl Remote {
    /// Tells whether a text looks like the address of a published log.
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        text.starts_with("http://") || text.starts_with("https://")
    }

    /// Takes the address before `/checkpoint`, and whom to trust where it begins with `https://`.
    ///
    /// # Errors
    /// It is no such address, or nobody is named who vouches for it, or a certificate is of no use.
    pub fn new(address: &str, trust: Option<&Trust>) -> Result<Self> {
        let no_address = || Error::Unreachable(format!("{address:?} 不是 http:// 或 https:// 地址 · is no http:// or https:// address"));
        let uri: Uri = address.parse().map_err(|_| no_address())?;
        let authority = uri.authority().ok_or_else(no_address)?;
        let (connector, usual) = match uri.scheme_str() {
            Some("http") => (None, 80),
            Some("https") => {
                let nobody = || {
                    Error::Unreachable(
                        "https:// 须以 --ca 指明证书签发者 · for https://, --ca says who vouches for the other side".to_owned(),
                    )
                };
                (Some(Connector::new(trust.ok_or_else(nobody)?).map_err(Error::Unreachable)?), 443)
            }
            _ => return Err(no_address()),
        };
        let prefix = uri.path().trim_end_matches('/').to_owned();
        let port = authority.port_u16().unwrap_or(usual);
        Ok(Self { host: authority.host().to_owned(), port, connector, prefix, sender: Mutex::new(None) })
    }

    async fn get(&self, resource: Resource) -> Result<Vec<u8>> {
        let path = format!("{}{}", self.prefix, resource.path());
        let scheme = if self.connector.is_some() { "https" } else { "http" };
        let told = |what: String| Error::Unreachable(format!("{scheme}://{}:{}{path}: {what}", self.host, self.port));
        let silent = |_: Elapsed| told("没有答复 · no answer".to_owned());
        let answer = timeout(PATIENCE, self.send(&path)).await.map_err(silent)?.map_err(told)?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Err(Error::Absent),
            status => return Err(told(status.to_string())),
        }
        let body = timeout(PATIENCE, Limited::new(answer.into_body(), LARGEST).collect()).await.map_err(silent)?;
        Ok(body.map_err(|error| told(error.to_string()))?.to_bytes().to_vec())
    }

    async fn send(&self, path: &str) -> std::result::Result<hyper::Response<hyper::body::Incoming>, String> {
        let mut held = self.sender.lock().await;
        let request = || {
            let host = format!("{}:{}", self.host, self.port);
            let builder = Request::get(path).header(header::HOST, host).header(header::USER_AGENT, "tongguan");
            builder.body(Empty::new()).map_err(|error| error.to_string())
        };
        // A connection that was kept may have been closed meanwhile: then the same is asked on a new one.
        if let Some(mut sender) = held.take()
            && sender.ready().await.is_ok()
            && let Ok(answer) = sender.send_request(request()?).await
        {
            *held = Some(sender);
            return Ok(answer);
        }
        let stream = TcpStream::connect((self.host.trim_matches(['[', ']']), self.port)).await.map_err(|error| error.to_string())?;
        let mut sender = match &self.connector {
            None => begin(stream).await?,
            Some(connector) => begin(connector.connect(&self.host, stream).await?).await?,
        };
        let answer = sender.send_request(request()?).await;
        let answer = answer.map_err(|error| error.source().map_or_else(|| error.to_string(), ToString::to_string))?;
        *held = Some(sender);
        Ok(answer)
    }
}

/// Begins HTTP on a connection.
async fn begin(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> std::result::Result<Sender, String> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error.message = %error, "the connection to a published log ended");
        }
    });
    Ok(sender)
}

#[async_trait]
impl Published for Remote {
    async fn checkpoint(&self) -> Result<String> {
        let text = String::from_utf8(self.get(Resource::Checkpoint).await?);
        text.map_err(|_| Error::Unreachable("检查点不是文本 · the checkpoint is no text".to_owned()))
    }

    async fn tile(&self, id: TileId, width: u64) -> Result<Vec<Hash>> {
        let resource = Resource::Tile { id, width };
        let bytes = self.get(resource).await?;
        Tile::from_bytes_of(id, &bytes, width).map(|tile| tile.hashes).ok_or_else(|| strange(resource))
    }

    async fn entries(&self, index: u64, width: u64) -> Result<Vec<Vec<u8>>> {
        let resource = Resource::Entries { index, width };
        let entries = unbundle(&self.get(resource).await?).filter(|entries| u64::try_from(entries.len()) == Ok(width));
        entries.ok_or_else(|| strange(resource))
    }
}

fn strange(resource: Resource) -> Error {
    Error::Unreachable(format!("{0} 的内容不合格式 · {0} is not what it should be", resource.path()))
}
