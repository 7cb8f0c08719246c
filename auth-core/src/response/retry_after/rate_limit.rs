//! `RateLimit`, a structured field (RFC 9651) of the IETF's drafts
//! (<https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/>).

use std::time::Duration;

use http::HeaderMap;

/// How much of it is looked at.
const MOST_VALUES: usize = 4;
const LONGEST: usize = 1024;

/// What is left of a limit, and when it is lifted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct RateLimit {
    pub(super) remaining: Option<u64>,
    pub(super) reset: Duration,
}

impl RateLimit {
    /// The limit that stands in the way: the one of those used up that is lifted
    /// last, or else the first of all.
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all("ratelimit").iter().take(MOST_VALUES);
        let values = values.filter_map(|value| value.to_str().ok()).filter(|v| v.len() <= LONGEST);
        let limits: Vec<Self> = values.flat_map(limits).collect();
        let used_up = limits.iter().filter(|limit| limit.remaining == Some(0));
        used_up.max_by_key(|limit| limit.reset).or(limits.first()).copied()
    }
}

fn limits(value: &str) -> Vec<RateLimit> {
    let members = || split(value, b',');
    // Up to draft 7: `limit=100, remaining=0, reset=30`.
    let named = |name| members().find_map(|member| number(split(member, b';').next()?, name));
    let old = named("reset").map(|reset| RateLimit {
        remaining: named("remaining"),
        reset: Duration::from_secs(reset),
    });
    // Since then: `"default";r=0;t=30`.
    let items = members().filter_map(|member| {
        let parameter = |name| split(member, b';').skip(1).find_map(|part| number(part, name));
        Some(RateLimit { remaining: parameter("r"), reset: Duration::from_secs(parameter("t")?) })
    });
    old.into_iter().chain(items).collect()
}

/// The number that `name=number` gives.
fn number(part: &str, name: &str) -> Option<u64> {
    let number = part.strip_prefix(name)?.strip_prefix('=')?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| number.parse().ok())?
}

/// The trimmed parts between separators that are not within quotes.
fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c: char| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        !quoted && c == char::from(separator)
    })
    .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Option<(Option<u64>, u64)> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("ratelimit", value.parse().unwrap());
        }
        RateLimit::read(&headers).map(|limit| (limit.remaining, limit.reset.as_secs()))
    }

    #[test]
    fn both_forms() {
        for (value, expected) in [
            (r#""default";r=0;t=30"#, Some((Some(0), 30))),
            (r#""default" ; r=0 ; t=30"#, Some((Some(0), 30))),
            (r#""default";t=30;r=0;pk=:cHsdsRa894==:"#, Some((Some(0), 30))),
            (r#"default;r=5;t=30"#, Some((Some(5), 30))),
            (r#""a";r=5;t=9, "b";r=0;t=30, "c";r=0;t=20"#, Some((Some(0), 30))),
            (r#""a, b;r=9;t=9";r=0;t=30"#, Some((Some(0), 30))),
            (r#""a\"";r=0;t=30"#, Some((Some(0), 30))),
            (r#""a";t=30"#, Some((None, 30))),
            ("limit=100, remaining=0, reset=30", Some((Some(0), 30))),
            ("limit=100,remaining=7,reset=30", Some((Some(7), 30))),
            ("limit=100;w=60, remaining=0, reset=30", Some((Some(0), 30))),
            ("reset=30", Some((None, 30))),
            ("", None),
            (r#""a";r=0"#, None),
            (r#""a";r=0;t=-1"#, None),
            (r#""a";r=0;t=1.5"#, None),
            (r#""a;r=0;t=30"#, None),
            ("remaining=0", None),
            ("reset=", None),
            ("30", None),
        ] {
            assert_eq!(read(&[value]), expected, "{value}");
        }
        assert_eq!(read(&[r#""a";r=1;t=9"#, r#""b";r=0;t=30"#]), Some((Some(0), 30)));
        assert_eq!(read(&[&format!(r#""{}";r=0;t=30"#, "a".repeat(LONGEST))]), None);
    }
}
