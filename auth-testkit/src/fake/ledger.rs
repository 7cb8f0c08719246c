//! The tokens that were issued: families of refresh tokens, and their access
//! tokens.

use std::{collections::HashMap, time::Duration};

use super::{
    report::{Knowledge, Replay},
    split_mix::SplitMix64,
};

pub(super) struct Ledger {
    families: Vec<Family>,
    refresh_tokens: HashMap<String, TokenId>,
    access_tokens: HashMap<String, Access>,
    names: SplitMix64,
}

/// Identifies a refresh token by its family and its position there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TokenId {
    pub(super) family: usize,
    pub(super) generation: usize,
}

/// The refresh tokens of one login, each the successor of the one before.
struct Family {
    subject: String,
    born: Duration,
    revoked: bool,
    /// The thumbprint of the key that its refresh tokens are bound to.
    key: Option<String>,
    tokens: Vec<Token>,
}

struct Token {
    value: String,
    last_used: Duration,
    spent: Option<Spent>,
    /// It alone, and not its family.
    revoked: bool,
}

struct Spent {
    at: Duration,
    /// The access token that came with the successor.
    access: String,
    knowledge: Knowledge,
}

struct Access {
    /// `None` for an access token that the client got with its own credentials.
    family: Option<usize>,
    subject: String,
    expires: Duration,
    /// The thumbprint of the key that it is bound to.
    key: Option<String>,
}

/// What a spent token was traded for.
pub(super) struct SpentHow {
    pub(super) access: String,
    /// How long the access token still lives.
    pub(super) left: Duration,
    pub(super) successor: String,
}

impl Ledger {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            families: Vec::new(),
            refresh_tokens: HashMap::new(),
            access_tokens: HashMap::new(),
            names: SplitMix64(seed),
        }
    }

    /// A new family, and its first token.
    pub(super) fn found(&mut self, subject: String, now: Duration) -> usize {
        let family = self.families.len();
        self.families.push(Family {
            subject,
            born: now,
            revoked: false,
            key: None,
            tokens: Vec::new(),
        });
        self.add_refresh(family, now);
        family
    }

    pub(super) fn current(&self, family: usize) -> &str {
        self.families[family].tokens.last().map_or("", |token| &token.value)
    }

    pub(super) fn find(&self, value: &str) -> Option<TokenId> {
        self.refresh_tokens.get(value).copied()
    }

    pub(super) fn families_of(&self, subject: &str) -> Vec<usize> {
        (0..self.families.len()).filter(|at| self.families[*at].subject == subject).collect()
    }

    pub(super) fn is_spent(&self, token: TokenId) -> bool {
        self.token(token).spent.is_some()
    }

    pub(super) fn spent_at(&self, token: TokenId) -> Duration {
        self.token(token).spent.as_ref().map_or(Duration::ZERO, |spent| spent.at)
    }

    /// The key that the refresh tokens of a family are bound to.
    pub(super) fn key(&self, family: usize) -> Option<&str> {
        self.families[family].key.as_deref()
    }

    /// Binds the refresh tokens of a family to a key.
    pub(super) fn bind(&mut self, family: usize, key: String) {
        self.families[family].key = Some(key);
    }

    /// The key that an access token is bound to.
    pub(super) fn key_of_access(&self, value: &str) -> Option<&str> {
        self.access_tokens.get(value)?.key.as_deref()
    }

    /// Binds an access token to a key.
    pub(super) fn bind_access(&mut self, value: &str, key: &str) {
        if let Some(access) = self.access_tokens.get_mut(value) {
            access.key = Some(key.to_owned());
        }
    }

    pub(super) fn is_revoked(&self, family: usize) -> bool {
        self.families[family].revoked
    }

    /// Whether the token was revoked, by itself or with its family.
    pub(super) fn is_token_revoked(&self, token: TokenId) -> bool {
        self.token(token).revoked || self.is_revoked(token.family)
    }

    /// Revokes a refresh token alone.
    pub(super) fn revoke_token(&mut self, token: TokenId) {
        self.families[token.family].tokens[token.generation].revoked = true;
    }

    /// Revokes a family, and says whose it was; `None` if it was revoked
    /// before.
    pub(super) fn revoke(&mut self, family: usize) -> Option<String> {
        let family = &mut self.families[family];
        (!std::mem::replace(&mut family.revoked, true)).then(|| family.subject.clone())
    }

    pub(super) fn family_age(&self, token: TokenId, now: Duration) -> Duration {
        now.saturating_sub(self.families[token.family].born)
    }

    pub(super) fn idle(&self, token: TokenId, now: Duration) -> Duration {
        now.saturating_sub(self.token(token).last_used)
    }

    /// The token was used and stays valid.
    pub(super) fn touch(&mut self, token: TokenId, now: Duration) {
        self.families[token.family].tokens[token.generation].last_used = now;
    }

    /// Spends the token, and returns its successor.
    pub(super) fn rotate(&mut self, token: TokenId, now: Duration, access: String) -> String {
        self.touch(token, now);
        self.families[token.family].tokens[token.generation].spent =
            Some(Spent { at: now, access, knowledge: Knowledge::UnderWay });
        self.add_refresh(token.family, now)
    }

    /// Whether the successor is still unused, so that it can be given again.
    pub(super) fn can_repeat(&self, token: TokenId) -> bool {
        let successor = self.families[token.family].tokens.get(token.generation + 1);
        successor.is_some_and(|successor| successor.spent.is_none())
    }

    /// What a spent token was traded for; `None` if it is not spent.
    pub(super) fn repeat(&self, token: TokenId, now: Duration) -> Option<SpentHow> {
        let spent = self.token(token).spent.as_ref()?;
        let successor = self.families[token.family].tokens.get(token.generation + 1)?;
        let expires = self.access_tokens.get(&spent.access).map_or(now, |access| access.expires);
        Some(SpentHow {
            access: spent.access.clone(),
            left: expires.saturating_sub(now),
            successor: successor.value.clone(),
        })
    }

    /// A spent token was used again.
    pub(super) fn replay(&self, token: TokenId, at: Duration, forgiven: bool) -> Replay {
        Replay {
            at,
            subject: self.families[token.family].subject.clone(),
            generation: token.generation + 1,
            knowledge: self
                .token(token)
                .spent
                .as_ref()
                .map_or(Knowledge::UnderWay, |spent| spent.knowledge),
            forgiven,
        }
    }

    /// Notes whether the response with the successor has arrived.
    pub(super) fn settle(&mut self, token: TokenId, arrived: bool) {
        let token = &mut self.families[token.family].tokens[token.generation];
        if let Some(spent) = &mut token.spent {
            match (spent.knowledge, arrived) {
                (_, true) => spent.knowledge = Knowledge::Told,
                (Knowledge::UnderWay, false) => spent.knowledge = Knowledge::ResponseLost,
                // Told once is told.
                _ => {}
            }
        }
    }

    /// Issues an access token of the family. With `alone`, the others become
    /// invalid.
    pub(super) fn issue_access(
        &mut self,
        family: usize,
        now: Duration,
        lifetime: Duration,
        alone: bool,
    ) -> String {
        if alone {
            self.access_tokens.retain(|_, access| access.family != Some(family));
        }
        let subject = self.families[family].subject.clone();
        self.add_access(Some(family), subject, now, lifetime)
    }

    pub(super) fn issue_client_access(
        &mut self,
        client: String,
        now: Duration,
        lifetime: Duration,
    ) -> String {
        self.add_access(None, client, now, lifetime)
    }

    pub(super) fn subject_of_access(&self, value: &str, now: Duration) -> Option<&str> {
        let access = self.access_tokens.get(value)?;
        let revoked = access.family.is_some_and(|family| self.is_revoked(family));
        (!revoked && now < access.expires).then_some(&access.subject)
    }

    /// Forgets an access token: it dies before its time.
    pub(super) fn revoke_access(&mut self, value: &str) {
        self.access_tokens.remove(value);
    }

    fn add_access(
        &mut self,
        family: Option<usize>,
        subject: String,
        now: Duration,
        lifetime: Duration,
    ) -> String {
        let value = self.name("fake-at");
        let expires = now.saturating_add(lifetime);
        self.access_tokens.insert(value.clone(), Access { family, subject, expires, key: None });
        value
    }

    fn add_refresh(&mut self, family: usize, now: Duration) -> String {
        let value = self.name("fake-rt");
        let tokens = &mut self.families[family].tokens;
        self.refresh_tokens.insert(value.clone(), TokenId { family, generation: tokens.len() });
        tokens.push(Token { value: value.clone(), last_used: now, spent: None, revoked: false });
        value
    }

    fn token(&self, token: TokenId) -> &Token {
        &self.families[token.family].tokens[token.generation]
    }

    fn name(&mut self, prefix: &str) -> String {
        format!("{prefix}-{:016x}{:016x}", self.names.next(), self.names.next())
    }
}
