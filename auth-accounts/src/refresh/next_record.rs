//! The record that new tokens make of the old one.

use std::time::SystemTime;

use auth_core::{Extra, Now, TokenSet};
use serde_json::Value;

use crate::{
    dates::{count_born_expired, guess_expiry},
    further::Which,
    record::Record,
    refusals::{Refused, times_after},
    settings::Settings,
    shared::GrantKind,
};

/// The record that new tokens make of `old`, whose access token an API refused at
/// `refused_at`. They were asked for at `sent`.
pub(super) fn next_record(
    old: Option<&Record>,
    mut tokens: TokenSet,
    refused_at: Option<SystemTime>,
    grant: GrantKind,
    settings: &Settings,
    sent: Now,
    now: Now,
) -> Record {
    if grant == GrantKind::Repeatable {
        // RFC 6749 section 4.4.3: there should be none.
        (tokens.refresh_token, tokens.refresh_expires_at) = (None, None);
    }
    if let Some(Record { tokens: old, .. }) = old {
        // Of another refresh token it is not known: some servers count from the
        // login, others from each refresh.
        if tokens.refresh_expires_at.is_none() && tokens.refresh_token == old.refresh_token {
            tokens.refresh_expires_at = old.refresh_expires_at;
        }
        // RFC 6749 section 5.1: no scope is the same scope. The rest by analogy:
        // what a server said once, it need not say again.
        tokens.scope = tokens.scope.or_else(|| old.scope.clone());
        tokens.token_type = tokens.token_type.or_else(|| old.token_type.clone());
        inherit(&mut tokens.extra, &old.extra);
    }
    // The expiry is counted from then (see `TokenSet::expires_at`).
    let at = now.wall.checked_sub(now.since(sent)).unwrap_or(now.wall);
    let mut record =
        Record { login: old.and_then(|old| old.login), ..Record::obtained(tokens, at) };
    if grant.renews(&record) {
        guess_expiry(&mut record, old, refused_at, settings);
    }
    count_born_expired(&mut record, old);
    let times = old.map(|old| old.refusals.as_slice()).unwrap_or_default();
    let refused = refused_at.map(|refused_at| {
        let obtained_at = old.and_then(|old| old.obtained_at);
        let age = obtained_at.map(|at| refused_at.duration_since(at).unwrap_or_default());
        Refused { age }
    });
    record.refusals = times_after(times, refused, at, settings);
    record
}

/// The same, with what a response leaves unsaid of a further token.
pub(super) fn as_asked(mut tokens: TokenSet, which: &Which, old: Option<&Record>) -> TokenSet {
    if let (Some(asked), Some(old)) = (which.asked(), old) {
        // RFC 6749 section 5.1: no scope is the scope that was asked for.
        tokens.scope = tokens.scope.or_else(|| asked.request.get_scope().map(ToOwned::to_owned));
        if tokens.refresh_expires_at.is_none() && tokens.refresh_token == old.tokens.refresh_token {
            tokens.refresh_expires_at = old.tokens.refresh_expires_at;
        }
    }
    tokens
}

/// How many bytes and values are taken over at most.
const MOST: usize = 64 * 1024;

/// Takes over what the last response left unsaid; but no more than `MOST` values
/// or bytes in all, lest a server that finds new names every time fill the
/// memory and the store.
fn inherit(extra: &mut Extra, old: &Extra) {
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant, SystemTime};

    use auth_core::{AccessToken, RefreshToken};
    use serde_json::json;

    use super::*;

    fn now() -> Now {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        Now { monotonic: Instant::now(), wall }
    }

    fn tokens(number: u8) -> TokenSet {
        let mut tokens = TokenSet::new(AccessToken::new(format!("at-{number}")));
        tokens.refresh_token = Some(RefreshToken::new(format!("rt-{number}")));
        tokens
    }

    /// The record that bare tokens make of this one.
    fn next(old: Option<&Record>, grant: GrantKind) -> Record {
        next_record(old, tokens(2), None, grant, &Settings::default(), now(), now())
    }

    #[test]
    fn what_a_response_leaves_unsaid_is_taken_over() {
        let mut old = Record::logged_in(tokens(1), now().wall);
        old.tokens.scope = Some("a b".to_owned());
        old.tokens.token_type = Some("Bearer".to_owned());
        old.tokens.extra.insert("instance", json!("eu"));
        let new = next(Some(&old), GrantKind::RefreshToken);
        assert_eq!(new.login, old.login);
        assert_eq!(
            (new.tokens.scope, new.tokens.token_type),
            (old.tokens.scope, old.tokens.token_type)
        );
        assert_eq!(new.tokens.extra.get("instance"), Some(&json!("eu")));
        assert_eq!(new.tokens.refresh_token, tokens(2).refresh_token);
        // RFC 6749 section 4.4.3.
        assert_eq!(next(None, GrantKind::Repeatable).tokens.refresh_token, None);
    }

    #[test]
    fn a_refresh_token_keeps_the_end_that_was_said_of_it() {
        let end = |days: u64| Some(now().wall + Duration::from_secs(days * 24 * 3600));
        for (what, said, is_same, expected) in [
            ("said again", end(30), true, end(30)),
            ("the same token", None, true, end(10)),
            // From the login, or from each refresh? Nobody knows.
            ("another token", None, false, None),
            ("said of another", end(30), false, end(30)),
        ] {
            let mut old = Record::logged_in(tokens(1), now().wall);
            old.tokens.refresh_expires_at = end(10);
            let mut new = tokens(if is_same { 1 } else { 2 });
            new.refresh_expires_at = said;
            let (grant, settings) = (GrantKind::RefreshToken, Settings::default());
            let record = next_record(Some(&old), new, None, grant, &settings, now(), now());
            assert_eq!(record.tokens.refresh_expires_at, expected, "{what}");
        }
    }

    #[test]
    fn an_exchange_for_a_refused_token_is_put_down() {
        let (grant, settings) = (GrantKind::RefreshToken, Settings::default());
        let old = Record::logged_in(tokens(1), now().wall);
        let now = now();
        let next = |old: &Record, refused| {
            next_record(Some(old), tokens(2), refused, grant, &settings, now, now)
        };
        assert!(next(&old, None).refusals.is_empty());
        let once = next(&old, Some(now.wall));
        assert_eq!(once.refusals, [now.wall]);
        assert_eq!(next(&once, Some(now.wall)).refusals, [now.wall; 2]);
        assert_eq!(next(&once, None).refusals, [now.wall]);
    }

    #[test]
    fn the_age_counts_from_the_request() {
        let sent = now();
        let now = Now {
            monotonic: sent.monotonic + Duration::from_secs(7),
            wall: sent.wall + Duration::from_secs(7),
        };
        let (grant, settings) = (GrantKind::RefreshToken, Settings::default());
        let record = next_record(None, tokens(2), None, grant, &settings, sent, now);
        assert_eq!(record.obtained_at, Some(sent.wall));
        // So does a guess.
        assert_eq!(record.tokens.expires_at, Some(sent.wall + Duration::from_secs(3600)));
    }

    #[test]
    fn values_weigh_their_text_and_one_each() {
        for (value, weighs) in [
            (json!(null), 1),
            (json!(17), 1),
            (json!("abc"), 4),
            (json!([]), 1),
            (json!(["ab", 1]), 5),
            (json!({"abc": "de", "f": true}), 9),
        ] {
            assert_eq!(weight(&value), weighs, "{value}");
        }
    }

    #[test]
    fn no_more_is_taken_over_than_fits() {
        let with = |members: &[(&str, usize)]| {
            let mut extra = Extra::default();
            for (name, length) in members {
                extra.insert(*name, json!("x".repeat(*length)));
            }
            extra
        };
        // Three bytes of name and value beside the text, each.
        let fits = MOST - 1_003 - 3;
        for (length, is_taken) in [(fits, true), (fits + 1, false)] {
            let mut new = with(&[("an", 1_000)]);
            inherit(&mut new, &with(&[("ab", length)]));
            assert_eq!(new.get("ab").is_some(), is_taken);
        }
        // What fits is taken, whatever did not fit before it.
        let mut new = with(&[("an", 1_000)]);
        inherit(
            &mut new,
            &with(&[("an", 5), ("b0", MOST), ("c0", 30_000), ("d0", 30_000), ("e0", 9_000)]),
        );
        let taken = ["an", "b0", "c0", "d0", "e0"].map(|name| new.get(name).is_some());
        assert_eq!(taken, [true, false, true, true, false]);
        assert_eq!(new.get("an"), Some(&json!("x".repeat(1_000))), "the new one counts");
    }
}
