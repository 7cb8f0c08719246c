//! What a store says when it cannot do what it is asked.

use std::sync::PoisonError;

use auth_accounts::{AccountId, StoreErrorKind};

use crate::store::{
    samples::{ACCESS_TOKEN, CLIENT_SECRET, ID_TOKEN, REFRESH_TOKEN, full_record, record},
    subject::{Damage, Subject, ensure},
};

pub(super) async fn damaged(subject: &Subject) -> Result<(), String> {
    let Some((damage, read)) = &subject.raw else {
        return Err("`raw` is not set; set it, or excuse the case".to_owned());
    };
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

pub(super) async fn silent(subject: &Subject) -> Result<(), String> {
    let errors = subject.errors.lock().unwrap_or_else(PoisonError::into_inner);
    for error in &*errors {
        let secrets = [ACCESS_TOKEN, REFRESH_TOKEN, ID_TOKEN, CLIENT_SECRET];
        let secret = secrets.iter().any(|it| error.contains(*it));
        ensure(!secret, || "an error of an earlier case contains one".to_owned())?;
    }
    Ok(())
}
