//! What a method of client authentication adds to a request.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use http::HeaderValue;
use zeroize::Zeroizing;

/// What a method of client authentication adds to a request: parameters of the body
/// and the `Authorization` header. All of it is a secret but the client identifier:
/// it is wiped, and redacted where a server echoes it.
#[derive(Default)]
pub struct Credentials {
    pub(crate) names_client: bool,
    pub(crate) parameters: Vec<(Cow<'static, str>, Zeroizing<String>)>,
    pub(crate) authorization: Option<HeaderValue>,
    /// Something was set that no header can hold.
    pub(crate) is_unfit: bool,
    pub(crate) secrets: Vec<Zeroizing<String>>,
}

impl Credentials {
    /// Puts the client identifier into the body, as `client_id`.
    pub fn client_id(&mut self) -> &mut Self {
        self.names_client = true;
        self
    }

    /// Adds a parameter. Those of the grant cannot be replaced by it.
    pub fn parameter(&mut self, name: impl Into<Cow<'static, str>>, value: &str) -> &mut Self {
        self.secrets.push(Zeroizing::new(value.to_owned()));
        self.public_parameter(name, value)
    }

    /// Adds a parameter that is no secret, such as `client_assertion_type`.
    pub fn public_parameter(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        value: &str,
    ) -> &mut Self {
        self.parameters.push((name.into(), Zeroizing::new(value.to_owned())));
        self
    }

    /// Sets the `Authorization` header: the scheme, and what it shows. With a character
    /// that no header can hold, the attempt fails before anything is sent, as
    /// [`Malformed`](crate::CredentialErrorKind::Malformed).
    pub fn authorization(&mut self, scheme: &str, shown: &str) -> &mut Self {
        self.secrets.push(Zeroizing::new(shown.to_owned()));
        let mut value = Zeroizing::new(Vec::with_capacity(scheme.len() + 1 + shown.len()));
        value.extend_from_slice(scheme.as_bytes());
        value.push(b' ');
        value.extend_from_slice(shown.as_bytes());
        self.authorization = sensitive(value);
        self.is_unfit = self.authorization.is_none();
        self
    }

    /// Says that a text is a secret which is in what was added in another form.
    pub fn secret(&mut self, text: &str) -> &mut Self {
        self.secrets.push(Zeroizing::new(text.to_owned()));
        self
    }
}

/// The value of a header that is wiped, and not shown; `None` if it is none.
pub(crate) fn sensitive(text: Zeroizing<Vec<u8>>) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).ok()?;
    value.set_sensitive(true);
    Some(value)
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.parameters.iter().map(|(name, _)| name).collect();
        f.debug_struct("Credentials")
            .field("names_client", &self.names_client)
            .field("parameters", &names)
            .finish_non_exhaustive()
    }
}
