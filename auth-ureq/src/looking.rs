//! Looks at files that may be slow.
//!
//! Nothing ends a read of a file that hangs, as those of a network may. So a thread of
//! its own reads, and the attempt waits as long as it may. There is one such thread at a
//! time: who comes later waits for it first.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// Longer than this nobody waits. Larger times would not fit everywhere.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// The looks of a transport. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Looking(Arc<(Mutex<Looks>, Condvar)>);

#[derive(Debug, Default)]
struct Looks {
    begun: u64,
    ended: u64,
}

impl Looking {
    /// Has a look that begins from now on. Returns whether it ended in time; if it did
    /// not, it goes on.
    pub(crate) fn look(&self, time: Duration, look: impl FnOnce() + Send + 'static) -> bool {
        let (looks, ended) = &*self.0;
        let end = Instant::now() + time.min(LONGEST);
        let left = || end.saturating_duration_since(Instant::now());
        let looks = looks.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut looks, waited) = ended
            .wait_timeout_while(looks, left(), |looks| looks.begun != looks.ended)
            .unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return false;
        }
        looks.begun += 1;
        let mine = looks.begun;
        // If no thread can be had, what is dropped then takes the lock.
        drop(looks);
        let under_way = UnderWay(self.clone());
        let begun = thread::Builder::new().name("auth-ureq files".to_owned()).spawn(move || {
            let _under_way = under_way;
            look();
        });
        if begun.is_err() {
            // What is there is used.
            return true;
        }
        let looks = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_looks, waited) = ended
            .wait_timeout_while(looks, left(), |looks| looks.ended < mine)
            .unwrap_or_else(PoisonError::into_inner);
        !waited.timed_out()
    }
}

/// A look, until it is dropped.
struct UnderWay(Looking);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let (looks, ended) = &*self.0.0;
        looks.lock().unwrap_or_else(PoisonError::into_inner).ended += 1;
        ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    };

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_look_that_hangs_is_waited_for_in_bounds_and_is_the_only_one() {
        let looking = Looking::default();
        let seen = Arc::new(AtomicUsize::new(0));
        let sees = || {
            let seen = Arc::clone(&seen);
            move || assert!(seen.fetch_add(1, Ordering::SeqCst) < 9)
        };
        assert!(looking.look(HOUR, sees()));
        assert!(looking.look(Duration::MAX, sees()));
        let (release, hangs) = mpsc::channel::<()>();
        assert!(!looking.look(Duration::from_millis(1), move || assert!(hangs.recv().is_err())));
        for _ in 0..3 {
            assert!(!looking.look(Duration::from_millis(1), sees()));
        }
        assert_eq!(seen.load(Ordering::SeqCst), 2);
        drop(release);
        assert!(looking.look(HOUR, sees()));
        assert_eq!(seen.load(Ordering::SeqCst), 3);
        // Nor does one that panics keep others away.
        assert!(looking.look(HOUR, || std::panic::resume_unwind(Box::new(()))));
        assert!(looking.look(HOUR, sees()));
    }
}
