//! The challenge of a response (RFC 9110 section 11.6.1), which says what is wrong
//! in its parameters `error` and `error_description` (RFC 6750 section 3).

use http::{HeaderMap, header};
use zeroize::Zeroize;

/// How much of them is looked at.
pub(super) const MOST_VALUES: usize = 16;
const LONGEST: usize = 8192;

/// What a challenge says of an error.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Challenge {
    pub(super) error: String,
    pub(super) description: Option<String>,
}

/// The first challenge with an error. What cannot be read ends its header.
pub(super) fn read(headers: &HeaderMap) -> Option<Challenge> {
    let values = headers.get_all(header::WWW_AUTHENTICATE).iter().take(MOST_VALUES);
    values.map(http::HeaderValue::as_bytes).find_map(first_error)
}

fn first_error(value: &[u8]) -> Option<Challenge> {
    let mut text = Text(&value[..value.len().min(LONGEST)]);
    let mut found = Challenge::default();
    while text.skip_to_next() {
        let Some(name) = text.token() else { break };
        let Some(value) = text.value() else {
            // The name of a scheme, which begins another challenge.
            if !found.error.is_empty() {
                break;
            }
            found = Challenge::default();
            text.skip_token68();
            continue;
        };
        // The first counts: RFC 9110 section 11.2 allows no second.
        if name.eq_ignore_ascii_case(b"error") && found.error.is_empty() {
            found.error = value;
        } else if name.eq_ignore_ascii_case(b"error_description") && found.description.is_none() {
            found.description = Some(value);
        }
    }
    (!found.error.is_empty()).then_some(found)
}

/// The parameters of each challenge of a header. What cannot be read ends it, and the
/// challenge that it stands in counts no more.
pub(super) fn parameters(value: &[u8]) -> Vec<Vec<(String, String)>> {
    let mut text = Text(value);
    let mut challenges = Vec::new();
    let mut found = Vec::new();
    while text.skip_to_next() {
        let Some(name) = text.token() else { return challenges };
        let name = String::from_utf8_lossy(name).into_owned();
        match text.value() {
            Some(value) => found.push((name, value)),
            None if text.is_at_value() => return challenges,
            None => {
                challenges.push(std::mem::take(&mut found));
                text.skip_token68();
            }
        }
    }
    challenges.push(found);
    challenges
}

struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// Skips what separates: commas, of which there may be too many, and white
    /// space. `false` at the end.
    fn skip_to_next(&mut self) -> bool {
        self.skip(|byte| matches!(byte, b',' | b' ' | b'\t'));
        !self.0.is_empty()
    }

    fn skip(&mut self, test: impl Fn(u8) -> bool) {
        self.take(test);
    }

    fn take(&mut self, test: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.0.iter().position(|byte| !test(*byte)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken
    }

    fn token(&mut self) -> Option<&'a [u8]> {
        let token = self.take(is_token);
        (!token.is_empty()).then_some(token)
    }

    /// The value, if the token before was the name of a parameter.
    fn value(&mut self) -> Option<String> {
        let mut ahead = Text(self.0);
        ahead.skip(is_space);
        ahead.0 = ahead.0.strip_prefix(b"=")?;
        ahead.skip(is_space);
        let value = match ahead.0.strip_prefix(b"\"") {
            Some(rest) => {
                ahead.0 = rest;
                ahead.quoted()?
            }
            None => String::from_utf8_lossy(ahead.token()?).into_owned(),
        };
        self.0 = ahead.0;
        Some(value)
    }

    /// Whether a value follows, read or not.
    fn is_at_value(&self) -> bool {
        let mut ahead = Text(self.0);
        ahead.skip(is_space);
        ahead.0.first() == Some(&b'=')
    }

    /// The rest of a quoted string, without its escapes.
    fn quoted(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        loop {
            let (first, rest) = self.0.split_first()?;
            self.0 = rest;
            match first {
                b'"' => return Some(String::from_utf8_lossy(&bytes).into_owned()),
                b'\\' => {
                    let (escaped, rest) = self.0.split_first()?;
                    self.0 = rest;
                    bytes.push(*escaped);
                }
                byte => bytes.push(*byte),
            }
        }
    }

    /// What may stand behind a scheme instead of parameters. It ends where a
    /// challenge does.
    fn skip_token68(&mut self) {
        let mut ahead = Text(self.0);
        ahead.skip(is_space);
        ahead.skip(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte));
        ahead.skip(|byte| byte == b'=');
        ahead.skip(is_space);
        if matches!(ahead.0.first(), None | Some(b',')) {
            self.0 = ahead.0;
        }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

impl Drop for Challenge {
    fn drop(&mut self) {
        self.error.zeroize();
        self.description.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read_all(values: &[&[u8]]) -> Option<(String, Option<String>)> {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_bytes(value).unwrap();
            headers.append(header::WWW_AUTHENTICATE, value);
        }
        read(&headers).map(|found| (found.error.clone(), found.description.clone()))
    }

    #[test]
    fn the_first_challenge_with_an_error() {
        for (value, error, description) in [
            (r#"Bearer error="invalid_grant""#, Some("invalid_grant"), None),
            ("Bearer error=invalid_grant", Some("invalid_grant"), None),
            ("bearer ERROR = \"a\"", Some("a"), None),
            (r#"Bearer realm="r", error="a", error_description="d e""#, Some("a"), Some("d e")),
            (r#"Bearer error_description="d", error="a""#, Some("a"), Some("d")),
            (r#"Bearer realm="r",error="a",scope="b c""#, Some("a"), None),
            // Several, by commas which also stand between parameters.
            (r#"Basic realm="x", Bearer error="a", error_description="d""#, Some("a"), Some("d")),
            (r#"Negotiate, Bearer error="a""#, Some("a"), None),
            (r#"Negotiate abc==, Bearer error="a""#, Some("a"), None),
            (r#"NTLM TlRMTVNTUAAB, DPoP algs="ES256", error="a""#, Some("a"), None),
            (r#"Bearer error="a", Basic realm="x", error_description="of Basic""#, Some("a"), None),
            (r#"Bearer error_description="d", DPoP error="a""#, Some("a"), None),
            (r#"Bearer error="a", DPoP error="b""#, Some("a"), None),
            (r#", ,Bearer error="a",,"#, Some("a"), None),
            // Within quotes nothing begins and nothing ends.
            (r#"Basic realm="x, Bearer error=\"b\"", Bearer error="a""#, Some("a"), None),
            (r#"Basic realm="error=", Bearer error="a\b""#, Some("ab"), None),
            (
                r#"Bearer error="a", error_description="say \"d\", e\\f""#,
                Some("a"),
                Some(r#"say "d", e\f"#),
            ),
            (r#"Bearer error="a", error="b""#, Some("a"), None),
            // None.
            ("", None, None),
            ("Bearer", None, None),
            (r#"Basic realm="x""#, None, None),
            (r#"Basic realm="error=\"a\"""#, None, None),
            (r#"Bearer error="""#, None, None),
            ("Bearer error=", None, None),
            (r#"Bearer error="a"#, None, None),
            (r#"Bearer error="a\"#, None, None),
            ("error", None, None),
            ("Negotiate error==", None, None),
            ("\"a\" Bearer", None, None),
            (r#"Bearer x-error="a""#, None, None),
            // What is broken ends the header, and what stood before it counts.
            (r#"Bearer error="a", ;error_description="d""#, Some("a"), None),
            (r#"Bearer error="a", error_description="d"#, Some("a"), None),
        ] {
            let expected = error.map(|error| (error.to_owned(), description.map(str::to_owned)));
            assert_eq!(read_all(&[value.as_bytes()]), expected, "{value}");
        }
        assert_eq!(read_all(&[b"Basic realm=x", b"Bearer error=a"]).unwrap().0, "a");
        let latin = read_all(&[b"Bearer error=\"a\", error_description=\"expir\xe9\""]).unwrap();
        assert_eq!(latin.1.as_deref(), Some("expir\u{fffd}"));
    }

    #[test]
    fn long_ones_are_cut() {
        let long = format!("Basic realm=\"{}\", Bearer error=a", "x".repeat(LONGEST));
        assert_eq!(read_all(&[long.as_bytes()]), None);
        let commas = ",".repeat(LONGEST - 14) + "Bearer error=a";
        assert_eq!(read_all(&[commas.as_bytes()]).unwrap().0, "a");
        let many = vec![&b"Basic realm=x"[..]; MOST_VALUES];
        assert_eq!(read_all(&[&many[..], &[b"Bearer error=a"]].concat()), None);
    }
}
