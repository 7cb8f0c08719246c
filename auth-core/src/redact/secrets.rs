//! What of a request is secret.

use std::borrow::Cow;

use http::{HeaderMap, Uri, header};

/// Everything in a request that may be a secret, so that a response which echoes
/// it can be recognised: the `credentials` whatever they look like; parameters,
/// headers and the query unless they are short words.
pub(crate) fn secrets<'a>(
    credentials: impl Iterator<Item = &'a str>,
    parameters: impl Iterator<Item = &'a str>,
    headers: &'a HeaderMap,
    uri: &'a Uri,
) -> Vec<Cow<'a, str>> {
    let public = [header::ACCEPT, header::USER_AGENT];
    let headers = headers
        .iter()
        .filter(|(name, _)| !public.contains(name))
        .filter_map(|(_, value)| value.to_str().ok());
    credentials
        .chain(parameters.chain(headers).filter(|value| may_be_secret(value)))
        .map(Cow::Borrowed)
        .chain(in_query(uri))
        .collect()
}

/// What may be a secret in the query of a URL.
pub(crate) fn in_query(uri: &Uri) -> impl Iterator<Item = Cow<'_, str>> {
    form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .map(|(name, value)| if value.is_empty() { name } else { value })
        .filter(|value| may_be_secret(value))
}

/// A short word ("api", "client") is no key, and stands in every message.
fn may_be_secret(value: &str) -> bool {
    value.len() >= 8 || !value.bytes().all(|byte| byte.is_ascii_alphabetic())
}
