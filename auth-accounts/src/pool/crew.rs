//! Several futures side by side, on any runtime.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
};

/// Carries out all of `work`, at most `limit` at the same time, and hands what
/// comes of it to `done`.
///
/// Whoever wakes makes all that are under way be polled, which is fine for a
/// few that each wait for a network.
pub(super) async fn side_by_side<F: Future>(
    limit: usize,
    work: impl IntoIterator<Item = F>,
    mut done: impl FnMut(F::Output),
) {
    let mut work = work.into_iter();
    let mut under_way: Vec<Pin<Box<F>>> = Vec::new();
    poll_fn(|context| {
        loop {
            let free = limit.max(1) - under_way.len();
            under_way.extend(work.by_ref().take(free).map(Box::pin));
            if under_way.is_empty() {
                return Poll::Ready(());
            }
            let before = under_way.len();
            under_way.retain_mut(|future| match future.as_mut().poll(context) {
                Poll::Ready(result) => {
                    done(result);
                    false
                }
                Poll::Pending => true,
            });
            if under_way.len() == before {
                return Poll::Pending;
            }
        }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, task::Waker};

    use super::*;

    #[test]
    fn all_is_done_within_the_limit() {
        let (running, most) = (Cell::new(0), Cell::new(0));
        let mut finished = Vec::new();
        let work = (0..20).map(|number| {
            let (running, most) = (&running, &most);
            async move {
                running.set(running.get() + 1);
                most.set(most.get().max(running.get()));
                let mut pauses = 1 + number % 3;
                poll_fn(|context| {
                    if pauses == 0 {
                        return Poll::Ready(());
                    }
                    pauses -= 1;
                    context.waker().wake_by_ref();
                    Poll::Pending
                })
                .await;
                running.set(running.get() - 1);
                number
            }
        });
        let mut all = Box::pin(side_by_side(4, work, |number| finished.push(number)));
        let mut context = std::task::Context::from_waker(Waker::noop());
        while all.as_mut().poll(&mut context).is_pending() {}
        drop(all);
        finished.sort_unstable();
        assert_eq!(finished, (0..20).collect::<Vec<_>>());
        assert_eq!(most.get(), 4);
    }
}
