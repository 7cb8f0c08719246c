//! What is written and read.

use serde_json::json;

use super::*;
use crate::lifetime::{ACCESS_TOKEN, REFRESH_TOKEN, is_only_in_responses};

fn full() -> TokenSet {
    TokenSet::new(AccessToken::new("at-\u{1F511}\"\n"))
        .token_type("Bearer")
        .refresh_token(RefreshToken::new("rt"))
        .expires_at(SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_999))
        .refresh_expires_at(SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_999))
        .scope("a b")
        .extra("id_token", json!("secret-id"))
}

#[test]
fn the_documented_form_round_trips() {
    let tokens = full();
    let json = tokens.to_json_exposed();
    assert_eq!(
        serde_json::from_slice::<Value>(&json).unwrap(),
        json!({
            "access_token": "at-\u{1F511}\"\n",
            "token_type": "Bearer",
            "refresh_token": "rt",
            "expires_at": 1_700_000_000,
            "refresh_expires_at": 1_800_000_000,
            "scope": "a b",
            "extra": {"id_token": "secret-id"},
        })
    );
    let read = TokenSet::from_json(&json).unwrap();
    assert_eq!(read.to_json_exposed(), json);
    assert_eq!(read.refresh_token, tokens.refresh_token);
    assert_eq!(
        read.refresh_expires_at,
        Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000))
    );

    let bare = TokenSet::new(AccessToken::new("at"));
    assert_eq!(&bare.to_json_exposed()[..], br#"{"access_token":"at"}"#);
    assert_eq!(TokenSet::from_json(&bare.to_json_exposed()).unwrap(), bare);
}

#[test]
fn what_cannot_be_read_is_an_error_without_its_text() {
    for (json, reason) in [
        (&br#"{"access_token":"sec"#[..], "ends too early"),
        (br#"secret"#, "not JSON"),
        (br#"{"access_token":["secret"]}"#, "wrong type"),
        (br#"{"access_token":"secret","expires_at":"secret"}"#, "wrong type"),
        (br#"{"access_token":"secret","expires_at":18446744073709551615}"#, "wrong type"),
        (br#"{"access_token":"secret","refresh_expires_at":"secret"}"#, "wrong type"),
        (br#"{"access_token":"secret","refresh_expires_at":18446744073709551615}"#, "wrong type"),
        (br#"{"access_token":""}"#, "missing, redacted"),
        (br#"{"access_token":"[redacted]"}"#, "redacted"),
        (br#"{"refresh_token":"secret"}"#, "missing"),
    ] {
        let error = TokenSet::from_json(json).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
}

#[test]
fn a_response_is_refused() {
    let others = ["id_token"];
    let members = ACCESS_TOKEN.iter().chain(&REFRESH_TOKEN).map(|(name, _)| *name);
    for name in members.filter(|name| is_only_in_responses(name)).chain(others) {
        for value in [json!(3600), json!("2027-01-15T09:00:00Z"), json!(null), json!([{}])] {
            let json = json!({"access_token": "secret", name: value}).to_string();
            assert!(serde_json::from_str::<TokenSet>(&json).is_err(), "{json}");
            let error = TokenSet::from_json(json.as_bytes()).unwrap_err();
            assert!(error.is_response(), "{json}");
            assert!(error.to_string().contains("auth_core::read_response"), "{error}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
    }
    // Whatever else is wrong with it as the form of a token set.
    for json in [
        r#"{"access_token":"a","scope":["a"],"expires_in":60,"refresh_expires_in":60}"#,
        r#"{"access_token":"a","expires_in":60,"expires_in":60}"#,
        r#"{"access_token":"a","expires_at":"2027-01-15T09:00:00Z"}"#,
        r#"{"access_token":"a","expires_at":1800003600.5}"#,
        r#"{"access_token":"a","refresh_expires_at":"1800003600"}"#,
        r#"{"data":{"access_token":"a"}}"#,
        r#"{"body":{"access_token":"a"}}"#,
        r#"{"authed_user":{"access_token":"a"}}"#,
        r#"{"result":{"access_token":"a"}}"#,
        r#"{"accessToken":"a","refreshToken":"b"}"#,
        r#"{"error":"invalid_grant"}"#,
        r#"{"ok":false}"#,
    ] {
        let error = TokenSet::from_json(json.as_bytes()).unwrap_err();
        assert!(error.is_response(), "{json}");
        assert!(error.to_string().contains("auth_core::read_response"), "{error}");
    }
    for json in [
        r#"{"access_token":"","expires_at":1800003600}"#,
        r#"{"access_token":"a","refresh_expires_at":[]}"#,
        r#"{"access_token":"","expires_at":null,"refresh_expires_at":1}"#,
        r#"{"refresh_token":"a","new":"b"}"#,
        r#"{"access_token":"[redacted]","extra":{"expires_in":60}}"#,
        r#"{"access_token":"a","expires_in":60"#,
        r#"[{"expires_in":60}]"#,
        "3600",
    ] {
        let error = TokenSet::from_json(json.as_bytes()).unwrap_err();
        assert!(!error.is_response(), "{json}");
        assert!(!error.to_string().contains("read_response"), "{error}");
    }
    // What a newer version adds is no response.
    assert!(TokenSet::from_json(br#"{"access_token":"a","new":{"expires_in":60}}"#).is_ok());
}

/// Wherever a server repeats it.
#[test]
fn plain_serde_shows_no_echo() {
    let mut tokens = full();
    tokens.refresh_token = Some(RefreshToken::new("v1.MjQ1NzYwODQ3Q0FG"));
    for echo in ["v1.MjQ1NzYwODQ3Q0FG", "x_MjQ1NzYw"] {
        tokens.token_type = Some(echo.to_owned());
        tokens.scope = Some(format!("read {echo} write"));
        tokens.extra = Extra::default();
        tokens.extra.insert("id_token", json!(1));
        tokens.extra.insert(echo, json!(1));
        tokens.extra.insert(format!("{echo}!"), json!(1));
        assert_eq!(
            serde_json::to_string(&tokens).unwrap(),
            r#"{"access_token":"[redacted]","token_type":"[redacted]","#.to_owned()
                + r#""refresh_token":"[redacted]","expires_at":1700000000,"#
                + r#""refresh_expires_at":1800000000,"#
                + r#""scope":"read [redacted] write","#
                + r#""extra":{"[redacted]":"[redacted]","id_token":"[redacted]"}}"#
        );
    }
}

#[test]
fn plain_serde_redacts() {
    let json = serde_json::to_string(&full()).unwrap();
    assert!(!json.contains("at-") && !json.contains("\"rt\"") && !json.contains("secret"));
    let redacted = json!({
        "access_token": "[redacted]",
        "token_type": "Bearer",
        "refresh_token": "[redacted]",
        "expires_at": 1_700_000_000,
        "refresh_expires_at": 1_800_000_000,
        "scope": "a b",
        "extra": {"id_token": "[redacted]"},
    });
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), redacted);
    assert_eq!(serde_json::to_string(&RefreshToken::new("rt")).unwrap(), "\"[redacted]\"");
}
