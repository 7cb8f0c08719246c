//! Finding in a text what was sent.

use std::{borrow::Cow, iter, sync::LazyLock};

use zeroize::Zeroizing;

use super::{line::one_line, unescape::Unescaped};
use crate::{Rule, rules::standard_codes};

/// A piece of a secret this long gives it away. So many bytes are a `u64`.
const PIECE: usize = 8;

/// A secret shorter than this cannot be told from the words around it.
const SHORTEST: usize = 4;

/// Words of the protocol and of its errors, and what links begin with. That a
/// secret holds one too says nothing about the secret: people make up secrets
/// out of words, and parameters are often URLs. Shorter ones are no [`PIECE`].
#[rustfmt::skip]
const WORDS: [&str; 48] = [
    // RFC 6749 section 11.2.2 and 4, RFC 7636, RFC 8693.
    "access_token", "refresh_token", "token_type",
    "expires_in", "grant_type", "response_type", "client_id", "client_secret", "redirect_uri",
    "error_description", "error_uri", "username", "password", "authorization_code",
    "client_credentials", "code_verifier", "code_challenge", "subject_token", "actor_token",
    // In camelCase.
    "accessToken", "refreshToken", "tokenType", "expiresIn", "grantType", "clientId", "clientSecret",
    // What errors speak of.
    "application", "authenticated", "authentication", "authorization", "unauthorized",
    "configuration", "connection", "credentials", "developer", "development", "documentation",
    "environment", "identifier", "integration", "organization", "parameters", "permissions",
    "production", "resources", "subscription",
    "https://www.", "http://www.",
];

/// How often escapes are undone: one may be within another, `%252F` or `&amp;#47;`.
const LAYERS: usize = 2;

/// Every piece of those and of the known error codes, sorted.
static PUBLIC: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let codes = Rule::built_in().iter().filter_map(Rule::code);
    let words = WORDS.into_iter().chain(standard_codes()).chain(codes);
    sorted(words.flat_map(|word| pieces(word.bytes())).collect())
});

/// Whether a text gives away one of `secrets`.
pub(crate) fn is_echo(text: &str, secrets: &[Cow<'_, str>]) -> bool {
    echoes(text, secrets).contains(&true)
}

/// Which bytes of a line give away one of `secrets`, ASCII case ignored: each
/// that is in a run of [`PIECE`] or more which the secret holds too, or in the
/// whole of a shorter secret. So is what holds them when its
/// [escapes](Unescaped::new) are undone.
///
/// The time it takes grows with the text and the secrets, not with the one times
/// the other.
pub(crate) fn echoes(line: &str, secrets: &[Cow<'_, str>]) -> Vec<bool> {
    escaped_echoes(line.as_bytes(), secrets, &without_escapes(secrets), LAYERS)
}

/// What becomes of the secrets that hold escapes, or what looks like one, when the
/// escapes of a line are undone. Whoever escaped them in part left the others as
/// they were, and all go at once.
fn without_escapes(secrets: &[Cow<'_, str>]) -> Vec<Zeroizing<Vec<u8>>> {
    let undone = |secret: &Cow<'_, str>| {
        let first = Unescaped::new(secret.as_bytes());
        iter::successors(first, |outer| Unescaped::new(&outer.line)).take(LAYERS)
    };
    secrets.iter().flat_map(undone).map(|unescaped| unescaped.line).collect()
}

fn escaped_echoes(
    line: &[u8],
    secrets: &[Cow<'_, str>],
    undone: &[Zeroizing<Vec<u8>>],
    layers: usize,
) -> Vec<bool> {
    let mut hidden = plain_echoes(line, secrets, undone);
    if let Some(inner) = layers.checked_sub(1)
        && let Some(unescaped) = Unescaped::new(line)
    {
        let found = escaped_echoes(&unescaped.line, secrets, undone, inner);
        unescaped.mark(&found, &mut hidden);
    }
    hidden
}

fn plain_echoes(line: &[u8], secrets: &[Cow<'_, str>], undone: &[Zeroizing<Vec<u8>>]) -> Vec<bool> {
    let mut echoes = Echoes::new(line);
    for secret in secrets {
        echoes.look_for(one_line(secret));
        // As it stands in a form or a URL.
        if !secret.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let spelled = form_urlencoded::byte_serialize(secret.as_bytes());
            echoes.look_for(spelled.flat_map(str::bytes));
        }
    }
    for secret in undone {
        echoes.look_for(secret.iter().copied());
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
