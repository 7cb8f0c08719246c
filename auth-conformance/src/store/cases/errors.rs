//! What a store says when it cannot do what it is asked.

use std::sync::PoisonError;

use auth_accounts::{
    AccountId, StoreErrorKind,
    store::{TokenStore, Version},
};

use crate::store::{
    samples::{ACCESS_TOKEN, CLIENT_SECRET, ID_TOKEN, REFRESH_TOKEN, full_record, record},
    subject::{Damage, Subject, ensure},
};

pub(super) async fn damaged(subject: &Subject) -> Result<(), String> {
    let (damage, read) = subject.told(&subject.raw, "raw")?;
    for how in [Damage::Truncated, Damage::Garbage, Damage::Empty, Damage::NewerSchema] {
        let account = AccountId::from(format!("damaged {how:?}"));
        let store = subject.open();
        let version = subject.save(&*store, &account, &full_record("1"), None).await?;
        damage(&account, how);
        let before = read(&account);
        let wanted = match how {
            Damage::NewerSchema => StoreErrorKind::NewerSchema,
            _ => StoreErrorKind::Damaged,
        };
        for store in [store, subject.open()] {
            match store.load(&account).await {
                Ok(_) => return Err(format!("{how:?}: it was loaded")),
                Err(error) => {
                    subject.note(&error);
                    let kind = error.kind();
                    ensure(kind == wanted, || format!("{how:?}: load says {error}"))?;
                    ensure(!error.concerns().is_empty(), || format!("{how:?}: what is?"))?;
                    let damaged = error.get_damaged_version();
                    ensure(damaged != Some(&version), || {
                        format!("{how:?}: what is damaged has the version of what was not")
                    })?;
                }
            }
            for expected in [None, Some(&version)] {
                let saved = store.save(&account, &record("2"), expected).await;
                ensure(saved.is_err(), || format!("{how:?}: it was written over"))?;
                if let Err(error) = saved {
                    subject.note(&error);
                }
            }
            let removed = store.remove(&account, &version).await;
            ensure(removed.is_err(), || format!("{how:?}: it was removed"))?;
            if let Err(error) = removed {
                subject.note(&error);
            }
            ensure(read(&account) == before, || format!("{how:?}: it was touched"))?;
            let listed = subject.list_all(&*store, 100).await?;
            ensure(listed.contains(&account), || format!("{how:?}: it is not listed"))?;
        }
    }
    Ok(())
}

pub(super) async fn damaged_replaced(subject: &Subject) -> Result<(), String> {
    let (damage, read) = subject.told(&subject.raw, "raw")?;
    for (how, otherwise) in [
        (Damage::Truncated, Damage::Garbage),
        (Damage::Garbage, Damage::Empty),
        (Damage::Empty, Damage::Garbage),
    ] {
        for removes in [false, true] {
            let account = AccountId::from(format!("damaged {how:?} replaced {removes}"));
            let store = subject.open();
            subject.save(&*store, &account, &full_record("1"), None).await?;
            damage(&account, how);
            // Nobody replaces what has no version.
            let Some(seen) = damaged_version(subject, &*store, &account).await? else { continue };
            let aside = subject.told(&subject.moved_aside, "moved_aside")?;
            let undamaged = read(&account);
            damage(&account, otherwise);
            let before = read(&account);
            // What was not damaged (a second file) stays.
            let damaged = without_same_end(&before, &undamaged);
            let refused = [
                store.save(&account, &record("2"), Some(&seen)).await.map(drop),
                store.remove(&account, &seen).await,
            ];
            for refused in refused {
                let Err(error) = refused else {
                    return Err(format!("{how:?}: what was damaged in another way was replaced"));
                };
                subject.note(&error);
            }
            ensure(read(&account) == before, || format!("{how:?}: it was touched"))?;

            let seen = damaged_version(subject, &*store, &account).await?;
            let Some(seen) = seen else { return Err(format!("{otherwise:?} has no version")) };
            if removes {
                subject.remove(&*store, &account, &seen).await?;
                let left = subject.load(&*subject.open(), &account).await?;
                ensure(left.is_none(), || format!("{otherwise:?}: it was not removed"))?;
            } else {
                let version = subject.save(&*store, &account, &record("2"), Some(&seen)).await?;
                // The second of two at once.
                subject.refuses(&*store, &account, &record("3"), Some(&seen)).await?;
                subject.expect(&*subject.open(), &account, &record("2"), &version).await?;
                subject.remove(&*store, &account, &version).await?;
            }
            let kept = aside(&account);
            let is_kept = damaged.is_empty() || kept.windows(damaged.len()).any(|it| it == damaged);
            ensure(is_kept, || format!("{otherwise:?}: what was damaged is lost"))?;
        }
    }
    Ok(())
}

fn without_same_end<'a>(bytes: &'a [u8], other: &[u8]) -> &'a [u8] {
    let pairs = bytes.iter().rev().zip(other.iter().rev());
    &bytes[..bytes.len() - pairs.take_while(|(one, other)| one == other).count()]
}

/// Which state of a damaged record the store says that it is.
async fn damaged_version(
    subject: &Subject,
    store: &dyn TokenStore,
    account: &AccountId,
) -> Result<Option<Version>, String> {
    match store.load(account).await {
        Ok(_) => Err("a damaged record was loaded".to_owned()),
        Err(error) => {
            subject.note(&error);
            Ok(error.get_damaged_version().cloned())
        }
    }
}

pub(super) async fn silent(subject: &Subject) -> Result<(), String> {
    let errors = subject.errors.lock().unwrap_or_else(PoisonError::into_inner);
    for error in &*errors {
        let secrets = [ACCESS_TOKEN, REFRESH_TOKEN, ID_TOKEN, CLIENT_SECRET];
        let secret = secrets.iter().any(|it| error.contains(*it));
        ensure(!secret, || "an error of an earlier case contains one".to_owned())?;
    }
    Ok(())
}
