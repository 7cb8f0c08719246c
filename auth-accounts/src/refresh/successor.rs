//! The record that new tokens make of the old one.

use std::time::Duration;

use auth_core::{Extra, Now, TokenSet};
use serde_json::Value;

use super::flow::Flow;
use crate::{Record, accounts::GrantKind};

impl Flow {
    /// The record that new tokens make.
    pub(super) fn record_of(&self, mut tokens: TokenSet, now: Now) -> Record {
        if self.shared.grant == GrantKind::ClientCredentials {
            // RFC 6749 section 4.4.3: there should be none.
            tokens.refresh_token = None;
        }
        if let Some(current) = &self.current {
            // RFC 6749 section 5.1: no scope is the same scope. The rest by
            // analogy: what a server said once, it need not say again.
            let old = &current.tokens;
            tokens.scope = tokens.scope.or_else(|| old.scope.clone());
            tokens.token_type = tokens.token_type.or_else(|| old.token_type.clone());
            inherit(&mut tokens.extra, &old.extra);
        }
        // The expiry is counted from then (see `TokenSet::expires_at`).
        let under_way = self.sent.map_or(Duration::ZERO, |sent| now.since(sent));
        let at = now.wall.checked_sub(under_way).unwrap_or(now.wall);
        Record {
            login: self.current.as_ref().and_then(|old| old.login),
            ..Record::obtained(tokens, at)
        }
    }
}

/// Takes over what the last response left unsaid; but no more than `MOST` values
/// or bytes in all, lest a server that finds new names every time fill the
/// memory and the store.
fn inherit(extra: &mut Extra, old: &Extra) {
    const MOST: usize = 64 * 1024;
    let mut size: usize = extra.iter().map(|(name, value)| name.len() + weight(value)).sum();
    for (name, value) in old.iter() {
        if extra.get(name).is_some() {
            continue;
        }
        let larger = size.saturating_add(name.len() + weight(value));
        if larger <= MOST {
            size = larger;
            extra.insert(name, value.clone());
        }
    }
}

/// How many bytes of text and other values there are in `value`.
fn weight(value: &Value) -> usize {
    1 + match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| name.len() + weight(value)).sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}
