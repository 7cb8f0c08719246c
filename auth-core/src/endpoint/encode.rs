//! Writing the request's parameters, without leaving copies of secrets behind.

use form_urlencoded::Serializer;
use serde::Serialize;
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

/// A JSON object of strings; of lists of them, where a name stands several times.
pub(super) fn json(fields: &[(&str, &str)]) -> Zeroizing<Vec<u8>> {
    // As above; `\u0000` is the longest escape.
    let size: usize = fields.iter().map(|(name, value)| 6 * (name.len() + value.len()) + 10).sum();
    let mut body = Zeroizing::new(Vec::with_capacity(size + 2));
    let mut serializer = serde_json::Serializer::new(&mut *body);
    let named = |name: &str| {
        let values = fields.iter().filter(|(other, _)| *other == name).map(|(_, value)| *value);
        Values(values.collect())
    };
    let is_first =
        |(at, (name, _)): &(usize, &(&str, _))| !fields[..*at].iter().any(|one| one.0 == *name);
    let members = fields.iter().enumerate().filter(is_first);
    // Writing strings into memory cannot fail.
    let _ = serde::Serializer::collect_map(
        &mut serializer,
        members.map(|(_, (name, _))| (*name, named(name))),
    );
    body
}

struct Values<'a>(Vec<&'a str>);

impl Serialize for Values<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [value] => serializer.serialize_str(value),
            values => values.serialize(serializer),
        }
    }
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
        "subject_token" => "subjectToken",
        "subject_token_type" => "subjectTokenType",
        "actor_token" => "actorToken",
        "actor_token_type" => "actorTokenType",
        "requested_token_type" => "requestedTokenType",
        name => name,
    }
}
