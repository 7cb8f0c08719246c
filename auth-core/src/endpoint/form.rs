//! The JSON form of an endpoint, as it is written and read. The module
//! `serde_exposed` describes it.

mod auth;

use std::borrow::Cow;

use http::{HeaderValue, StatusCode, Uri};
use secrecy::ExposeSecret;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use zeroize::Zeroizing;

use self::auth::{AuthForm, OwnedAuth};
use super::{BodyFormat, DEFAULT_RESPONSE_LIMIT, EndpointError, TokenEndpoint, url};
use crate::{
    FailureKind, Rule,
    dpop::Dpop,
    json::{NEWER, problem, to_json},
    redact::REDACTED,
    rules::Place,
};

/// A stored endpoint that cannot be read. The message contains no part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the JSON form of a token endpoint ({reason}, line {line}, column {column})")]
#[non_exhaustive]
pub struct EndpointFormError {
    reason: &'static str,
    line: usize,
    column: usize,
}

impl TokenEndpoint {
    /// Whether it has a [JSON form](crate::serde_exposed).
    ///
    /// # Errors
    ///
    /// [`EndpointError::Insecure`] if it was made by
    /// [`insecure_plain_http`](Self::insecure_plain_http) and needs it: what was
    /// stored never brings about plain `http`. [`EndpointError::NotStorable`] if it
    /// has something that is not stored.
    pub fn check_storable(&self) -> Result<(), EndpointError> {
        url::check_secure(&self.uri)?;
        if self.auth.stored().is_none() {
            let what = match self.auth.method().source() {
                Some(_) => "its client authentication is read from a source",
                None => "its client authentication is of a kind that is not stored",
            };
            return Err(EndpointError::NotStorable { what });
        }
        Ok(())
    }

    /// The [JSON form](crate::serde_exposed) with its secrets. The buffer is
    /// wiped when it is dropped.
    ///
    /// # Errors
    ///
    /// Those of [`check_storable`](Self::check_storable).
    pub fn to_json_exposed(&self) -> Result<Zeroizing<Vec<u8>>, EndpointError> {
        self.check_storable()?;
        Ok(to_json(&Form::exposed(self)))
    }

    pub(crate) fn write_exposed<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.check_storable().map_err(serde::ser::Error::custom)?;
        Form::exposed(self).serialize(serializer)
    }

    /// Reads the output of [`to_json_exposed`](Self::to_json_exposed). What
    /// [`new`](Self::new) and the setters refuse is refused here, too.
    ///
    /// # Errors
    ///
    /// [`EndpointFormError`] if it is anything else, if it is redacted, or if it
    /// says what only a newer version understands, such as a way of client
    /// authentication.
    pub fn from_json(json: &[u8]) -> Result<Self, EndpointFormError> {
        serde_json::from_slice(json).map_err(|error| EndpointFormError {
            reason: problem(&error),
            line: error.line(),
            column: error.column(),
        })
    }
}

/// The JSON form, as it is written.
#[derive(Serialize)]
struct Form<'a> {
    url: Secret,
    #[serde(skip_serializing_if = "Option::is_none")]
    revocation_url: Option<Secret>,
    client_id: &'a str,
    client_auth: AuthForm<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dpop_key: Option<&'a str>,
    body_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parameters: Vec<(&'a str, &'a str)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    headers: Vec<(&'a str, &'a str)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_limit: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rules: Vec<RuleForm<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleForm<'a> {
    provider: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    words: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "is_false")]
    whole: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    codeless: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    in_place: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    in_error: bool,
    kind: Cow<'a, str>,
    #[serde(default)]
    source: Cow<'a, str>,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl<'a> Form<'a> {
    /// With the secrets themselves.
    fn exposed(endpoint: &'a TokenEndpoint) -> Self {
        // By name, so that whoever adds a field decides here what becomes of it.
        let TokenEndpoint {
            uri,
            revocation,
            host: _,
            client_id,
            auth,
            dpop,
            told_apart_by: _,
            format,
            scope,
            parameters,
            headers,
            response_limit,
            rules,
        } = endpoint;
        // `header` refuses what is no text.
        let text = |value: &'a HeaderValue| value.to_str().unwrap_or_default();
        let limit = *response_limit;
        Self {
            url: Secret(Zeroizing::new(uri.to_string())),
            revocation_url: revocation.as_ref().map(|uri| Secret(Zeroizing::new(uri.to_string()))),
            client_id,
            client_auth: AuthForm::of(auth),
            dpop_key: dpop.as_ref().map(Dpop::thumbprint),
            body_format: match format {
                BodyFormat::Form => "form",
                BodyFormat::Json => "json",
                BodyFormat::JsonCamelCase => "json_camel_case",
            },
            scope: scope.as_deref(),
            parameters: parameters
                .iter()
                .map(|(name, value)| (name.as_str(), value.expose_secret()))
                .collect(),
            headers: headers.iter().map(|(name, value)| (name.as_str(), text(value))).collect(),
            response_limit: (limit != DEFAULT_RESPONSE_LIMIT).then_some(limit),
            rules: rules.iter().map(RuleForm::of).collect(),
        }
    }

    fn redacted(endpoint: &'a TokenEndpoint) -> Self {
        let mut form = Self::exposed(endpoint);
        form.url = without_query(&endpoint.uri);
        form.revocation_url = endpoint.revocation.as_ref().map(without_query);
        form.client_auth.client_secret = form.client_auth.client_secret.map(|_| REDACTED);
        for (_, value) in form.parameters.iter_mut().chain(&mut form.headers) {
            *value = REDACTED;
        }
        form
    }
}

/// The query may hold a key.
fn without_query(uri: &Uri) -> Secret {
    let url = uri.to_string();
    let shown = match (uri.query(), url.split_once('?')) {
        (Some(_), Some((head, _))) => format!("{head}?{REDACTED}"),
        _ => url,
    };
    Secret(Zeroizing::new(shown))
}

impl<'a> RuleForm<'a> {
    fn of(rule: &'a Rule) -> Self {
        Self {
            provider: Cow::Borrowed(&rule.provider),
            status: rule.status,
            code: rule.code.as_deref().map(Cow::Borrowed),
            words: rule.words.as_deref().map(Cow::Borrowed),
            whole: rule.whole,
            codeless: rule.codeless,
            in_place: rule.place == Place::Proper,
            in_error: rule.place == Place::InError,
            kind: Cow::Borrowed(rule.kind.as_str()),
            source: Cow::Borrowed(&rule.source),
        }
    }

    fn read<E: serde::de::Error>(self) -> Result<Rule, E> {
        fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
            Cow::Owned(text.into_owned())
        }
        let status = self.status.map(StatusCode::from_u16).transpose();
        Ok(Rule {
            provider: owned(self.provider),
            status: status.map_err(E::custom)?.map(|status| status.as_u16()),
            code: self.code.map(owned),
            words: self.words.map(owned),
            whole: self.whole,
            codeless: self.codeless,
            place: match (self.in_place, self.in_error) {
                (true, _) => Place::Proper,
                (_, true) => Place::InError,
                _ => Place::Anywhere,
            },
            kind: FailureKind::from_name(&self.kind).ok_or_else(|| E::custom(NEWER))?,
            source: owned(self.source),
        })
    }
}

/// The JSON form, as it is read. What is not known to this version would change
/// how requests are made, and is not ignored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnedForm {
    url: Secret,
    revocation_url: Option<Secret>,
    client_id: String,
    client_auth: OwnedAuth,
    dpop_key: Option<String>,
    body_format: String,
    scope: Option<String>,
    #[serde(default)]
    parameters: Vec<(String, Secret)>,
    #[serde(default)]
    headers: Vec<(String, Secret)>,
    response_limit: Option<usize>,
    #[serde(default)]
    rules: Vec<RuleForm<'static>>,
}

/// A text that is wiped, and was not redacted when it was written.
struct Secret(Zeroizing<String>);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        if text.contains(REDACTED) {
            return Err(D::Error::custom(
                "a secret was redacted when it was written; use auth_core::serde_exposed",
            ));
        }
        Ok(Self(text))
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl Secret {
    fn take(mut self) -> String {
        std::mem::take(&mut self.0)
    }
}

impl OwnedForm {
    fn read<E: serde::de::Error>(self) -> Result<TokenEndpoint, E> {
        let mut endpoint = TokenEndpoint::new(&self.url.0, self.client_id).map_err(E::custom)?;
        endpoint.auth = self.client_auth.read()?;
        endpoint.dpop = self.dpop_key.map(Dpop::named);
        endpoint.format = match self.body_format.as_str() {
            "form" => BodyFormat::Form,
            "json" => BodyFormat::Json,
            "json_camel_case" => BodyFormat::JsonCamelCase,
            _ => return Err(E::custom(NEWER)),
        };
        if let Some(url) = self.revocation_url {
            endpoint = endpoint.revocation_url(&url.0).map_err(E::custom)?;
        }
        endpoint.scope = self.scope;
        endpoint.response_limit = self.response_limit.unwrap_or(DEFAULT_RESPONSE_LIMIT);
        for (name, value) in self.parameters {
            endpoint = endpoint.parameter(name, value.take()).map_err(E::custom)?;
        }
        for (name, value) in self.headers {
            endpoint = endpoint.header(&name, &value.0).map_err(E::custom)?;
        }
        for rule in self.rules {
            endpoint.rules.push(rule.read()?);
        }
        Ok(endpoint)
    }
}

/// Redacted. See [`serde_exposed`](crate::serde_exposed).
impl Serialize for TokenEndpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Form::redacted(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TokenEndpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        OwnedForm::deserialize(deserializer)?.read()
    }
}

#[cfg(test)]
mod tests;
