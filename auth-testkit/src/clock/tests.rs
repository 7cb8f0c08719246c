use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, SystemTime},
};

use auth_core::{BlockingClock, Clock};
use tokio::{task, time::timeout};

use super::VirtualClock;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn without_a_runtime_a_sleep_takes_no_time_and_moves_both_clocks() {
    let clock = VirtualClock::new();
    let start = clock.now();
    assert_eq!(start.wall, SystemTime::UNIX_EPOCH + VirtualClock::START);

    pollster::block_on(async {
        Clock::sleep(&clock, s(90)).await;
        Clock::sleep(&clock, Duration::ZERO).await;
    });
    BlockingClock::sleep_blocking(&clock, s(10));

    assert_eq!(clock.now(), start.plus(s(100)));
    assert_eq!(clock.sleeps(), [s(90), s(0), s(10)]);
    assert_eq!(clock.sleeping(), 0);
}

#[test]
fn the_end_of_time_is_reached_without_overflow() {
    let clock = VirtualClock::new();
    BlockingClock::sleep_blocking(&clock, Duration::MAX);
    BlockingClock::sleep_blocking(&clock, Duration::MAX);
    pollster::block_on(Clock::sleep(&clock, Duration::MAX));
    clock.now();
    assert_eq!(clock.elapsed(), Duration::MAX);
}

#[tokio::test]
async fn tasks_wake_in_the_order_of_their_sleeps() {
    let clock = VirtualClock::new();
    let (log, mut seen) = tokio::sync::mpsc::unbounded_channel();
    for (name, naps) in [("a", &[7, 7][..]), ("b", &[5, 5, 5]), ("c", &[20])] {
        let (clock, log) = (clock.clone(), log.clone());
        task::spawn(async move {
            for nap in naps {
                // Busy with something else for a while.
                for _ in 0..8 {
                    task::yield_now().await;
                }
                Clock::sleep(&clock, s(*nap)).await;
                log.send((name, clock.elapsed().as_secs())).unwrap();
            }
        });
    }
    drop(log);
    let mut order = Vec::new();
    while let Some(entry) = seen.recv().await {
        order.push(entry);
    }
    assert_eq!(order, [("b", 5), ("a", 7), ("b", 10), ("a", 14), ("b", 15), ("c", 20)]);
}

#[tokio::test]
async fn many_ready_tasks_all_run_before_time_passes() {
    let clock = VirtualClock::new();
    let tasks: Vec<_> = (0..5000)
        .map(|_| {
            let clock = clock.clone();
            task::spawn(async move {
                let before = clock.elapsed();
                clock.now();
                Clock::sleep(&clock, s(1)).await;
                before
            })
        })
        .collect();
    Clock::sleep(&clock, s(1)).await;
    for task in tasks {
        assert_eq!(task.await.unwrap(), s(0));
    }
    assert_eq!(clock.elapsed(), s(1));
}

#[tokio::test]
async fn a_sleep_given_up_does_not_hold_the_clock() {
    let clock = VirtualClock::new();
    let first = Clock::sleep(&clock, s(1));
    let second = Clock::sleep(&clock, s(2));
    {
        let mut first = Box::pin(first);
        // Registered, then dropped.
        std::future::poll_fn(|context| {
            assert!(first.as_mut().poll(context).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        assert_eq!(clock.sleeping(), 1);
    }
    assert_eq!(clock.sleeping(), 0);
    second.await;
    assert_eq!(clock.elapsed(), s(2));
}

#[tokio::test]
async fn when_the_watching_sleep_is_dropped_another_takes_over() {
    let clock = VirtualClock::new();
    let long = task::spawn({
        let clock = clock.clone();
        async move { Clock::sleep(&clock, s(9)).await }
    });
    let short = task::spawn({
        let clock = clock.clone();
        async move { Clock::sleep(&clock, s(3)).await }
    });
    clock.until_sleeping(2).await;
    short.abort();
    long.await.unwrap();
    assert_eq!(clock.elapsed(), s(9));
}

#[tokio::test(start_paused = true)]
async fn tokio_paused_time_runs_beside_it() {
    let clock = VirtualClock::new();
    let started = tokio::time::Instant::now();

    // Ours takes none of tokio's time, so that tokio's timeout does not strike.
    timeout(Duration::from_millis(1), Clock::sleep(&clock, s(3600))).await.unwrap();
    assert_eq!(started.elapsed(), Duration::ZERO);

    // And tokio's takes none of ours.
    tokio::time::sleep(s(60)).await;
    assert_eq!(clock.elapsed(), s(3600));

    // A manual one leaves tokio idle, which then moves on.
    let manual = VirtualClock::manual();
    assert!(timeout(s(5), Clock::sleep(&manual, s(1))).await.is_err());
    assert_eq!(started.elapsed(), s(65));
    assert_eq!(manual.sleeping(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn participants_keep_tasks_on_several_threads_in_step() {
    let clock = VirtualClock::new();
    let participants: Vec<_> = (0..8).map(|_| clock.participant()).collect();
    let tasks: Vec<_> = participants
        .into_iter()
        .map(|participant| {
            let clock = clock.clone();
            task::spawn(async move {
                for nap in 1..=50 {
                    Clock::sleep(&clock, s(1)).await;
                    assert_eq!(clock.elapsed(), s(nap));
                }
                drop(participant);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(clock.elapsed(), s(50));
}

#[test]
fn participants_keep_threads_and_tasks_in_step() {
    let clock = VirtualClock::new();
    let participants: Vec<_> = (0..3).map(|_| clock.participant()).collect();
    thread::scope(|scope| {
        for (at, participant) in participants.into_iter().enumerate() {
            let clock = &clock;
            scope.spawn(move || {
                for nap in 1..=50 {
                    if at == 0 {
                        pollster::block_on(Clock::sleep(clock, s(1)));
                    } else {
                        BlockingClock::sleep_blocking(clock, s(1));
                    }
                    assert_eq!(clock.elapsed(), s(nap));
                }
                drop(participant);
            });
        }
    });
    assert_eq!(clock.elapsed(), s(50));
}

#[test]
fn a_participant_that_leaves_lets_the_others_go_on() {
    let clock = VirtualClock::new();
    let (one, other) = (clock.participant(), clock.participant());
    thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            BlockingClock::sleep_blocking(&clock, s(4));
            drop(one);
        });
        clock.block_until_sleeping(1);
        assert_eq!(clock.elapsed(), s(0));
        drop(other);
        sleeper.join().unwrap();
    });
    assert_eq!(clock.elapsed(), s(4));
}

#[test]
fn a_manual_clock_moves_only_when_told() {
    let clock = VirtualClock::manual();
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        for seconds in [3, 8] {
            let (clock, tell) = (&clock, tell.clone());
            scope.spawn(move || {
                BlockingClock::sleep_blocking(clock, s(seconds));
                tell.send(clock.elapsed()).unwrap();
            });
        }
        clock.block_until_sleeping(2);
        clock.advance(s(2));
        assert_eq!(clock.sleeping(), 2);
        assert_eq!(clock.advance_to_next(), Some(s(1)));
        assert_eq!(told.recv().unwrap(), s(3));
        clock.advance(s(100));
        assert_eq!(told.recv().unwrap(), s(103));
    });
    assert_eq!(clock.advance_to_next(), None);
}

#[test]
fn the_wall_clock_can_be_set_without_disturbing_the_other() {
    let clock = VirtualClock::new();
    clock.advance(s(10));
    let before = clock.now();
    let wall = SystemTime::UNIX_EPOCH + s(5);
    clock.set_wall(wall);
    assert_eq!(clock.now().wall, wall);
    assert_eq!(clock.now().monotonic, before.monotonic);
    clock.advance(s(1));
    assert_eq!(clock.now().wall, wall + s(1));
}

/// A task that sleeps for so long and then says so.
fn spawn_sleeper(clock: &VirtualClock, duration: Duration) -> Arc<AtomicUsize> {
    let over = Arc::new(AtomicUsize::new(0));
    let (says, sleeps) = (Arc::clone(&over), clock.clone());
    auth_core::Runtime::spawn(
        clock,
        Box::pin(async move {
            Clock::sleep(&sleeps, duration).await;
            says.fetch_add(1, Ordering::SeqCst);
        }),
    );
    over
}

#[test]
fn what_goes_on_in_the_background_goes_on_while_code_under_test_sleeps() {
    let clock = VirtualClock::new();
    let over = spawn_sleeper(&clock, s(1));
    assert_eq!((over.load(Ordering::SeqCst), clock.tasks()), (0, 1));
    // It is the shorter sleep, and nobody else polls the task.
    pollster::block_on(Clock::sleep(&clock, s(60)));
    assert_eq!((over.load(Ordering::SeqCst), clock.tasks()), (1, 0));
    assert_eq!(clock.elapsed(), s(60));
}

#[test]
fn what_goes_on_in_the_background_goes_on_when_the_clock_is_moved() {
    let clock = VirtualClock::manual();
    let over = spawn_sleeper(&clock, s(1));
    clock.run_tasks();
    assert_eq!((over.load(Ordering::SeqCst), clock.sleeping()), (0, 1));
    clock.advance(s(1));
    assert_eq!((over.load(Ordering::SeqCst), clock.tasks()), (1, 0));
}

#[test]
fn tasks_run_by_themselves_and_are_dropped_when_told() {
    let clock = VirtualClock::new();
    let over = spawn_sleeper(&clock, s(1));
    clock.run_tasks();
    assert_eq!((over.load(Ordering::SeqCst), clock.elapsed()), (1, s(1)));
    let over = spawn_sleeper(&clock, s(1));
    clock.drop_tasks();
    clock.run_tasks();
    assert_eq!((over.load(Ordering::SeqCst), clock.tasks(), clock.sleeping()), (0, 0, 0));
    assert_eq!(Arc::strong_count(&over), 1);
}

#[test]
fn a_task_without_end_does_not_run_for_ever() {
    let clock = VirtualClock::new();
    let sleeper = clock.clone();
    auth_core::Runtime::spawn(
        &clock,
        Box::pin(async move {
            loop {
                Clock::sleep(&sleeper, s(30)).await;
            }
        }),
    );
    clock.run_tasks();
    assert_eq!((clock.elapsed(), clock.tasks()), (s(3600), 1));
    clock.drop_tasks();
}
