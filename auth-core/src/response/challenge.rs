//! The challenges of a response (RFC 9110 section 11.6.1): what a server wants, and in
//! the parameters `error` and `error_description` what is wrong (RFC 6750 section 3).
//!
//! The reader takes what servers really send: challenges without commas between their
//! parameters, values without quotes, several challenges in a field and several fields.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use zeroize::Zeroize;

/// How much of them is looked at.
pub(super) const MOST_VALUES: usize = 16;
pub(super) const LONGEST: usize = 32 * 1024;
const MOST_CHALLENGES: usize = 32;
const MOST_PARAMETERS: usize = 64;

/// A challenge. Its values are treated as secrets, for they may be claims.
pub struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
    /// Whether nothing in it could not be read.
    is_whole: bool,
}

impl Challenge {
    fn of(scheme: &[u8]) -> Self {
        let scheme = String::from_utf8_lossy(scheme).into_owned();
        Self { scheme, parameters: Vec::new(), is_whole: true }
    }

    /// Whether it is of this scheme, such as `Bearer`, in any case.
    pub fn is_of(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// The value of a parameter. The first counts: RFC 9110 section 11.2 allows no second.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// What is wrong, if it says so.
    pub fn error(&self) -> Option<&str> {
        self.all("error").find(|error| !error.is_empty())
    }

    /// Whether nothing in it could not be read.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = move |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        self.parameters.iter().filter(named).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenge").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

impl Drop for Challenge {
    fn drop(&mut self) {
        for (_, value) in &mut self.parameters {
            value.zeroize();
        }
    }
}

/// All challenges of a response of an API. What cannot be read ends its field; what stands
/// before it counts.
pub fn challenges(headers: &HeaderMap) -> impl Iterator<Item = Challenge> {
    fields(headers).flat_map(read)
}

/// The fields that are looked at.
pub(super) fn fields(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let values = headers.get_all(header::WWW_AUTHENTICATE).iter();
    let values = values.chain(headers.get_all(REMAPPED));
    values.take(MOST_VALUES).map(HeaderValue::as_bytes)
}

/// What Amazon API Gateway makes of the field of a service behind it
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html>).
const REMAPPED: HeaderName = HeaderName::from_static("x-amzn-remapped-www-authenticate");

/// The challenges of one field.
pub(super) fn read(field: &[u8]) -> Vec<Challenge> {
    let mut text = Text(&field[..field.len().min(LONGEST)]);
    let mut found: Vec<Challenge> = Vec::new();
    loop {
        let is_apart = text.skip_to_next();
        if text.0.is_empty() {
            return found;
        }
        let count = found.len();
        let name = text.token();
        let value = name.and_then(|_| text.value());
        match (name, value, found.last_mut()) {
            (Some(name), Some(value), Some(last)) => last.put(name, value),
            // Of no scheme.
            (Some(name), Some(value), None) => {
                let mut nameless = Challenge::of(b"");
                nameless.put(name, value);
                found.push(nameless);
            }
            (None, ..) => return ended(found),
            (Some(_), None, _) if text.is_at_value() => return ended(found),
            // A word of a value that has blanks and no quotes.
            (Some(_), None, Some(last)) if !is_apart && !last.parameters.is_empty() => {}
            (Some(_), None, _) if count >= MOST_CHALLENGES => return found,
            (Some(scheme), None, _) => {
                found.push(Challenge::of(scheme));
                text.skip_token68();
            }
        }
    }
}

/// The rest cannot be read.
fn ended(mut found: Vec<Challenge>) -> Vec<Challenge> {
    if let Some(last) = found.last_mut() {
        last.is_whole = false;
    }
    found
}

impl Challenge {
    fn put(&mut self, name: &[u8], value: String) {
        if self.parameters.len() < MOST_PARAMETERS {
            self.parameters.push((String::from_utf8_lossy(name).into_owned(), value));
        }
    }
}

struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// Skips what separates: commas, of which there may be too many, and white
    /// space. Returns whether there was a comma.
    fn skip_to_next(&mut self) -> bool {
        self.take(|byte| byte == b',' || is_space(byte)).contains(&b',')
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
            None => String::from_utf8_lossy(ahead.take(is_unquoted)).into_owned(),
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

/// What values without quotes are made of, such as URLs.
fn is_unquoted(byte: u8) -> bool {
    is_token(byte) || b":/?=&@".contains(&byte)
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
        let found = challenges(&headers).find(|challenge| challenge.error().is_some())?;
        let description = found.get("error_description").map(str::to_owned);
        Some((found.error()?.to_owned(), description))
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
            // As servers send them: no commas, no quotes, no value.
            (r#"Bearer realm="r" error="a" error_description="d""#, Some("a"), Some("d")),
            ("Bearer realm=https://a.example/b?c=d, error=a", Some("a"), None),
            ("Bearer error_description=It has expired, error=a", Some("a"), Some("It")),
            ("Bearer realm=, error=a", Some("a"), None),
            (r#"Bearer error="", error=a"#, Some("a"), None),
            (r#"error="a""#, Some("a"), None),
            // What is broken ends the header, and what stood before it counts.
            (r#"Bearer error="a", ;error_description="d""#, Some("a"), None),
            (r#"Bearer error="a", error_description="d"#, Some("a"), None),
        ] {
            let expected = error.map(|error| (error.to_owned(), description.map(str::to_owned)));
            assert_eq!(read_all(&[value.as_bytes()]), expected, "{value}");
        }
        assert_eq!(read_all(&[b"Basic realm=x", b"Bearer error=a"]).unwrap().0, "a");
        let mut headers = HeaderMap::new();
        headers.insert(REMAPPED, HeaderValue::from_static("Bearer error=a"));
        assert_eq!(
            challenges(&headers).next().and_then(|one| one.error().map(str::to_owned)).as_deref(),
            Some("a")
        );
        let latin = read_all(&[b"Bearer error=\"a\", error_description=\"expir\xe9\""]).unwrap();
        assert_eq!(latin.1.as_deref(), Some("expir\u{fffd}"));
    }

    #[test]
    fn each_has_its_scheme() {
        let schemes = |value: &str| -> Vec<(String, Option<String>, bool)> {
            let tell = |one: &Challenge| {
                (one.scheme.clone(), one.get("error").map(str::to_owned), one.is_whole())
            };
            read(value.as_bytes()).iter().map(tell).collect()
        };
        let of = |scheme: &str, error: Option<&str>, is_whole| {
            (scheme.to_owned(), error.map(str::to_owned), is_whole)
        };
        for (value, expected) in [
            ("Bearer", vec![of("Bearer", None, true)]),
            (
                "Bearer error=a, DPoP error=b, Basic",
                vec![
                    of("Bearer", Some("a"), true),
                    of("DPoP", Some("b"), true),
                    of("Basic", None, true),
                ],
            ),
            (
                "Negotiate DPoP error=b",
                vec![of("Negotiate", None, true), of("DPoP", Some("b"), true)],
            ),
            (
                "NTLM abc=, bearer error=b",
                vec![of("NTLM", None, true), of("bearer", Some("b"), true)],
            ),
            (
                "Bearer error=a two words, DPoP",
                vec![of("Bearer", Some("a"), true), of("DPoP", None, true)],
            ),
            (
                "Basic, Bearer error=a, ;",
                vec![of("Basic", None, true), of("Bearer", Some("a"), false)],
            ),
            ("error=a", vec![of("", Some("a"), true)]),
            (";", vec![]),
        ] {
            assert_eq!(schemes(value), expected, "{value}");
        }
    }

    #[test]
    fn no_more_is_kept_than_counts() {
        let many = "Bearer a=b, ".repeat(LONGEST);
        assert_eq!(read(many.as_bytes()).len(), MOST_CHALLENGES);
        let many = format!("Bearer {}", "a=b, ".repeat(LONGEST));
        assert_eq!(read(many.as_bytes())[0].parameters.len(), MOST_PARAMETERS);
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
