//! What each method of client authentication puts on the wire.

use std::time::{Duration, SystemTime};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::*;
use crate::{
    About, Audience, BasicAuth, ClientAssertion, ClientAuthentication, Credential, CredentialError,
    CredentialErrorKind, Credentials, Demand, Identity, KeyInfo, Now, Refresh, Request,
    SignedAssertion, SigningAlgorithm, Source, Step,
    signing::testing::{Fake, parts},
    test_now,
};

const ID: &str = "https://c.example/id:1";

fn endpoint(auth: impl Into<ClientAuth>) -> TokenEndpoint {
    TokenEndpoint::new("https://auth.example.com/token", ID).unwrap().client_auth(auth)
}

/// The request of a refresh, and what was had for it.
fn made(endpoint: TokenEndpoint) -> (Request, Vec<String>) {
    let mut shown = Vec::new();
    let mut step = Refresh::new(endpoint, RefreshToken::new("rt")).start(test_now());
    loop {
        step = match step {
            Step::Prove(demand, proving) => {
                let met = demand.meet_blocking().unwrap();
                shown.push(met.expose().to_owned());
                proving.resolve(Ok(met), test_now())
            }
            Step::Send(request, _) => return (request, shown),
            step => panic!("{step:?}"),
        };
    }
}

/// Its `Authorization`, without base64, and its body, with a name in the place of
/// what differs from attempt to attempt.
fn wire(endpoint: TokenEndpoint) -> (String, String) {
    let (request, shown) = made(endpoint);
    let authorization = request.headers().get("authorization").map(|value| {
        assert!(value.is_sensitive());
        let (scheme, pair) = value.to_str().unwrap().split_once(' ').unwrap();
        assert_eq!(scheme, "Basic");
        String::from_utf8(STANDARD.decode(pair).unwrap()).unwrap()
    });
    let mut body = String::from_utf8(request.body().to_vec()).unwrap();
    for shown in shown.iter().filter(|shown| shown.contains('.')) {
        body = body.replace(shown, "<jwt>");
    }
    assert_eq!(request.headers().get("dpop"), None);
    (authorization.unwrap_or_default(), body)
}

fn source(text: &'static str) -> Source {
    Source::callback(move || Ok(Credential::new(text)))
}

fn signed(algorithm: SigningAlgorithm) -> ClientAssertion {
    ClientAssertion::new(Fake::new(algorithm), Audience::TokenEndpoint)
}

#[test]
fn every_method_in_every_format() {
    const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let id = ("client_id", ID);
    let secret = ("client_secret", "s&\u{e4}");
    let assertion = [id, ("client_assertion_type", TYPE), ("client_assertion", "<jwt>")];
    let basic = "https%3A%2F%2Fc.example%2Fid%3A1:s%26%C3%A4";
    let raw = "https://c.example/id:1:s&\u{e4}";
    type Added<'a> = &'a [(&'a str, &'a str)];
    let rows: [(&str, ClientAuth, &str, Added<'_>); 13] = [
        ("none", ClientAuth::none(), "", &[id]),
        ("mutual TLS", ClientAuth::mutual_tls(), "", &[id]),
        ("basic", ClientAuth::basic(secret.1), basic, &[]),
        ("basic, raw", BasicAuth::new(secret.1).raw().into(), raw, &[]),
        ("basic, named", BasicAuth::new(secret.1).client_id_in_body().into(), basic, &[id]),
        ("basic, both", BasicAuth::new(secret.1).client_id_in_body().raw().into(), raw, &[id]),
        ("basic, read", ClientAuth::basic(source("s&\u{e4}")), basic, &[]),
        ("post", ClientAuth::post(secret.1), "", &[id, secret]),
        ("post, read", ClientAuth::post(source("s&\u{e4}")), "", &[id, secret]),
        ("private_key_jwt", signed(SigningAlgorithm::Es256).into(), "", &assertion),
        ("client_secret_jwt", signed(SigningAlgorithm::Hs256).into(), "", &assertion),
        ("ready-made", ClientAuth::ready_made_assertion(source("h.c.s")), "", &assertion),
        (
            "in client_secret",
            signed(SigningAlgorithm::Es256).in_client_secret().into(),
            "",
            &[id, ("client_secret", "<jwt>")],
        ),
    ];
    for (name, auth, authorization, added) in rows {
        for format in [BodyFormat::Form, BodyFormat::Json, BodyFormat::JsonCamelCase] {
            let endpoint = endpoint(auth.clone()).body_format(format).scope("a b");
            let endpoint = endpoint.parameter("audience", "api").unwrap();
            let (header, body) = wire(endpoint);
            assert_eq!(header, authorization, "{name}, {format:?}");
            let fields = [("grant_type", "refresh_token"), ("refresh_token", "rt")];
            let fields = fields.iter().chain(added).chain(&[("scope", "a b"), ("audience", "api")]);
            assert_eq!(body, written(format, fields), "{name}, {format:?}");
        }
    }
}

/// Written here in another way than the library does.
fn written<'a>(format: BodyFormat, fields: impl Iterator<Item = &'a (&'a str, &'a str)>) -> String {
    let escape = |text: &str| -> String {
        let of = |byte: u8| match byte {
            b' ' => "+".to_owned(),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        };
        text.bytes().map(of).collect()
    };
    let camel = |name: &str| -> String {
        let (first, rest) = name.split_once('_').unwrap_or((name, ""));
        let words = rest.split('_').filter(|word| !word.is_empty());
        words.fold(first.to_owned(), |name, word| name + &word[..1].to_uppercase() + &word[1..])
    };
    let write = |(name, value): &(&str, &str)| match format {
        BodyFormat::Form => format!("{name}={}", escape(value)).replace("%3Cjwt%3E", "<jwt>"),
        BodyFormat::Json => format!("\"{name}\":\"{value}\""),
        BodyFormat::JsonCamelCase if *name == "audience" => format!("\"{name}\":\"{value}\""),
        BodyFormat::JsonCamelCase => format!("\"{}\":\"{value}\"", camel(name)),
    };
    let fields: Vec<_> = fields.map(write).collect();
    match format {
        BodyFormat::Form => fields.join("&"),
        _ => format!("{{{}}}", fields.join(",")),
    }
}

#[test]
fn odd_characters_in_basic() {
    for (secret, encoded) in [
        ("", ""),
        ("+", "%2B"),
        (" ", "%20"),
        ("%", "%25"),
        (":", "%3A"),
        ("/", "%2F"),
        ("a+b c%d:e/f", "a%2Bb%20c%25d%3Ae%2Ff"),
        ("%20", "%2520"),
        ("\u{e4}\u{1F511}", "%C3%A4%F0%9F%94%91"),
        ("~-._*", "%7E-._*"),
        ("\r\n\u{0}\u{7f}", "%0D%0A%00%7F"),
        ("&=?#\"'\\", "%26%3D%3F%23%22%27%5C"),
    ] {
        let id = "https%3A%2F%2Fc.example%2Fid%3A1";
        let (header, _) = wire(endpoint(ClientAuth::basic(secret)));
        assert_eq!(header, format!("{id}:{encoded}"), "{secret:?}");
        // No header can hold some of these, but base64 can.
        let (header, _) = wire(endpoint(BasicAuth::new(secret).raw()));
        assert_eq!(header, format!("{ID}:{secret}"), "{secret:?}");
    }
}

#[test]
fn an_assertion_says_who_and_for_whom_and_when() {
    let es256 = || Fake::new(SigningAlgorithm::Es256);
    let issuer = || Audience::Issuer("https://auth.example.com".into());
    let said = |assertion: ClientAssertion| {
        let (_, shown) = made(endpoint(assertion));
        parts(&shown[0])
    };
    for (audience, typ, aud) in [
        (issuer(), "client-authentication+jwt", "https://auth.example.com"),
        (Audience::TokenEndpoint, "JWT", "https://auth.example.com/token"),
        (Audience::Other("urn:x".into()), "JWT", "urn:x"),
    ] {
        let (header, claims) = said(ClientAssertion::new(es256(), audience));
        assert_eq!(header, serde_json::json!({"alg": "ES256", "typ": typ}));
        let jti = claims["jti"].as_str().unwrap().to_owned();
        assert_eq!(jti.len(), 22);
        assert_eq!(
            claims,
            serde_json::json!({
                "iss": ID, "sub": ID, "aud": aud, "jti": jti,
                "iat": 1_799_999_995_u64, "exp": 1_800_000_055_u64,
            })
        );
    }

    let assertion = ClientAssertion::new(es256().key_id("k1"), issuer())
        .header("x5t#S256", "thumb")
        .header("typ", "JWT")
        .header("alg", "none")
        .issuer("TEAM");
    let (header, claims) = said(assertion);
    let expected = serde_json::json!({
        "alg": "ES256", "typ": "JWT", "kid": "k1", "x5t#S256": "thumb",
    });
    assert_eq!(header, expected);
    assert_eq!((claims["iss"].as_str(), claims["sub"].as_str()), (Some("TEAM"), Some(ID)));
}

#[test]
fn no_time_is_too_odd() {
    let seconds = Duration::from_secs;
    let at = |wall| Now { wall, ..test_now() };
    let before_1970 = at(SystemTime::UNIX_EPOCH - seconds(3600));
    let in_1970 = at(SystemTime::UNIX_EPOCH + seconds(3));
    for (now, lifetime, backdated, iat, exp) in [
        (before_1970, seconds(60), seconds(5), 0, 60),
        (in_1970, seconds(60), seconds(5), 0, 60),
        (in_1970, seconds(0), seconds(0), 3, 3),
        (test_now(), seconds(0), seconds(0), 1_800_000_000_u64, 1_800_000_000_u64),
        (test_now(), seconds(300), seconds(5), 1_799_999_995, 1_800_000_295),
        (test_now(), Duration::MAX, seconds(0), 1_800_000_000, 253_402_300_799),
        (test_now(), Duration::MAX, Duration::MAX, 0, 253_402_300_799),
        (test_now(), Duration::from_millis(1999), seconds(0), 1_800_000_000, 1_800_000_001),
    ] {
        let assertion = signed(SigningAlgorithm::Rs256).lifetime(lifetime).backdated(backdated);
        let refresh = Refresh::new(endpoint(assertion), RefreshToken::new("rt"));
        let Step::Prove(demand, _) = refresh.start(now) else { panic!() };
        let (_, claims) = parts(demand.meet_blocking().unwrap().expose());
        assert_eq!((claims["iat"].as_u64(), claims["exp"].as_u64()), (Some(iat), Some(exp)));
    }
}

/// One that sets what it is given.
#[derive(Debug)]
struct Custom(&'static str, &'static str);

impl ClientAuthentication for Custom {
    fn is_made_anew(&self) -> bool {
        false
    }

    fn write(&self, _: &About<'_>, _: Option<&Credential>, credentials: &mut Credentials) {
        credentials.authorization(self.0, self.1).parameter("refresh_token", "replaced");
    }
}

#[test]
fn what_no_header_can_hold_is_not_sent() {
    for (scheme, shown) in [("GNAP", "a\nb"), ("G\u{0}", "a"), ("", "\u{7f}"), ("GNAP", "\r")] {
        let endpoint = endpoint(ClientAuth::custom(Custom(scheme, shown)));
        let error = endpoint.request(&RefreshToken::new("rt").into()).unwrap_err();
        assert!(matches!(error, EndpointError::InvalidHeader { .. }), "{error}");
        let step = Refresh::new(endpoint, RefreshToken::new("rt")).start(test_now());
        let Step::Wait(_, waiting) = step else { panic!("{step:?}") };
        let error = waiting.failure().credential_error().unwrap();
        assert_eq!(error.kind(), CredentialErrorKind::Malformed);
    }
    let (request, _) = made(endpoint(ClientAuth::custom(Custom("GNAP", "token"))));
    assert_eq!(request.headers()["authorization"], "GNAP token");
    // What is the grant's stays.
    assert_eq!(request.body(), b"grant_type=refresh_token&refresh_token=rt");
}

/// One that says of itself only what it must.
#[derive(Debug)]
struct Demanding;

impl ClientAuthentication for Demanding {
    fn demand(&self, _: &About<'_>, _: Now) -> Option<Demand> {
        Some(Demand::Credential(source("a")))
    }

    fn write(&self, _: &About<'_>, shown: Option<&Credential>, credentials: &mut Credentials) {
        credentials.parameter("proof", shown.map_or("left out", Credential::expose));
    }
}

#[test]
fn what_is_made_anew_has_no_ready_request() {
    let dpop = Dpop::new(Fake::new(SigningAlgorithm::Es256)).unwrap();
    for endpoint in [
        endpoint(ClientAuth::basic(source("s"))),
        endpoint(ClientAuth::post(source("s"))),
        endpoint(ClientAuth::ready_made_assertion(source("a"))),
        endpoint(signed(SigningAlgorithm::Es256)),
        endpoint(ClientAuth::none()).dpop(dpop),
        endpoint(ClientAuth::custom(Demanding)),
    ] {
        let error = endpoint.request(&RefreshToken::new("rt").into()).unwrap_err();
        assert!(matches!(error, EndpointError::NeedsProof), "{error}");
        // A key is named where the endpoint is stored, and a source has no name.
        let stored = endpoint.check_storable();
        let is_refused = matches!(stored, Err(EndpointError::NotStorable { .. }));
        let is_named = endpoint.credential_source().is_none() && endpoint.auth.stored().is_some();
        assert_eq!(is_refused, !is_named, "{stored:?}");
        if let (Err(error), Some(_)) = (stored, endpoint.credential_source()) {
            let why =
                "the endpoint cannot be stored: its client authentication is read from a source";
            assert_eq!(error.to_string(), why);
        }
    }
}

#[test]
fn another_set_up_has_another_identity() {
    let es256 = || Fake::new(SigningAlgorithm::Es256);
    let assertion = |key| ClientAssertion::new(key, Audience::TokenEndpoint);
    let other_key = KeyInfo::of_pair(SigningAlgorithm::Es256, "{}", "other");
    let set_ups = [
        endpoint(ClientAuth::none()),
        endpoint(ClientAuth::none()).scope("s"),
        endpoint(ClientAuth::none()).dpop(Dpop::new(es256()).unwrap()),
        endpoint(ClientAuth::mutual_tls()),
        endpoint(ClientAuth::basic("s")),
        endpoint(ClientAuth::basic("s2")),
        endpoint(BasicAuth::new("s").raw()),
        endpoint(BasicAuth::new("s").client_id_in_body()),
        endpoint(ClientAuth::post("s")),
        endpoint(assertion(es256())),
        endpoint(assertion(es256().key_id("k1"))),
        endpoint(assertion(Fake { info: other_key, ..es256() })),
        endpoint(assertion(Fake::new(SigningAlgorithm::Ps256))),
        endpoint(assertion(es256()).in_client_secret()),
        endpoint(assertion(es256()).issuer("i")),
        endpoint(assertion(es256()).header("x5t", "a")),
        endpoint(assertion(es256()).lifetime(Duration::from_secs(300))),
        endpoint(ClientAssertion::new(es256(), Audience::Other("urn:x".into()))),
    ];
    let identities: Vec<_> = set_ups.iter().map(|set_up| set_up.identity(None)).collect();
    for (at, one) in identities.iter().enumerate() {
        for (other, set_up) in identities[..at].iter().zip(&set_ups) {
            assert_ne!(one, other, "{:?} and {set_up:?}", set_ups[at]);
        }
        // Assertions differ from attempt to attempt, set-ups do not.
        assert_eq!(*one, set_ups[at].identity(None));
    }
    // What is read is a part of it.
    let read = endpoint(ClientAuth::ready_made_assertion(source("a")));
    let of = |text: &str| read.identity(Some(&Credential::new(text)));
    assert_ne!(of("a"), of("b"));
    assert_ne!(of("a"), read.identity(None));
    assert!(read.credential_source().is_some());
    // In a source or not, a secret is the same.
    let from_source = endpoint(ClientAuth::basic(source("s")));
    let fixed = endpoint(ClientAuth::basic("s"));
    assert_eq!(from_source.identity(Some(&Credential::new("s"))), fixed.identity(None));
}

#[test]
fn no_debug_shows_a_secret() {
    let mut credentials = Credentials::default();
    credentials.parameter("name", "hidden-a").authorization("Basic", "hidden-b").secret("hidden-c");
    let mut identity = Identity::default();
    identity.add("hidden-d");
    let dpop = Dpop::new(Fake::new(SigningAlgorithm::Es256)).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("dpop-nonce", "hidden-nonce".parse().unwrap());
    let uri: Uri = "https://auth.example.com/token".parse().unwrap();
    dpop.learn(&uri, &headers);
    let demand = dpop.demand(&http::Method::POST, &uri, Some("hidden-ath"), test_now());
    let Demand::Signature(to_sign) = &demand else { panic!("{demand:?}") };
    let message = String::from_utf8(to_sign.message().to_vec()).unwrap();
    let kept = endpoint(BasicAuth::new("hidden-basic")).dpop(dpop.clone());
    let step = Refresh::new(kept, RefreshToken::new("hidden-token")).start(test_now());
    let shown = format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {credentials:?} {identity:?} {dpop:?} {demand:?} {step:?}",
        Credential::new("hidden"),
        ClientAuth::basic("hidden"),
        ClientAuth::post(Source::callback(|| Ok(Credential::new("hidden-secret")))),
        BasicAuth::new("hidden"),
        signed(SigningAlgorithm::Hs256),
        Grant::jwt_bearer(
            SignedAssertion::new(Fake::new(SigningAlgorithm::Es256), "robot")
                .subject("hidden-user")
                .claim("hint", "hidden-claim")
        ),
        CredentialError::new(CredentialErrorKind::Other)
            .with_detail("no eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmN"),
    );
    assert!(!shown.contains("hidden"), "{shown}");
    assert!(!shown.contains("eyJ") && !shown.contains(&message), "{shown}");
}
