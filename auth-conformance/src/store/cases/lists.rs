//! Which accounts are listed, and in what order. Other cases have left accounts
//! behind, which are listed too.

use auth_accounts::AccountId;

use crate::store::{
    samples::{record, unusual_names},
    subject::{Subject, ensure},
};

/// More than any page here.
const ALL: usize = 10_000;

pub(super) async fn list_order(subject: &Subject) -> Result<(), String> {
    let store = subject.open();
    let mut mine: Vec<AccountId> = (0..12).map(|n| format!("list order {n}").into()).collect();
    // Long names may be kept otherwise, and must still be among the others.
    for tail in ["a", "b"] {
        mine.push(format!("list order 5{}", tail.repeat(300)).into());
    }
    for account in mine.iter().rev() {
        subject.save(&*store, account, &record("1"), None).await?;
    }
    mine.sort();
    let all = subject.list_all(&*store, ALL).await?;
    let listed: Vec<_> =
        all.iter().filter(|id| id.as_str().starts_with("list order")).cloned().collect();
    ensure(listed == mine, || format!("of {mine:?} are listed {listed:?}"))?;
    for size in [1, 2, 5, all.len(), all.len() + 1] {
        let paged = subject.list_all(&*subject.open(), size).await?;
        ensure(paged == all, || format!("pages of {size} make {} of {}", paged.len(), all.len()))?;
    }
    let none = subject.noted(store.list(None, 0).await)?;
    ensure(none.is_empty(), || "a page of none has an account".to_owned())
}

pub(super) async fn list_after(subject: &Subject) -> Result<(), String> {
    let store = subject.open();
    let long = format!("list after {}", "m".repeat(300));
    let names = ["list after 1", "list after 3", &long];
    for name in names {
        subject.save(&*store, &name.into(), &record("1"), None).await?;
    }
    let longer = format!("{long}m");
    for (after, next) in [
        ("list after", Some(names[0])),
        ("list after 0", Some(names[0])),
        ("list after 1", Some(names[1])),
        ("list after 1 ", Some(names[1])),
        ("list after 2", Some(names[1])),
        ("list after 3", Some(&*long)),
        ("list after m", Some(&*long)),
        (&long, None),
        (&longer, None),
    ] {
        let page = subject.noted(store.list(Some(&after.into()), 1).await)?;
        let found = page.first().map(AccountId::as_str);
        let found = found.filter(|name| name.starts_with("list after"));
        ensure(page.len() <= 1 && found == next, || format!("after {after:?} comes {page:?}"))?;
    }
    Ok(())
}

pub(super) async fn list_current(subject: &Subject) -> Result<(), String> {
    let store = subject.open();
    let account = AccountId::from("list current");
    let is_listed = async |wanted: bool| {
        let listed = subject.list_all(&*subject.open(), ALL).await?.contains(&account);
        ensure(listed == wanted, || match wanted {
            true => "it has a record, and is not listed".to_owned(),
            false => "it has no record, and is listed".to_owned(),
        })
    };
    let lease = subject.lease(&*store, &account).await?;
    is_listed(false).await?;
    let version = subject.save(&*store, &account, &record("1"), None).await?;
    is_listed(true).await?;
    subject.remove(&*store, &account, &version).await?;
    is_listed(false).await?;
    subject.save(&*store, &account, &record("2"), None).await?;
    drop(lease);
    is_listed(true).await
}

pub(super) async fn list_odd_names(subject: &Subject) -> Result<(), String> {
    let store = subject.open();
    let names = unusual_names();
    for name in &names {
        // Of an earlier case, unless this one runs alone.
        if subject.load(&*store, name).await?.is_none() {
            subject.save(&*store, name, &record("1"), None).await?;
        }
    }
    let listed = subject.list_all(&*store, 3).await?;
    for name in &names {
        ensure(listed.contains(name), || format!("{name:?} is not listed"))?;
    }
    Ok(())
}
