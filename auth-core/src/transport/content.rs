//! What a body is without its encodings (RFC 9110 section 8.4).
//!
//! No encoding is asked for. Some servers, and the networks in front of them,
//! encode all the same, and some of them lose the header that says so. What is
//! there counts more than what a header says.

mod inflate;

use http::{HeaderMap, header};
use zeroize::Zeroizing;

use self::inflate::{Fault, GZIP, Output, gunzip, inflate};
use super::Response;
use crate::json::trimmed;

/// How zstd begins (RFC 8878 section 3.1.1). It cannot be decoded here.
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// So often may a body be encoded. Twice has been seen.
const MOST_TIMES: usize = 4;

pub(super) enum Content {
    /// It is not encoded, whatever the header says.
    Plain,
    Decoded(Decoded),
    /// It is encoded in an unknown way, or the data is broken.
    Unknown,
}

pub(super) struct Decoded {
    pub(super) body: Zeroizing<Vec<u8>>,
    pub(super) end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// All of it was there: the formats say where they end.
    Whole,
    Cut,
    /// There is more than allowed. It was cut at the limit.
    TooLarge,
}

/// Takes a body out of its encodings, by the headers and by how it begins.
pub(super) fn read(headers: &HeaderMap, body: &[u8], limit: usize) -> Content {
    let mut codings = codings(headers);
    let mut decoded: Option<Decoded> = None;
    for _ in 0..=MOST_TIMES {
        let data = decoded.as_ref().map_or(body, |decoded| &decoded.body);
        let coding = codings.pop();
        let decode: fn(&[u8], &mut Output) -> Result<(), Fault> = match coding.as_deref() {
            _ if data.starts_with(GZIP) => gunzip,
            None => return decoded.map_or(Content::Plain, Content::Decoded),
            // A header that lies, or of a client that has decoded the body itself.
            Some(_) if is_object(data) => {
                return decoded.map_or(Content::Plain, Content::Decoded);
            }
            Some("deflate") if !is_text(data) => inflate,
            Some(_) if is_text(data) => {
                return decoded.map_or(Content::Plain, Content::Decoded);
            }
            Some(_) => return Content::Unknown,
        };
        let mut out = Output::new(limit, data.len());
        let end = match decode(data, &mut out) {
            Ok(()) => End::Whole,
            Err(Fault::Cut) => End::Cut,
            Err(Fault::TooLarge) => End::TooLarge,
            Err(Fault::Broken) => return Content::Unknown,
        };
        // What was cut before is cut still.
        let end = match decoded.as_ref().map(|before| before.end) {
            Some(End::Cut) if end == End::Whole => End::Cut,
            _ => end,
        };
        decoded = Some(Decoded { body: out.into_bytes(), end });
        if end == End::TooLarge {
            return decoded.map_or(Content::Unknown, Content::Decoded);
        }
    }
    Content::Unknown
}

/// The encodings that the headers name, in the order in which they were applied.
fn codings(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|coding| String::from_utf8_lossy(coding.trim_ascii()).to_ascii_lowercase())
        .filter(|coding| !coding.is_empty() && coding != "identity")
        .collect()
}

fn is_object(data: &[u8]) -> bool {
    let text = trimmed(data);
    // DEFLATE can begin with a brace as well. Text does not go on like that.
    text.starts_with(b"{")
        && text[1..].trim_ascii_start().first().is_none_or(|byte| matches!(byte, b'"' | b'}'))
}

/// Nothing that is encoded looks so, but by chance.
fn is_text(data: &[u8]) -> bool {
    let is_control = |c: char| c.is_control() && !matches!(c, '\t' | '\r' | '\n');
    std::str::from_utf8(data).is_ok_and(|text| !text.contains(is_control))
}

/// Whether a body is encoded in a way that cannot be undone.
pub(crate) fn is_encoded(headers: &HeaderMap, body: &[u8]) -> bool {
    !codings(headers).is_empty() || body.starts_with(GZIP) || body.starts_with(ZSTD)
}

/// A response without its encodings.
pub(crate) struct DecodedResponse {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

/// Decodes what did not pass through a [`ResponseReader`](super::ResponseReader).
/// `None` if it is as it should be, or if it cannot be decoded.
pub(crate) fn decoded(response: &Response, limit: usize) -> Option<DecodedResponse> {
    let (headers, body) = (response.headers(), response.body());
    match is_encoded(headers, body).then(|| read(headers, body, limit))? {
        Content::Decoded(Decoded { body, end: End::Whole | End::Cut }) => {
            let mut headers = headers.clone();
            remove_from(&mut headers);
            Some(DecodedResponse { headers, body })
        }
        _ => None,
    }
}

/// Removes what the headers say of the encoded body.
pub(super) fn remove_from(headers: &mut HeaderMap) {
    headers.remove(header::CONTENT_ENCODING);
    headers.remove(header::CONTENT_LENGTH);
}

#[cfg(test)]
mod tests;
