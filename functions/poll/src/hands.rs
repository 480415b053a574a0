//! Several looks at once: each is a request or two to the bucket, which take some 20 ms each.

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use shared::error::{Error, chain};
use shared::store::bucket::BucketError;

/// Looks under way at the same time.
const HANDS: usize = 32;

/// Everything that the looks say, in no order. After a failure no more begin, those under way are waited for, and the first failure is the answer. A
/// look at something that cannot be understood concerns its own run only: it says nothing, and people are told.
pub async fn side_by_side<T, F>(looks: impl IntoIterator<Item = F>) -> Result<Vec<T>, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut waiting = looks.into_iter();
    let mut under_way = FuturesUnordered::new();
    let (mut said, mut failed) = (Vec::new(), None);
    loop {
        while failed.is_none() && under_way.len() < HANDS {
            let Some(look) = waiting.next() else { break };
            under_way.push(look);
        }
        match under_way.next().await {
            Some(Ok(answer)) => said.push(answer),
            Some(Err(Error::Bucket(error))) if error.is_unreadable() => unreadable(&error),
            Some(Err(error)) => drop(failed.get_or_insert(error)),
            None => return failed.map_or(Ok(said), Err),
        }
    }
}

/// Nothing but people can help.
pub fn unreadable(error: &BucketError) {
    tracing::error!(error = chain(error), "a run cannot be looked after; the others are");
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::ready;

    use futures::FutureExt as _;

    use super::*;

    fn broken() -> Error {
        BucketError::Conflict { key: "k".to_owned() }.into()
    }

    /// Looks that say their number, of which so many have begun; one of them fails.
    fn looks(
        begun: &Cell<usize>,
        fails: usize,
    ) -> impl Iterator<Item = impl Future<Output = Result<usize, Error>>> {
        (0..100).map(move |number| async move {
            begun.set(begun.get() + 1);
            // The others of the same time begin before this one is over.
            let mut is_first = true;
            std::future::poll_fn(|context| {
                let waits = std::mem::take(&mut is_first);
                context.waker().wake_by_ref();
                if waits { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
            })
            .await;
            if number == fails { Err(broken()) } else { Ok(number) }
        })
    }

    #[test]
    fn all_looks_are_made_and_no_more_than_the_hands_can_hold_at_once() {
        let begun = Cell::new(0);
        let mut all = Box::pin(side_by_side(looks(&begun, usize::MAX)));
        assert!(all.as_mut().now_or_never().is_none());
        let mut said = futures::executor::block_on(side_by_side(looks(&Cell::new(0), usize::MAX))).unwrap();
        said.sort_unstable();
        assert_eq!(said, (0..100).collect::<Vec<_>>());
        let alone = futures::executor::block_on(side_by_side([ready(Ok(1))]));
        assert_eq!(alone.unwrap(), [1]);
    }

    #[test]
    fn after_a_failure_no_look_begins_and_those_under_way_are_finished() {
        let begun = Cell::new(0);
        let outcome = futures::executor::block_on(side_by_side(looks(&begun, 5)));
        assert!(outcome.unwrap_err().to_string().contains('k'));
        assert!((HANDS..=2 * HANDS).contains(&begun.get()), "{}", begun.get());
    }
}
