use std::{collections::HashMap, time::Duration};

use oauth2::{
    AccessToken, ExtraTokenFields, RefreshToken, Scope, StandardTokenResponse,
    basic::{BasicTokenResponse, BasicTokenType},
};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};

use super::*;

/// All that RFC 6749 does not have, as programs keep it that want it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Rest(HashMap<String, Value>);

impl ExtraTokenFields for Rest {}

type WithRest = StandardTokenResponse<Rest, BasicTokenType>;

fn sent() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn own(json: &str) -> TokenSet {
    success::read(&HeaderMap::new(), json.as_bytes(), sent()).unwrap()
}

/// A JSON Web Token that expires at the given second.
fn jwt(expires: u64) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(json!({"alg": "none"})), part(json!({"exp": expires})))
}

#[test]
fn what_oauth2_has_read_is_what_we_read() {
    let jwt = jwt(1_800_000_500);
    for rest in [
        r#""expires_in":3600,"refresh_token":"rt-1","scope":"a b""#.to_owned(),
        r#""expires_in":3600,"id_token":"e30.e30.c2ln","refresh_expires_in":7200"#.into(),
        r#""expires_in":3600,"created":7,"nested":{"a":[1,null,"x"]},"account_id":"7""#.into(),
        // Lifetimes.
        r#""expires_in":0"#.into(),
        r#""expires_in":1"#.into(),
        r#""expires_in":18446744073709551615"#.into(),
        r#""expires_in":1800003600"#.into(),
        r#""expires_in":null"#.into(),
        r#""expires_at":1800000900"#.into(),
        r#""expires_in":3600,"expires_at":"2027-01-15T08:10:00Z""#.into(),
        r#""ext_expires_in":7200"#.into(),
        r#""refresh_token":"rt-1","refresh_token_expires_in":"86400""#.into(),
        r#""refresh_token":"rt-1","refresh_expires_in":0"#.into(),
        // Tokens.
        r#""refresh_token":"""#.into(),
        r#""refresh_token":" rt\t\u00fc\"\\ ""#.into(),
        r#""refresh_token":null"#.into(),
        // Scopes.
        r#""scope":"""#.into(),
        r#""scope":"a""#.into(),
        r#""scope":" a  b ""#.into(),
        r#""scope":null"#.into(),
        // Members that we would look into if there were no token outside.
        r#""data":{"access_token":"at-2"},"ok":false,"error":"no""#.into(),
        String::new(),
    ] {
        for access in ["at-1", "ü\\u0000\\\"", &jwt] {
            let comma = if rest.is_empty() { "" } else { "," };
            let text =
                format!(r#"{{"access_token":"{access}","token_type":"bearer"{comma}{rest}}}"#);
            let response: WithRest = serde_json::from_str(&text).unwrap();
            let tokens = TokenSet::from_oauth2(&response, sent()).unwrap();
            assert!(tokens == own(&text), "{text}: {tokens:?}");
        }
    }
}

/// What that crate changes itself: it writes types in lower case.
#[test]
fn types_are_in_lower_case() {
    for (sent_type, kept) in
        [("Bearer", "bearer"), ("BEARER", "bearer"), ("DPoP", "dpop"), ("N_A", "n_a")]
    {
        let text = format!(r#"{{"access_token":"at-1","token_type":"{sent_type}"}}"#);
        let response: BasicTokenResponse = serde_json::from_str(&text).unwrap();
        let tokens = TokenSet::from_oauth2(&response, sent()).unwrap();
        assert_eq!(tokens.token_type.as_deref(), Some(kept));
    }
}

#[test]
fn without_fields_for_them_other_members_are_gone() {
    let text = r#"{"access_token":"at-1","token_type":"bearer","expires_in":60,"id_token":"t"}"#;
    let response: BasicTokenResponse = serde_json::from_str(text).unwrap();
    let tokens = TokenSet::from_oauth2(&response, sent()).unwrap();
    assert_eq!(tokens.expires_at, Some(sent() + Duration::from_secs(60)));
    assert!(tokens.extra.is_empty());
}

#[test]
fn an_empty_access_token_is_none() {
    for text in [
        r#"{"access_token":"","token_type":"bearer"}"#,
        r#"{"access_token":"","token_type":"bearer","refresh_token":"rt-1"}"#,
    ] {
        let response: WithRest = serde_json::from_str(text).unwrap();
        assert_eq!(TokenSet::from_oauth2(&response, sent()), Err(Unreadable::NoToken));
    }
}

#[test]
fn nothing_shows_a_secret() {
    let text = r#"{"access_token":"s3cret-a","token_type":"bearer","refresh_token":"s3cret-b",
        "id_token":"s3cret-c","scope":"s3cret-a"}"#;
    let response: WithRest = serde_json::from_str(text).unwrap();
    let tokens = TokenSet::from_oauth2(&response, sent()).unwrap();
    let shown = format!("{tokens:?} {}", serde_json::to_string(&tokens).unwrap());
    assert!(!shown.contains("s3cret"), "{shown}");
}

/// How a type writes itself.
#[derive(Debug, Clone, Copy)]
enum Written {
    /// As the server sent it.
    Raw,
    /// Without secrets.
    Redacted,
    /// By names of its own.
    Renamed,
    /// As no object.
    Text,
    /// Not at all.
    Fails,
}

#[derive(Debug, Deserialize)]
struct Own {
    access: AccessToken,
    refresh: Option<RefreshToken>,
    kind: BasicTokenType,
    scopes: Vec<Scope>,
    #[serde(skip, default = "raw")]
    written: Written,
}

fn raw() -> Written {
    Written::Raw
}

impl Serialize for Own {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = match self.written {
            Written::Raw => json!({
                "access_token": "at-1", "refresh_token": "rt-1", "token_type": "Bearer",
                "expires_in": "59.5", "scope": ["a", "b"], "id_token": "t"
            }),
            Written::Redacted => json!({"access_token": "***", "refresh_token": "***", "n": 1}),
            Written::Renamed => json!({"access": "at-1", "refresh": "rt-1"}),
            Written::Text => json!("at-1"),
            Written::Fails => return Err(serde::ser::Error::custom("not for eyes")),
        };
        members.serialize(serializer)
    }
}

impl TokenResponse for Own {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.kind
    }

    fn expires_in(&self) -> Option<Duration> {
        Some(Duration::from_secs(59))
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        Some(&self.scopes)
    }
}

#[test]
fn a_type_that_writes_itself_in_another_way_loses_no_token() {
    let members = |tokens: &TokenSet| {
        let mut names: Vec<_> = tokens.extra.iter().map(|(name, _)| name.to_owned()).collect();
        names.sort_unstable();
        names.join(" ")
    };
    for (written, kind, lifetime, extra) in [
        (Written::Raw, "Bearer", 59_500, "id_token"),
        (Written::Redacted, "bearer", 59_000, "n"),
        (Written::Renamed, "bearer", 59_000, "access refresh"),
        (Written::Text, "bearer", 59_000, ""),
        (Written::Fails, "bearer", 59_000, ""),
    ] {
        let response = Own {
            access: AccessToken::new("at-1".to_owned()),
            refresh: Some(RefreshToken::new("rt-1".to_owned())),
            kind: BasicTokenType::Bearer,
            scopes: vec![Scope::new("a".to_owned()), Scope::new("b".to_owned())],
            written,
        };
        let tokens = TokenSet::from_oauth2(&response, sent()).unwrap();
        assert_eq!(tokens.access_token, crate::AccessToken::new("at-1"), "{written:?}");
        assert_eq!(tokens.refresh_token, Some(crate::RefreshToken::new("rt-1")), "{written:?}");
        assert_eq!(tokens.expires_at, Some(sent() + Duration::from_millis(lifetime)));
        assert_eq!(tokens.scope.as_deref(), Some("a b"), "{written:?}");
        assert_eq!(tokens.token_type.as_deref(), Some(kind), "{written:?}");
        assert_eq!(members(&tokens), extra, "{written:?}");
    }
}
