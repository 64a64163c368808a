//! Bidirectional streams: an answer for each item, in their order, a bounded number in hand. Answers are made only as fast as
//! they are read, items read only as fast as answers are made: a slow reader holds no more than what is in hand, and one that reads
//! nothing at all, or sends nothing, is let go after a while. An item has its room in intake before the next one is pulled, so that
//! what streams hold in all is bounded by bytes, and one item for each.

use std::{pin::pin, time::Duration};

use futures_util::{Stream, StreamExt, future, stream};
use tokio::time::timeout;
use tonic::{Status, Streaming};

use super::{
    Door,
    options::Options,
    outlet::{Answers, Outlet, outlet},
    status,
};
use crate::{access::Caller, intake::Refusal};

const LONGEST_ITEM_ID: usize = 100;

/// Answers each item; ends with the caller's stream, with its failure, or when the gateway stops.
/// `queue` is done once an item has its room; what it gives is the answer to come.
pub(super) fn answer_each<Q, A, F, G>(
    questions: Streaming<Q>,
    door: &Door,
    caller: &Caller,
    queue: impl Fn(Q) -> F + Send + 'static,
) -> Result<Answers<A>, Status>
where
    Q: Send + 'static,
    A: Send + 'static,
    F: Future<Output = G> + Send + 'static,
    G: Future<Output = A> + Send + 'static,
{
    let options = &door.parts.options;
    let pass = door.streams.enter(caller).ok_or_else(status::too_many_streams)?;
    let (outlet, answers) = outlet(pass, Options::seconds(options.stall_s));
    let stop = Box::pin(super::stopped(door.stop.clone()));
    let in_hand = options.items_in_flight.clamp(1, 4_096);
    let stopping = door.stop.clone();
    // Whoever is still asking when the gateway stops is told to ask again, rather than left to count the answers.
    let last = stream::once(future::lazy(move |_| *stopping.borrow()))
        .filter_map(|stopping| future::ready(stopping.then(|| Err(status::stopping()))));
    let questions = questions.map(|question| question.map_err(|status| status::in_both(&status)));
    let made = in_turn(questions.take_until(stop).chain(last), in_hand, queue);
    tokio::spawn(give(made, outlet, Options::seconds(options.idle_s)));
    Ok(answers)
}

/// Gives answers out as they are made. After a failure of the caller's stream there is nothing more to answer.
async fn give<A>(made: impl Stream<Item = Result<A, Status>>, outlet: Outlet<A>, idle: Duration) {
    let mut made = pin!(made);
    loop {
        let answer = tokio::select! {
            () = outlet.closed() => return,
            answer = timeout(idle, made.next()) => answer,
        };
        match answer {
            Ok(Some(Ok(answer))) => {
                if !outlet.put(answer).await {
                    return;
                }
            }
            Ok(Some(Err(status))) => return outlet.end_with(status),
            Ok(None) => return,
            Err(_) => return outlet.end_with(status::idle()),
        }
    }
}

/// Queues one after another, and gives the answers in that order, up to `in_hand` of them awaited at a time.
fn in_turn<Q, A, F, G>(
    questions: impl Stream<Item = Result<Q, Status>>,
    in_hand: usize,
    queue: impl Fn(Q) -> F,
) -> impl Stream<Item = Result<A, Status>>
where
    F: Future<Output = G> + Send + 'static,
    G: Future<Output = A> + Send + 'static,
{
    questions.then(move |question| queue_one(question.map(&queue))).buffered(in_hand)
}

/// Queues on a task of its own: a stream that nobody reads is not polled, and would keep the room that falls to it.
async fn queue_one<A, F, G>(queueing: Result<F, Status>) -> impl Future<Output = Result<A, Status>>
where
    F: Future<Output = G> + Send + 'static,
    G: Future<Output = A> + Send + 'static,
{
    let queued = match queueing {
        Ok(queueing) => tokio::spawn(queueing).await.map_err(|_| status::of_refusal(&Refusal::Internal)),
        Err(status) => Err(status),
    };
    async { Ok(queued?.await) }
}

/// The caller's name for an item, as it is repeated.
pub(super) fn item_id(id: &str) -> String {
    id.chars().take(LONGEST_ITEM_ID).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::sync::Semaphore;

    use super::*;

    async fn answer<T>(number: usize, held: T, open: Arc<Semaphore>) -> usize {
        drop(open.acquire().await);
        drop(held);
        number
    }

    #[tokio::test]
    #[expect(clippy::async_yields_async, reason = "what is queued gives the answer to come")]
    async fn the_next_item_is_not_pulled_before_the_last_has_its_room() {
        let pulled = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&pulled);
        let questions = stream::iter(0..100).map(move |number| {
            counting.fetch_add(1, Ordering::SeqCst);
            Ok(number)
        });
        let room = Arc::new(Semaphore::new(2));
        let open = Arc::new(Semaphore::new(0));
        let (rooms, opening) = (Arc::clone(&room), Arc::clone(&open));
        let queue = move |number: usize| {
            let (room, open) = (Arc::clone(&rooms), Arc::clone(&opening));
            async move {
                let held = room.acquire_owned().await;
                answer(number, held, open)
            }
        };
        let mut answers = Box::pin(in_turn(questions, 256, queue));
        assert!(timeout(Duration::from_millis(50), answers.next()).await.is_err(), "nothing is answered yet");
        assert_eq!(pulled.load(Ordering::SeqCst), 3, "two have their room, one waits for it");
        open.add_permits(1);
        let all: Vec<_> = answers.map(Result::unwrap).collect().await;
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }
}
