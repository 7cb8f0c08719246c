use super::*;

fn read_json(body: &str) -> Option<ErrorBody> {
    read(StatusCode::BAD_REQUEST, &HeaderMap::new(), body.as_bytes())
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
            &["a", "b"],
            &["t u"],
        ),
        (r#"{"error":"a","error_codes":[70008,50196]}"#, &["a", "70008", "50196"], &[]),
        (r#"{"code":400,"error_code":"a","msg":"t u"}"#, &["a", "400"], &["t u"]),
        (r#"{"error":{"code":400,"message":"A_B","status":"C"}}"#, &["C", "A_B", "400"], &["A_B"]),
        (r#"{"__type":"com.example#A","message":"t u"}"#, &["A"], &["t u"]),
        (r#"{"error":"t u","status":503}"#, &["t u", "503"], &["t u"]),
        (r#"{"error":"a","reason":"t u"}"#, &["a", "t u"], &["t u"]),
        (r#"{"errcode":40030,"errmsg":"t u"}"#, &["40030"], &["t u"]),
        ("error=a&error_description=t+u", &["a"], &["t u"]),
        // In other spellings and under other names.
        (r#"{"error":"INVALID_GRANT"}"#, &["invalid_grant", "INVALID_GRANT"], &[]),
        (r#"{"error":"invalidGrant"}"#, &["invalid_grant", "invalidGrant"], &[]),
        (r#"{"error":" a\n"}"#, &["a"], &[]),
        (r#"{"errorCode":"a","errorDescription":"t u"}"#, &["a"], &["t u"]),
        (r#"{"errorCode":"a","errorMessage":"t u"}"#, &["a"], &["t u"]),
        (r#"{"ErrorCode":"a","Error":"t u"}"#, &["t u", "a"], &["t u"]),
        (r#"{"Code":"a","Message":"t u"}"#, &["a"], &["t u"]),
        (r#"{"errno":-6,"errMsg":"t u"}"#, &["-6"], &["t u"]),
        // In lists.
        (r#"{"errors":["a","b"]}"#, &["a", "b"], &[]),
        (r#"{"error":["a"]}"#, &["a"], &[]),
        (r#"{"error_code":["a","b"]}"#, &["a", "b"], &[]),
        (r#"{"error":{"code":["a",1,null]}}"#, &["a"], &[]),
        (r#"{"error_codes":["a"]}"#, &["a"], &[]),
        (r#"{"code":["t u"]}"#, &["t u"], &["t u"]),
        (r#"{"errors":["t u"]}"#, &["t u"], &["t u"]),
        (r#"{"errors":[{"code":"a","detail":"t u"},{"code":"b"}]}"#, &["a", "b"], &["t u"]),
        (r#"{"errors":[1,null,{"code":"a"},[]]}"#, &["a"], &[]),
        // Where FastAPI and Django put it, and RFC 9457.
        (r#"{"detail":{"error":"a","error_description":"t u"}}"#, &["a"], &["t u"]),
        (r#"{"detail":{"code":"a","message":"t u"}}"#, &["a"], &["t u"]),
        (r#"{"detail":"t u"}"#, &[], &["t u"]),
        (r#"{"detail":"t u","code":"a"}"#, &["a"], &["t u"]),
        (
            r#"{"detail":[{"loc":["body","x"],"msg":"t u","type":"value_error"}]}"#,
            &["value_error"],
            &["t u"],
        ),
        (r#"{"detail":["t u"]}"#, &[], &["t u"]),
        (
            r#"{"type":"https://a.example/probs/invalid_grant","title":"t u","detail":"v w"}"#,
            &["invalid_grant"],
            &["v w", "t u"],
        ),
        (r#"{"type":"urn:ietf:params:oauth:error:invalidGrant"}"#, &["invalid_grant"], &[]),
        (
            r#"{"type":"https://tools.ietf.org/html/rfc9110#section-15.5.1","title":"t u"}"#,
            &[],
            &["t u"],
        ),
        (r#"{"type":"about:blank","title":"t u"}"#, &[], &["t u"]),
        (r#"{"title":"maintenance","status":503}"#, &["503"], &["maintenance"]),
        // Numbers, wherever an answer has its error.
        (r#"{"data":{"error_code":10010,"description":"t u"}}"#, &["10010"], &["t u"]),
        (r#"{"code":"99991663","msg":"t u"}"#, &["99991663"], &["t u"]),
        (r#"{"data":{"error":"a"}}"#, &["a"], &[]),
        (r#"{"result":{"error":"a"}}"#, &["a"], &[]),
        (r#"{"body":{"error":"a"}}"#, &["a"], &[]),
        (r#"{"fault":{"faultstring":"t u","detail":{"errorcode":"a.b"}}}"#, &["a.b"], &["t u"]),
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
        (r#"{"data":{"type":"a"}}"#, 0),
        (r#"{"detail":[{"type":"a"}]}"#, 0),
        (r#"{"detail":["a"]}"#, 0),
        (r#"{"detail":"a"}"#, 0),
        (r#"{"detail":{"type":"a"}}"#, 1),
        (r#"{"type":"https://a.example/invalid_grant"}"#, 1),
        (r#"{"code":7}"#, 0),
        (r#"{"code":"7"}"#, 0),
    ] {
        assert_eq!(read_json(body).unwrap().strong().len(), strong, "{body}");
    }
    let latin = b"{\"error\":\"a\",\"error_description\":\"expir\xe9\"}";
    assert_eq!(read(StatusCode::BAD_REQUEST, &HeaderMap::new(), latin).unwrap().codes, ["a"]);
}

#[test]
fn words_elsewhere_are_told_from_numbers_and_from_codes() {
    for (body, weak) in [
        (r#"{"error":"a","status":"b","reason":"c","type":"d"}"#, &["d", "b", "c"][..]),
        (r#"{"status":503,"error":"a","error_codes":[1]}"#, &[]),
        (r#"{"status":"b","code":7}"#, &["b"]),
        (r#"{"message":"a_b","code":"c"}"#, &["a_b"]),
        (r#"{"error":"a"}"#, &[]),
    ] {
        let error = read_json(body).unwrap();
        assert_eq!(&error.codes[error.weak_codes()], weak, "{body}");
    }
    let mut headers = HeaderMap::new();
    headers.insert("www-authenticate", "Bearer error=c".parse().unwrap());
    let body = br#"{"message":"Not Found","status":"a b","code":7}"#;
    let error = read(StatusCode::BAD_REQUEST, &headers, body).unwrap();
    assert_eq!(error.codes, ["c", "a b", "7"]);
    assert_eq!(error.codes[error.weak_codes()], ["a b"]);
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
        r#"{"type":"about:blank"}"#,
        r#"{"error":[]}"#,
        r#"{"errors":{}}"#,
        r#"{"detail":null}"#,
    ] {
        assert_eq!(read_json(body), None, "{body}");
    }
    let deep = format!("{}{}", r#"{"error":"#.repeat(9) + r#""a""#, "}".repeat(9));
    assert_eq!(read_json(&deep), None);
    let vast = format!(r#"{{"error":"{}"}}"#, "a".repeat(code::LONGEST_CODE + 1));
    assert_eq!(read_json(&vast), None);
}

#[test]
fn a_long_text_is_cut_between_characters() {
    let text = "a".repeat(LONGEST_TEXT - 1) + "\u{e9}\u{e9}";
    assert_eq!(beginning(&text), text[..LONGEST_TEXT - 1]);
    assert_eq!(beginning(&text[1..]), text[1..=LONGEST_TEXT]);
}

#[test]
fn a_number_that_says_that_something_is_wrong() {
    for (body, number) in [
        (r#"{"code":20037}"#, Some("20037")),
        (r#"{"code":"20037"}"#, Some("20037")),
        (r#"{"code":-1}"#, Some("-1")),
        (r#"{"code":20037.0}"#, Some("20037")),
        (r#"{"code":2.0037e4}"#, Some("20037")),
        (r#"{"code":-1.0}"#, Some("-1")),
        (r#"{"result":{"errcode":7}}"#, Some("7")),
        (r#"{"response":{"error_code":7}}"#, Some("7")),
        (r#"{"errcode":40030}"#, Some("40030")),
        (r#"{"error_code":7.5}"#, Some("7.5")),
        (r#"{"data":{"error_code":10010},"code":0}"#, Some("10010")),
        (r#"{"error":{"code":7}}"#, Some("7")),
        (r#"{"error":7}"#, Some("7")),
        (r#"{"code":0}"#, None),
        (r#"{"code":"0"}"#, None),
        (r#"{"code":"00000"}"#, None),
        (r#"{"code":-0.0}"#, None),
        // The status once more, or what is none of a code's.
        (r#"{"code":400}"#, None),
        (r#"{"code":400.0}"#, None),
        (r#"{"code":0e9}"#, None),
        (r#"{"status":7}"#, None),
        (r#"{"expires_in":7}"#, None),
        (r#"{"data":{"id":7}}"#, None),
        (r#"{"data":[{"deep":{"code":7}}]}"#, None),
    ] {
        let error = read_json(body);
        let read = error.as_ref().and_then(|error| error.number(StatusCode::BAD_REQUEST));
        assert_eq!(read, number, "{body}");
    }
}

#[test]
fn an_answer_that_says_itself_that_it_failed() {
    for (body, failed) in [
        (r#"{"success":false}"#, true),
        (r#"{"ok":false}"#, true),
        (r#"{"isSuccess":false}"#, true),
        (r#"{"success":"False"}"#, true),
        (r#"{"success":0}"#, true),
        (r#"{"success":"0"}"#, true),
        (r#"{"status":false}"#, true),
        (r#"{"status":"Failed"}"#, true),
        (r#"{"error":true}"#, true),
        (r#"{"error":"true"}"#, true),
        (r#"{"result":{"success":false}}"#, true),
        (r#"{"success":true}"#, false),
        (r#"{"success":1}"#, false),
        (r#"{"success":"true"}"#, false),
        (r#"{"success":null}"#, false),
        (r#"{"status":0}"#, false),
        (r#"{"status":true}"#, false),
        (r#"{"error":false}"#, false),
        (r#"{"error":"false"}"#, false),
        (r#"{"error":"x"}"#, false),
    ] {
        let error = read_json(body);
        assert_eq!(error.is_some_and(|error| error.says_it_failed), failed, "{body}");
    }
}

#[test]
fn a_wait_in_the_body() {
    for (body, seconds) in [
        (r#"{"retry_after":64.5}"#, Some(64.5)),
        (r#"{"retry_after":"30"}"#, Some(30.0)),
        (r#"{"retryAfter":30}"#, Some(30.0)),
        (r#"{"retry_after_ms":1500}"#, Some(1.5)),
        (r#"{"retryAfterMs":"1500"}"#, Some(1.5)),
        (r#"{"error":{"retry_after":30}}"#, Some(30.0)),
        (r#"{"errors":[{"retryAfterSeconds":30}]}"#, Some(30.0)),
        (r#"{"data":{"retry_after":30}}"#, Some(30.0)),
        (r#"{"error":{"code":429,"details":[{"@type":"x"},{"retryDelay":"3.5s"}]}}"#, Some(3.5)),
        (r#"{"error":{"retryDelay":"34s"}}"#, Some(34.0)),
        (r#"{"retry_after":0}"#, Some(0.0)),
        (r#"{"retry_after":-1}"#, None),
        (r#"{"retry_after":"soon"}"#, None),
        (r#"{"retry_after":"NaN"}"#, None),
        (r#"{"retry_after":"inf"}"#, None),
        (r#"{"retry_after":null}"#, None),
        (r#"{"retryDelay":"3m"}"#, None),
        (r#"{"retryDelay":3}"#, None),
    ] {
        assert_eq!(read_json(body).and_then(|error| error.wait), seconds, "{body}");
    }
}

#[test]
fn a_challenge_where_the_body_has_no_code() {
    let read = |status: u16, challenge: &'static str, body: &str| {
        let value = http::HeaderValue::from_static(challenge);
        let headers = HeaderMap::from_iter([(http::header::WWW_AUTHENTICATE, value)]);
        read(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes())
    };
    let challenge = r#"Basic realm="x", Bearer error="INVALID_GRANT", error_description="t u""#;
    for body in ["", "<html>", "{}", "Unauthorized", r#"{"error":"Unauthorized"}"#] {
        for status in [400, 401, 403] {
            if body.contains("error") && status != 401 {
                continue;
            }
            let error = read(status, challenge, body).unwrap();
            assert!(error.strong().contains(&Cow::Borrowed("invalid_grant")), "{status} {body}");
            assert_eq!(error.texts, ["t u"], "{status} {body}");
        }
    }
    for (status, body) in [(401, r#"{"error":"ab"}"#), (200, "{}"), (302, ""), (500, "")] {
        let codes = read(status, challenge, body).map(|error| error.codes.clone());
        assert!(!codes.unwrap_or_default().contains(&Cow::Borrowed("invalid_grant")), "{status}");
    }
    assert_eq!(read(401, r#"Bearer realm="x""#, ""), None);
}

#[test]
fn an_error_with_something_around_it() {
    let object = r#"{"error":"invalid_grant","error_description":"t u"}"#;
    for (before, after) in [
        ("<br />\n<b>Warning</b>: Undefined index in <b>/t.php</b> on line <b>3</b><br />\n", ""),
        ("PHP Warning:  Undefined index: a in /t.php on line 3\n", ""),
        (")]}',\n", ""),
        ("while(1);", ""),
        ("", "\n<!-- 0.02 s -->"),
        ("callback(", ");"),
        ("{\"x\":\"y\"}\n", ""),
        ("[", "]"),
    ] {
        let error = read_json(&format!("{before}{object}{after}")).expect(before);
        assert_eq!(error.strong(), ["invalid_grant"], "{before}");
        assert_eq!(error.texts, ["t u"], "{before}");
    }
    for body in [
        format!("<!DOCTYPE html><script>x({object})</script>"),
        format!("<html>{object}"),
        format!("<br />{}", &object[..30]),
        format!("{{\"x\":{object}"),
    ] {
        assert_eq!(read_json(&body), None, "{body}");
    }
    let twice = read_json(&serde_json::to_string(object).unwrap()).unwrap();
    assert_eq!(twice.strong(), ["invalid_grant"]);
    assert!(!twice.is_json);
    assert_eq!(read_json(r#""t u""#), None);
    // A message decides only where it is the whole response.
    let message = read_json(")]}'\n{\"message\":\"t u\"}").unwrap();
    assert!(!message.is_json);
}
