//! A secret that client and server share: by Basic or in the body.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{About, ClientAuth, ClientAuthentication, Credentials, Stored};
use crate::{
    Now,
    credential::{Credential, CredentialSource, Source},
    signing::Demand,
};

/// A client secret, or where it is read.
///
/// A secret of fewer than four characters is not redacted in a server's explanation,
/// since any text may contain it.
#[derive(Clone)]
pub struct ClientSecret(Inner);

#[derive(Clone)]
enum Inner {
    Fixed(Credential),
    Read(Source),
}

impl ClientSecret {
    /// Takes the secret as the server issued it. The `String` is wiped.
    pub fn new(secret: impl Into<String>) -> Self {
        Credential::new(secret).into()
    }

    fn source(&self) -> Option<&Source> {
        match &self.0 {
            Inner::Fixed(_) => None,
            Inner::Read(source) => Some(source),
        }
    }

    fn fixed(&self) -> Option<&Credential> {
        match &self.0 {
            Inner::Fixed(secret) => Some(secret),
            Inner::Read(_) => None,
        }
    }

    fn demand(&self) -> Option<Demand> {
        self.source().cloned().map(Demand::Credential)
    }

    /// Itself, or what was `read`.
    fn known<'a>(&'a self, read: Option<&'a Credential>) -> &'a str {
        self.fixed().or(read).map_or("", Credential::expose)
    }
}

impl From<Credential> for ClientSecret {
    fn from(secret: Credential) -> Self {
        Self(Inner::Fixed(secret))
    }
}

impl From<&str> for ClientSecret {
    fn from(secret: &str) -> Self {
        Self::new(secret)
    }
}

impl From<String> for ClientSecret {
    fn from(secret: String) -> Self {
        Self::new(secret)
    }
}

impl From<&String> for ClientSecret {
    fn from(secret: &String) -> Self {
        Self::new(secret)
    }
}

/// Read anew for each attempt.
impl From<Source> for ClientSecret {
    fn from(source: Source) -> Self {
        Self(Inner::Read(source))
    }
}

/// Read anew for each attempt.
impl<S: CredentialSource + 'static> From<S> for ClientSecret {
    fn from(source: S) -> Self {
        Source::new(source).into()
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Fixed(_) => f.write_str("ClientSecret([redacted])"),
            Inner::Read(source) => f.debug_tuple("ClientSecret").field(source).finish(),
        }
    }
}

/// `client_secret_basic`, with settings for servers that depart from the standard.
///
/// ```
/// use auth_core::{BasicAuth, TokenEndpoint};
///
/// let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client")?
///     .client_auth(BasicAuth::new("p%ss:w0rd").raw());
/// # Ok::<(), auth_core::EndpointError>(())
/// ```
#[derive(Debug, Clone)]
pub struct BasicAuth {
    secret: ClientSecret,
    is_raw: bool,
    names_client: bool,
}

impl BasicAuth {
    /// As RFC 6749 section 2.3.1 has it: identifier and secret are form-encoded, a
    /// space as `%20`, since some servers take a `+` for itself.
    pub fn new(secret: impl Into<ClientSecret>) -> Self {
        Self { secret: secret.into(), is_raw: false, names_client: false }
    }

    /// Encodes nothing, for servers that decode nothing. It makes a difference only
    /// if the identifier or the secret has other characters than letters, digits and
    /// `-._*`.
    #[must_use]
    pub fn raw(mut self) -> Self {
        self.is_raw = true;
        self
    }

    /// Puts `client_id` into the body as well. Some servers demand it, such as those
    /// of the Model Context Protocol's Python SDK; others refuse it, as RFC 6749
    /// section 2.3 lets them.
    #[must_use]
    pub fn client_id_in_body(mut self) -> Self {
        self.names_client = true;
        self
    }
}

impl From<BasicAuth> for ClientAuth {
    fn from(basic: BasicAuth) -> Self {
        let stored = basic.secret.fixed().map(|secret| Stored {
            is_raw: basic.is_raw,
            names_client: basic.names_client,
            ..Stored::secret(Stored::BASIC, secret)
        });
        Self { stored, ..Self::custom(basic) }
    }
}

impl ClientAuthentication for BasicAuth {
    fn is_made_anew(&self) -> bool {
        self.source().is_some()
    }

    fn demand(&self, _: &About<'_>, _: Now) -> Option<Demand> {
        self.secret.demand()
    }

    fn write(
        &self,
        about: &About<'_>,
        credential: Option<&Credential>,
        credentials: &mut Credentials,
    ) {
        let secret = self.secret.known(credential);
        let encode = |text: &str| match self.is_raw {
            true => Zeroizing::new(text.to_owned()),
            false => encoded(text),
        };
        let (id, shown) = (encode(about.client_id), encode(secret));
        let mut pair = Zeroizing::new(String::with_capacity(id.len() + 1 + shown.len()));
        pair.extend([&*id, ":", &*shown]);
        let pair = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
        credentials.secret(secret).authorization("Basic", &pair);
        if self.names_client {
            credentials.client_id();
        }
    }

    fn identify(&self, read: Option<&Credential>, identity: &mut super::Identity) {
        let settings: &[u8] = &[self.is_raw.into(), self.names_client.into()];
        identity.add("basic").add(self.secret.known(read)).add(settings);
    }

    fn source(&self) -> Option<&Source> {
        self.secret.source()
    }
}

fn encoded(text: &str) -> Zeroizing<String> {
    let mut encoded = Zeroizing::new(String::with_capacity(3 * text.len()));
    for piece in form_urlencoded::byte_serialize(text.as_bytes()) {
        encoded.push_str(if piece == "+" { "%20" } else { piece });
    }
    encoded
}

pub(super) fn post(secret: ClientSecret) -> ClientAuth {
    let stored = secret.fixed().map(|secret| Stored::secret(Stored::POST, secret));
    ClientAuth { stored, ..ClientAuth::custom(Post(secret)) }
}

#[derive(Debug)]
struct Post(ClientSecret);

impl ClientAuthentication for Post {
    fn is_made_anew(&self) -> bool {
        self.source().is_some()
    }

    fn demand(&self, _: &About<'_>, _: Now) -> Option<Demand> {
        self.0.demand()
    }

    fn write(&self, _: &About<'_>, credential: Option<&Credential>, credentials: &mut Credentials) {
        credentials.client_id().parameter("client_secret", self.0.known(credential));
    }

    fn identify(&self, read: Option<&Credential>, identity: &mut super::Identity) {
        identity.add("post").add(self.0.known(read));
    }

    fn source(&self) -> Option<&Source> {
        self.0.source()
    }
}
