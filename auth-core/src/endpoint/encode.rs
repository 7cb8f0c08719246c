//! Writing the request's parameters, without leaving copies of secrets behind.

use form_urlencoded::Serializer;
use zeroize::Zeroizing;

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
        "client_assertion" => "clientAssertion",
        "client_assertion_type" => "clientAssertionType",
        "token_type_hint" => "tokenTypeHint",
        name => name,
    }
}
