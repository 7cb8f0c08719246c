//! The body of a response that is not a token: where providers put what RFC
//! 6749 section 5.2 calls `error` and `error_description`.

mod code;
mod names;

use std::{borrow::Cow, ops::Range};

use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};
use zeroize::Zeroize;

pub(super) use self::code::is_code;
use self::names::{CODE, EXPLAINED, NESTED, SUCCESS, TEXT, WAIT, WAIT_MS, WEAK_CODE};
use super::{MOST_VALUES, challenges, lenient, may_be_form, surrounded};
use crate::{
    json::{BoundedSeed, Limits, OnExcess, Wiped, read_to_end, trimmed},
    rules::spelled_otherwise,
};

/// What an error body holds.
#[derive(Debug, Default, PartialEq)]
pub(super) struct ErrorBody {
    /// Everything that may be the code, the likeliest first. A standard code that
    /// is spelled otherwise stands there as the standard spells it, too.
    pub(super) codes: Vec<Cow<'static, str>>,
    /// Everything that explains it, the best first.
    pub(super) texts: Vec<String>,
    /// A wait named in the body, in seconds.
    pub(super) wait: Option<f64>,
    /// Whether it is all of an answer's own words that it failed.
    pub(super) says_it_failed: bool,
    /// Whether it was JSON.
    pub(super) is_json: bool,
    /// How many of the codes stand where a code belongs. What other members
    /// hold (`message`, `status`, `reason`, a `type` that is not within an
    /// error) decides only where a provider is known to put it there.
    strong: usize,
    /// How many of the other words, the last, are the message within `error`.
    in_error: usize,
    /// Where in the codes the numbers begin.
    numbers_from: usize,
    /// The others, while the rest is being read.
    weak: Vec<Cow<'static, str>>,
    /// Codes that are numbers, likewise.
    numbers: Vec<Cow<'static, str>>,
    /// The first number in the place of a code that is not zero.
    number: Option<String>,
}

/// How much of a text is looked at. A hostile one may be as long as a response.
const LONGEST_TEXT: usize = 4096;

/// How many items of a list are looked at.
const MOST_ITEMS: usize = 8;

/// Reads an error out of a response: out of its body, if that is JSON or a form
/// and holds anything that looks like an error, or else out of its challenge.
pub(super) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<ErrorBody> {
    let mut error = read_body(headers, trimmed(body)).unwrap_or_default();
    // A gateway's body hides it at times, and some servers send none.
    if status.is_client_error()
        && !error.has_code(status)
        && let Some(challenge) = challenges(headers).find(|one| one.error().is_some())
    {
        let before = error.strong;
        let mut codes = Vec::new();
        push_code(&mut codes, challenge.error().unwrap_or_default());
        error.strong += codes.len();
        error.numbers_from += codes.len();
        error.codes.splice(before..before, codes);
        error.texts.extend(challenge.get("error_description").map(beginning));
    }
    (!error.is_empty()).then_some(error)
}

fn read_body(headers: &HeaderMap, body: &[u8]) -> Option<ErrorBody> {
    if may_be_form(headers, body) {
        return Some(of_value(&from_form(body).0));
    }
    if let Some(value) = from_json(body) {
        // An object that was written as JSON twice. Only a code in it decides.
        if let Value::String(text) = &value.0 {
            return Some(of_value(&from_json(trimmed(text.as_bytes()))?.0));
        }
        let mut error = of_value(&value.0);
        error.is_json = true;
        return Some(error);
    }
    // It has something around it. What is in there may be anybody's message, and
    // so only a code decides.
    let objects = surrounded::objects(body).take(MOST_ITEMS).filter_map(from_json);
    objects.map(|value| of_value(&value.0)).find(|error| !error.is_empty())
}

/// Out of a value that may echo a token, or be a success that could not be used.
fn of_value(value: &Value) -> ErrorBody {
    let mut error = ErrorBody::default();
    error.take(value, 0, false);
    // `{"error":{"message":"TOKEN_EXPIRED"}}`: the explanation is the code. Not
    // so where the code stands in its proper place.
    if !value.get("error").is_some_and(Value::is_string)
        && let Some(text) = error.texts.first().filter(|text| !text.contains(' '))
        // What RFC 9457 has for people is for people, even where it is one word.
        && ["detail", "title"].iter().all(|name| value.get(name).and_then(Value::as_str) != Some(text))
    {
        let before = error.weak.len();
        push_code(&mut error.weak, text);
        if says_in_error(value, text) {
            error.in_error = error.weak.len() - before;
        }
    }
    error.strong = error.codes.len();
    let weak = std::mem::take(&mut error.weak);
    error.codes.extend(weak);
    error.numbers_from = error.codes.len();
    let numbers = std::mem::take(&mut error.numbers);
    error.codes.extend(numbers);
    error
}

/// Whether this is the message of the object `error`, alone or first in a list.
fn says_in_error(value: &Value, said: &str) -> bool {
    let Some(error) = value.get(0).unwrap_or(value).get("error") else { return false };
    TEXT.iter().any(|name| error.get(*name).and_then(Value::as_str) == Some(said))
}

/// Deeper than anybody nests an error.
const DEEPEST: u8 = 8;

fn limits() -> Limits {
    Limits::new(MOST_VALUES, DEEPEST, OnExcess::DropPart)
}

fn from_form(body: &[u8]) -> Wiped {
    let mut members = Wiped::object();
    for (name, value) in form_urlencoded::parse(body).take(MOST_VALUES) {
        members.insert(name.into_owned(), Wiped(Value::String(value.into_owned())));
    }
    members
}

fn from_json(body: &[u8]) -> Option<Wiped> {
    read_to_end(serde_json::Deserializer::from_slice(body), BoundedSeed::new(&mut limits()))
        .or_else(|_| lenient::read(body, &mut limits()).map(Some))
        .ok()?
}

impl ErrorBody {
    /// Takes what a value holds, which stands where an error is said to be or
    /// elsewhere.
    fn take(&mut self, value: &Value, depth: u8, in_error: bool) {
        // Nested once is common (`{"error":{"type":…}}`), in a list too
        // (`{"errors":[{"errorType":…}]}`); nobody nests deeper on purpose.
        if depth > 3 {
            return;
        }
        match value {
            Value::Object(members) => self.take_object(members, depth, in_error),
            Value::Array(items) => {
                for item in items.iter().take(MOST_ITEMS) {
                    match item {
                        Value::String(code) if in_error => self.take_code(code),
                        Value::String(text) => self.texts.push(beginning(text)),
                        item => self.take(item, depth + 1, in_error),
                    }
                }
            }
            _ => {}
        }
    }

    fn take_object(&mut self, members: &Map<String, Value>, depth: u8, in_error: bool) {
        for (name, is_error) in NESTED {
            if let Some(value @ (Value::Object(_) | Value::Array(_))) = members.get(name) {
                // `{"detail":{"error":…}}` is an error, a list of what is wrong
                // with a form is none.
                let is_error = is_error || name == "detail" && value.is_object();
                self.take(value, depth + 1, is_error);
            }
        }
        for name in CODE {
            match members.get(name) {
                Some(Value::String(code)) if is_number(code) => self.take_number(code),
                Some(Value::String(code)) => push_code(&mut self.codes, code),
                Some(Value::Number(number)) => self.take_number(&code::of_number(number)),
                Some(Value::Array(items)) if !EXPLAINED.contains(&name) => {
                    let codes = items.iter().take(MOST_ITEMS).filter_map(Value::as_str);
                    codes.for_each(|code| self.take_code(code));
                }
                _ => {}
            }
        }
        for name in WEAK_CODE {
            match members.get(name) {
                Some(Value::String(uri)) if name == "type" && code::is_uri(uri) => {
                    self.codes.extend(code::of_uri(uri).map(Cow::Borrowed));
                }
                Some(Value::String(code)) if name == "type" && in_error => {
                    push_code(&mut self.codes, code);
                }
                Some(Value::String(code)) => push_code(&mut self.weak, code),
                Some(Value::Number(number)) => self.numbers.push(code::of_number(number).into()),
                _ => {}
            }
        }
        for item in members
            .get("error_codes")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .take(MOST_ITEMS)
        {
            match item {
                Value::String(code) => self.take_code(code),
                Value::Number(number) => self.numbers.push(code::of_number(number).into()),
                _ => {}
            }
        }
        self.texts
            .extend(TEXT.iter().filter_map(|name| members.get(*name)?.as_str()).map(beginning));
        // `{"error":"Invalid Params: …"}`: a sentence where the code should be.
        for name in EXPLAINED {
            if let Some(Value::String(sentence)) = members.get(name)
                && sentence.trim().contains(' ')
            {
                self.texts.push(beginning(sentence));
            }
        }
        self.says_it_failed |= says_it_failed(members);
        self.wait = self.wait.or_else(|| wait(members));
    }

    /// What is in the place of a code, but without a name.
    fn take_code(&mut self, code: &str) {
        push_code(&mut self.codes, code);
        if code.trim().contains(' ') {
            self.texts.push(beginning(code));
        }
    }

    fn take_number(&mut self, number: &str) {
        let is_zero = number.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
        if !is_zero && self.number.is_none() {
            self.number = Some(number.to_owned());
        }
        self.numbers.push(Cow::Owned(number.to_owned()));
    }

    fn is_empty(&self) -> bool {
        let no_words = self.codes.is_empty() && self.texts.is_empty();
        no_words && self.wait.is_none() && !self.says_it_failed
    }

    /// The codes that stand where a code belongs.
    pub(super) fn strong(&self) -> &[Cow<'static, str>] {
        &self.codes[..self.strong]
    }

    /// Which of the codes are words that stand elsewhere.
    pub(super) fn weak_codes(&self) -> Range<usize> {
        self.strong..self.numbers_from
    }

    /// Which of those are the message within `error`.
    pub(super) fn said_in_error(&self) -> Range<usize> {
        self.numbers_from - self.in_error..self.numbers_from
    }

    pub(super) fn has_code(&self, status: StatusCode) -> bool {
        self.codes.iter().any(|code| is_code(code, status))
    }

    /// The number that stands where a code belongs, if it says that something is
    /// wrong: not zero, and not the status once more.
    pub(super) fn number(&self, status: StatusCode) -> Option<&str> {
        self.number.as_deref().filter(|number| *number != status.as_str())
    }
}

/// Adds a text as a code, if it can be one, and first what it is meant to be.
fn push_code(codes: &mut Vec<Cow<'static, str>>, text: &str) {
    let Some(code) = code::code_of(text) else { return };
    codes.extend(spelled_otherwise(code).map(Cow::Borrowed));
    codes.push(Cow::Owned(code.to_owned()));
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// `{"success":false}` and the like.
fn says_it_failed(members: &Map<String, Value>) -> bool {
    let is_one_of = |text: &str, words: &[&str]| {
        words.iter().any(|word| text.trim().eq_ignore_ascii_case(word))
    };
    let says_no = |name: &&str| match members.get(*name) {
        Some(Value::Bool(value)) => !value,
        Some(Value::Number(number)) => number.as_f64() == Some(0.0),
        Some(Value::String(text)) => is_one_of(text, &["false", "0", "no"]),
        _ => false,
    };
    let says_yes = |name: &&str| match members.get(*name) {
        Some(Value::Bool(value)) => *value,
        Some(Value::String(text)) => is_one_of(text, &["true", "yes"]),
        _ => false,
    };
    let status = members.get("status");
    SUCCESS.iter().any(says_no)
        || ["error", "Error"].iter().any(says_yes)
        || status == Some(&Value::Bool(false))
        || status
            .and_then(Value::as_str)
            .is_some_and(|text| is_one_of(text, &["error", "fail", "failed", "failure"]))
}

/// The wait that an object names, in seconds.
fn wait(members: &Map<String, Value>) -> Option<f64> {
    let number = |name: &&str| match members.get(*name)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    // `google.rpc.RetryInfo`, among other details.
    let delay = |members: &Map<String, Value>| {
        members.get("retryDelay")?.as_str()?.strip_suffix('s')?.parse().ok()
    };
    let details = members.get("details").and_then(Value::as_array);
    let details = details.into_iter().flatten().take(MOST_ITEMS).filter_map(Value::as_object);
    WAIT.iter()
        .find_map(number)
        .or_else(|| WAIT_MS.iter().find_map(number).map(|millis| millis / 1000.0))
        .or_else(|| delay(members))
        .or_else(|| details.into_iter().find_map(delay))
        .filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0)
}

fn beginning(text: &str) -> String {
    let mut end = text.len().min(LONGEST_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

impl Drop for ErrorBody {
    fn drop(&mut self) {
        self.texts.iter_mut().for_each(Zeroize::zeroize);
        self.number.zeroize();
        for code in [&mut self.codes, &mut self.weak, &mut self.numbers].into_iter().flatten() {
            if let Cow::Owned(code) = code {
                code.zeroize();
            }
        }
    }
}

#[cfg(test)]
mod tests;
