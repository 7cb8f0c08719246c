//! Every interleaving of those who leave, close and watch, by loom.

use loom::thread;

use super::{
    single_flight::SingleFlight,
    threads::{World, block_on, model},
    *,
};

/// The owner of a background task, which holds it weakly.
impl single_flight::Owner<usize> for std::sync::Weak<World> {
    fn with_flight(&self, call: impl FnOnce(&SingleFlight<usize>)) {
        if let Some(world) = self.upgrade() {
            call(&world.flight);
        }
    }
}

impl World {
    /// Work with a background task, which runs on a thread of its own.
    fn join_carried_on(self: &Arc<Self>) -> single_flight::Caller<'_, usize> {
        let joined = self.flight.join(|give_way| {
            let (mut work, mut world) = (self.work(give_way), Some(Arc::clone(self)));
            Box::pin(std::future::poll_fn(move |context| {
                let polled = work.as_mut().poll(context);
                if polled.is_pending()
                    && let Some(world) = world.take()
                {
                    let owner = Arc::downgrade(&world);
                    let task = world.flight.join_current(owner).unwrap();
                    thread::spawn(move || assert_eq!(block_on(task), Ok(1)));
                }
                polled
            }))
        });
        joined.unwrap()
    }
}

#[test]
fn work_with_a_background_task_outlives_its_callers() {
    model(|| {
        let world = World::new(false);
        let mut leaves = Box::pin(world.join_carried_on());
        if poll_once(leaves.as_mut()).is_pending() {
            let fires = Arc::clone(&world.signal);
            let fires = thread::spawn(move || fires.fire());
            drop(leaves);
            // Who comes now gets what came of it, or starts anew if it is over.
            assert!(block_on(world.join()).is_ok());
            fires.join().unwrap();
        }
    });
}

#[test]
fn what_begins_before_it_is_closed_is_seen_and_nothing_begins_after() {
    model(|| {
        let world = World::new(false);
        world.signal.fire();
        let comes = world.on_thread(|world| {
            let joined = world.flight.join(|give_way| world.work(give_way));
            if let Some(join) = joined {
                assert_eq!(block_on(join), Ok(1));
            }
        });
        for join in world.flight.close(&world.flight) {
            assert_eq!(block_on(join), Ok(1));
        }
        // Whoever was let in was seen by `close`, and is over.
        assert!(!world.flight.is_under_way());
        let may_begin = world.flight.join(|give_way| world.work(give_way));
        assert!(may_begin.is_none());
        comes.join().unwrap();
        assert!(!world.flight.is_under_way());
    });
}

/// A caller leaves while it is being closed: its work is kept by the one who
/// closes.
#[test]
fn who_leaves_while_it_is_closed_takes_nothing_along() {
    model(|| {
        let world = World::new(false);
        let mut leaves = Box::pin(world.join());
        assert!(poll_once(leaves.as_mut()).is_pending());
        let closes = world.on_thread(|world| {
            for join in world.flight.close(&world.flight) {
                // Lost, if that caller was the last.
                assert!(matches!(block_on(join), Ok(1) | Err(_)));
            }
            assert!(world.flight.queue(None, |give_way| world.work(give_way)).is_none());
        });
        drop(leaves);
        world.signal.fire();
        closes.join().unwrap();
        assert!(!world.flight.is_under_way());
    });
}

/// All who take part watch, and one claims the work for a thread of its own.
#[test]
fn who_watches_is_answered_by_whoever_claimed_the_work() {
    model(|| {
        let world = World::new(false);
        world.signal.fire();
        let watch = |world: &Arc<World>| {
            let join = world.join();
            if let Some(own) = join.claim(Arc::downgrade(world)) {
                thread::spawn(move || assert!(block_on(own).is_ok()));
            }
            assert_eq!(block_on(join.watch()).map(|ended| ended.is_ok()), Some(true));
        };
        let other = {
            let world = Arc::clone(&world);
            thread::spawn(move || watch(&world))
        };
        watch(&world);
        other.join().unwrap();
    });
}

/// The thread that was to see to it never began, or has ended.
#[test]
fn work_is_claimed_again_if_whoever_did_is_lost() {
    model(|| {
        let world = World::new(false);
        world.signal.fire();
        let join = world.join();
        let lost = join.claim(Arc::downgrade(&world)).unwrap();
        let other = {
            let world = Arc::clone(&world);
            // It may have seen that somebody saw to the work.
            thread::spawn(move || {
                let join = world.join();
                while join.claim(Arc::downgrade(&world)).is_none() {
                    if let Some(ended) = block_on(join.watch()) {
                        return assert!(ended.is_ok());
                    }
                }
                assert!(block_on(join).is_ok());
            })
        };
        drop(lost);
        assert!(block_on(join).is_ok());
        other.join().unwrap();
    });
}

/// Whoever is about to leave is asked what is true when it leaves.
#[test]
fn who_may_not_leave_the_work_to_nobody_stays() {
    model(|| {
        let world = World::new(false);
        let mut join = world.join();
        let task = world.join().carrying();
        assert!(join.leave_if(|| false), "somebody carries it on");
        let mut join = world.join();
        drop(task);
        assert!(!join.leave_if(|| false));
        let fires = Arc::clone(&world.signal);
        let fires = thread::spawn(move || fires.fire());
        assert_eq!(block_on(join), Ok(1));
        fires.join().unwrap();
        let mut join = world.join();
        assert!(join.leave_if(|| true));
        drop(join);
        assert!(world.join().started(), "it was dropped with the last one");
    });
}
