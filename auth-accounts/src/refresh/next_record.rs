//! The record that new tokens make of the old one.

use auth_core::{Extra, Now, TokenSet};
use serde_json::Value;

use crate::{record::Record, shared::GrantKind};

/// The record that new tokens make of `old`. They were asked for at `sent`.
pub(super) fn next_record(
    old: Option<&Record>,
    mut tokens: TokenSet,
    grant: GrantKind,
    sent: Now,
    now: Now,
) -> Record {
    if grant == GrantKind::ClientCredentials {
        // RFC 6749 section 4.4.3: there should be none.
        tokens.refresh_token = None;
    }
    if let Some(Record { tokens: old, .. }) = old {
        // RFC 6749 section 5.1: no scope is the same scope. The rest by analogy:
        // what a server said once, it need not say again.
        tokens.scope = tokens.scope.or_else(|| old.scope.clone());
        tokens.token_type = tokens.token_type.or_else(|| old.token_type.clone());
        inherit(&mut tokens.extra, &old.extra);
    }
    // The expiry is counted from then (see `TokenSet::expires_at`).
    let at = now.wall.checked_sub(now.since(sent)).unwrap_or(now.wall);
    Record { login: old.and_then(|old| old.login), ..Record::obtained(tokens, at) }
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
