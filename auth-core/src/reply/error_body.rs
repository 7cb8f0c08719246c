//! The body of an answer that is not a token: where providers put what RFC
//! 6749 section 5.2 calls `error` and `error_description`.

use std::{borrow::Cow, time::Duration};

use http::HeaderMap;
use serde_json::{Map, Value};

use super::{may_be_form, trimmed};

/// What an error body holds.
#[derive(Debug, Default, PartialEq)]
pub(super) struct ErrorBody {
    /// Everything that may be the code, the likeliest first.
    pub(super) codes: Vec<Cow<'static, str>>,
    /// The explanation.
    pub(super) description: Option<String>,
    /// A wait named in the body.
    pub(super) retry_after: Option<Duration>,
    /// Codes that are numbers, while the rest is being read.
    numbers: Vec<Cow<'static, str>>,
}

/// Members that hold a code, the likeliest first. Some hold a number.
const CODE: [&str; 13] = [
    "error",
    "code",
    "type",
    "error_code",
    "errorCode",
    "errorType",
    "error_type",
    "error_subtype",
    "suberror",
    "error_subcode",
    "__type",
    "status",
    "errcode",
];

/// Members that hold an explanation.
const DESCRIPTION: [&str; 7] = [
    "error_description",
    "errorDescription",
    "errorSummary",
    "message",
    "error_message",
    "description",
    "msg",
];

/// Reads an error out of a body, `None` if it is neither JSON nor a form or
/// holds nothing that looks like a code.
pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Option<ErrorBody> {
    let body = trimmed(body);
    let value = if may_be_form(headers, body) {
        Value::Object(
            form_urlencoded::parse(body)
                .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
                .collect(),
        )
    } else {
        serde_json::from_slice(body).ok()?
    };
    let mut error = ErrorBody::default();
    error.take(&value, 0);
    // `{"error":{"message":"TOKEN_EXPIRED"}}`: the explanation is the code.
    if let Some(description) = error.description.clone().filter(|text| !text.contains(' ')) {
        error.push(&description);
    }
    let numbers = std::mem::take(&mut error.numbers);
    error.codes.extend(numbers);
    (error != ErrorBody::default()).then_some(error)
}

impl ErrorBody {
    fn push(&mut self, code: &str) {
        // AWS puts a namespace before the name: `com.example#NotAuthorized`.
        let code = code.rsplit('#').next().unwrap_or(code);
        // Longer than any code, and not worth keeping.
        if !code.is_empty() && code.len() <= 128 {
            self.codes.push(Cow::Owned(code.to_owned()));
        }
    }

    fn take(&mut self, value: &Value, depth: u8) {
        // Nested once is common (`{"error":{"type":…}}`), in a list too
        // (`{"errors":[{"errorType":…}]}`); nobody nests deeper on purpose.
        if depth > 3 {
            return;
        }
        match value {
            Value::Object(members) => self.take_object(members, depth),
            Value::Array(items) => {
                if let Some(first) = items.first() {
                    self.take(first, depth + 1);
                }
            }
            _ => {}
        }
    }

    fn take_object(&mut self, members: &Map<String, Value>, depth: u8) {
        for nested in ["error", "errors"] {
            if let Some(value @ (Value::Object(_) | Value::Array(_))) = members.get(nested) {
                self.take(value, depth + 1);
            }
        }
        for name in CODE {
            match members.get(name) {
                Some(Value::String(code)) => self.push(code),
                Some(Value::Number(number)) => self.numbers.push(Cow::Owned(number.to_string())),
                _ => {}
            }
        }
        if let Some(Value::Array(numbers)) = members.get("error_codes") {
            self.numbers.extend(
                numbers.iter().filter_map(Value::as_u64).map(|n| Cow::Owned(n.to_string())),
            );
        }
        if self.description.is_none() {
            self.description = DESCRIPTION
                .iter()
                .find_map(|name| members.get(*name)?.as_str())
                .map(ToOwned::to_owned);
        }
        if self.retry_after.is_none() {
            self.retry_after = members
                .get("retry_after")
                .and_then(Value::as_f64)
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        }
    }
}
