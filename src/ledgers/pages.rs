//! Decisions read page by page and worked on by every core: the next page is read while this one is worked on, and what is in memory
//! is two pages, however much is kept.

use std::{mem, sync::Arc, thread::available_parallelism};

use tokio::task::{JoinHandle, spawn, spawn_blocking};

use super::Error;
use crate::store::{self, Decided, DecisionFilter, Store};

/// Declarations read at a time.
const PAGE: u32 = 1_000;

/// What is made of a share of a page.
pub type Work<T> = Arc<dyn Fn(&[Decided]) -> Result<T, Error> + Send + Sync>;

/// Pages of decisions, in the order of declarations.
pub struct Pages<T> {
    store: Arc<dyn Store>,
    filter: DecisionFilter,
    work: Work<T>,
    ahead: Option<JoinHandle<store::Result<Vec<Decided>>>>,
}

impl<T: Send + 'static> Pages<T> {
    /// Begins to read what the filter names, in pages of its own length.
    #[must_use]
    pub fn open(store: Arc<dyn Store>, filter: DecisionFilter, work: Work<T>) -> Self {
        let mut pages = Self { store, filter: DecisionFilter { limit: PAGE, ..filter }, work, ahead: None };
        pages.read_ahead();
        pages
    }

    fn read_ahead(&mut self) {
        let (store, filter) = (Arc::clone(&self.store), self.filter.clone());
        self.ahead = Some(spawn(async move { store.decisions(filter).await }));
    }

    /// What was made of the next page, share by share in its order; nothing after the last one.
    ///
    /// # Errors
    /// If the store cannot be read, or the work fails. There is nothing after that.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>, Error> {
        let Some(ahead) = self.ahead.take() else { return Ok(None) };
        let mut page = ahead.await.map_err(|_| Error::Broken)??;
        let Some(last) = page.last() else { return Ok(None) };
        self.filter.after = Some(last.dossier.id);
        self.read_ahead();
        let cores = available_parallelism().map_or(1, usize::from);
        let share = page.len().div_ceil(cores);
        let mut working = Vec::with_capacity(cores);
        while !page.is_empty() {
            let rest = page.split_off(share.min(page.len()));
            let share = mem::replace(&mut page, rest);
            let work = Arc::clone(&self.work);
            working.push(spawn_blocking(move || work(&share)));
        }
        let mut made = Vec::with_capacity(working.len());
        for one in working {
            made.push(one.await.map_err(|_| Error::Broken)??);
        }
        Ok(Some(made))
    }
}
