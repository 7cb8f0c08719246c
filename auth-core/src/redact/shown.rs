//! What may be shown of a token set beside its tokens.

use std::borrow::Cow;

use zeroize::Zeroizing;

use super::{REDACTED, echo::echoes, token_like::is_mixed};

/// The texts of a server's choice in a token set, those redacted that may be a
/// token: a broken or a hostile server repeats one in them.
pub(crate) struct Shown<'a> {
    pub(crate) token_type: Option<&'a str>,
    /// The words of the scope.
    pub(crate) scope: Option<Vec<&'a str>>,
    /// The names of the other members.
    pub(crate) extra: Vec<&'a str>,
}

impl<'a> Shown<'a> {
    /// Of the set of the tokens `own`.
    pub(crate) fn new(
        own: &[Cow<'_, str>],
        token_type: Option<&'a str>,
        scope: Option<&'a str>,
        extra: impl Iterator<Item = &'a str>,
    ) -> Self {
        let mut shown = Self {
            token_type: token_type.map(plain),
            scope: scope.map(|scope| scope.split(' ').map(plain).collect()),
            extra: extra.map(plain).collect(),
        };
        shown.redact_echoes(own);
        shown
    }

    /// A short token may be plain too.
    fn redact_echoes(&mut self, own: &[Cow<'_, str>]) {
        let words = || {
            let scope = self.scope.iter().flatten();
            self.token_type.iter().chain(scope).chain(&self.extra)
        };
        // One line of all of them, so that each token is gone through once.
        let size = words().map(|word| word.len() + 1).sum();
        let mut line = Zeroizing::new(String::with_capacity(size));
        words().for_each(|word| line.extend([word, " "]));
        let hidden = echoes(&line, own);

        let scope = self.scope.iter_mut().flatten();
        let mut from = 0;
        for word in self.token_type.iter_mut().chain(scope).chain(&mut self.extra) {
            let end = from + word.len();
            // However short.
            if hidden[from..end].contains(&true) || own.iter().any(|token| token == word) {
                *word = REDACTED;
            }
            from = end + 1;
        }
    }
}

/// A text of short words as it is, and nothing of what may be a token.
pub(crate) fn plain(text: &str) -> &str {
    let is_plain = text.len() <= 64 && text.split(['_', '.', ':', '/', '-', '*']).all(is_word);
    if is_plain { text } else { REDACTED }
}

/// Letters, and the number of a version.
fn is_word(word: &str) -> bool {
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    word.len() - letters.len() <= 2
        && letters.len() <= 20
        && letters.bytes().all(|byte| byte.is_ascii_alphabetic())
        && (letters.len() < 8 || !is_mixed(letters))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{AccessToken, RefreshToken, TokenSet};

    #[test]
    fn words_are_plain_and_tokens_are_not() {
        for text in [
            "",
            "Bearer",
            "DPoP",
            "N_A",
            "offline_access",
            "User.ReadWrite",
            "READ_WRITE_REPOSITORIES",
            "user:*",
            "urn:ietf:params:oauth:token-type:jwt",
            "https://www.googleapis.com/auth/cloud-platform.read-only",
            "https://example.com/v2/api2",
            "refresh_token_expires_in",
            // As long as each may be.
            "aBcDeFg",
            "abcdefghijklmnopqrst",
            "word12",
            &("word.".repeat(12) + "word"),
        ] {
            assert_eq!(plain(text), text);
        }
        for text in [
            "at-1f",
            "org:12345",
            "abcdefghijklmnopqrstuvwxyz",
            "aBcDeFgHiJkL",
            "k3y9",
            "two words",
            "caf\u{e9}",
            "6ac1bd31-9eb2-4c6a-8c1e-0d1d3a1f2b00",
            "aBcDeFgH",
            "abcdefghijklmnopqrstu",
            "word123",
            &"word.".repeat(13),
        ] {
            assert_eq!(plain(text), REDACTED, "{text}");
        }
    }

    #[test]
    fn an_echo_of_the_sets_own_tokens_is_not_shown() {
        // As plain as a token can be.
        let (access, refresh) = ("access-of-ada", "refreshing.ada-lovelace");
        for (echo, is_shown) in [
            (access, false),
            (refresh, false),
            ("ACCESS-OF-ADA", false),
            ("the.refreshing", false),
            ("ada-lovelace.x", false),
            // Fewer than eight letters of it.
            ("lovelac", true),
            ("other", true),
        ] {
            let mut tokens = TokenSet::new(AccessToken::new(access));
            tokens.refresh_token = Some(RefreshToken::new(refresh));
            tokens.token_type = Some(echo.to_owned());
            tokens.scope = Some(format!("read {echo} write"));
            tokens.extra.insert(echo, json!(1));
            tokens.extra.insert("expires", json!(2));
            for shown in [format!("{tokens:?}"), serde_json::to_string(&tokens).unwrap()] {
                let count = shown.matches(echo).count();
                assert_eq!(count, if is_shown { 3 } else { 0 }, "{shown}");
                for word in ["read", "write", "expires"] {
                    assert!(shown.contains(word), "{shown}");
                }
            }
        }
        // However short.
        let mut tokens = TokenSet::new(AccessToken::new("at"));
        tokens.scope = Some("at that".to_owned());
        assert_eq!(tokens.shown().scope.unwrap(), [REDACTED, "that"]);
    }
}
