//! Answers of every sort.

use auth_core::Response;
use proptest::{collection::vec, option, prelude::*, sample::select};

/// Bytes of every sort: arbitrary, almost JSON, JSON of the shapes that token
/// endpoints use, forms, HTML.
pub(crate) fn body() -> impl Strategy<Value = Vec<u8>> {
    let word = select(WORDS).prop_map(|word| format!("{word:?}"));
    let value = prop_oneof![3 => word, 2 => json(3)];
    let member = (select(NAMES), value).prop_map(|(name, value)| format!("{name:?}:{value}"));
    // As often as not one that matters stands first.
    let first = select(&["access_token", "error", "code"][..]);
    let first =
        option::of((first, select(WORDS)).prop_map(|(name, word)| format!("{name:?}:{word:?}")));
    let members = (first, vec(member, 0..7))
        .prop_map(|(first, rest)| first.into_iter().chain(rest).collect::<Vec<_>>());
    let object = members.prop_map(|members| format!("{{{}}}", members.join(",")));
    let form = vec((select(NAMES), "[ -~]{0,20}"), 0..6).prop_map(|pairs| {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    });
    let text = prop_oneof![
        8 => object,
        2 => form,
        1 => json(4),
        1 => "<html>.{0,60}</html>",
        1 => any::<String>(),
    ];
    let bytes = text.prop_map(String::into_bytes);
    // Damaged: a byte changed, the end cut off, a byte-order mark before it.
    (
        bytes,
        option::weighted(0.2, any::<(usize, u8)>()),
        option::weighted(0.2, any::<usize>()),
        0..10,
    )
        .prop_map(|(mut bytes, change, cut, mark)| {
            if let Some((at, byte)) = change
                && !bytes.is_empty()
            {
                let at = at % bytes.len();
                bytes[at] = byte;
            }
            if let Some(at) = cut {
                bytes.truncate(at % (bytes.len() + 1));
            }
            if mark == 0 {
                bytes.splice(0..0, *b"\xEF\xBB\xBF");
            }
            bytes
        })
}

pub(crate) const NAMES: &[&str] = &[
    "access_token",
    "token_type",
    "refresh_token",
    "expires_in",
    "expires_at",
    "refresh_expires_in",
    "scope",
    "id_token",
    "error",
    "error_description",
    "error_code",
    "error_codes",
    "errors",
    "code",
    "type",
    "message",
    "status",
    "ok",
    "retry_after",
    "errorCode",
    "errcode",
    "detail",
    "data",
    "title",
    "x",
];

/// Members that tell when a token expires, and some that are like them.
pub(crate) const LIFETIMES: &[&str] = &[
    "expires_in",
    "expires_in_sec",
    "expires_at",
    "expires_on",
    "expires",
    "expiry",
    "expire_in",
    "expireIn",
    "expiresIn",
    "accessTokenExpiresIn",
    "ext_expires_in",
    "refresh_expires_in",
    "refresh_token_expires_in",
    "refresh_token_expires_at",
    "x_refresh_token_expires_in",
];

/// What may stand in such a member.
pub(crate) fn lifetime() -> impl Strategy<Value = String> {
    prop_oneof![
        (0_u64..4_000_000_000).prop_map(|number| number.to_string()),
        (0_u64..4_000_000_000_000).prop_map(|number| format!("\"{number}\"")),
        (any::<i64>(), any::<u16>()).prop_map(|(number, part)| format!("{number}.{part}")),
        "[0-9]{4}-[01][0-9]-[0-3][0-9][T ][012][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-][01][0-9]:?[0-5][0-9])?"
            .prop_map(|date| format!("\"{date}\"")),
        json(2),
    ]
}

/// A JSON value, as text, so that numbers beyond every type occur too.
fn json(depth: u32) -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        4 => select(WORDS).prop_map(|word| format!("{word:?}")),
        2 => any::<String>().prop_map(|text| serde_json::Value::String(text).to_string()),
        2 => any::<i64>().prop_map(|number| number.to_string()),
        1 => any::<f64>().prop_map(|number| {
            if number.is_finite() { number.to_string() } else { "1e999".to_owned() }
        }),
        1 => select(&["null", "true", "false", "1e400", "-0", "18446744073709551616", "[]", "{}"][..])
            .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(depth, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            vec((select(NAMES), inner), 0..4).prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(name, value)| format!("{name:?}:{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
    .boxed()
}

const WORDS: &[&str] = &[
    "",
    "Bearer",
    "at-0123456789abcdefghijklmn",
    "3600",
    "1800003600",
    "2027-01-15T09:00:00Z",
    "-1",
    "null",
    " at-0123456789abcdefghijklmn\n",
    "invalid_grant",
    "invalid_client",
    "invalid_request",
    "invalid_scope",
    "unauthorized_client",
    "server_error",
    "temporarily_unavailable",
    "slow_down",
    "rate_limit_error",
    "refresh_token_reused",
    "bad_refresh_token",
    "invalid_refresh_token",
    "token_revoked",
    "access_denied",
    "Bad Request",
    "Forbidden",
    "token request is already being processed",
    "Invalid refresh token",
    "AADSTS50196: a loop.",
    "a b c",
];

pub(crate) fn response() -> impl Strategy<Value = Response> {
    let status = prop_oneof![
        4 => select(&[200, 201, 204, 302, 400, 401, 403, 404, 408, 425, 429, 500, 502, 503, 529, 600, 999][..]),
        1 => 100_u16..1000,
    ];
    let content_type = option::of(select(
        &[
            "application/json",
            "application/json; charset=utf-8",
            "application/x-www-form-urlencoded",
            "text/html",
            "text/plain",
            "\u{ff}",
        ][..],
    ));
    let header = (
        select(
            &[
                "retry-after",
                "date",
                "content-encoding",
                "x-amzn-errortype",
                "location",
                "www-authenticate",
                "ratelimit",
                "x-ratelimit-reset",
            ][..],
        ),
        prop_oneof![
            "[0-9]{1,25}",
            "[ -~]{0,30}",
            Just("Thu, 01 Jan 2026 00:00:30 GMT".to_owned()),
            Just("gzip".to_owned()),
            "https://[ -~]{0,30}",
            "Bearer error=\"(invalid_grant|invalidGrant|[ -~]{0,9})\"?[ -~]{0,20}",
        ],
    );
    (status, content_type, vec(header, 0..3), body()).prop_map(
        |(status, content_type, headers, body)| {
            let mut response = Response::new(body);
            *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
            let content_type = content_type.map(|value| ("content-type", value.to_owned()));
            for (name, value) in headers.into_iter().chain(content_type) {
                let value = http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
                response.headers_mut().append(name, value);
            }
            response
        },
    )
}
