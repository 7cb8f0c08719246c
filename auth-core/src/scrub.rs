//! Taking secrets out of what a server wrote.

use std::borrow::Cow;

use zeroize::Zeroizing;

/// How much of a server's explanation is kept.
const MAX_LEN: usize = 256;

/// A word this long that mixes letters and digits is taken for a token unless
/// it is a UUID (which support staff ask for as trace or correlation id).
const TOKEN_LEN: usize = 24;

const REDACTED: &str = "[redacted]";

/// A piece of a secret this long gives it away.
const PIECE: usize = 8;

/// A server's explanation on one line of printable ASCII, without anything
/// that is one of `secrets` or looks like a token. `None` if nothing is left.
pub(crate) fn scrub(text: &str, secrets: &[Cow<'_, str>]) -> Option<String> {
    // Before anything is cut off: half a secret would no longer be found. As it
    // is, and as it stands in a form or a URL.
    let mut text = Zeroizing::new(text.to_owned());
    for secret in secrets.iter().filter(|secret| secret.len() >= 4) {
        for spelling in [&**secret, &encoded(secret)] {
            text = without(&text, spelling);
        }
    }
    let mut clean = String::with_capacity(text.len().min(MAX_LEN));
    for word in text.split(|c: char| !c.is_ascii_graphic()).filter(|word| !word.is_empty()) {
        if !clean.is_empty() {
            clean.push(' ');
        }
        push_word(&mut clean, word, secrets);
        if clean.len() > MAX_LEN {
            clean.truncate(MAX_LEN - 3);
            clean.push_str("...");
            break;
        }
    }
    (!clean.is_empty()).then_some(clean)
}

/// The text with each occurrence of a secret redacted, ASCII case ignored.
fn without(text: &str, secret: &str) -> Zeroizing<String> {
    let lower = Zeroizing::new(text.to_ascii_lowercase());
    let wanted = Zeroizing::new(secret.to_ascii_lowercase());
    let mut clean = Zeroizing::new(String::with_capacity(text.len()));
    let mut from = 0;
    for (at, found) in lower.match_indices(&**wanted) {
        clean.push_str(&text[from..at]);
        clean.push_str(REDACTED);
        from = at + found.len();
    }
    clean.push_str(&text[from..]);
    clean
}

fn encoded(secret: &str) -> Zeroizing<String> {
    Zeroizing::new(form_urlencoded::byte_serialize(secret.as_bytes()).collect())
}

/// Copies a word, its token-like parts redacted. `key=value` and quoted values
/// are looked at apart, so that the key stays readable.
fn push_word(clean: &mut String, word: &str, secrets: &[Cow<'_, str>]) {
    let is_token_char = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
    let mut rest = word;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_token_char(c)).unwrap_or(rest.len());
        let (part, tail) = rest.split_at(end);
        let hidden = looks_like_a_token(part)
            || secrets.iter().any(|secret| holds_a_piece(part.trim_matches('.'), secret));
        clean.push_str(if hidden { REDACTED } else { part });
        let mut tail_chars = tail.chars();
        if let Some(separator) = tail_chars.next() {
            clean.push(separator);
        }
        rest = tail_chars.as_str();
    }
}

/// Whether a text is, or holds, a piece of a secret that gives it away, ASCII
/// case ignored. Letters alone must be twice as many: secrets that people choose
/// hold words that messages hold too. So must be what is within a longer text
/// and might be a part of a host's name or of a date.
pub(crate) fn holds_a_piece(text: &str, secret: &str) -> bool {
    let (text, secret) = (text.as_bytes(), secret.as_bytes());
    let is_in_secret =
        |piece: &[u8]| secret.windows(piece.len()).any(|other| other.eq_ignore_ascii_case(piece));
    let is_long = text.len() >= PIECE && !text.iter().all(|byte| is_word(*byte));
    is_long && is_in_secret(text)
        || text.windows(PIECE).any(|piece| {
            piece.iter().any(u8::is_ascii_digit)
                && piece.iter().any(u8::is_ascii_alphabetic)
                && is_in_secret(piece)
        })
        || text.windows(2 * PIECE).any(is_in_secret)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

pub(crate) fn looks_like_a_token(part: &str) -> bool {
    let has = |test: fn(&u8) -> bool| part.bytes().any(|byte| test(&byte));
    part.len() >= TOKEN_LEN
        && !is_uuid(part)
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_alphabetic)
        && !is_plain_path(part)
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

    #[test]
    fn secrets_and_what_looks_like_one_are_taken_out() {
        let secrets = [
            "rt-1",
            "s3cret value",
            "abc",
            "kpxq-mnbv/zlkj",
            "a-refreshing-one-more",
            "x7w6-v5u4t3s2",
            "https://api.example.com/2027-01",
        ]
        .map(Cow::Borrowed);
        for (text, expected) in [
            ("Token has been expired or revoked.", Some("Token has been expired or revoked.")),
            ("bad token rt-1!", Some("bad token [redacted]!")),
            ("bad s3cret value", Some("bad [redacted]")),
            // In part, and as a form writes it.
            ("no kpxq-mnbv here", Some("no [redacted] here")),
            ("no kpxq-mnbv... here", Some("no [redacted] here")),
            ("no KPXQ-MNB here", Some("no [redacted] here")),
            // Within a longer word.
            ("no bad_x7w6-v5u here", Some("no [redacted] here")),
            ("no V5U4T3S2.gone here", Some("no [redacted] here")),
            ("no bad_x7w6-v5 here", Some("no bad_x7w6-v5 here")),
            ("no its-a-refreshing-one here", Some("no [redacted] here")),
            // Not every link, nor every date.
            ("see www.example.com, 2027-01-02", Some("see www.example.com, 2027-01-02")),
            ("no kpxq-mnbv%2Fzlkj here", Some("no [redacted] here")),
            ("at A1b2C3d4E5f6/G7h8I9j0K1l2/M3n4", Some("at [redacted]")),
            ("no RT-1 here", Some("no [redacted] here")),
            // Too short to be told from a word.
            ("abc", Some("abc")),
            // A word that a secret and a message may share.
            ("a refreshing change", Some("a refreshing change")),
            // A path of words, and one with a word that is none.
            ("see docs/abcdefghijklmno/v21", Some("see docs/abcdefghijklmno/v21")),
            ("see docs/abcdefghijklmnop/v2", Some("see [redacted]")),
            ("line\n\tbreak\u{1b}[31m", Some("line break [31m")),
            ("caf\u{e9} au lait", Some("caf au lait")),
            ("\u{1F511}", None),
            ("", None),
            ("token=ya29.a0AfH6SMBx1234567890abcdefghij expired", Some("token=[redacted] expired")),
            (
                "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
                Some("[redacted]"),
            ),
            (
                "AADSTS70008: expired. Trace ID: 6ac1bd31-9eb2-4c6a-8c1e-0d1d3a1f2b00",
                Some("AADSTS70008: expired. Trace ID: 6ac1bd31-9eb2-4c6a-8c1e-0d1d3a1f2b00"),
            ),
            ("no zyxwvut1-zyxw-zyxw-zyxw-zyxwvutsrqp2", Some("no [redacted]")),
            (
                "see https://example.com/docs/errors/v2",
                Some("see https://example.com/docs/errors/v2"),
            ),
        ] {
            assert_eq!(scrub(text, &secrets).as_deref(), expected, "{text:?}");
        }
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
