use std::time::Duration;

use http::header;

use super::*;
use crate::{lifetime::LONGEST, test_now};

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
        ("99999999999", Some(LONGEST)),
        ("-9223372036854775808", s(0)),
        // Too large, for a lifetime or for any number.
        ("18446744073709551615", Some(LONGEST)),
        ("99999999999999999999999", Some(LONGEST)),
        ("1e300", Some(LONGEST)),
        ("1e400", Some(LONGEST)),
        ("\"1e400\"", Some(LONGEST)),
        (&"9".repeat(400), Some(LONGEST)),
        ("-1e400", s(0)),
        // Nonsense.
        ("\"inf\"", None),
        // A date.
        ("1800003600", s(3600)),
        ("1800003600000", s(3600)),
        ("\"2027-01-15T09:00:00Z\"", s(3600)),
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

/// What says when a token expires, in the order in which it counts.
#[test]
fn the_expiry_has_more_than_one_source() {
    // Their claims: {"exp":1800007200}, {"exp":1400000000}, {"exp":99999999999}.
    let jwt = "eyJhbGciOiJub25lIn0.eyJleHAiOjE4MDAwMDcyMDB9.c2ln";
    let old_jwt = "eyJhbGciOiJub25lIn0.eyJleHAiOjE0MDAwMDAwMDB9.c2ln";
    let far_jwt = "eyJhbGciOiJub25lIn0.eyJleHAiOjk5OTk5OTk5OTk5fQ.c2ln";
    let s = |seconds| Some(Duration::from_secs(seconds));
    for (token, members, expected) in [
        ("at", "", None),
        (jwt, "", s(7200)),
        (jwt, r#","expires_at":"2027-01-15T09:00:00Z""#, s(3600)),
        (jwt, r#","expires_at":"2027-01-15T09:00:00Z","expires_in":60"#, s(60)),
        (jwt, r#","expires_in":null,"expires_at":"soon","expiresIn":"long""#, s(7200)),
        (jwt, r#","expires_in":0"#, s(0)),
        ("at", r#","expires_in":null,"expires_on":"1800003600""#, s(3600)),
        ("at", r#","expires_in":3600,"expires_in":null"#, None),
        // A token of long ago, or of a clock that was never set.
        (old_jwt, "", None),
        (far_jwt, "", Some(LONGEST)),
        // A lifetime of the refresh token is none of the access token.
        ("at", r#","refresh_expires_in":3600"#, None),
    ] {
        let tokens = read_json(&format!(r#"{{"access_token":"{token}"{members}}}"#)).unwrap();
        let life = tokens.expires_at.map(|at| at.duration_since(test_now().wall).unwrap());
        assert_eq!(life, expected, "{members}");
    }
    // Within another object, and in a form.
    let nested = r#"{"expires_in":60,"data":{"access_token":"at","expires_in":"x","expire_in":9}}"#;
    let life = |tokens: TokenSet| tokens.expires_at.unwrap().duration_since(test_now().wall);
    assert_eq!(life(read_json(nested).unwrap()).unwrap().as_secs(), 60);
    let nested = r#"{"expires_in":null,"data":{"access_token":"at","expires_at":1800003600}}"#;
    assert_eq!(life(read_json(nested).unwrap()).unwrap().as_secs(), 3600);
    let form = read_as(None, b"access_token=at&expires=5183999&refresh_expires_in=7").unwrap();
    assert_eq!(form.refresh_expires_at, Some(test_now().wall + Duration::from_secs(7)));
    assert_eq!(life(form).unwrap().as_secs(), 5_183_999);
}

#[test]
fn the_refresh_token_has_a_life_of_its_own() {
    for (members, expected) in [
        (r#""refresh_token_expires_in":15897600"#, Some(15_897_600)),
        (r#""refresh_expires_in":1800,"expires_in":300"#, Some(1800)),
        (r#""x_refresh_token_expires_in":8726400"#, Some(8_726_400)),
        (r#""refresh_token_expires_at":"2027-01-15T09:00:00Z""#, Some(3600)),
        // Of the one that was sent, if no other came.
        (r#""refresh_token":null,"refresh_expires_in":1800"#, Some(1800)),
        // It does not expire.
        (r#""refresh_expires_in":0"#, None),
        (r#""expires_in":300"#, None),
    ] {
        let body = format!(r#"{{"access_token":"at","refresh_token":"rt",{members}}}"#);
        let life = read_json(&body)
            .unwrap()
            .refresh_expires_at
            .map(|at| at.duration_since(test_now().wall).unwrap().as_secs());
        assert_eq!(life, expected, "{members}");
    }
    // What the standard does not have stays where it was.
    let tokens = read_json(r#"{"access_token":"at","refresh_expires_in":1800}"#).unwrap();
    assert_eq!(tokens.extra.get("refresh_expires_in"), Some(&Value::from(1800)));
}

#[test]
fn what_stands_around_a_token_is_no_part_of_it() {
    let form = Some("application/x-www-form-urlencoded");
    for around in ["", " ", r"\n", r"\r\n", r"\t \n"] {
        let json = format!(
            r#"{{"access_token":"{around}at-1{around}","refresh_token":"{around}r t{around}"}}"#
        );
        let tokens = read_json(&json.replace("at-1", r"at\u002d1")).unwrap();
        assert_eq!(tokens, read_json(&json).unwrap());
        assert_eq!(tokens.access_token.expose(), "at-1");
        assert_eq!(tokens.refresh_token.unwrap().expose(), "r t");
    }
    let tokens = read_as(form, b"access_token=+at%0D%0A&refresh_token=%20rt+").unwrap();
    assert_eq!(tokens.access_token.expose(), "at");
    assert_eq!(tokens.refresh_token.unwrap().expose(), "rt");
    // The type is as it was sent.
    let tokens = read_json(r#"{"access_token":"at","token_type":" null"}"#).unwrap();
    assert_eq!(tokens.token_type.as_deref(), Some(" null"));
}

#[test]
fn a_word_for_nothing_is_no_token() {
    for none in
        ["", " ", r"\r\n", "null", "NULL", r" null\n", "undefined", "None", "nil", r"n\u0075ll"]
            .into_iter()
            .chain(["false", "False", "0", "(null)", "<null>"])
    {
        let tokens = read_json(&format!(r#"{{"access_token":"at","refresh_token":"{none}"}}"#));
        assert_eq!(tokens.unwrap().refresh_token, None, "{none}");
        let body = format!(r#"{{"access_token":"{none}","refresh_token":"rt"}}"#);
        assert_eq!(read_json(&body), Err(Unreadable::NoToken), "{none}");
        // Nor does it take the place of one.
        let body = format!(r#"{{"access_token":"at","access_token":"{none}"}}"#);
        assert_eq!(read_json(&body).unwrap().access_token.expose(), "at", "{none}");
        let body = format!(r#"{{"access_token":"{none}","data":{{"access_token":"at"}}}}"#);
        assert_eq!(read_json(&body).unwrap().access_token.expose(), "at", "{none}");
        let body = format!(
            r#"{{"refresh_token":"rt","data":{{"access_token":"at","refresh_token":"{none}"}}}}"#
        );
        let tokens = read_json(&body).unwrap();
        assert_eq!(tokens.refresh_token, Some(RefreshToken::new("rt")), "{none}");
    }
    assert_eq!(read_as(None, b"access_token=null"), Err(Unreadable::NoToken));
    let tokens = read_as(None, b"access_token=at&refresh_token=undefined").unwrap();
    assert_eq!(tokens.refresh_token, None);
    // A token may begin so.
    assert_eq!(
        read_json(r#"{"access_token":"nullable"}"#).unwrap().access_token.expose(),
        "nullable"
    );
}

#[test]
fn tokens_in_every_dress() {
    let json = Some("application/json");
    let form = Some("application/x-www-form-urlencoded; charset=utf-8");
    for (content_type, body, access, refresh) in [
        (json, r#"{"access_token":"at","refresh_token":"rt"}"#, "at", Some("rt")),
        (json, r#"{"access_token":"at","refresh_token":null}"#, "at", None),
        (json, r#"{"access_token":"at","refresh_token":""}"#, "at", None),
        (json, r#"{"access_token":"at","refresh_token":false}"#, "at", None),
        (json, r#"{"access_token":"at","refresh_token":true}"#, "at", None),
        (json, r#"{"access_token":"at","refresh_token":0}"#, "at", None),
        (json, r#"{"access_token":"at","refresh_token":{}}"#, "at", None),
        (json, r#"{"access_token":"at","refresh_token":[]}"#, "at", None),
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
        (json, r#"{"result":{"access_token":"at"}}"#, "at", None),
        (
            json,
            r#"{"result":{"data":{"access_token":"at"},"refresh_token":"rt"}}"#,
            "at",
            Some("rt"),
        ),
        (
            json,
            r#"{"body":{"data":{"tokens":{"accessToken":"at","refreshToken":"rt"}}}}"#,
            "at",
            Some("rt"),
        ),
        (json, r#"{"error":"0","data":{"access_token":"at"}}"#, "at", None),
        (json, r#"{"error":"null","data":{"access_token":"at"}}"#, "at", None),
        (json, r#"{"response":{"access_token":"at"}}"#, "at", None),
        (json, r#"{"tokens":{"access_token":"at"}}"#, "at", None),
        (json, r#"{"token":{"access_token":"at"}}"#, "at", None),
        // A number beside it says that all is well: 0, 200, 1, 20000.
        (json, r#"{"code":0,"msg":"ok","data":{"access_token":"at"}}"#, "at", None),
        (json, r#"{"errcode":0,"access_token":"at"}"#, "at", None),
        (json, r#"{"data":{"error_code":0,"access_token":"at"},"message":"success"}"#, "at", None),
        (json, r#"{"code":200,"data":{"access_token":"at"}}"#, "at", None),
        // The content type is wrong or missing more often than the body.
        (None, r#"{"access_token":"at"}"#, "at", None),
        (Some("text/html"), r#"{"access_token":"at"}"#, "at", None),
        (form, r#"{"access_token":"at"}"#, "at", None),
        (form, "access_token=a%2Bt+&refresh_token=rt", "a+t", Some("rt")),
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
        // An error, whatever its type.
        (r#"{"code":20037,"msg":"the refresh token expired"}"#, Unreadable::NoToken),
        (r#"{"code":20037,"msg":"x","data":{}}"#, Unreadable::NoToken),
        (r#"{"code":20037,"data":{"access_token":"","refresh_token":""}}"#, Unreadable::NoToken),
        (r#"{"errcode":40030,"errmsg":"invalid refresh_token"}"#, Unreadable::NoToken),
        (
            r#"{"data":{"error_code":10010,"description":"x"},"message":"error"}"#,
            Unreadable::NoToken,
        ),
        ("error=x", Unreadable::NoToken),
        ("access_token=", Unreadable::NoToken),
        // Cut short: half a token must not pass for one.
        (r#"{"access_token":"at","refresh_to"#, syntax(32)),
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
