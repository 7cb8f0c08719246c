use auth_core::{RefreshToken, TokenSet};
use serde_json::Value;

use crate::{input::json, stored::tokens_are};

/// Reads the JSON form of a token set. What can be read is what the input
/// says, member by member, is written so that it reads the same again, and
/// redacted without its secrets; what cannot be read gives an error that
/// repeats none of it.
pub fn token_set(input: &[u8]) {
    match TokenSet::from_json(input) {
        Ok(tokens) => {
            // A member that is ignored may be one that cannot be read; and a
            // list in the place of the object is read, but by nobody written.
            if let Some(value @ Value::Object(_)) = json(input) {
                assert!(tokens_are(&tokens, &value), "read otherwise than it says: {tokens:?}");
            }
            check_tokens(&tokens);
        }
        Err(error) => {
            let message = error.to_string();
            // The reasons are fixed texts: the longest possible message is
            // known, whatever the input was.
            assert!(message.starts_with("not the JSON form of a token set ("), "{message}");
            assert!(message.len() < 160, "{message}");
        }
    }
}

fn check_tokens(tokens: &TokenSet) {
    let written = tokens.to_json_exposed();
    let read = TokenSet::from_json(&written).expect("its own form cannot be read");
    assert!(read == *tokens, "changed by writing and reading");
    assert_eq!(*read.to_json_exposed(), *written);

    let redacted = serde_json::to_string(tokens).expect("its own form cannot be written");
    let shown = format!("{redacted}{tokens:?}");
    // What is not secret may hold the same text as what is.
    let public = format!(
        "{:?}{:?}{:?}access_token refresh_token token_type expires_at refresh_expires_at scope extra redacted",
        tokens.token_type,
        tokens.scope,
        tokens.extra.iter().map(|(name, _)| name).collect::<Vec<_>>(),
    );
    let access = tokens.access_token.expose();
    for secret in [Some(access), tokens.refresh_token.as_ref().map(RefreshToken::expose)] {
        let Some(secret) = secret.filter(|secret| secret.len() >= 16) else { continue };
        assert!(!shown.contains(secret) || public.contains(secret), "a secret is shown");
    }
    assert!(TokenSet::from_json(redacted.as_bytes()).is_err(), "redacted tokens can be read");
}
