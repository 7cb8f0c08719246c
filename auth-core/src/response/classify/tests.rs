mod headers;

use std::borrow::Cow;

use super::standard_codes;
use crate::{Delivery, Delivery::*, Failure, FailureKind, FailureKind::*, Rule, test_now};

fn read_with(status: u16, body: &str, rules: &[Rule], secrets: &[&str]) -> Failure {
    let mut response = http::Response::new(body.as_bytes().to_vec());
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    let secrets = secrets.iter().map(|secret| Cow::Borrowed(*secret)).collect::<Vec<_>>();
    let now = test_now();
    crate::response::read_issued(&response, rules, now, now.wall, || secrets).unwrap_err()
}

fn read(status: u16, body: &str) -> Failure {
    read_with(status, body, &[], &[])
}

#[test]
fn kind_code_and_delivery() {
    type Row<'a> = (u16, &'a str, FailureKind, Option<&'a str>, Delivery);
    let html = "<html><h1>No</h1></html>";
    let rows: &[Row<'_>] = &[
        // RFC 6749 section 5.2, with any status that carries it.
        (400, r#"{"error":"invalid_grant"}"#, Rejected, Some("invalid_grant"), Answered),
        (401, r#"{"error":"invalid_grant"}"#, Rejected, Some("invalid_grant"), Answered),
        (403, r#"{"error":"invalid_grant"}"#, Rejected, Some("invalid_grant"), Answered),
        (404, r#"{"error":"invalid_grant"}"#, Rejected, Some("invalid_grant"), Answered),
        (200, r#"{"error":"invalid_grant"}"#, Rejected, Some("invalid_grant"), Answered),
        (400, "error=invalid_grant&error_description=x", Rejected, Some("invalid_grant"), Answered),
        (400, r#"{"error":"invalid_request"}"#, Misconfigured, Some("invalid_request"), Answered),
        (401, r#"{"error":"invalid_client"}"#, Misconfigured, Some("invalid_client"), Answered),
        (
            400,
            r#"{"error":"unauthorized_client"}"#,
            Misconfigured,
            Some("unauthorized_client"),
            Answered,
        ),
        (
            400,
            r#"{"error":"unsupported_grant_type"}"#,
            Misconfigured,
            Some("unsupported_grant_type"),
            Answered,
        ),
        (400, r#"{"error":"invalid_scope"}"#, Misconfigured, Some("invalid_scope"), Answered),
        (400, r#"{"error":"slow_down"}"#, Throttled, Some("slow_down"), Answered),
        (
            400,
            r#"{"error":"temporarily_unavailable"}"#,
            Unavailable,
            Some("temporarily_unavailable"),
            Answered,
        ),
        (400, r#"{"error":"server_error"}"#, Unavailable, Some("server_error"), Unknown),
        // Nested, and under other names.
        (
            401,
            r#"{"error":{"type":"invalid_grant","message":"m"}}"#,
            Rejected,
            Some("invalid_grant"),
            Answered,
        ),
        (
            401,
            r#"{"error":{"code":"invalid_grant","type":"invalid_request_error"}}"#,
            Rejected,
            Some("invalid_grant"),
            Answered,
        ),
        (
            400,
            r#"{"errors":[{"errorType":"invalid_grant","message":"m"}],"success":false}"#,
            Rejected,
            Some("invalid_grant"),
            Answered,
        ),
        (400, r#"[{"errorCode":"invalid_grant"}]"#, Rejected, Some("invalid_grant"), Answered),
        (
            400,
            r#"{"__type":"com.example.auth#invalid_grant"}"#,
            Rejected,
            Some("invalid_grant"),
            Answered,
        ),
        (
            400,
            r#"{"error":{"message":"invalid_grant","code":400}}"#,
            Unavailable,
            Some("invalid_grant"),
            Answered,
        ),
        // In other spellings and other places.
        (400, r#"{"error":"INVALID_GRANT"}"#, Rejected, Some("invalid_grant"), Answered),
        (400, r#"{"error":"invalidGrant"}"#, Rejected, Some("invalid_grant"), Answered),
        (400, r#"{"error":"Invalid_Grant"}"#, Rejected, Some("invalid_grant"), Answered),
        (400, r#"{"error":"invalid-grant"}"#, Rejected, Some("invalid_grant"), Answered),
        (400, r#"{"__type":"a#InvalidGrantException"}"#, Rejected, Some("invalid_grant"), Answered),
        (400, r#"{"errors":["invalid_grant"]}"#, Rejected, Some("invalid_grant"), Answered),
        (400, r#"{"error":["invalid_grant"]}"#, Rejected, Some("invalid_grant"), Answered),
        (
            400,
            r#"{"errors":[{"code":"x"},{"code":"invalid_grant"}]}"#,
            Rejected,
            Some("invalid_grant"),
            Answered,
        ),
        (401, r#"{"detail":{"error":"invalid_grant"}}"#, Rejected, Some("invalid_grant"), Answered),
        (400, r#"{"errorCode":"invalidClient"}"#, Misconfigured, Some("invalid_client"), Answered),
        (400, r#"{"error":"SLOW_DOWN"}"#, Throttled, Some("slow_down"), Answered),
        (400, r#"{"error":"serverError"}"#, Unavailable, Some("server_error"), Unknown),
        (500, r#"{"error":"INVALID_GRANT"}"#, Unavailable, Some("invalid_grant"), Unknown),
        (403, r#"{"detail":"invalid_grant"}"#, Unavailable, None, Unknown),
        // A 5xx and a 429 are no verdict, whatever they say.
        (500, r#"{"error":"invalid_grant"}"#, Unavailable, Some("invalid_grant"), Unknown),
        (
            503,
            r#"{"error":"temporarily_unavailable"}"#,
            Unavailable,
            Some("temporarily_unavailable"),
            Unknown,
        ),
        (429, r#"{"error":"invalid_grant"}"#, Throttled, Some("invalid_grant"), Answered),
        (429, html, Throttled, None, Answered),
        (429, "", Throttled, None, Answered),
        (500, "", Unavailable, None, Unknown),
        (502, html, Unavailable, None, Unknown),
        (504, html, Unavailable, None, Unknown),
        (
            529,
            r#"{"type":"error","error":{"type":"overloaded_error"}}"#,
            Unavailable,
            Some("overloaded_error"),
            Unknown,
        ),
        (599, "\u{0}", Unavailable, None, Unknown),
        // Pages of those between us and the server.
        (400, html, Unavailable, None, Unknown),
        (401, "", Unavailable, None, Unknown),
        (403, html, Unavailable, None, Unknown),
        (407, html, Unavailable, None, Unknown),
        (408, "", Unavailable, None, Unknown),
        (425, "", Unavailable, None, Unknown),
        (451, html, Unavailable, None, Unknown),
        (407, r#"{"error":"invalid_grant"}"#, Unavailable, Some("invalid_grant"), Unknown),
        (408, r#"{"error":"invalid_grant"}"#, Unavailable, Some("invalid_grant"), Unknown),
        (302, r#"{"error":"invalid_grant"}"#, Misconfigured, Some("invalid_grant"), Answered),
        (999, r#"{"error":"invalid_grant"}"#, Unavailable, Some("invalid_grant"), Unknown),
        (
            401,
            r#"{"error":"session_expired","message":"Gateway"}"#,
            Unavailable,
            Some("session_expired"),
            Answered,
        ),
        (403, r#"{"error":"blocked_by_dlp"}"#, Unavailable, Some("blocked_by_dlp"), Unknown),
        (
            400,
            r#"{"error":"temporarily_unavailable","reason":"session_expired"}"#,
            Unavailable,
            Some("temporarily_unavailable"),
            Answered,
        ),
        (
            400,
            r#"{"error":"server_error","errors":[{"code":"invalid_grant"}]}"#,
            Unavailable,
            Some("server_error"),
            Unknown,
        ),
        (206, r#"{"access_token":"at"}"#, Interrupted, None, Unknown),
        (403, r#"{"message":"Forbidden"}"#, Unavailable, None, Unknown),
        (
            403,
            r#"{"timestamp":1,"status":403,"error":"Forbidden","path":"/"}"#,
            Unavailable,
            None,
            Unknown,
        ),
        (400, r#"{"error":{"message":"no code"}}"#, Unavailable, None, Unknown),
        (400, r#"{"type":"error"}"#, Unavailable, None, Unknown),
        (400, r#"{"type":"about:blank","title":"x","status":400}"#, Unavailable, None, Unknown),
        (400, r#"{"error":true}"#, Unavailable, None, Unknown),
        (400, r#"{"error":""}"#, Unavailable, None, Unknown),
        (400, r#"{"error":"invalid_gra"#, Unavailable, None, Unknown),
        (400, r#""invalid_grant""#, Unavailable, None, Unknown),
        (400, "invalid_grant", Unavailable, None, Unknown),
        // A code that nobody knows is a refusal, but no verdict on the token.
        (400, r#"{"error":"brand_new_code"}"#, Unavailable, Some("brand_new_code"), Answered),
        (400, r#"{"error":"x"}"#, Unavailable, None, Unknown),
        (200, r#"{"error":"brand_new_code"}"#, Unavailable, Some("brand_new_code"), Unknown),
        // The wrong place.
        (404, html, Misconfigured, None, Answered),
        (404, r#"{"error":"Not Found"}"#, Misconfigured, None, Answered),
        (405, "", Misconfigured, None, Answered),
        (301, "", Misconfigured, None, Answered),
        (302, html, Misconfigured, None, Answered),
        (307, "", Misconfigured, None, Answered),
        (308, r#"{"access_token":"at"}"#, Misconfigured, None, Answered),
        // Success without a token.
        (200, html, Interrupted, None, Unknown),
        (200, "", Interrupted, None, Unknown),
        (204, "", Interrupted, None, Unknown),
        (200, "{}", Interrupted, None, Unknown),
        (200, r#"{"access_token":"at"#, Interrupted, None, Unknown),
        (200, r#"{"ok":false}"#, Interrupted, None, Unknown),
        (200, r#"{"code":200,"data":{}}"#, Interrupted, None, Unknown),
        (200, r#"{"errcode":0,"errmsg":"ok"}"#, Interrupted, None, Unknown),
        // An error is an error, whatever its type.
        (200, r#"{"code":99991663,"msg":"t u"}"#, Unavailable, Some("99991663"), Answered),
        (200, r#"{"code":"99991663","msg":"t u"}"#, Unavailable, Some("99991663"), Answered),
        (200, r#"{"code":500,"msg":"t u"}"#, Unavailable, Some("500"), Unknown),
        (200, r#"{"code":503.0,"msg":"t u"}"#, Unavailable, Some("503"), Unknown),
        (200, r#"{"code":50000,"msg":"t u"}"#, Unavailable, Some("50000"), Answered),
        (200, r#"{"error":true,"message":"t u"}"#, Unavailable, None, Unknown),
        (200, r#"{"errcode":-1,"errmsg":"system error"}"#, Unavailable, Some("-1"), Answered),
        (200, r#"{"error_code":7}"#, Unavailable, Some("7"), Answered),
        (200, r#"{"error":7}"#, Unavailable, Some("7"), Answered),
        (
            200,
            r#"{"data":{"error_code":2100004,"description":"t u"},"message":"error"}"#,
            Unavailable,
            Some("2100004"),
            Answered,
        ),
        (
            200,
            r#"{"code":20050,"error":"temporarily_unavailable"}"#,
            Unavailable,
            Some("temporarily_unavailable"),
            Unknown,
        ),
        (500, r#"{"code":99991663}"#, Unavailable, None, Unknown),
        (400, r#"{"code":99991663,"msg":"t u"}"#, Unavailable, None, Unknown),
        (200, r#"{"success":false,"message":"try again"}"#, Unavailable, None, Unknown),
        (200, r#"{"status":"error","message":"try again"}"#, Unavailable, None, Unknown),
        (200, r#"{"success":true,"message":"All is well."}"#, Interrupted, None, Unknown),
        (200, r#"{"code":0,"msg":"success"}"#, Interrupted, None, Unknown),
        (200, r#"{"status":"ok"}"#, Interrupted, None, Unknown),
    ];
    for (status, body, kind, code, delivery) in rows {
        let failure = read(*status, body);
        assert_eq!(failure.kind(), *kind, "{status} {body}");
        assert_eq!(failure.code().map(crate::ErrorCode::as_str), *code, "{status} {body}");
        assert_eq!(failure.delivery(), *delivery, "{status} {body}");
        assert_eq!(failure.status().map(|status| status.as_u16()), Some(*status));
    }
}

#[test]
fn the_callers_rules_come_first() {
    let body = r#"{"error":"invalid_grant","error_description":"replica is behind"}"#;
    let rule = Rule::new("invalid_grant", Unavailable).words("is behind").provider("Us");
    let failure = read_with(400, body, &[rule], &[]);
    assert_eq!(failure.kind(), Unavailable);
    assert_eq!(failure.delivery(), Answered);
    assert_eq!(failure.provider(), Some("Us"));
    assert_eq!(failure.code(), Some(&crate::ErrorCode::INVALID_GRANT));

    // What decides is shown, a number too; but not the status repeated.
    let rule = Rule::new("601", Throttled).words("slow");
    let failure = read_with(200, r#"{"status":601,"message":"too slow"}"#, &[rule], &[]);
    assert_eq!((failure.kind(), failure.code().unwrap().as_str()), (Throttled, "601"));
    let rule = Rule::new("Bad Request", Rejected).words("no token");
    let body = r#"{"error":"Bad Request","message":"no token"}"#;
    let failure = read_with(400, body, &[rule], &[]);
    assert_eq!((failure.kind(), failure.code()), (Rejected, None));

    // A server that is down by its own words may have done it all the same.
    for (status, delivery) in [(200, Unknown), (400, Answered), (500, Unknown)] {
        let rule = Rule::new("replica_down", Unavailable);
        let rule = rule.status(http::StatusCode::from_u16(status).unwrap());
        let failure = read_with(status, r#"{"error":"replica_down"}"#, &[rule], &[]);
        assert_eq!((failure.kind(), failure.delivery()), (Unavailable, delivery), "{status}");
        assert_eq!(failure.provider(), Some("your own rule"));
    }

    // A code that the server spells otherwise is both.
    for code in ["INVALID_GRANT", "invalid_grant"] {
        let own = [Rule::new(code, Unavailable)];
        assert_eq!(read_with(400, r#"{"error":"INVALID_GRANT"}"#, &own, &[]).kind(), Unavailable);
    }

    let rule = Rule::described("come back", Throttled);
    assert_eq!(read_with(400, r#"{"message":"Come back soon"}"#, &[rule], &[]).kind(), Throttled);
}

#[test]
fn what_was_sent_is_not_shown() {
    for secret in ["v1.MjQ1NzYwODQ3Q0FGRUJBQ", "KpXqMnBvZlKjHgFdSaQw"] {
        let end = secret.len() - 8;
        for echo in [
            secret.to_owned(),
            secret[3..].to_owned(),
            format!("bad_{secret}"),
            format!("x_{}", &secret[3..]),
            format!("id{}", &secret[3..]),
            format!("{}xxxx", &secret[..end]),
            format!("{}xxxxxxxxxxxx", &secret[..8]),
            format!("xxxxxxxxxxxx{}", &secret[end..]),
            format!("x_{}_", &secret[end..]),
            secret.to_ascii_uppercase(),
        ] {
            not_shown(secret, &echo);
        }
    }
    for body in [r#"{"error":"bad_s3cret"}"#, r#"{"error":"x","message":"no s3cret"}"#] {
        let failure = read_with(400, body, &[], &["s3cret"]);
        assert!(!format!("{failure} {failure:?}").contains("s3cret"), "{failure}");
    }
}

fn not_shown(secret: &str, echo: &str) {
    for body in [
        format!(r#"{{"error":"{echo}"}}"#),
        format!(r#"{{"error":"invalid_grant","error_description":"no {echo} here"}}"#),
        format!(r#"{{"error":{{"message":"{echo}"}}}}"#),
        format!(r#"{{"error":"invalid_grant","error_description":"{} {echo}"}}"#, "x".repeat(240)),
    ] {
        let failure = read_with(400, &body, &[], &["s3cret", secret]);
        let shown = format!("{failure} {failure:?}").to_ascii_lowercase();
        for piece in secret.to_ascii_lowercase().as_bytes().windows(8) {
            let piece = std::str::from_utf8(piece).unwrap();
            assert!(!shown.contains(piece), "{piece} in {shown}");
        }
    }
}

#[test]
fn what_is_no_echo_is_shown() {
    // A code, beside a secret that shares nothing, and one too short to be
    // told from a part of a word.
    for secret in ["rt-0123456789", "new", "brand_new_code_and_more"] {
        let failure = read_with(400, r#"{"error":"brand_new_code"}"#, &[], &[secret]);
        let shown = failure.code().map(crate::ErrorCode::as_str);
        let expected = (!secret.starts_with("brand")).then_some("brand_new_code");
        assert_eq!(shown, expected, "{secret}");
    }
    // A part of a secret that is too short to give it away.
    let failure = read_with(400, r#"{"error":"brand"}"#, &[], &["brand_new_code"]);
    assert_eq!(failure.code().map(crate::ErrorCode::as_str), Some("brand"));
}

#[test]
fn a_known_code_is_shown_whatever_the_secret() {
    let own_code = "brand_new_code_of_2027_and_more";
    let own = [Rule::new(own_code, Rejected)];
    let codes = standard_codes()
        .chain(Rule::built_in().iter().filter_map(Rule::code))
        .chain([own_code])
        .filter(|code| code.starts_with(|first: char| first.is_ascii_alphabetic()))
        // What repeats the status is never shown.
        .filter(|code| !matches!(*code, "Bad Request" | "error"));
    for code in codes {
        // By a 500 it is no verdict.
        for status in [400, 500] {
            let body = format!(r#"{{"error":"{code}"}}"#);
            for secret in [code.to_owned(), format!("my-{code}-1")] {
                let failure = read_with(status, &body, &own, &[&secret]);
                let shown = failure.code().map(crate::ErrorCode::as_str);
                assert_eq!(shown, Some(code), "{status} {body}");
            }
        }
    }
}

#[test]
fn one_line_for_people() {
    for (status, body, line) in [
        (
            400,
            r#"{"error":"invalid_grant","error_description":"Token revoked."}"#,
            "invalid_grant (HTTP 400): \"Token revoked.\"",
        ),
        (502, "<html>", "HTTP 502"),
        (200, "<html>", "HTTP 200, but the body is an HTML page"),
        (200, r#"{"error":"bad"}"#, "bad (HTTP 200)"),
    ] {
        assert_eq!(read(status, body).to_string(), line);
    }
}
