//! "What would this library do with that line of my log?"
//!
//! Reads JSON lines from standard input, either a response
//!
//! ```json
//! {"id": 1, "status": 400, "headers": {"retry-after": "5"}, "body": "{\"error\":\"invalid_grant\"}"}
//! ```
//!
//! or a failure of the network (`dns`, `refused`, `connect_timeout`,
//! `tls_handshake`, `bad_certificate`, `client_certificate`, `proxy`, `reset`, `read_timeout`,
//! `eof`, `truncated`)
//!
//! ```json
//! {"id": 2, "network": "reset"}
//! ```
//!
//! and prints one JSON object for each. Tokens in a response are printed as they
//! are: do not redirect the output where others can read it. A line that is neither is
//! reported on standard error, and the exit status is 2 in the end.
//!
//! ```sh
//! echo '{"id":1,"status":502}' | cargo run -q -p auth-core --example classify
//! ```

// A program's own output, and its own clock.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

use std::{
    io::{self, BufRead, Write},
    process::ExitCode,
    time::{Duration, Instant, SystemTime},
};

use auth_core::{
    Backoff, ErrorCode, Failure, Now, RefreshToken, TokenSet, TransportError, TransportErrorKind,
    read_response,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

fn main() -> io::Result<ExitCode> {
    let mut status = ExitCode::SUCCESS;
    let mut output = io::stdout().lock();
    for (number, line) in io::stdin().lock().split(b'\n').enumerate() {
        let line = line?;
        let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&line);
        if line.trim_ascii().is_empty() {
            continue;
        }
        match classify(line) {
            Ok(verdict) => writeln!(output, "{verdict}")?,
            Err(problem) => {
                eprintln!("line {}: {problem}", number + 1);
                status = ExitCode::from(2);
            }
        }
    }
    Ok(status)
}

fn classify(line: &[u8]) -> Result<Value, String> {
    let line: Value = serde_json::from_slice(line).map_err(|_| "not JSON".to_owned())?;
    let now = Now { monotonic: Instant::now(), wall: SystemTime::now() };
    let member = |name| line.get(name).filter(|value: &&Value| !value.is_null());
    let result = match (member("network"), member("status")) {
        (Some(network), None) => Err(Failure::from(network_failure(network)?)),
        (None, Some(status)) => read_response(&response(status, &line)?, &[], now),
        _ => return Err("exactly one of `status` and `network` is needed".to_owned()),
    };
    let id = line.get("id").cloned().unwrap_or(Value::Null);
    Ok(match result {
        Ok(tokens) => describe_success(&id, &tokens, now),
        Err(failure) => describe_failure(&id, &failure),
    })
}

fn network_failure(network: &Value) -> Result<TransportError, String> {
    use TransportErrorKind as Kind;
    Ok(match network.as_str().unwrap_or_default() {
        "dns" => TransportError::not_sent(Kind::Dns),
        "refused" => TransportError::not_sent(Kind::Refused),
        "connect_timeout" => TransportError::not_sent(Kind::ConnectTimeout),
        "tls_handshake" => TransportError::not_sent(Kind::TlsHandshake),
        "bad_certificate" => TransportError::not_sent(Kind::BadCertificate),
        "client_certificate" => TransportError::not_sent(Kind::ClientCertificate),
        "proxy" => TransportError::not_sent(Kind::Proxy),
        // A log line does not say how far the request had come.
        "reset" => TransportError::unknown(Kind::Reset),
        "read_timeout" => TransportError::unknown(Kind::Timeout),
        "eof" => TransportError::unknown(Kind::Closed),
        "truncated" => TransportError::unknown(Kind::Truncated),
        _ => {
            return Err(format!(
                "`network` is {network}, and none of dns, refused, connect_timeout, \
                 tls_handshake, bad_certificate, client_certificate, proxy, reset, read_timeout, eof, truncated"
            ));
        }
    })
}

fn response(status: &Value, line: &Value) -> Result<auth_core::Response, String> {
    let number = status.as_u64().or_else(|| status.as_str()?.parse().ok());
    let status = number
        .and_then(|status| StatusCode::from_u16(u16::try_from(status).ok()?).ok())
        .ok_or_else(|| format!("{status} is no HTTP status"))?;
    let body = match line.get("body") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(body)) => body.clone().into_bytes(),
        // A log may hold the body as JSON rather than as text.
        Some(body) => body.to_string().into_bytes(),
    };
    let mut response = http::Response::new(body);
    *response.status_mut() = status;
    match line.get("headers") {
        None | Some(Value::Null) => {}
        Some(Value::Object(members)) => {
            for (name, value) in members {
                add_header(response.headers_mut(), name, value)?;
            }
        }
        Some(_) => return Err("`headers` is not an object".to_owned()),
    }
    Ok(response)
}

fn add_header(headers: &mut HeaderMap, name: &str, value: &Value) -> Result<(), String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            return values.iter().try_for_each(|value| add_header(headers, name, value));
        }
        other => other.to_string(),
    };
    let refused = || format!("the header {name:?} cannot be one");
    let key: HeaderName = name.parse().map_err(|_| refused())?;
    let value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| refused())?;
    headers.append(key, value);
    Ok(())
}

fn describe_success(id: &Value, tokens: &TokenSet, now: Now) -> Value {
    let seconds = |at: SystemTime| at.duration_since(now.wall).unwrap_or_default().as_secs();
    json!({
        "id": id,
        "outcome": "success",
        "kind": null,
        "code": null,
        "delivery": "answered",
        "location": null,
        "retry_after_ms": null,
        "retried_by_default": false,
        "access_token": tokens.access_token.expose(),
        "refresh_token": tokens.refresh_token.as_ref().map(RefreshToken::expose),
        "token_type": tokens.token_type,
        "expires_in_s": tokens.expires_at.map(seconds),
        "refresh_expires_in_s": tokens.refresh_expires_at.map(seconds),
    })
}

fn describe_failure(id: &Value, failure: &Failure) -> Value {
    json!({
        "id": id,
        "outcome": "failure",
        "kind": failure.kind().as_str(),
        "code": failure.code().map(ErrorCode::as_str),
        "delivery": failure.delivery().as_str(),
        "location": failure.location(),
        "retry_after_ms": failure.retry_after().map(millis),
        "retried_by_default": Backoff::retries_by_default(failure),
        "access_token": null,
        "refresh_token": null,
        "token_type": null,
        "expires_in_s": null,
        "refresh_expires_in_s": null,
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
