//! Bidirectional streams: an answer for each item, in their order, a bounded number in hand. Answers are made only as fast as
//! they are read, items read only as fast as answers are made: a slow reader holds no more than what is in hand.

use std::pin::Pin;

use futures_util::{Stream, StreamExt, future, stream};
use tonic::{Status, Streaming};

use super::{Door, status};

/// Answers on their way to the caller.
pub(super) type Answers<A> = Pin<Box<dyn Stream<Item = Result<A, Status>> + Send>>;

const LONGEST_ITEM_ID: usize = 100;

/// Answers each item; ends with the caller's stream, with its failure, or when the gateway stops.
pub(super) fn answer_each<Q, A, F>(questions: Streaming<Q>, door: &Door, answer: impl Fn(Q) -> F + Send + 'static) -> Answers<A>
where
    Q: Send + 'static,
    A: Send + 'static,
    F: Future<Output = A> + Send + 'static,
{
    let stop = Box::pin(super::stopped(door.stop.clone()));
    let in_hand = door.parts.options.items_in_flight.clamp(1, 4_096);
    let stopping = door.stop.clone();
    // Whoever is still asking when the gateway stops is told to ask again, rather than left to count the answers.
    let last = stream::once(future::lazy(move |_| *stopping.borrow()))
        .filter_map(|stopping| future::ready(stopping.then(|| Err(status::stopping()))));
    let answers = questions
        .take_until(stop)
        .chain(last)
        .map(move |question| match question {
            Ok(question) => future::Either::Left(to_ok(answer(question))),
            Err(status) => future::Either::Right(future::ready(Err(status))),
        })
        .buffered(in_hand);
    // After a failure of the caller's stream there is nothing more to answer.
    let ended = answers.scan(false, |ended, answer| {
        let over = std::mem::replace(ended, answer.is_err());
        future::ready((!over).then_some(answer))
    });
    Box::pin(ended)
}

async fn to_ok<A>(answer: impl Future<Output = A>) -> Result<A, Status> {
    Ok(answer.await)
}

/// The caller's name for an item, as it is repeated.
pub(super) fn item_id(id: &str) -> String {
    id.chars().take(LONGEST_ITEM_ID).collect()
}
