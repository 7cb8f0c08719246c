use super::*;
use crate::test_now;

fn read_as(content_type: Option<&str>, body: &[u8]) -> Result<TokenSet, Unreadable> {
    let mut headers = HeaderMap::new();
    if let Some(content_type) = content_type {
        headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
    }
    read(&headers, body, test_now().wall)
}

fn read_json(body: &str) -> Result<TokenSet, Unreadable> {
    read_as(Some("application/json"), body.as_bytes())
}

#[test]
fn a_lifetime_in_every_spelling() {
    let s = |seconds| Some(Duration::from_secs(seconds));
    for (expires_in, expected) in [
        ("3600", s(3600)),
        ("\"3600\"", s(3600)),
        ("\" 3600 \"", s(3600)),
        ("3599.5", Some(Duration::from_millis(3_599_500))),
        ("\"3599.5\"", Some(Duration::from_millis(3_599_500))),
        ("3.6e3", s(3600)),
        ("0", s(0)),
        ("-1", s(0)),
        ("-1.5", s(0)),
        ("\"-1\"", s(0)),
        ("null", None),
        ("\"\"", None),
        ("\"soon\"", None),
        ("\"NaN\"", None),
        ("true", None),
        ("[3600]", None),
        ("{\"seconds\":3600}", None),
        ("3162240000", s(3_162_240_000)),
        ("3162240001", s(3_162_240_000)),
        ("18446744073709551615", Some(LONGEST)),
        ("-9223372036854775808", s(0)),
        ("99999999999999999999999", Some(LONGEST)),
        ("1e300", Some(LONGEST)),
        ("\"inf\"", Some(LONGEST)),
    ] {
        let body = format!(r#"{{"access_token":"at","expires_in":{expires_in}}}"#);
        let life = read_json(&body)
            .unwrap()
            .expires_at
            .map(|at| at.duration_since(test_now().wall).unwrap());
        assert_eq!(life, expected, "{expires_in}");
    }
    assert_eq!(read_json(r#"{"access_token":"at"}"#).unwrap().expires_at, None);
    let zoho = r#"{"access_token":"at","expires_in_sec":3600,"expires_in":3600000}"#;
    let expected = Some(test_now().wall + Duration::from_secs(3600));
    assert_eq!(read_json(zoho).unwrap().expires_at, expected);
}

#[test]
fn tokens_in_every_dress() {
    let json = Some("application/json");
    let form = Some("application/x-www-form-urlencoded; charset=utf-8");
    for (content_type, body, access, refresh) in [
        (json, r#"{"access_token":"at","refresh_token":"rt"}"#, "at", Some("rt")),
        (json, r#"{"access_token":"at","refresh_token":null}"#, "at", None),
        (json, r#"{"access_token":"at","refresh_token":""}"#, "at", None),
        (json, r#"{"access_token":"at","refresh_token":7}"#, "at", Some("7")),
        (
            json,
            r#"{"access_token":"at","refresh_token":"rt","refresh_token":null}"#,
            "at",
            Some("rt"),
        ),
        (
            json,
            r#"{"refresh_token":"rt","access_token":"at","refresh_token":""}"#,
            "at",
            Some("rt"),
        ),
        (json, r#"{"access_token":"a\/t\u002b","refresh_token":"r\\t"}"#, "a/t+", Some("r\\t")),
        // The last of duplicate members counts.
        (json, r#"{"access_token":"old","access_token":"at"}"#, "at", None),
        // A token is a token, whatever else is said.
        (json, r#"{"access_token":"at","error":null}"#, "at", None),
        (json, r#"{"ok":true,"access_token":"at","error":""}"#, "at", None),
        (json, "\u{feff}  {\"access_token\":\"at\"}\r\n", "at", None),
        // Wrapped.
        (
            json,
            r#"{"status":0,"body":{"access_token":"at","refresh_token":"rt"}}"#,
            "at",
            Some("rt"),
        ),
        (json, r#"{"ok":true,"authed_user":{"id":"U","access_token":"at"}}"#, "at", None),
        (json, r#"{"data":{"access_token":"no"},"access_token":"at"}"#, "at", None),
        (json, r#"{"refresh_token":"rt","data":{"access_token":"at"}}"#, "at", Some("rt")),
        (
            json,
            r#"{"refresh_token":"rt","data":{"access_token":"at","refresh_token":""}}"#,
            "at",
            Some("rt"),
        ),
        (json, r#"{"access_token":"","data":{"access_token":"at"}}"#, "at", None),
        (json, r#"{"access_token":"at","refresh_token":["a","b"]}"#, "at", None),
        // Broken where it does not matter.
        (json, r#"{"access_token":"at","x":1e999,"refresh_token":"rt"}"#, "at", Some("rt")),
        (json, r#"{"access_token":"at","x":"\ud83d","refresh_token":"rt"}"#, "at", Some("rt")),
        (json, r#"{"access_token":"at","scope":"\ud83d","expires_in":1e999}"#, "at", None),
        (json, r#"{"body":{"access_token":"at","x":"\ud83d"}}"#, "at", None),
        (json, r#"{"body":{"x":1},"data":{"access_token":"at"}}"#, "at", None),
        // The content type is wrong or missing more often than the body.
        (None, r#"{"access_token":"at"}"#, "at", None),
        (Some("text/html"), r#"{"access_token":"at"}"#, "at", None),
        (form, r#"{"access_token":"at"}"#, "at", None),
        (form, "access_token=a%2Bt+&refresh_token=rt", "a+t ", Some("rt")),
        (form, "refresh_token=rt&access_token=at&refresh_token=", "at", Some("rt")),
        (form, "token_type=bearer&access_token=at", "at", None),
        (Some("text/plain"), "access_token=at&scope=", "at", None),
        (None, "access_token=at", "at", None),
        (Some("text/html"), "token_type=bearer&access_token=at", "at", None),
    ] {
        let tokens = read_as(content_type, body.as_bytes()).expect(body);
        assert_eq!(tokens.access_token.expose(), access, "{body}");
        assert_eq!(tokens.refresh_token.as_ref().map(RefreshToken::expose), refresh, "{body}");
    }
}

#[test]
fn the_other_members() {
    for (members, token_type, scope) in [
        (r#""token_type":"Bearer""#, Some("Bearer"), None),
        (r#""token_type":"bearer","scope":"a b""#, Some("bearer"), Some("a b")),
        (r#""token_type":null,"scope":null"#, None, None),
        (r#""scope":["a","b"]"#, None, Some("a b")),
        (r#""scope":["a",7,{"x":[]},"b"]"#, None, Some("a b")),
        (r#""scope":"""#, None, Some("")),
    ] {
        let tokens = read_json(&format!(r#"{{"access_token":"at",{members}}}"#)).unwrap();
        assert_eq!(tokens.token_type.as_deref(), token_type, "{members}");
        assert_eq!(tokens.scope.as_deref(), scope, "{members}");
        assert!(tokens.extra.is_empty(), "{members}");
    }
    let tokens =
        read_json(r#"{"id_token":"x","access_token":"at","team":{"id":1},"id_token":"y"}"#)
            .unwrap();
    assert_eq!(tokens.extra.get("id_token"), Some(&Value::from("y")));
    assert_eq!(tokens.extra.get("team"), Some(&serde_json::json!({"id": 1})));
    assert_eq!(tokens.extra.iter().count(), 2);

    let tokens =
        read_as(None, b"access_token=at&expires_in=60&scope=a+b&x=1&token_type=bearer").unwrap();
    assert_eq!(tokens.token_type.as_deref(), Some("bearer"));
    assert_eq!(tokens.extra.iter().count(), 1);
    assert_eq!(tokens.expires_at, Some(test_now().wall + Duration::from_secs(60)));
    assert_eq!(tokens.scope.as_deref(), Some("a b"));
    assert_eq!(tokens.extra.get("x"), Some(&Value::from("1")));
}

#[test]
fn what_is_no_token() {
    let syntax = |column| Unreadable::Syntax { line: 1, column };
    for (body, expected) in [
        ("", Unreadable::Empty),
        (" \r\n", Unreadable::Empty),
        ("<!DOCTYPE html><p>Welcome to the airport", Unreadable::Html),
        ("\u{feff}<html>", Unreadable::Html),
        ("{}", Unreadable::NoToken),
        (r#"{"data":{"refresh_token":"rt"},"body":"x"}"#, Unreadable::NoToken),
        (r#"{"access_token":""}"#, Unreadable::NoToken),
        (r#"{"access_token":null}"#, Unreadable::NoToken),
        (r#"{"access_token":true}"#, Unreadable::NoToken),
        (r#"{"ok":false,"error":"x","data":{"access_token":"stale"}}"#, Unreadable::NoToken),
        (r#"{"error":"x","body":{"access_token":"stale"}}"#, Unreadable::NoToken),
        ("access_token=at&refresh_token=%ff", Unreadable::NoToken),
        (r#"{"error":"x"}"#, Unreadable::NoToken),
        ("error=x", Unreadable::NoToken),
        ("access_token=", Unreadable::NoToken),
        // Cut short: half a token must not pass for one.
        (r#"{"access_token":"at","refresh_to"#, syntax(32)),
        (r#"{"access_token":"at"} trailing"#, syntax(23)),
        ("OK", syntax(1)),
    ] {
        assert_eq!(read_json(body), Err(expected), "{body:?}");
    }
    assert!(matches!(read_as(None, b"[1]"), Err(Unreadable::Syntax { .. })));
    assert!(matches!(read_as(None, b"\xff\xfe{"), Err(Unreadable::Syntax { .. })));

    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
    let body = br#"{"access_token":"at"}"#;
    assert_eq!(read(&headers, b"\x1f\x8b{", test_now().wall), Err(Unreadable::Encoded));
    assert_eq!(read(&headers, b"{\x1f\x8b", test_now().wall), Err(Unreadable::Encoded));
    headers.insert(header::CONTENT_ENCODING, "Identity".parse().unwrap());
    assert!(read(&headers, body, test_now().wall).is_ok());
    headers.insert(header::CONTENT_ENCODING, "utf-8".parse().unwrap());
    assert!(read(&headers, body, test_now().wall).is_ok());
}

#[test]
fn a_broken_token_is_no_token() {
    for body in [
        &b"{\"access_token\":\"at\",\"refresh_token\":\"rt\xe9x\"}"[..],
        br#"{"access_token":"at","refresh_token":"\ud83d"}"#,
        br#"{"access_token":"\ud83d","refresh_token":"rt"}"#,
    ] {
        assert!(matches!(read_as(None, body), Err(Unreadable::Syntax { .. })));
    }
    // Nor within another object.
    for body in [
        &b"{\"body\":{\"access_token\":\"at\",\"refresh_token\":\"rt\xe9x\"}}"[..],
        br#"{"body":{"access_token":"at","refresh_token":"\ud83d"}}"#,
        b"{\"body\":{\"access_token\":\"at\xe9\",\"refresh_token\":\"rt\"}}",
    ] {
        assert_eq!(read_as(None, body), Err(Unreadable::NoToken));
    }
}

#[test]
fn what_cannot_be_read_is_left_out() {
    let body = b"{\"access_token\":\"at\",\"name\":\"Ren\xe9\",\"refresh_token\":\"rt\"}";
    let tokens = read_as(None, body).unwrap();
    assert_eq!(tokens.refresh_token, Some(RefreshToken::new("rt")));
    assert_eq!(tokens.extra.get("name"), Some(&Value::from("Ren\u{fffd}")));
    for (open, close) in [("[", "]"), (r#"{"x":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(99_999), close.repeat(99_999));
        let tokens = read_json(&format!(r#"{{"access_token":"at","x":{deep}}}"#)).unwrap();
        assert_eq!(tokens.access_token.expose(), "at");
        assert!(matches!(read_json(&deep), Err(Unreadable::Syntax { .. } | Unreadable::NoToken)));
    }
}
