//! Who is at the other end of a connection, as tonic hands it on with each call.

use std::{net::IpAddr, sync::Arc};

use tonic::transport::server::Connected;

use crate::{access::Presented, listener::Line};

/// Who is at the other end, as far as the connection tells.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address.
    pub address: Option<IpAddr>,
    /// The certificate that it showed.
    pub presented: Option<Arc<Presented>>,
}

impl Connected for Line {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        Peer { address: Some(self.address()), presented: self.presented().cloned() }
    }
}
