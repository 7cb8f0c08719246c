use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

/// Reads a response in the form described at [`response`](crate::response()).
/// Whatever the input, it is some response: what cannot be read is left out.
pub(crate) fn response(input: &[u8]) -> auth_core::Response {
    let mut rest = input;
    let mut status = StatusCode::OK;
    if let Some(line) = take_line(&mut rest) {
        let code = text(line).and_then(|line| line.trim().parse().ok());
        status = code.and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(status);
    }
    let mut headers = http::HeaderMap::new();
    while let Some(line) = take_line(&mut rest).filter(|line| !line.is_empty()) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(line[..colon].trim_ascii());
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    let mut response = http::Response::new(rest.to_vec());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// The input as a value, to compare with. None where `serde_json` would take a
/// name for one of those with which it talks to itself.
pub(crate) fn json(input: &[u8]) -> Option<Value> {
    let is_private = input.windows(20).any(|window| window == b"$serde_json::private");
    serde_json::from_slice(input).ok().filter(|_| !is_private)
}

/// The first line, without its end; `None` if no line ends.
pub(crate) fn take_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let line = &rest[..end];
    *rest = &rest[end + 1..];
    Some(line)
}

/// The words of a line, none if it is no text.
pub(crate) fn words(line: &[u8]) -> impl Iterator<Item = &str> {
    text(line).unwrap_or_default().split_ascii_whitespace()
}

fn text(line: &[u8]) -> Option<&str> {
    std::str::from_utf8(line).ok()
}
