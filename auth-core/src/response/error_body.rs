//! The body of a response that is not a token: where providers put what RFC
//! 6749 section 5.2 calls `error` and `error_description`.

use std::{borrow::Cow, time::Duration};

use http::HeaderMap;
use serde_json::{Map, Value};
use zeroize::Zeroize;

use super::{LONGEST, MOST_VALUES, lenient, may_be_form};
use crate::json::{BoundedSeed, Limits, OnExcess, Wiped, read_to_end, trimmed};

/// What an error body holds.
#[derive(Debug, Default, PartialEq)]
pub(super) struct ErrorBody {
    /// Everything that may be the code, the likeliest first.
    pub(super) codes: Vec<Cow<'static, str>>,
    /// Everything that explains it, the best first.
    pub(super) texts: Vec<String>,
    /// A wait named in the body.
    pub(super) retry_after: Option<Duration>,
    /// How many of the codes stand where a code belongs. What other members
    /// hold (`message`, `status`, `reason`, a `type` that is not within an
    /// error) decides only where a provider is known to put it there.
    strong: usize,
    /// The others, while the rest is being read.
    weak: Vec<Cow<'static, str>>,
    /// Codes that are numbers, likewise.
    numbers: Vec<Cow<'static, str>>,
}

/// Members that hold a code, the likeliest first. Some hold a number.
const CODE: [&str; 11] = [
    "error",
    "code",
    "error_code",
    "errorCode",
    "errorType",
    "error_type",
    "error_subtype",
    "suberror",
    "error_subcode",
    "__type",
    "errcode",
];

/// Members that may hold a code. Within an error, `type` is one of the others.
const WEAK_CODE: [&str; 3] = ["type", "status", "reason"];

/// Members that hold an explanation, the best first.
const TEXT: [&str; 11] = [
    "error_description",
    "errorDescription",
    "errorSummary",
    "message",
    "error_message",
    "description",
    "msg",
    "errmsg",
    "reason",
    "error_hint",
    "resource",
];

/// A code longer than this is none.
const LONGEST_CODE: usize = 128;

/// How much of a text is looked at. A hostile one may be as long as a response.
const LONGEST_TEXT: usize = 4096;

/// Reads an error out of a body, `None` if it is neither JSON nor a form or
/// holds nothing that looks like an error.
pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Option<ErrorBody> {
    let body = trimmed(body);
    // It may echo a token, or be a success that could not be used.
    let value = if may_be_form(headers, body) { from_form(body) } else { from_json(body)? };
    let value = &value.0;
    let mut error = ErrorBody::default();
    error.take(value, 0);
    // `{"error":{"message":"TOKEN_EXPIRED"}}`: the explanation is the code. Not
    // so where the code stands in its proper place.
    if !value.get("error").is_some_and(Value::is_string)
        && let Some(text) = error.texts.first().filter(|text| !text.contains(' ')).cloned()
    {
        error.weak.push(Cow::Owned(text));
    }
    error.strong = error.codes.len();
    let weak = std::mem::take(&mut error.weak);
    error.codes.extend(weak);
    let numbers = std::mem::take(&mut error.numbers);
    error.codes.extend(numbers);
    (error != ErrorBody::default()).then_some(error)
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
                Some(Value::String(code)) => self.codes.extend(code_of(code)),
                Some(Value::Number(number)) => self.numbers.push(Cow::Owned(number.to_string())),
                _ => {}
            }
        }
        for name in WEAK_CODE {
            match members.get(name) {
                Some(Value::String(code)) if name == "type" && depth > 0 => {
                    self.codes.extend(code_of(code));
                }
                Some(Value::String(code)) => self.weak.extend(code_of(code)),
                Some(Value::Number(number)) => self.numbers.push(Cow::Owned(number.to_string())),
                _ => {}
            }
        }
        if let Some(Value::Array(numbers)) = members.get("error_codes") {
            self.numbers.extend(
                numbers.iter().take(8).filter_map(Value::as_u64).map(|n| Cow::Owned(n.to_string())),
            );
        }
        self.texts
            .extend(TEXT.iter().filter_map(|name| members.get(*name)?.as_str()).map(beginning));
        // `{"error":"Invalid Params: …"}`: a sentence where the code should be.
        if let Some(Value::String(sentence)) = members.get("error")
            && sentence.contains(' ')
        {
            self.texts.push(beginning(sentence));
        }
        if self.retry_after.is_none() {
            self.retry_after = members
                .get("retry_after")
                .and_then(Value::as_f64)
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                .map(|wait| wait.min(LONGEST));
        }
    }

    /// The codes that stand where a code belongs.
    pub(super) fn strong(&self) -> &[Cow<'static, str>] {
        &self.codes[..self.strong]
    }
}

/// A text as a code, if it can be one.
fn code_of(text: &str) -> Option<Cow<'static, str>> {
    // AWS puts a namespace before the name: `com.example#NotAuthorized`.
    let code = text.rsplit('#').next().unwrap_or(text);
    (!code.is_empty() && code.len() <= LONGEST_CODE).then(|| Cow::Owned(code.to_owned()))
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
        for code in [&mut self.codes, &mut self.weak, &mut self.numbers].into_iter().flatten() {
            if let Cow::Owned(code) = code {
                code.zeroize();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_json(body: &str) -> Option<ErrorBody> {
        read(&HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn codes_and_texts_wherever_they_stand() {
        for (body, codes, texts) in [
            (r#"{"error":"a","error_description":"t"}"#, &["a"][..], &["t"][..]),
            (r#"{"error":"a","error_hint":"h","error_description":"t"}"#, &["a"], &["t", "h"]),
            (r#"{"error":{"message":"t u","type":"b","code":"a"}}"#, &["a", "b"], &["t u"]),
            (r#"{"type":"error","error":{"type":"a","message":"t u"}}"#, &["a", "error"], &["t u"]),
            (r#"{"error":"a","error_description":"t \ud83d"}"#, &["a"], &[]),
            (
                r#"{"errors":[{"errorType":"a","message":"t u"},{"errorType":"b"}]}"#,
                &["a"],
                &["t u"],
            ),
            (r#"{"error":"a","error_codes":[70008,50196]}"#, &["a", "70008", "50196"], &[]),
            (r#"{"code":400,"error_code":"a","msg":"t u"}"#, &["a", "400"], &["t u"]),
            (
                r#"{"error":{"code":400,"message":"A_B","status":"C"}}"#,
                &["C", "A_B", "400"],
                &["A_B"],
            ),
            (r#"{"__type":"com.example#A","message":"t u"}"#, &["A"], &["t u"]),
            (r#"{"error":"t u","status":503}"#, &["t u", "503"], &["t u"]),
            (r#"{"error":"a","reason":"t u"}"#, &["a", "t u"], &["t u"]),
            (r#"{"errcode":40030,"errmsg":"t u"}"#, &["40030"], &["t u"]),
            ("error=a&error_description=t+u", &["a"], &["t u"]),
            // As deep as anybody nests.
            (r#"{"error":{"error":{"error":{"code":"a"}}}}"#, &["a"], &[]),
        ] {
            let error = read_json(body).expect(body);
            assert_eq!(error.codes, codes, "{body}");
            assert_eq!(error.texts, texts, "{body}");
        }
    }

    #[test]
    fn a_code_is_strong_only_in_its_place() {
        for (body, strong) in [
            (r#"{"error":"a","status":"b","reason":"c","type":"d"}"#, 1),
            (r#"{"message":"a_b"}"#, 0),
            (r#"{"status":"a"}"#, 0),
            (r#"{"type":"a"}"#, 0),
            (r#"{"error":{"type":"a"}}"#, 1),
            (r#"{"error":{"code":"a","type":"b","message":"c"}}"#, 2),
        ] {
            assert_eq!(read_json(body).unwrap().strong().len(), strong, "{body}");
        }
        let latin = b"{\"error\":\"a\",\"error_description\":\"expir\xe9\"}";
        assert_eq!(read(&HeaderMap::new(), latin).unwrap().codes, ["a"]);
    }

    #[test]
    fn what_holds_no_error() {
        for body in [
            "",
            "{}",
            "[]",
            "null",
            "\"a\"",
            "<html>",
            r#"{"error":null}"#,
            r#"{"x":"y"}"#,
            r#"[[[[{"error":"a"}]]]]"#,
        ] {
            assert_eq!(read_json(body), None, "{body}");
        }
        let deep = format!("{}{}", r#"{"error":"#.repeat(9) + r#""a""#, "}".repeat(9));
        assert_eq!(read_json(&deep), None);
        let vast = format!(r#"{{"error":"{}"}}"#, "a".repeat(LONGEST_CODE + 1));
        assert_eq!(read_json(&vast), None);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let text = "a".repeat(LONGEST_TEXT - 1) + "\u{e9}\u{e9}";
        assert_eq!(beginning(&text), text[..LONGEST_TEXT - 1]);
        assert_eq!(beginning(&text[1..]), text[1..=LONGEST_TEXT]);
    }
}
