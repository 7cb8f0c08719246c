//! The one point at which it is known what has become of a refresh or a login.
//! Events and metrics both come from here.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    account_event::{AccountEvent, EventKind},
    counters::{self, Effort},
    error::AccountError,
    id::AccountId,
    token::Token,
    told::{Found, News, Told},
};

type Listener = Arc<dyn Fn(&AccountEvent) + Send + Sync>;

/// Who is told, and what has been told. Clones share the latter.
#[derive(Clone, Default)]
pub(crate) struct Watch {
    listeners: Vec<Listener>,
    /// Of those accounts of which there is something to remember: an
    /// [`Account`](crate::Account) that nobody uses is forgotten, and what was
    /// told must not be told again.
    told: Arc<Mutex<HashMap<AccountId, Told>>>,
}

impl Watch {
    pub(crate) fn listen(&mut self, listener: impl Fn(&AccountEvent) + Send + Sync + 'static) {
        self.listeners.push(Arc::new(listener));
    }

    /// Begins anew, for other accounts.
    pub(crate) fn forget(&mut self) {
        self.told = Arc::default();
    }

    /// A refresh or a login has ended, and all that follows from it is in place. Returns
    /// whether the old token, which was handed out until now, has run out.
    pub(crate) fn ended(
        &self,
        account: &AccountId,
        result: &Result<Token, AccountError>,
        found: &Found,
        effort: &Effort,
    ) -> bool {
        if !found.is_login {
            counters::ended(result, found.is_new, found.was_busy, effort);
        }
        if self.listeners.is_empty() && !counters::ARE_ON && !cfg!(feature = "tracing") {
            return false;
        }
        let news = {
            let mut told = self.told();
            let mut of_account = told.remove(account).unwrap_or_default();
            let was_unsaved = of_account.is_unsaved();
            let news = of_account.update(found);
            counters::unsaved(i32::from(of_account.is_unsaved()) - i32::from(was_unsaved));
            if !of_account.is_empty() {
                told.insert(account.clone(), of_account);
            }
            news
        };
        let ran_out = news.iter().any(|news| news.kind == EventKind::RanOut);
        for News { kind, was_on_record } in news {
            self.tell(&AccountEvent {
                account: account.clone(),
                kind,
                error: found.error.clone().filter(|_| kind.has_error()),
                unsaved: found.unsaved.clone().filter(|_| kind == EventKind::Unsaved),
                was_on_record,
            });
        }
        ran_out
    }

    /// This process has removed the record of an account.
    pub(crate) fn logged_out(&self, account: &AccountId) {
        let told = self.told().remove(account);
        counters::unsaved(-i32::from(told.is_some_and(|told| told.is_unsaved())));
        self.tell(&AccountEvent {
            account: account.clone(),
            kind: EventKind::LoggedOut,
            error: None,
            unsaved: None,
            was_on_record: false,
        });
    }

    fn told(&self) -> MutexGuard<'_, HashMap<AccountId, Told>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, event: &AccountEvent) {
        counters::event(event.kind);
        for listener in &self.listeners {
            // Whoever listens must not harm the refresh. The panic's message has
            // been shown by the panic hook.
            let _ = catch_unwind(AssertUnwindSafe(|| listener(event)));
        }
    }
}
