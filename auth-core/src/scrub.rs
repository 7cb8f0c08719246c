//! Taking secrets out of what a server wrote.
//!
//! This is for servers that are careless: they repeat what they were sent, whole
//! or in part, with something before or after it, cut off, masked, in other
//! letters, or as it stands in a form. One that means harm knows the secret and
//! can always write it so that nobody recognises it: reversed, in groups of
//! seven, in a cipher of its own.

use std::{borrow::Cow, sync::LazyLock};

use zeroize::Zeroizing;

use crate::{Rule, response::standard_codes};

/// How much of a server's explanation is kept.
const MAX_LEN: usize = 256;

/// How much of one is looked at.
const MAX_READ: usize = 4096;

/// A word this long that mixes letters and digits, or letters of both cases, is
/// taken for a token. Not so a UUID: servers name traces by them, and support
/// staff ask for those. One that was sent is found as a secret.
const TOKEN_LEN: usize = 24;

/// A piece of a secret this long gives it away. So many bytes are a `u64`.
const PIECE: usize = 8;

/// A secret shorter than this cannot be told from the words around it.
const SHORTEST: usize = 4;

pub(crate) const REDACTED: &str = "[redacted]";

/// Words of the protocol and of its errors, and what links begin with. That a
/// secret holds one too says nothing about the secret: people make up secrets
/// out of words, and parameters are often URLs. Shorter ones are no [`PIECE`].
#[rustfmt::skip]
const WORDS: [&str; 41] = [
    // RFC 6749 section 11.2.2 and 4, RFC 7636, RFC 8693.
    "access_token", "refresh_token", "token_type",
    "expires_in", "grant_type", "response_type", "client_id", "client_secret", "redirect_uri",
    "error_description", "error_uri", "username", "password", "authorization_code",
    "client_credentials", "code_verifier", "code_challenge", "subject_token", "actor_token",
    // What errors speak of.
    "application", "authenticated", "authentication", "authorization", "unauthorized",
    "configuration", "connection", "credentials", "developer", "development", "documentation",
    "environment", "identifier", "integration", "organization", "parameters", "permissions",
    "production", "resources", "subscription",
    "https://www.", "http://www.",
];

/// Every piece of those and of the known error codes, sorted.
static PUBLIC: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let codes = Rule::built_in().iter().filter_map(Rule::code);
    let words = WORDS.into_iter().chain(standard_codes()).chain(codes);
    sorted(words.flat_map(|word| pieces(word.bytes())).collect())
});

/// A server's explanation on one line of printable ASCII, without any word that
/// gives away one of `secrets` or looks like a token. `None` if nothing is left.
pub(crate) fn scrub(text: &str, secrets: &[Cow<'_, str>]) -> Option<String> {
    let mut line = Zeroizing::new(String::with_capacity(text.len().min(MAX_READ)));
    line.extend(one_line(text).take(MAX_READ).map(char::from));
    let line = line.trim_end();
    let mut hidden = echoes(line, secrets);
    // The whole of a word of which a part is hidden. `key=value` and quoted
    // values are looked at apart, so that the key stays readable.
    let mut from = 0;
    for part in line.split(|c: char| !(c.is_ascii_alphanumeric() || "-._~+/".contains(c))) {
        let hidden = &mut hidden[from..from + part.len()];
        if hidden.contains(&true) || looks_like_a_token(part) {
            hidden.fill(true);
        }
        from += part.len() + 1;
    }
    let mut clean = String::with_capacity(line.len().min(MAX_LEN) + REDACTED.len());
    let mut before = false;
    for (c, hidden) in line.chars().zip(hidden) {
        if !hidden {
            clean.push(c);
        } else if !before {
            clean.push_str(REDACTED);
        }
        before = hidden;
        if clean.len() > MAX_LEN {
            clean.truncate(MAX_LEN - 3);
            clean.push_str("...");
            break;
        }
    }
    (!clean.is_empty()).then_some(clean)
}

/// Whether a text gives away one of `secrets`.
pub(crate) fn is_echo(text: &str, secrets: &[Cow<'_, str>]) -> bool {
    echoes(text, secrets).contains(&true)
}

/// Which bytes of a line give away one of `secrets`, ASCII case ignored: each
/// that is in a run of [`PIECE`] or more which the secret holds too, or in the
/// whole of a shorter secret.
///
/// The time it takes grows with the text and the secrets, not with the one times
/// the other.
pub(crate) fn echoes(line: &str, secrets: &[Cow<'_, str>]) -> Vec<bool> {
    let mut echoes = Echoes::new(line.as_bytes());
    for secret in secrets {
        echoes.look_for(one_line(secret));
        // As it stands in a form or a URL.
        if !secret.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let spelled = form_urlencoded::byte_serialize(secret.as_bytes());
            echoes.look_for(spelled.flat_map(str::bytes));
        }
    }
    echoes.into_hidden()
}

struct Echoes<'a> {
    line: &'a [u8],
    /// All pieces of the line, sorted, and which of them a secret has.
    pieces: Zeroizing<Vec<u64>>,
    found: Vec<bool>,
    hidden: Vec<bool>,
}

impl<'a> Echoes<'a> {
    fn new(line: &'a [u8]) -> Self {
        let pieces = Zeroizing::new(sorted(pieces(line.iter().copied()).collect()));
        let found = vec![false; pieces.len()];
        Self { line, pieces, found, hidden: vec![false; line.len()] }
    }

    fn look_for(&mut self, secret: impl Iterator<Item = u8>) {
        let mut last = 0;
        for byte in secret {
            last = with(last, byte);
            if is_full(last)
                && let Ok(at) = self.pieces.binary_search(&last)
                && !self.found[at]
            {
                self.found[at] = PUBLIC.binary_search(&last).is_err();
            }
        }
        if !is_full(last) {
            let whole = last.to_be_bytes();
            let empty = whole.iter().take_while(|byte| **byte == 0).count();
            self.look_for_short(&whole[empty..]);
        }
    }

    fn look_for_short(&mut self, secret: &[u8]) {
        if secret.len() < SHORTEST {
            return;
        }
        // A word stands within other words.
        let is_word = secret.iter().all(u8::is_ascii_alphabetic);
        let is_inside = |at: Option<usize>| {
            is_word && at.and_then(|at| self.line.get(at)).is_some_and(u8::is_ascii_alphanumeric)
        };
        for (at, piece) in self.line.windows(secret.len()).enumerate() {
            let end = at + secret.len();
            if piece.eq_ignore_ascii_case(secret)
                && !is_inside(at.checked_sub(1))
                && !is_inside(Some(end))
            {
                self.hidden[at..end].fill(true);
            }
        }
    }

    fn into_hidden(self) -> Vec<bool> {
        let Self { line, pieces: sorted, found, mut hidden } = self;
        if found.contains(&true) {
            for (at, piece) in pieces(line.iter().copied()).enumerate() {
                if sorted.binary_search(&piece).is_ok_and(|at| found[at]) {
                    hidden[at..at + PIECE].fill(true);
                }
            }
        }
        hidden
    }
}

/// All runs of [`PIECE`] bytes, in lower case. The n-th begins at the n-th byte.
fn pieces(bytes: impl Iterator<Item = u8>) -> impl Iterator<Item = u64> {
    let mut last = 0;
    bytes.filter_map(move |byte| {
        last = with(last, byte);
        is_full(last).then_some(last)
    })
}

/// The last bytes, with one more. None is zero.
fn with(last: u64, byte: u8) -> u64 {
    last << 8 | u64::from(byte.to_ascii_lowercase())
}

fn is_full(last: u64) -> bool {
    last >> (8 * (PIECE - 1)) != 0
}

fn sorted(mut pieces: Vec<u64>) -> Vec<u64> {
    pieces.sort_unstable();
    pieces.dedup();
    pieces
}

/// Printable ASCII, with a space for whatever is between.
fn one_line(text: &str) -> impl Iterator<Item = u8> {
    let mut after_space = true;
    text.bytes().filter_map(move |byte| {
        let is_space = !byte.is_ascii_graphic();
        let is_needed = !(is_space && after_space);
        after_space = is_space;
        is_needed.then_some(if is_space { b' ' } else { byte })
    })
}

/// Whether a word looks like a token, whoever it belongs to.
pub(crate) fn looks_like_a_token(part: &str) -> bool {
    let has = |test: fn(&u8) -> bool| part.bytes().any(|byte| test(&byte));
    part.len() >= TOKEN_LEN
        && (has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) || holds_mixed_letters(part))
        && !is_uuid(part)
        && !is_plain_path(part)
}

fn holds_mixed_letters(part: &str) -> bool {
    part.split(|c: char| !c.is_ascii_alphabetic())
        .any(|letters| letters.len() >= TOKEN_LEN && is_mixed(letters))
}

/// Whether so many letters are upper case, and so many lower, that it is no
/// `CamelCase` of words: at least a third each.
pub(crate) fn is_mixed(letters: &str) -> bool {
    let upper = letters.bytes().filter(u8::is_ascii_uppercase).count();
    3 * upper.min(letters.len() - upper) >= letters.len()
}

/// A host or a path of words, as in a link to documentation: letters, numbers
/// and the likes of `v2`.
fn is_plain_path(part: &str) -> bool {
    let is_plain = |piece: &str| {
        piece.len() <= 3
            || (piece.len() < 16
                && (piece.bytes().all(|byte| byte.is_ascii_lowercase())
                    || piece.bytes().all(|byte| byte.is_ascii_digit())))
    };
    part.contains('/') && part.split(['/', '.', '-', '_']).all(is_plain)
}

fn is_uuid(part: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let mut groups = part.trim_end_matches('.').split('-');
    lengths.iter().all(|length| {
        groups.next().is_some_and(|group| {
            group.len() == *length && group.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    }) && groups.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(secrets: &[&'static str], rows: &[(&str, &str)]) {
        let secrets: Vec<_> = secrets.iter().copied().map(Cow::Borrowed).collect();
        for (text, expected) in rows {
            assert_eq!(scrub(text, &secrets).unwrap_or_default(), *expected, "{text:?}");
        }
    }

    #[test]
    fn what_was_sent_is_taken_out_whole_or_in_part() {
        let token = "v1.MjQ1NzYwODQ3Q0FGRUJBQ-kpxqmnbvzlkjhgfd/+x";
        table(
            &[token, "https://api.example.com/2027-01", "p\u{e4}ss\tword of Ada's"],
            &[
                (token, "[redacted]"),
                (
                    "bad token v1.MjQ1NzYwODQ3Q0FGRUJBQ-kpxqmnbvzlkjhgfd/+x!",
                    "bad token [redacted]!",
                ),
                // A part, its beginning or its end masked, something before it
                // and after it.
                ("no MjQ1NzYwODQ3 here", "no [redacted] here"),
                ("no v1.MjQ1Nxxxx here", "no [redacted] here"),
                ("no v1.MjQ1N**** here", "no [redacted]**** here"),
                ("no ****BQ-kpxqm... here", "no ****[redacted] here"),
                ("token=x_MjQ1NzYwODQ3Q0FGRUJBQ", "token=[redacted]"),
                ("token idMjQ1NzYwODQ3Q0FGRUJBQ", "token [redacted]"),
                ("no V1.mJQ1nZYW.gone here", "no [redacted] here"),
                ("only kpxqmnbvzl", "only [redacted]"),
                // As a form writes it.
                ("no lkjhgfd%2F%2Bx, please", "no [redacted], please"),
                ("%lkjhgfd%2f", "%[redacted]"),
                // Seven characters are no echo.
                ("no v1.MjQ1****x here", "no v1.MjQ1****x here"),
                ("no hgfd%2F", "no hgfd%2F"),
                // Links and dates are redacted if they are like what was sent.
                ("see www.example.com, 2027-01-02", "see [redacted], 2027-01-02"),
                ("see https://www.ietf.org/", "see https://www.ietf.org/"),
                // On one line, as the text is.
                ("p\u{e4}ss\n word  of Ada's", "[redacted]"),
                ("the password of Ada", "the [redacted]"),
            ],
        );
    }

    #[test]
    fn a_short_secret_is_taken_out_as_a_whole() {
        table(
            &["rt-1", "1234567", "s3cret", "hidden", "a/b&c", "abc"],
            &[
                ("bad token RT-1!", "bad token [redacted]!"),
                ("no rt-, no rt1", "no rt-, no rt1"),
                ("code id1234567 is gone", "code [redacted] is gone"),
                ("code 123456 is gone", "code 123456 is gone"),
                ("x-s3cret-y", "[redacted]"),
                // Letters alone may be a part of a word.
                ("Hidden, bad_hidden", "[redacted], [redacted]"),
                ("unhidden hiddenness", "unhidden hiddenness"),
                ("a%2Fb%26c or a/b&c", "[redacted] or [redacted]"),
                ("abc", "abc"),
            ],
        );
    }

    #[test]
    fn words_of_the_protocol_are_not_held_against_a_secret() {
        table(
            &[
                "xinvalid_grantab",
                "xunauthorized_clientab-temporarily_unavailable",
                "my-client_credentials-of-production",
                "https://www.example.com",
            ],
            &[
                ("unauthorized_client", "unauthorized_client"),
                ("temporarily_unavailable", "temporarily_unavailable"),
                ("invalid_grant: client_credentials", "invalid_grant: client_credentials"),
                ("not in production", "not in production"),
                ("see https://www.ietf.org", "see https://www.ietf.org"),
                // But all that goes beyond them is.
                ("xinvalid_grantab", "[redacted]"),
                ("invalid_granta", "[redacted]"),
                ("is invalid-grant my-client_", "is invalid-grant [redacted]"),
                ("of-production", "[redacted]"),
            ],
        );
    }

    #[test]
    fn what_looks_like_a_token_is_taken_out() {
        table(
            &[],
            &[
                ("Token has been expired or revoked.", "Token has been expired or revoked."),
                ("at A1b2C3d4E5f6/G7h8I9j0K1l2/M3n4", "at [redacted]"),
                ("token=ya29.a0AfH6SMBx1234567890abcdefghij expired", "token=[redacted] expired"),
                ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmN", "[redacted]"),
                ("no zyxwvut1-zyxw-zyxw-zyxw-zyxwvutsrqp2", "no [redacted]"),
                // Letters of both cases, but not in words.
                ("no aQwErTyUiOpLkJhGfDsAzXcVbNmPoIuYtReW.", "no [redacted]"),
                ("no _qWeRtYuIoPaSdFgHjKlZxCvB", "no [redacted]"),
                ("no qWeRtYuIoPaSdFgHjKlZxCvB", "no [redacted]"),
                ("no qWeRtYuIoPaSdFgHjKlZxCv", "no qWeRtYuIoPaSdFgHjKlZxCv"),
                ("no qWeRtYuIoPaS-FgHjKlZxCvB", "no qWeRtYuIoPaS-FgHjKlZxCvB"),
                (
                    "no InvalidAuthenticationTokenTenantException",
                    "no InvalidAuthenticationTokenTenantException",
                ),
                (
                    "no UNSUPPORTED_COUNTRY_REGION_TERRITORY",
                    "no UNSUPPORTED_COUNTRY_REGION_TERRITORY",
                ),
                ("no donaudampfschifffahrtsgesellschaft", "no donaudampfschifffahrtsgesellschaft"),
                // A trace, and links.
                (
                    "AADSTS70008: expired. Trace ID: 6ac1bd31-9eb2-4c6a-8c1e-0d1d3a1f2b00",
                    "AADSTS70008: expired. Trace ID: 6ac1bd31-9eb2-4c6a-8c1e-0d1d3a1f2b00",
                ),
                ("see docs/abcdefghijklmno/v21", "see docs/abcdefghijklmno/v21"),
                ("see docs/abcdefghijklmnop/v2", "see [redacted]"),
                (
                    "see https://example.com/docs/errors/v2",
                    "see https://example.com/docs/errors/v2",
                ),
            ],
        );
        // Unless it is one that was sent.
        table(
            &["6ac1bd31-9eb2-4c6a-8c1e-0d1d3a1f2b00"],
            &[("no 6AC1BD31-9eb2-4c6a-8c1e-0d1d3a1f2b00", "no [redacted]")],
        );
    }

    #[test]
    fn one_line_of_ascii() {
        table(
            &[],
            &[
                ("line\n\tbreak\u{1b}[31m", "line break [31m"),
                ("caf\u{e9} au lait", "caf au lait"),
                (" a ", "a"),
                ("\u{1F511}", ""),
                ("", ""),
            ],
        );
    }

    #[test]
    fn a_long_secret_of_like_pieces() {
        let secrets = [Cow::Owned("a".repeat(100_000)), Cow::Owned("ab".repeat(50_000))];
        let text = format!("{} c {}", "a".repeat(2000), "ab".repeat(50_000));
        assert_eq!(scrub(&text, &secrets).as_deref(), Some("[redacted] c [redacted]"));
    }

    #[test]
    fn a_long_text_is_cut() {
        let text = scrub(&"word ".repeat(100_000), &[]).unwrap();
        assert_eq!(text.len(), MAX_LEN);
        assert!(text.ends_with("..."));
        let fits = "x".repeat(MAX_LEN);
        assert_eq!(scrub(&fits, &[]), Some(fits));
    }
}
