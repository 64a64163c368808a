//! A road: how sealed messages leave and how answers come in. A road knows nothing of customs; it moves named bytes.

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::queue::Fault;

pub mod folder;

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipment {
    /// Its name on the road: the same name always carries the same bytes.
    pub name: String,
    /// The bytes, in their envelope if the road wants one.
    pub bytes: Vec<u8>,
    /// CopMsgId: the message's guid in upper case.
    pub cop_msg_id: String,
}

/// What has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its name on the road.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A road in both directions.
#[async_trait]
pub trait Endpoint: Send + Sync {
    /// Its name in configuration, in rows and in logs.
    fn road(&self) -> &str;
    /// Hands a message over. Sending the same name again is harmless.
    async fn send(&self, item: &Shipment) -> Result<(), Fault>;
    /// What has come and was not acknowledged, at most `limit`; the same is given again until it is.
    async fn receive(&self, limit: usize) -> Result<Vec<Received>, Fault>;
    /// Lets the road forget what has been received. Only for what is kept on our side.
    async fn acknowledge(&self, names: &[String]) -> Result<(), Fault>;
}

/// What messages are wrapped in on a road.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Envelope {
    /// `DxpMsg`: for an access client of one's own (transport §1.1).
    #[default]
    Dxp,
    /// None: for a certified client, which makes its own.
    Plain,
}

/// A road as configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Its name: lanes and senders refer to it.
    pub road: String,
    /// The folder that holds its `out` and `in`.
    pub folder: PathBuf,
    /// What messages are wrapped in.
    pub envelope: Envelope,
    /// ReceiverId of the envelope; exports go to DXPEDCCEB0000003 (transport §1.6).
    pub receiver: String,
    /// The pack of its messages where the other side is not yet, or still, at that of their date: a folder of `schemas/`.
    pub pack: Option<String>,
    /// Seconds to wait before a message goes again of which we do not know whether it was taken.
    pub quiet_s: u64,
    /// Messages that may be on their way at the same time.
    pub concurrent: usize,
    /// Messages a second, at most.
    pub per_second: u32,
    /// Bytes of the largest file that is read; larger ones are put aside.
    pub largest_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            road: "customs".to_owned(),
            folder: PathBuf::from("customs"),
            envelope: Envelope::default(),
            receiver: "DXPEDCCEB0000003".to_owned(),
            pack: None,
            quiet_s: 30,
            concurrent: 8,
            per_second: 200,
            largest_bytes: 8 << 20,
        }
    }
}

impl Options {
    /// The quiet time after a send whose end is unknown.
    #[must_use]
    pub const fn quiet(&self) -> Duration {
        Duration::from_secs(self.quiet_s)
    }
}

/// A road with what it was configured to be.
#[derive(Clone)]
pub struct Road {
    /// The road.
    pub endpoint: Arc<dyn Endpoint>,
    /// As configured.
    pub options: Options,
}

impl Road {
    /// The folder road that the options describe.
    #[must_use]
    pub fn folder(options: Options) -> Self {
        Self { endpoint: Arc::new(folder::Folder::new(&options)), options }
    }
}
