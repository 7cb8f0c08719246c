//! Telling by its looks whether a word may be a token.

/// A word this long that mixes letters and digits, or letters of both cases, is
/// taken for a token. Not so a UUID: servers name traces by them, and support
/// staff ask for those. One that was sent is found as a secret.
const TOKEN_LEN: usize = 24;

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
