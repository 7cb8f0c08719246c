//! What is removed, and what may follow it.

use std::time::Duration;

use auth_accounts::{AccountId, StoreErrorKind};

use crate::store::{
    samples::{full_record, record},
    subject::{MANY, Subject, ensure, work},
};

pub(super) async fn remove_gone(subject: &Subject) -> Result<(), String> {
    let (store, other) = (subject.open(), subject.open());
    let account = AccountId::from("remove gone");
    let first = subject.save(&*store, &account, &record("1"), None).await?;
    let second = subject.save(&*store, &account, &full_record("2"), Some(&first)).await?;
    subject.remove(&*store, &account, &second).await?;
    for store in [store, other, subject.open()] {
        let found = subject.load(&*store, &account).await?;
        ensure(found.is_none(), || "there is still a record".to_owned())?;
        subject.refuses(&*store, &account, &record("3"), Some(&second)).await?;
    }
    Ok(())
}

pub(super) async fn remove_stale(subject: &Subject) -> Result<(), String> {
    let (store, account) = (subject.open(), AccountId::from("remove stale"));
    let other = subject.save(&*store, &"remove stale 2".into(), &record("1"), None).await?;
    let first = subject.save(&*store, &account, &record("1"), None).await?;
    let second = subject.save(&*store, &account, &record("1"), Some(&first)).await?;
    for stale in [&first, &other] {
        subject.refuses_removal(&*store, &account, stale).await?;
        subject.expect(&*store, &account, &record("1"), &second).await?;
    }
    Ok(())
}

pub(super) async fn remove_nothing(subject: &Subject) -> Result<(), String> {
    let (store, account) = (subject.open(), AccountId::from("remove nothing"));
    let other = subject.save(&*store, &"remove nothing 2".into(), &record("1"), None).await?;
    subject.refuses_removal(&*store, &account, &other).await?;
    let version = subject.save(&*store, &account, &record("1"), None).await?;
    subject.remove(&*store, &account, &version).await?;
    subject.refuses_removal(&*store, &account, &version).await
}

pub(super) async fn remove_and_save(subject: &Subject) -> Result<(), String> {
    let (store, account) = (subject.open(), AccountId::from("remove and save"));
    let mut seen = Vec::new();
    for _ in 0..3 {
        let made = subject.save(&*store, &account, &record("1"), None).await?;
        for old in &seen {
            subject.refuses(&*store, &account, &record("2"), Some(old)).await?;
            subject.refuses_removal(&*store, &account, old).await?;
        }
        subject.expect(&*store, &account, &record("1"), &made).await?;
        let replaced = subject.save(&*store, &account, &record("1"), Some(&made)).await?;
        subject.remove(&*store, &account, &replaced).await?;
        seen.extend([made, replaced]);
    }
    Ok(())
}

pub(super) async fn remove_apart(subject: &Subject) -> Result<(), String> {
    let store = subject.open();
    let names = ["remove apart", "Remove apart", "remove apart ", "remove apart/"];
    let mut saved = Vec::new();
    for (number, name) in names.into_iter().enumerate() {
        let (account, record) = (AccountId::from(name), record(&number.to_string()));
        let version = subject.save(&*store, &account, &record, None).await?;
        saved.push((account, record, version));
    }
    while let Some((account, _, version)) = saved.pop() {
        subject.remove(&*store, &account, &version).await?;
        for (other, record, version) in &saved {
            subject.expect(&*store, other, record, version).await?;
        }
    }
    Ok(())
}

pub(super) async fn remove_race(subject: &Subject) -> Result<(), String> {
    let account = AccountId::from("remove race");
    for _ in 0..3 {
        let version = subject.save(&*subject.open(), &account, &record("0"), None).await?;
        let work = (0..MANY).map(|number| {
            let (store, account, version) = (subject.open(), account.clone(), version.clone());
            work(async move {
                if number % 2 == 0 {
                    store.remove(&account, &version).await.map(|()| None)
                } else {
                    store.save(&account, &record("1"), Some(&version)).await.map(Some)
                }
                .map_err(|error| error.kind())
            })
        });
        let results = subject.concurrency.together(work.collect()).await;
        let won: Vec<_> = results.iter().flatten().collect();
        ensure(won.len() == 1 && results.len() == MANY, || format!("{} succeeded", won.len()))?;
        let conflicts = results.iter().filter(|result| **result == Err(StoreErrorKind::Conflict));
        ensure(conflicts.count() == MANY - 1, || format!("the others got {results:?}"))?;
        let found = subject.load(&*subject.open(), &account).await?;
        let found = found.map(|(_, version)| version);
        ensure(found == *won[0], || "it is not as the one that succeeded left it".to_owned())?;
        if let Some(version) = found {
            subject.remove(&*subject.open(), &account, &version).await?;
        }
    }
    Ok(())
}

pub(super) async fn remove_and_lease(subject: &Subject) -> Result<(), String> {
    let (one, other) = (subject.open(), subject.open());
    let account = AccountId::from("remove and lease");
    let version = subject.save(&*one, &account, &record("1"), None).await?;
    let lease = subject.lease(&*one, &account).await?;
    subject.remove(&*other, &account, &version).await?;
    subject.refuses_lease(&*other, &account, Duration::ZERO).await?;
    subject.save(&*one, &account, &record("2"), None).await?;
    drop(lease);
    subject.lease(&*other, &account).await.map(drop)
}
