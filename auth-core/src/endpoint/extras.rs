//! What one request says beside what all requests to an endpoint say.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::{EndpointError, RESERVED};
use crate::{Grant, token, token_request::TokenRequest};

/// What one request says beside what all requests to an endpoint say.
#[derive(Clone, Default)]
pub(crate) struct Extras {
    pub(crate) asked: TokenRequest,
    parameters: Vec<(String, SecretString)>,
}

impl Extras {
    pub(crate) fn parameters(&self) -> &[(String, SecretString)] {
        &self.parameters
    }

    pub(crate) fn add(
        &mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<(), EndpointError> {
        // First, so that it is wiped when it is refused.
        let (value, name) = (token::secret(value), name.into());
        if RESERVED.contains(&name.as_str()) {
            return Err(EndpointError::ReservedParameter { name });
        }
        self.parameters.push((name, value));
        Ok(())
    }

    /// Adds them to the `fields`, with what `grant` and the endpoint have in their
    /// place where they say nothing.
    pub(super) fn write<'a>(
        &'a self,
        grant: &'a Grant,
        scope: Option<&'a str>,
        fields: &mut Vec<(&'a str, &'a str)>,
    ) {
        let known = fields.len();
        let chosen = grant.asked().unwrap_or(&self.asked).overridden_by(&self.asked);
        fields.extend(chosen.scope.or(scope).map(|scope| ("scope", scope)));
        fields.extend(chosen.resources.iter().map(|uri| ("resource", uri.as_str())));
        fields.extend(chosen.audiences.iter().map(|name| ("audience", name.as_str())));
        for (name, value) in &self.parameters {
            // What proves the client, or is the grant, stays.
            if !fields[..known].iter().any(|(known, _)| known == name) {
                fields.push((name, value.expose_secret()));
            }
        }
    }
}

impl fmt::Debug for Extras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.parameters.iter().map(|(name, _)| name).collect();
        f.debug_struct("Extras").field("asked", &self.asked).field("parameters", &names).finish()
    }
}
