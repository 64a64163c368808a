//! Watch and Tail: followers of the audit log. A cursor is a position in the log, so whoever comes back with its last one misses
//! nothing. One task looks whether the log has grown; followers look only then. Each reads a page at a time and waits until its
//! reader has taken it.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time::timeout};
use tonic::Status;
use uuid::Uuid;

use super::{
    Door,
    options::Options,
    outlet::{Answers, Outlet, outlet},
    status, stopped,
};
use crate::{
    access::Caller,
    audit::Entry,
    party::Tenant,
    store::{EntryFilter, Store},
};

const PAGE: u32 = 256;
const POLL: Duration = Duration::from_millis(250);

/// How many entries have a place in the log, as last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Growth {
    size: i64,
}

/// Looks whether the log has grown, when it is told so and else now and then, until the gateway stops. As long as nobody follows
/// it asks nothing: a follower begins by reading up to the end.
pub(super) async fn watch_growth(door: Door, growth: watch::Sender<Growth>) {
    let mut stop = Box::pin(stopped(door.stop.clone()));
    let mut grown = door.store().hints().grown.subscribe();
    loop {
        tokio::select! {
            () = &mut stop => return,
            _ = timeout(POLL, grown.changed()) => {}
        }
        if door.followers.is_empty() {
            continue;
        }
        match door.store().log_head().await {
            Ok(head) => {
                growth.send_if_modified(|known| std::mem::replace(&mut known.size, head.size) != head.size);
            }
            Err(error) => tracing::warn!(error.message = %error, "the size of the audit log is not known"),
        }
    }
}

/// Which entries a follower wants.
pub(super) struct Filter {
    pub(super) tenant: Option<Tenant>,
    pub(super) subjects: Option<Vec<Uuid>>,
}

/// Sends what `show` makes of each entry after a position (without one: from now on), as long as somebody reads.
pub(super) async fn follow<T: Send + 'static>(
    door: &Door,
    caller: &Caller,
    filter: Filter,
    after: Option<i64>,
    show: fn(i64, Entry) -> Option<T>,
) -> Result<Answers<T>, Status> {
    let pass = door.followers.enter(caller).ok_or_else(status::too_many_followers)?;
    let after = match after {
        Some(position) if position >= -1 => position,
        Some(_) => return Err(status::invalid("起始位置应为-1或更大", "after_position is -1 or more")),
        None => door.store().log_head().await.map_err(|error| status::of_store(&error))?.size - 1,
    };
    let (outlet, answers) = outlet(pass, Options::seconds(door.parts.options.stall_s));
    let (store, growth, stop) = (Arc::clone(&door.parts.store), door.growth.clone(), door.stop.clone());
    tokio::spawn(async move {
        let follower = Follower { store, growth, filter, after, outlet, show };
        tokio::select! {
            () = stopped(stop) => {}
            () = follower.run() => {}
        }
    });
    Ok(answers)
}

struct Follower<T> {
    store: Arc<dyn Store>,
    growth: watch::Receiver<Growth>,
    filter: Filter,
    after: i64,
    outlet: Outlet<T>,
    show: fn(i64, Entry) -> Option<T>,
}

impl<T> Follower<T> {
    async fn run(mut self) {
        loop {
            self.growth.mark_unchanged();
            match self.catch_up().await {
                Ok(true) => {}
                Ok(false) => return,
                Err(status) => return self.outlet.end_with(status),
            }
            tokio::select! {
                () = self.outlet.closed() => return,
                changed = self.growth.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Sends everything up to the end of the log; false if nobody reads any more.
    async fn catch_up(&mut self) -> Result<bool, Status> {
        loop {
            let entries = self.store.entries(self.page()).await.map_err(|error| status::of_store(&error))?;
            let full = u32::try_from(entries.len()).is_ok_and(|len| len >= PAGE);
            for placed in entries {
                let Some(position) = placed.position else { continue };
                self.after = position;
                if let Some(answer) = (self.show)(position, placed.entry)
                    && !self.outlet.put(answer).await
                {
                    return Ok(false);
                }
            }
            if !full {
                return Ok(!self.outlet.is_closed());
            }
        }
    }

    fn page(&self) -> EntryFilter {
        EntryFilter {
            tenant: self.filter.tenant.clone(),
            subjects: self.filter.subjects.clone(),
            after: Some(self.after),
            limit: PAGE,
            ..EntryFilter::default()
        }
    }
}
