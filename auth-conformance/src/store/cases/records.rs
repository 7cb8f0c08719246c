//! What is saved, loaded, and compared by version.

use auth_accounts::{AccountId, StoreError, StoreErrorKind};

use crate::store::{
    samples::{full_record, mark, record, record_with_set_up, unusual_names},
    subject::{MANY, Subject, ensure, work},
};

pub(super) async fn nothing_there(subject: &Subject) -> Result<(), String> {
    let found = subject.load(&*subject.open(), &"nothing there".into()).await?;
    ensure(found.is_none(), || "there is a record".to_owned())
}

pub(super) async fn round_trip(subject: &Subject) -> Result<(), String> {
    let (store, account) = (subject.open(), AccountId::from("round trip"));
    let mut version = None;
    for record in [full_record("1"), record("2"), full_record("3")] {
        let saved = subject.save(&*store, &account, &record, version.as_ref()).await?;
        subject.expect(&*store, &account, &record, &saved).await?;
        version = Some(saved);
    }
    Ok(())
}

/// Without it, the tokens would be sent elsewhere.
pub(super) async fn set_up(subject: &Subject) -> Result<(), String> {
    let (store, account) = (subject.open(), AccountId::from("set-up"));
    let record = record_with_set_up("1")?;
    let refused = |error: &StoreError| error.kind() == StoreErrorKind::Unfit;
    match store.save(&account, &record, None).await {
        Ok(version) => {
            subject.expect(&*store, &account, &record, &version).await?;
            subject.expect(&*subject.open(), &account, &record, &version).await
        }
        Err(error) if refused(&error) => {
            subject.note(&error);
            let found = subject.load(&*store, &account).await?;
            ensure(found.is_none(), || "it is refused, and there is a record".to_owned())
        }
        Err(error) => Err(format!("neither kept nor refused as `Unfit`: {error}")),
    }
}

pub(super) async fn version_of_equals(subject: &Subject) -> Result<(), String> {
    let (store, account) = (subject.open(), AccountId::from("version of equals"));
    let mut seen = vec![subject.save(&*store, &account, &record("1"), None).await?];
    for _ in 0..3 {
        let next = subject.save(&*store, &account, &record("1"), seen.last()).await?;
        ensure(!seen.contains(&next), || "the version is one that there was".to_owned())?;
        seen.push(next);
    }
    Ok(())
}

pub(super) async fn create_once(subject: &Subject) -> Result<(), String> {
    let (store, account) = (subject.open(), AccountId::from("create once"));
    let version = subject.save(&*store, &account, &record("1"), None).await?;
    subject.refuses(&*store, &account, &record("2"), None).await?;
    subject.expect(&*store, &account, &record("1"), &version).await
}

pub(super) async fn stale_version(subject: &Subject) -> Result<(), String> {
    let (store, account) = (subject.open(), AccountId::from("stale version"));
    let first = subject.save(&*store, &account, &record("1"), None).await?;
    let second = subject.save(&*store, &account, &record("2"), Some(&first)).await?;
    subject.refuses(&*store, &account, &record("3"), Some(&first)).await?;
    subject.expect(&*store, &account, &record("2"), &second).await?;
    // Back to an earlier content is not back to its version.
    let third = subject.save(&*store, &account, &record("1"), Some(&second)).await?;
    subject.refuses(&*store, &account, &record("3"), Some(&first)).await?;
    subject.expect(&*store, &account, &record("1"), &third).await
}

pub(super) async fn version_of_nothing(subject: &Subject) -> Result<(), String> {
    let (store, account) = (subject.open(), AccountId::from("version of nothing"));
    let other = subject.save(&*store, &"another account".into(), &record("1"), None).await?;
    subject.refuses(&*store, &account, &record("1"), Some(&other)).await?;
    let found = subject.load(&*store, &account).await?;
    ensure(found.is_none(), || "a refused save made a record".to_owned())
}

pub(super) async fn create_race(subject: &Subject) -> Result<(), String> {
    let work = (0..MANY).map(|number| {
        let store = subject.open();
        work(async move {
            let record = record(&number.to_string());
            store.save(&"create race".into(), &record, None).await.map_err(|error| error.kind())
        })
    });
    let results = subject.concurrency.together(work.collect()).await;
    let made = results.iter().filter(|result| result.is_ok()).count();
    ensure(made == 1 && results.len() == MANY, || format!("{made} succeeded"))?;
    let conflicts = results.iter().filter(|result| **result == Err(StoreErrorKind::Conflict));
    ensure(conflicts.count() == MANY - 1, || format!("the others got {results:?}"))
}

pub(super) async fn counting(subject: &Subject) -> Result<(), String> {
    const TIMES: usize = 10;
    let account = AccountId::from("counting");
    subject.save(&*subject.open(), &account, &record("0"), None).await?;
    let work = (0..MANY).map(|_| {
        let (store, account) = (subject.open(), account.clone());
        work(async move {
            let mut done = 0;
            // In each round of conflicts somebody succeeds.
            for _ in 0..TIMES * MANY * 100 {
                let Ok(Some((found, version))) = store.load(&account).await else { break };
                let next = mark(&found) + 1;
                match store.save(&account, &record(&next.to_string()), Some(&version)).await {
                    Ok(_) => done += 1,
                    Err(error) if error.kind() == StoreErrorKind::Conflict => {}
                    Err(_) => break,
                }
                if done == TIMES {
                    break;
                }
            }
            done
        })
    });
    let done: usize = subject.concurrency.together(work.collect()).await.into_iter().sum();
    let found = subject.load(&*subject.open(), &account).await?;
    let counted = found.map_or(0, |(record, _)| mark(&record));
    ensure(done == TIMES * MANY, || format!("{done} of {} saves came through", TIMES * MANY))?;
    ensure(counted == done, || format!("{done} saves made {counted}"))
}

pub(super) async fn odd_names(subject: &Subject) -> Result<(), String> {
    let store = subject.open();
    let names = unusual_names();
    for (number, name) in names.iter().enumerate() {
        let found = subject.load(&*store, name).await?;
        ensure(found.is_none(), || format!("{name:?} has the record of another"))?;
        subject.save(&*store, name, &record(&number.to_string()), None).await?;
    }
    for (number, name) in names.iter().enumerate() {
        let found = subject.load(&*store, name).await?;
        let found = found.map(|(record, _)| mark(&record));
        ensure(found == Some(number), || format!("{name:?} has the record {found:?}"))?;
    }
    Ok(())
}

pub(super) async fn durable(subject: &Subject) -> Result<(), String> {
    let account = AccountId::from("durable");
    let store = subject.open();
    let first = subject.save(&*store, &account, &record("1"), None).await?;
    let second = subject.save(&*store, &account, &full_record("2"), Some(&first)).await?;
    drop(store);
    let store = subject.open();
    subject.expect(&*store, &account, &full_record("2"), &second).await?;
    subject.refuses(&*store, &account, &record("3"), Some(&first)).await?;
    subject.save(&*store, &account, &record("3"), Some(&second)).await.map(drop)
}
