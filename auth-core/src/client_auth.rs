//! How a client authenticates: made anew for each attempt.

mod assertion;
mod credentials;
mod identity;
mod secret;
mod stored;
mod unnamed;

use std::{fmt, sync::Arc};

use http::Uri;

pub use self::{
    assertion::{Audience, ClientAssertion},
    credentials::Credentials,
    identity::Identity,
    secret::{BasicAuth, ClientSecret},
};
pub(crate) use self::{
    assertion::{seconds, times},
    credentials::sensitive,
    stored::Stored,
};
use crate::{
    Now,
    credential::{Credential, Source},
    signing::{Demand, SigningKey},
};

/// What a method of client authentication is told about the request.
#[non_exhaustive]
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The client identifier.
    pub client_id: &'a str,
    /// The URL of the token endpoint, for a request that revokes, too.
    pub token_endpoint: &'a Uri,
}

/// A method of client authentication (RFC 6749 section 2.3, RFC 7523). It is asked
/// anew for each attempt, and does no I/O: what must be read or signed is a
/// [`Demand`].
///
/// [`ClientAuth`] has the methods of the standards. This is for others.
///
/// ```
/// use auth_core::{About, ClientAuth, ClientAuthentication, Credential, Credentials};
///
/// /// A gateway that wants a key in a parameter of its own.
/// #[derive(Debug)]
/// struct PartnerKey(Credential);
///
/// impl ClientAuthentication for PartnerKey {
///     fn write(&self, _: &About<'_>, _: Option<&Credential>, credentials: &mut Credentials) {
///         credentials.client_id().parameter("partner_key", self.0.expose());
///     }
/// }
///
/// let auth = ClientAuth::custom(PartnerKey(Credential::new("s3cret")));
/// # let _ = auth;
/// ```
pub trait ClientAuthentication: Send + Sync + fmt::Debug {
    /// Whether [`demand`](Self::demand) may demand anything. Only what never does says
    /// `false`: [`TokenEndpoint::request`](crate::TokenEndpoint::request) asks for nothing.
    fn is_made_anew(&self) -> bool {
        true
    }

    /// What must be had before the request can be made at `now`, if anything.
    fn demand(&self, about: &About<'_>, now: Now) -> Option<Demand> {
        let _ = (about, now);
        None
    }

    /// Writes it into the request. `credential` is what the demand was met with.
    fn write(
        &self,
        about: &About<'_>,
        credential: Option<&Credential>,
        credentials: &mut Credentials,
    );

    /// Writes down what another set-up of the client would have otherwise: its
    /// secret, its key. What differs from attempt to attempt is left out. A failure
    /// of a client's set-up holds up the next refresh only while this is the same.
    ///
    /// `read` is what [`source`](Self::source) holds now, if there is one.
    fn identify(&self, read: Option<&Credential>, identity: &mut Identity) {
        if let Some(read) = read {
            identity.add(read.expose());
        }
    }

    /// The source that the credential is read from, if there is one.
    fn source(&self) -> Option<&Source> {
        None
    }
}

/// How the client authenticates: one of the methods below, or one of
/// [your own](Self::custom). Cloning shares it.
#[derive(Clone)]
pub struct ClientAuth {
    method: Arc<dyn ClientAuthentication>,
    stored: Option<Stored>,
}

impl ClientAuth {
    /// A public client: `client_id` in the body, no secret.
    pub fn none() -> Self {
        Self::named(Stored::NONE)
    }

    /// Neither a credential nor `client_id`: for a [grant](crate::Grant::jwt_bearer)
    /// whose assertion says who asks. An endpoint that has it cannot be stored with a
    /// login.
    pub fn unnamed() -> Self {
        Self::custom(unnamed::Unnamed)
    }

    /// `client_secret_basic`: an `Authorization: Basic` header. Identifier and
    /// secret are form-encoded first, as RFC 6749 section 2.3.1 requires. Some
    /// servers do not decode them, or want the identifier in the body as well:
    /// [`BasicAuth`] has settings for these.
    pub fn basic(secret: impl Into<ClientSecret>) -> Self {
        BasicAuth::new(secret).into()
    }

    /// `client_secret_post`: `client_id` and `client_secret` in the body.
    pub fn post(secret: impl Into<ClientSecret>) -> Self {
        secret::post(secret.into())
    }

    /// `client_secret_jwt` or `private_key_jwt` (RFC 7523 section 2.2): an assertion
    /// that is signed anew for each attempt. [`ClientAssertion`] has more settings.
    pub fn assertion(key: impl Into<SigningKey>, audience: Audience) -> Self {
        ClientAssertion::new(key, audience).into()
    }

    /// A ready-made assertion (RFC 7523 section 2.2), which something else writes
    /// and replaces: a service account token of Kubernetes, the federated token of a
    /// cloud's workload identity. It is read anew for each attempt.
    pub fn ready_made_assertion(source: impl Into<Source>) -> Self {
        Self::custom(assertion::ReadyMade(source.into()))
    }

    /// `tls_client_auth` or `self_signed_tls_client_auth` (RFC 8705): `client_id` in
    /// the body, and a certificate that the transport shows in the TLS handshake.
    /// The transport is given the certificate.
    pub fn mutual_tls() -> Self {
        Self::named(Stored::MUTUAL_TLS)
    }

    /// A method of your own. An endpoint that has one cannot be stored with a login.
    pub fn custom(method: impl ClientAuthentication + 'static) -> Self {
        Self { method: Arc::new(method), stored: None }
    }

    fn named(method: &'static str) -> Self {
        Self { stored: Some(Stored::plain(method)), ..Self::custom(Named(method)) }
    }

    /// The method.
    pub(crate) fn method(&self) -> &dyn ClientAuthentication {
        &*self.method
    }

    /// What is stored of it; `None` if it cannot be stored.
    pub(crate) fn stored(&self) -> Option<&Stored> {
        self.stored.as_ref()
    }
}

impl From<ClientAssertion> for ClientAuth {
    fn from(assertion: ClientAssertion) -> Self {
        let stored =
            Stored { assertion: Some(assertion.clone()), ..Stored::plain(Stored::ASSERTION) };
        Self { stored: Some(stored), ..Self::custom(assertion) }
    }
}

impl fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stored {
            Some(stored) => f.write_str(stored.method),
            None => self.method.fmt(f),
        }
    }
}

/// A method that puts `client_id` into the body, and nothing else.
#[derive(Debug)]
struct Named(&'static str);

impl ClientAuthentication for Named {
    fn is_made_anew(&self) -> bool {
        false
    }

    fn write(&self, _: &About<'_>, _: Option<&Credential>, credentials: &mut Credentials) {
        credentials.client_id();
    }

    fn identify(&self, _: Option<&Credential>, identity: &mut Identity) {
        identity.add(self.0);
    }
}
