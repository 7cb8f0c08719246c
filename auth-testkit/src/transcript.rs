//! Calls written down for a person: what was sent, and what came back. A secret
//! is shown as a number, the same secret as the same number.

use std::{fmt::Write as _, panic::Location, time::Duration};

use auth_core::{Response, TransportError};
use serde_json::Value;

use crate::{RecordedRequest, jwt::DecodedJwt};

/// One call and its outcome.
pub(crate) struct RecordedCall {
    pub(crate) request: RecordedRequest,
    pub(crate) state: CallState,
    /// When it was over.
    pub(crate) ended: Option<Duration>,
    /// Which step of the script it was, and where that was scripted.
    pub(crate) step: Option<(usize, &'static Location<'static>)>,
}

pub(crate) enum CallState {
    UnderWay,
    Responded(Response),
    Failed(TransportError),
    GivenUp,
    /// There was no outcome for it.
    Unexpected,
}

/// All calls, one below the other. With `locations`, each has the line of the
/// test at which its outcome was scripted.
pub(crate) fn render(calls: &[RecordedCall], secrets: &mut Secrets, locations: bool) -> String {
    let mut text = String::new();
    for (at, entry) in calls.iter().enumerate() {
        let number = at + 1;
        let ms = entry.request.at.as_millis();
        let request = describe_request(&entry.request, secrets);
        let _ = writeln!(text, "{number:>3}. at {ms} ms: {request}");
        let state = describe_state(&entry.state, secrets);
        let _ = write!(text, "     <- ");
        if let Some(ended) = entry.ended.filter(|ended| *ended != entry.request.at) {
            let _ = write!(text, "at {} ms: ", ended.as_millis());
        }
        let _ = write!(text, "{state}");
        if let (true, Some((step, location))) = (locations, entry.step) {
            let _ = write!(text, "   (step {step}, {location})");
        }
        text.push('\n');
    }
    if calls.is_empty() {
        text.push_str("  nothing was asked\n");
    }
    text
}

pub(crate) fn describe_request(request: &RecordedRequest, secrets: &mut Secrets) -> String {
    let mut text = format!(
        "{} {}{}",
        request.method(),
        // Without a user name or password.
        request
            .uri()
            .authority()
            .map_or("", |authority| { authority.as_str().rsplit('@').next().unwrap_or_default() }),
        request.uri().path(),
    );
    if let Some((name, secret)) = request.basic_auth() {
        let _ = write!(text, " basic_auth={name}:{}", secrets.show("secret", &secret));
    } else if let Some(value) = request.header("authorization") {
        let _ = write!(text, " authorization={}", secrets.show("authorization", value));
    }
    if let Some(proof) = request.header("dpop") {
        let _ = write!(text, " dpop={}", secrets.show_request_value("dpop", proof));
    }
    match request.format() {
        Some(_) => {
            for (name, value) in request.params() {
                let _ = write!(text, " {name}={}", secrets.show_request_value(name, value));
            }
        }
        None => {
            let _ = write!(text, " body of {} bytes", request.body().len());
        }
    }
    text
}

pub(crate) fn describe_state(state: &CallState, secrets: &mut Secrets) -> String {
    match state {
        CallState::UnderWay => "no response so far".to_owned(),
        CallState::Responded(response) => describe_response(response, secrets),
        CallState::Failed(error) => error.to_string(),
        CallState::GivenUp => "given up by the caller before the response".to_owned(),
        CallState::Unexpected => "no step of the script is for this".to_owned(),
    }
}

pub(crate) fn describe_response(response: &Response, secrets: &mut Secrets) -> String {
    let mut text = response.status().as_u16().to_string();
    for name in ["retry-after", "location"] {
        if let Some(value) = response.headers().get(name).and_then(|value| value.to_str().ok()) {
            let _ = write!(text, " {name}: {}", secrets.show(name, value));
        }
    }
    if response.body().is_empty() {
        text.push_str(", no body");
    } else if let Ok(Value::Object(members)) = serde_json::from_slice(response.body()) {
        for (name, value) in &members {
            let value = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            let _ = write!(text, " {name}={}", secrets.show(name, &value));
        }
    } else {
        let _ = write!(text, ", body of {} bytes", response.body().len());
    }
    text
}

/// Values that must not be shown, numbered in the order in which they were
/// met.
#[derive(Default)]
pub(crate) struct Secrets {
    seen: Vec<String>,
}

/// Parameters, members and headers that are no secrets, in lower case.
const HARMLESS: [&str; 25] = [
    "accept",
    "actor_token_type",
    "audience",
    "client_assertion_type",
    "client_id",
    "clientid",
    "content-type",
    "error",
    "error_description",
    "expires_in",
    "expirein",
    "expiresin",
    "grant_type",
    "granttype",
    "issued_token_type",
    "ok",
    "requested_token_type",
    "resource",
    "retry-after",
    "scope",
    "subject_token_type",
    "token_type",
    "token_type_hint",
    "tokentype",
    "user-agent",
];

/// A word this long that mixes letters and digits is taken for a token,
/// wherever it stands.
const TOKEN_LEN: usize = 16;

impl Secrets {
    /// The value, if one of this name is harmless, otherwise its number.
    pub(crate) fn show(&mut self, name: &str, value: &str) -> String {
        if !HARMLESS.contains(&name.to_ascii_lowercase().as_str()) {
            return self.number(value);
        }
        value.split(' ').map(|word| self.show_word(word)).collect::<Vec<_>>().join(" ")
    }

    /// As [`show`](Self::show), and of a JSON Web Token that is a secret, the names of
    /// its claims.
    fn show_request_value(&mut self, name: &str, value: &str) -> String {
        let shown = self.show(name, value);
        match DecodedJwt::parse(value) {
            Some(token) if !shown.contains(value) => {
                let names: Vec<_> =
                    token.claims().keys().map(|name| self.show_word(name)).collect();
                format!("{shown}{{{}}}", names.join(","))
            }
            _ => shown,
        }
    }

    fn show_word(&mut self, word: &str) -> String {
        let has = |test: fn(&u8) -> bool| word.bytes().any(|byte| test(&byte));
        let is_registered = word.starts_with("urn:ietf:params:oauth:");
        if !is_registered
            && word.len() >= TOKEN_LEN
            && has(u8::is_ascii_digit)
            && has(u8::is_ascii_alphabetic)
        {
            self.number(word)
        } else {
            word.to_owned()
        }
    }

    fn number(&mut self, value: &str) -> String {
        let at = self.seen.iter().position(|seen| seen == value).unwrap_or_else(|| {
            self.seen.push(value.to_owned());
            self.seen.len() - 1
        });
        format!("[secret {}]", at + 1)
    }

    /// The text, with every secret met so far taken out: what is harmless by
    /// name may still echo one.
    pub(crate) fn scrub(&self, text: String) -> String {
        self.seen
            .iter()
            .enumerate()
            .filter(|(_, secret)| secret.len() >= 4)
            .fold(text, |text, (at, secret)| {
                text.replace(secret.as_str(), &format!("[secret {}]", at + 1))
            })
    }
}
