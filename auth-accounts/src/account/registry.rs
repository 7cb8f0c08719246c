//! Which accounts there are: equal names are the same account.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use crate::{id::AccountId, late_saves::SharedLateSaves};

/// What a registry has to know of an account.
pub(crate) trait Registered {
    fn id(&self) -> &AccountId;

    /// Whether it knows something that nobody else knows.
    fn is_to_be_kept(&self) -> bool;
}

/// Which accounts there are.
///
/// It holds an account weakly, so that one that was asked for once is forgotten,
/// and strongly for as long as the account is to be kept. It asks an account
/// while it is locked, and so must not be called by one that is locked itself.
/// It drops no account while it is locked.
pub(crate) struct Registry<A> {
    state: Mutex<State<A>>,
    /// Those whose tokens are in memory only.
    pub(super) late_saves: Arc<SharedLateSaves<Weak<A>>>,
}

struct State<A> {
    accounts: HashMap<AccountId, Held<A>>,
    closed: bool,
}

struct Held<A> {
    account: Weak<A>,
    kept: Option<Arc<A>>,
}

impl<A: Registered> Registry<A> {
    /// The account of this name; a new one if there is none. `make` is told
    /// whether it is to be a closed one.
    pub(super) fn account(
        &self,
        id: AccountId,
        make: impl FnOnce(AccountId, bool) -> Arc<A>,
    ) -> Arc<A> {
        let mut state = self.lock();
        // It may be there, while its last owner is dropping it.
        if let Some(account) = state.accounts.get(&id).and_then(|held| held.account.upgrade()) {
            return account;
        }
        let account = make(id.clone(), state.closed);
        let held = Held { account: Arc::downgrade(&account), kept: None };
        state.accounts.insert(id, held);
        account
    }

    /// Keeps the account for as long as that is needed. To be called when that
    /// may have changed.
    pub(super) fn settle(&self, account: &Arc<A>) {
        let mut state = self.lock();
        let Some(held) = state.accounts.get_mut(account.id()) else { return };
        if !std::ptr::eq(held.account.as_ptr(), Arc::as_ptr(account)) {
            return;
        }
        let keep = account.is_to_be_kept().then(|| Arc::clone(account));
        let old = std::mem::replace(&mut held.kept, keep);
        drop(state);
        drop(old);
    }

    /// Forgets an account that is being dropped.
    pub(super) fn forget(&self, account: &A) {
        let mut state = self.lock();
        let Entry::Occupied(held) = state.accounts.entry(account.id().clone()) else { return };
        // Somebody may have asked for the name since, and got another.
        if std::ptr::eq(held.get().account.as_ptr(), account) {
            let held = held.remove();
            drop(state);
            drop(held);
        }
    }

    /// Has every account that there will be made a closed one, and returns those
    /// that there are, by name.
    pub(super) fn close(&self) -> Vec<Arc<A>> {
        let mut state = self.lock();
        state.closed = true;
        let accounts = state.accounts.values().filter_map(|held| held.account.upgrade());
        let mut accounts: Vec<_> = accounts.collect();
        drop(state);
        accounts.sort_by(|one, other| one.id().cmp(other.id()));
        accounts
    }
}

impl<A> Registry<A> {
    fn lock(&self) -> MutexGuard<'_, State<A>> {
        // Nothing that can panic runs while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn len(&self) -> usize {
        self.lock().accounts.len()
    }
}

impl<A> Default for Registry<A> {
    fn default() -> Self {
        let state = Mutex::new(State { accounts: HashMap::new(), closed: false });
        Self { state, late_saves: Arc::default() }
    }
}

impl<A> fmt::Debug for Registry<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("accounts", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use auth_core::{AccessToken, RefreshToken, TokenEndpoint, TokenRequest, TokenSet};
    use auth_testkit::{Script, VirtualClock};
    use pollster::block_on;

    use crate::{Account, Accounts, MemoryStore};

    #[test]
    fn names_that_were_asked_for_once_are_forgotten() {
        let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client");
        let (store, clock) = (MemoryStore::new(), VirtualClock::new());
        let accounts = Accounts::new(endpoint.unwrap(), Script::new(), store, clock);
        let kept = accounts.account("kept");
        for number in 0..100_000 {
            let account = accounts.account(number.to_string());
            assert!(accounts.registry.len() <= 2, "{account:?}");
        }
        assert_eq!(accounts.registry.len(), 1);
        drop(kept);
        assert_eq!(accounts.registry.len(), 0);
    }

    /// A request may be under way while its user logs out, and its token be refused then.
    #[test]
    fn a_late_refusal_keeps_no_account_that_was_logged_out() {
        let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client");
        let (store, clock) = (MemoryStore::new(), VirtualClock::new());
        let accounts =
            Accounts::without_runtime(endpoint.unwrap(), Script::new(), store, clock.clone());
        let log_in = |account: &Account| {
            let mut tokens = TokenSet::new(AccessToken::new("at-1"));
            tokens.refresh_token = Some(RefreshToken::new("rt-1"));
            tokens.expires_at = clock.now().wall.checked_add(Duration::from_secs(3600));
            block_on(account.store_login(tokens)).unwrap();
            block_on(account.token()).unwrap()
        };
        for by_this_one in [true, false] {
            let account = accounts.account("ada");
            let token = log_in(&account);
            block_on(account.logout()).unwrap();
            if !by_this_one {
                block_on(account.token()).unwrap_err();
            }
            for request in [TokenRequest::new(), TokenRequest::new().scope("mail")] {
                account.mark_refused(&request, token.access_token(), None);
            }
            drop(account);
            assert_eq!(accounts.registry.len(), 0);
        }
        // While there is a record, it must not come back.
        let account = accounts.account("ada");
        let token = log_in(&account);
        account.mark_refused(&TokenRequest::new(), token.access_token(), None);
        drop(account);
        assert_eq!(accounts.registry.len(), 1);
    }
}
