//! Who holds a lease, and for how long.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use auth_accounts::AccountId;

use crate::store::{
    concurrency::Concurrency,
    samples::record,
    subject::{MANY, PATIENCE, Subject, ensure, work},
};

pub(super) async fn lease_exclusive(subject: &Subject) -> Result<(), String> {
    let (one, other) = (subject.open(), subject.open());
    let account = AccountId::from("lease exclusive");
    for _ in 0..3 {
        let lease = subject.lease(&*one, &account).await?;
        for (store, wait) in [(&one, 0), (&other, 0), (&other, 30)] {
            subject.refuses_lease(&**store, &account, Duration::from_millis(wait)).await?;
        }
        drop(lease);
        drop(subject.lease(&*other, &account).await?);
    }
    Ok(())
}

pub(super) async fn lease_apart(subject: &Subject) -> Result<(), String> {
    let store = subject.open();
    let _one = subject.lease(&*store, &"lease apart 1".into()).await?;
    let _two = subject.lease(&*store, &"lease apart 2".into()).await?;
    subject.refuses_lease(&*subject.open(), &"lease apart 1".into(), Duration::ZERO).await
}

pub(super) async fn lease_yields(subject: &Subject) -> Result<(), String> {
    if !matches!(subject.concurrency, Concurrency::Tasks) {
        return Ok(());
    }
    let account = AccountId::from("lease yields");
    let lease = subject.lease(&*subject.open(), &account).await?;
    let store = subject.open();
    let mut waiting = store.lease(&account, Duration::from_millis(200));
    let yields = poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context).is_pending())).await;
    drop(waiting);
    drop(lease);
    subject.blocks.store(!yields, Ordering::SeqCst);
    ensure(yields, || {
        "`lease` did not return to whoever polled it while it waited: an async store waits by a \
         timer, or on a thread of its own"
            .to_owned()
    })
}

/// Nobody could free a lease while somebody waits for it.
fn needs_yielding(subject: &Subject) -> Result<(), String> {
    ensure(!subject.blocks.load(Ordering::SeqCst), || {
        "not tried, since `lease_yields` failed".to_owned()
    })
}

pub(super) async fn lease_waits(subject: &Subject) -> Result<(), String> {
    needs_yielding(subject)?;
    let account = AccountId::from("lease waits");
    let lease = subject.lease(&*subject.open(), &account).await?;
    let freed = Arc::new(AtomicBool::new(false));
    let (store, seen, concurrency) = (subject.open(), Arc::clone(&freed), subject.concurrency);
    let waiter = work(async move {
        let lease = store.lease(&account, PATIENCE).await;
        let in_time = seen.load(Ordering::SeqCst);
        lease.map(|_| in_time)
    });
    let holder = work(async move {
        concurrency.pause().await;
        freed.store(true, Ordering::SeqCst);
        drop(lease);
        Ok(true)
    });
    for result in subject.concurrency.together(vec![waiter, holder]).await {
        ensure(subject.noted(result)?, || "it was given while another held it".to_owned())?;
    }
    Ok(())
}

pub(super) async fn lease_given_up(subject: &Subject) -> Result<(), String> {
    needs_yielding(subject)?;
    let (store, account) = (subject.open(), AccountId::from("lease given up"));
    let lease = subject.lease(&*store, &account).await?;
    subject.refuses_lease(&*subject.open(), &account, Duration::from_millis(1)).await?;
    if matches!(subject.concurrency, Concurrency::Tasks) {
        // Polled, and dropped while it waits; before and after the lease is
        // free.
        let mut waiting = store.lease(&account, PATIENCE);
        let mut polls = 0;
        poll_fn(|context| {
            polls += 1;
            context.waker().wake_by_ref();
            let pending = waiting.as_mut().poll(context).is_pending();
            if pending && polls < 3 { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        drop(lease);
        drop(waiting);
    } else {
        drop(lease);
    }
    subject.lease(&*subject.open(), &account).await.map(drop)
}

pub(super) async fn lease_contention(subject: &Subject) -> Result<(), String> {
    needs_yielding(subject)?;
    const TIMES: usize = 5;
    let (busy, clashes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let work = (0..MANY).map(|_| {
        let (store, concurrency) = (subject.open(), subject.concurrency);
        let (busy, clashes) = (Arc::clone(&busy), Arc::clone(&clashes));
        work(async move {
            for _ in 0..TIMES {
                let lease = store.lease(&"lease contention".into(), PATIENCE).await?;
                if busy.swap(true, Ordering::SeqCst) {
                    clashes.fetch_add(1, Ordering::SeqCst);
                }
                if matches!(concurrency, Concurrency::Tasks) {
                    concurrency.pause().await;
                }
                busy.store(false, Ordering::SeqCst);
                drop(lease);
            }
            Ok(())
        })
    });
    for result in subject.concurrency.together(work.collect()).await {
        subject.noted(result)?;
    }
    let clashes = clashes.load(Ordering::SeqCst);
    ensure(clashes == 0, || format!("two held it at once, {clashes} times"))
}

pub(super) async fn lease_and_save(subject: &Subject) -> Result<(), String> {
    let (one, other) = (subject.open(), subject.open());
    let account = AccountId::from("lease and save");
    let lease = subject.lease(&*one, &account).await?;
    let found = subject.load(&*other, &account).await?;
    ensure(found.is_none(), || "the lease made a record".to_owned())?;
    let first = subject.save(&*other, &account, &record("1"), None).await?;
    subject.save(&*one, &account, &record("2"), Some(&first)).await?;
    subject.refuses_lease(&*other, &account, Duration::ZERO).await?;
    drop(lease);
    subject.lease(&*other, &account).await.map(drop)
}

pub(super) async fn lease_extended(subject: &Subject) -> Result<(), String> {
    let (one, other) = (subject.open(), subject.open());
    let account = AccountId::from("lease extended");
    for _ in 0..2 {
        let lease = subject.lease(&*one, &account).await?;
        for _ in 0..2 {
            subject.noted(one.extend(&account, &lease).await)?;
            subject.refuses_lease(&*other, &account, Duration::ZERO).await?;
        }
        drop(lease);
        let lease = subject.lease(&*other, &account).await?;
        subject.noted(other.extend(&account, &lease).await)?;
    }
    Ok(())
}

pub(super) async fn lease_made_anew(subject: &Subject) -> Result<(), String> {
    let (one, other) = (subject.open(), subject.open());
    let account = AccountId::from("lease made anew");
    subject.save(&*one, &account, &record("1"), None).await?;
    let lease = subject.lease(&*one, &account).await?;
    subject.noted(one.extend(&account, &lease).await)?;
    drop(lease);
    let lease = subject.lease(&*other, &account).await?;
    ensure(!lease.get_made_anew(), || {
        "after a crash the next refresh would wait although nobody is under way".to_owned()
    })
}

pub(super) async fn lease_of_the_dead(subject: &Subject) -> Result<(), String> {
    let die = subject.told(&subject.die_with_lease, "die_with_lease")?;
    let account = AccountId::from("lease of the dead");
    die(&account);
    let lease = subject.open().lease(&account, Duration::from_secs(10)).await;
    subject.noted(lease).map(drop)
}
