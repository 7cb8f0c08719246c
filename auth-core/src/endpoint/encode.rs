//! Writing the request's parameters, without leaving copies of secrets behind.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use form_urlencoded::Serializer;
use http::HeaderValue;
use zeroize::Zeroizing;

use super::client_auth::ClientSecret;

/// The value of an `Authorization: Basic` header (RFC 6749 section 2.3.1).
pub(super) fn basic(id: &str, secret: &ClientSecret) -> HeaderValue {
    let mut value = Zeroizing::new(b"Basic ".to_vec());
    let pair = basic_pair(id, secret);
    value.reserve_exact(pair.len());
    value.extend_from_slice(pair.as_bytes());
    // "Basic " and the base64 alphabet are valid in a header.
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(value))
        .unwrap_or(HeaderValue::from_static("Basic"));
    value.set_sensitive(true);
    value
}

/// What stands in that header after the scheme.
pub(super) fn basic_pair(id: &str, secret: &ClientSecret) -> Zeroizing<String> {
    let encode = |text: &str| -> Zeroizing<String> {
        let mut encoded = Zeroizing::new(String::with_capacity(3 * text.len()));
        encoded.extend(form_urlencoded::byte_serialize(text.as_bytes()));
        encoded
    };
    let (id, secret) = (encode(id), encode(secret.expose()));
    let mut pair = Zeroizing::new(String::with_capacity(id.len() + 1 + secret.len()));
    pair.extend([&*id, ":", &*secret]);
    Zeroizing::new(STANDARD.encode(pair.as_bytes()))
}

/// `application/x-www-form-urlencoded`.
pub(super) fn form(fields: &[(&str, &str)]) -> Zeroizing<Vec<u8>> {
    // Three bytes for each of the text's is the most that encoding needs;
    // with all of it reserved, no copy of a secret is left behind by growing.
    let size = fields.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
    let mut serializer = Serializer::new(String::with_capacity(size));
    serializer.extend_pairs(fields);
    Zeroizing::new(serializer.finish().into_bytes())
}

/// A JSON object of strings.
pub(super) fn json(fields: &[(&str, &str)]) -> Zeroizing<Vec<u8>> {
    // As above; `\u0000` is the longest escape.
    let size: usize = fields.iter().map(|(name, value)| 6 * (name.len() + value.len()) + 8).sum();
    let mut body = Zeroizing::new(Vec::with_capacity(size + 2));
    let mut serializer = serde_json::Serializer::new(&mut *body);
    // Writing strings into memory cannot fail.
    let _ = serde::Serializer::collect_map(&mut serializer, fields.iter().copied());
    body
}

/// The name of a parameter of the standard in camelCase.
pub(super) fn camel_case(name: &str) -> &str {
    match name {
        "grant_type" => "grantType",
        "refresh_token" => "refreshToken",
        "client_id" => "clientId",
        "client_secret" => "clientSecret",
        "token_type_hint" => "tokenTypeHint",
        name => name,
    }
}
