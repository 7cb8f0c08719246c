use auth_core::{Backoff, Delivery, Failure, FailureKind, Response, Rule};
use serde_json::Value;

use crate::told::trimmed;

/// The kind is one that the response's status or its own words allow: `Rejected`
/// only for a documented code, and the others only where status or code says
/// so.
pub fn judged_within_reason(response: &Response, failure: &Failure) {
    let status = response.status().as_u16();
    assert_eq!(failure.status(), Some(response.status()));
    assert_ne!(failure.delivery(), Delivery::NotSent, "a response came, and so the request left");
    let words = Words::of(response);
    let by_rule = |kind| {
        Rule::built_in().iter().any(|rule| {
            rule.kind() == kind
                && failure.provider() == Some(rule.get_provider())
                && rule.code().is_none_or(|code| words.have(code))
        })
    };
    match failure.kind() {
        FailureKind::Rejected => {
            let standard = failure.provider().is_none() && words.have("invalid_grant");
            assert!(standard || by_rule(FailureKind::Rejected), "{failure:?}");
            assert!(failure.code().is_some() || failure.provider().is_some(), "{failure:?}");
            assert!(!is_no_verdict(status), "{status} is no verdict on the token");
            assert_eq!(failure.delivery(), Delivery::Answered, "{failure:?}");
        }
        FailureKind::Throttled => {
            let said = status == 429 || words.have("slow_down") || by_rule(FailureKind::Throttled);
            assert!(said, "{failure:?}");
        }
        FailureKind::Misconfigured => {
            let elsewhere = matches!(status, 300..400 | 404 | 405);
            let said = MISCONFIGURED.iter().any(|code| words.have(code));
            assert!(elsewhere || said || by_rule(FailureKind::Misconfigured), "{failure:?}");
        }
        FailureKind::Interrupted => {
            assert!(response.status().is_success(), "{failure:?}");
            assert_eq!(failure.delivery(), Delivery::Unknown, "{failure:?}");
        }
        FailureKind::Unreachable => panic!("there was a response"),
        _ => {}
    }
    // A 5xx may hide a rotation; and what is no status counts as one.
    if status >= 500 && failure.kind() == FailureKind::Unavailable {
        assert_eq!(failure.delivery(), Delivery::Unknown, "{failure:?}");
    }
    if Backoff::retries_by_default(failure) {
        assert!(!response.status().is_client_error(), "a 4xx is retried by default");
    }
    // A page holds no code, whatever is written on it, and half a response no
    // verdict. A challenge says what it says, whatever the body is.
    let is_challenge = response.headers().contains_key(http::header::WWW_AUTHENTICATE);
    if (is_page(response.body()) || is_cut(response.body())) && !is_challenge {
        assert_eq!(failure.code(), None, "out of what is no response");
        assert_eq!(failure.provider(), None, "out of what is no response");
        assert_ne!(failure.kind(), FailureKind::Rejected);
    }
}

/// Whether the response holds the demand for another proof (RFC 9449 section 8), in
/// whatever form and place.
pub(crate) fn may_demand_a_nonce(response: &Response) -> bool {
    let is_verdict = !is_no_verdict(response.status().as_u16());
    is_verdict && Words::of(response).have(NONCE_WANTED)
}

/// Whether it says so as the standard has it, and nothing else.
pub(crate) fn demands_a_nonce(response: &Response) -> bool {
    let body = serde_json::from_slice::<Value>(response.body());
    matches!(response.status().as_u16(), 400 | 401)
        && !response.headers().contains_key(http::header::WWW_AUTHENTICATE)
        && !response.headers().contains_key(http::header::CONTENT_ENCODING)
        && body.is_ok_and(|body| body == serde_json::json!({ "error": NONCE_WANTED }))
}

const NONCE_WANTED: &str = "use_dpop_nonce";

/// What is kept of a response is short, and printable on one line.
pub fn bounded(failure: &Failure) {
    let printable = |text: &str| text.bytes().all(|byte| (0x20..0x7F).contains(&byte));
    if let Some(code) = failure.code() {
        assert!((1..=64).contains(&code.as_str().len()), "{code:?}");
        assert!(printable(code.as_str()), "{code:?}");
    }
    if let Some(text) = failure.description() {
        assert!((1..=256).contains(&text.len()), "{text:?}");
        assert!(printable(text), "{text:?}");
    }
    if let Some(location) = failure.location() {
        assert!((1..=200).contains(&location.len()), "{location:?}");
        assert!(printable(location), "{location:?}");
        assert!(!location.contains(['?', '#']), "{location:?}");
    }
    // In quotes, where a character may become two.
    let line = failure.to_string();
    assert!(line.len() < 1024 && !line.contains(char::is_control), "{line:?}");
}

/// Codes that say by the standards that the client is set up wrongly (RFC 6749
/// section 5.2, RFC 8707 section 2, RFC 9449 sections 5 and 8), and one that is none
/// but widespread.
const MISCONFIGURED: [&str; 9] = [
    "invalid_request",
    "invalid_client",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_target",
    "invalid_request_error",
    "invalid_dpop_proof",
    NONCE_WANTED,
];

/// Statuses of those on the way to the server, and of a server that did not
/// get to the request.
fn is_no_verdict(status: u16) -> bool {
    matches!(status, ..200 | 300..400 | 407 | 408 | 421 | 425 | 429 | 500..)
}

/// Warnings of PHP are HTML before an object.
fn is_page(body: &[u8]) -> bool {
    let body = trimmed(body);
    body.is_empty() || body.starts_with(b"<") && !body.contains(&b'{')
}

/// A JSON object without its end.
fn is_cut(body: &[u8]) -> bool {
    let body = trimmed(body);
    body.starts_with(b"{")
        && serde_json::from_slice::<Value>(body).is_err_and(|error| error.is_eof())
}

/// Everything in a response that could be taken for a code.
struct Words {
    exact: Vec<String>,
    /// JSON of which a part is broken, or that has something around it, and
    /// challenges: who can say what still can be read?
    broken: Option<String>,
}

impl Words {
    fn of(response: &Response) -> Self {
        let mut words = Self { exact: Vec::new(), broken: None };
        let body = trimmed(response.body());
        if let Ok(value) = serde_json::from_slice(body) {
            words.collect(&value);
        } else if body.contains(&b'{') || matches!(body.first(), Some(b'[' | b'"')) {
            words.broken = Some(String::from_utf8_lossy(body).into_owned());
        }
        for challenge in response.headers().get_all(http::header::WWW_AUTHENTICATE) {
            let text = words.broken.get_or_insert_default();
            text.push_str(&String::from_utf8_lossy(challenge.as_bytes()));
        }
        if !matches!(body.first(), Some(b'{' | b'[' | b'"' | b'<')) {
            let values = form_urlencoded::parse(body).map(|(_, value)| value.into_owned());
            words.exact.extend(values);
        }
        words
    }

    fn collect(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.exact.push(text.clone()),
            Value::Number(number) => self.exact.push(number.to_string()),
            Value::Array(items) => items.iter().for_each(|item| self.collect(item)),
            Value::Object(members) => members.values().for_each(|item| self.collect(item)),
            _ => {}
        }
    }

    fn have(&self, code: &str) -> bool {
        // AWS puts a namespace before the code (`com.example#Name`), RFC 9457 a
        // whole URI.
        let is_it = |word: &String| {
            let word = word.rsplit(['#', '/', ':']).next().unwrap_or_default().trim();
            word == code || letters(word).starts_with(&letters(code))
        };
        self.exact.iter().any(is_it)
            // A code may be written with escapes.
            || self.broken.as_ref().is_some_and(|text| {
                letters(text).contains(&letters(code)) || text.contains('\\')
            })
    }
}

/// In whatever spelling.
fn letters(text: &str) -> String {
    text.chars().filter(|c| !"_-".contains(*c)).map(|c| c.to_ascii_lowercase()).collect()
}
