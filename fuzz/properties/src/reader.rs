use std::iter;

use auth_core::{
    Response, ResponseReader, TransportError, TransportErrorKind as Kind, read_response,
};
use http::{Version, header, response::Parts};

use crate::{
    input, now,
    told::{Told, trimmed},
};

/// Collects a response's body chunk by chunk. The first line says how, the rest
/// is the response as [`response`](crate::response()) reads it:
///
/// ```text
/// 1.1 1024 7 1 300
/// 200
/// content-length: 40
///
/// {"access_token":"at","expires_in":3600}
/// ```
///
/// That is the version of HTTP, the limit, and the lengths of the chunks, over
/// and over. What is collected does not depend on the chunks, and is what an
/// independent reading of the head allows.
pub fn reader(input: &[u8]) {
    let mut rest = input;
    let line = input::take_line(&mut rest).unwrap_or_default();
    let mut words = input::words(line);
    let version = match words.next() {
        Some("1.0") => Version::HTTP_10,
        Some("2") => Version::HTTP_2,
        Some("3") => Version::HTTP_3,
        _ => Version::HTTP_11,
    };
    let mut numbers = words.map(|word| word.parse::<u16>().unwrap_or(1));
    let limit = numbers.next().unwrap_or(1024).into();
    let chunks: Vec<usize> = numbers.map(usize::from).collect();
    let mut response = input::response(rest);
    *response.version_mut() = version;
    let (head, body) = response.into_parts();

    let case = Case { head: &head, body: &body, limit };
    let whole = || iter::once(&*body);
    case.check_finished(case.fed(whole()).finish());
    case.check_finished(case.fed(cut_up(&body, &chunks)).finish());
    case.check_failed(case.fed(whole()).fail(reset()));
    case.check_failed(case.fed(cut_up(&body, &chunks)).fail(reset()));
}

struct Case<'a> {
    head: &'a Parts,
    body: &'a [u8],
    limit: usize,
}

impl Case<'_> {
    fn fed<'a>(&self, chunks: impl Iterator<Item = &'a [u8]>) -> ResponseReader {
        let mut reader = ResponseReader::new(self.head.clone(), self.limit);
        let mut taken = 0;
        for chunk in chunks {
            taken += chunk.len();
            let goes_on = reader.push(chunk).is_continue();
            assert_eq!(goes_on, taken <= self.limit, "{taken} bytes of {}", self.limit);
            if !goes_on {
                break;
            }
        }
        reader
    }

    /// Whether encodings may have been undone, of which nothing is known here but that
    /// the limit holds. Says so of what there is.
    fn is_encoded(&self, result: &Result<Response, TransportError>) -> bool {
        if let Ok(response) = result {
            assert!(response.body().len() <= self.limit);
        }
        let encodings = self.head.headers.get_all(header::CONTENT_ENCODING).iter().count();
        encodings > 0 || self.kept().starts_with(&[0x1f, 0x8b])
    }

    /// The body has ended, or there is more of it than the limit allows.
    fn check_finished(&self, result: Result<Response, TransportError>) {
        if self.is_encoded(&result) {
            return;
        }
        let expected = match self.head.status.is_success() {
            true if self.body.len() > self.limit => Err(Kind::TooLarge),
            true if !self.is_whole() && !is_an_object(self.kept()) => Err(Kind::Truncated),
            _ => Ok(self.kept()),
        };
        self.is(&result, expected);
        let Ok(response) = result else { return };
        // Half a form reads like a whole one, with half a token.
        let Ok(tokens) = read_response(&response, &[], now()) else { return };
        let is_json = trimmed(response.body()).starts_with(b"{") || is_an_object(response.body());
        let in_a_form = Told::in_form(response.body())
            .is_some_and(|told| told.access_token == tokens.access_token.expose());
        assert!(is_json || !in_a_form || self.is_framed(), "a form that may have been cut");
    }

    /// Reading failed with a reset after what was fed.
    fn check_failed(&self, result: Result<Response, TransportError>) {
        if self.is_encoded(&result) {
            return;
        }
        let success = self.head.status.is_success();
        let is_json = trimmed(self.kept()).starts_with(b"{");
        let expected = match (success, is_json) {
            (true, _) if self.body.len() > self.limit => Err(Kind::TooLarge),
            (true, _) if is_an_object(self.kept()) => Ok(self.kept()),
            (true, _) => Err(Kind::Reset),
            (false, true) => Ok(self.kept()),
            (false, false) => Ok(&[][..]),
        };
        self.is(&result, expected);
    }

    fn is(&self, result: &Result<Response, TransportError>, expected: Result<&[u8], Kind>) {
        match (result, expected) {
            (Ok(response), Ok(body)) => {
                assert_eq!(response.body(), body);
                assert_eq!(response.status(), self.head.status);
                assert_eq!(response.version(), self.head.version);
                assert_eq!(*response.headers(), self.head.headers);
            }
            (Err(error), Err(kind)) => {
                assert_eq!(error.kind(), kind);
                assert_eq!(error.delivery(), auth_core::Delivery::Unknown);
            }
            (result, expected) => panic!("{result:?}, but expected {expected:?}"),
        }
    }

    fn kept(&self) -> &[u8] {
        &self.body[..self.body.len().min(self.limit)]
    }

    /// Whether a 2xx cannot have been cut without a trace.
    fn is_whole(&self) -> bool {
        if self.announced().is_some() {
            return self.has_announced_length();
        }
        // No form is without it.
        let gives_itself_away = !self.body.contains(&b'=')
            || matches!(trimmed(self.body).first(), None | Some(b'{' | b'<'));
        gives_itself_away || self.is_framed()
    }

    fn is_framed(&self) -> bool {
        let codings: Vec<_> = self.head.headers.get_all(header::TRANSFER_ENCODING).iter().collect();
        let chunked =
            matches!(codings[..], [one] if one.as_bytes().eq_ignore_ascii_case(b"chunked"));
        match (self.announced(), self.head.version) {
            (Some(_), _) => self.has_announced_length(),
            (None, Version::HTTP_11) => chunked,
            (None, version) => version == Version::HTTP_2 || version == Version::HTTP_3,
        }
    }

    fn has_announced_length(&self) -> bool {
        self.announced() == u64::try_from(self.body.len()).ok()
    }

    fn announced(&self) -> Option<u64> {
        self.head.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
    }
}

/// Whether it ends with one whole object, and has nothing before it but a warning or a
/// guard. Then it is complete, whatever its transfer says.
fn is_an_object(body: &[u8]) -> bool {
    let text = trimmed(body);
    let mut starts = (0..text.len()).filter(|at| text[*at] == b'{');
    let start = match text.first() {
        Some(b'{') => Some(0),
        Some(b'[') => None,
        _ => starts.find(|at| text[at + 1..].trim_ascii_start().starts_with(b"\"")),
    };
    let Some((before, object)) = start.map(|start| text.split_at(start)) else { return false };
    let is_form = before.first() != Some(&b'<') && before.contains(&b'=');
    !is_form && serde_json::from_slice::<serde::de::IgnoredAny>(object).is_ok()
}

/// The body in chunks of these lengths, over and over.
fn cut_up<'a>(body: &'a [u8], lengths: &[usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = body;
    // All of them empty would never end.
    let moves = lengths.iter().any(|length| *length > 0);
    let mut lengths = lengths.iter().copied().cycle();
    iter::from_fn(move || {
        let length = lengths.next().filter(|_| moves).unwrap_or(1).min(rest.len());
        if rest.is_empty() {
            return None;
        }
        let chunk;
        (chunk, rest) = rest.split_at(length);
        Some(chunk)
    })
}

fn reset() -> TransportError {
    TransportError::unknown(Kind::Reset)
}
