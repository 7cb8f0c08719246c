//! What one refresh asks for beside what all refreshes at its endpoint do.

use super::Refresh;
use crate::{EndpointError, TokenRequest};

/// What this refresh asks for. It takes the place of parameters of the same names that
/// the [endpoint](crate::TokenEndpoint::parameter) has.
///
/// ```
/// use auth_core::{Refresh, RefreshToken, TokenEndpoint};
///
/// let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client")?;
/// let refresh = Refresh::new(endpoint, RefreshToken::new("rt-1"))
///     .resource("https://files.example.com/")
///     .resource("https://mail.example.com/")
///     .scope("files:read mail:read")
///     .parameter("login_hint", "ada")?;
/// # let _ = refresh;
/// # Ok::<(), auth_core::EndpointError>(())
/// ```
impl Refresh {
    /// Sets the scope to request, in place of the endpoint's.
    pub fn scope(self, scope: impl Into<String>) -> Self {
        self.asking(|asked| asked.scope(scope))
    }

    /// Adds a resource (RFC 8707). It may be called several times.
    pub fn resource(self, uri: impl Into<String>) -> Self {
        self.asking(|asked| asked.resource(uri))
    }

    /// Adds an audience. It may be called several times.
    pub fn audience(self, name: impl Into<String>) -> Self {
        self.asking(|asked| asked.audience(name))
    }

    /// Sets scope, resources and audiences.
    pub fn token_request(self, request: TokenRequest) -> Self {
        self.asking(|_| request)
    }

    /// Adds a parameter. Its value is a secret, as
    /// [the endpoint's](crate::TokenEndpoint::parameter) are. One that is added twice
    /// stands twice in a form, and is a list in JSON.
    ///
    /// # Errors
    ///
    /// [`EndpointError::ReservedParameter`] if the library writes this parameter
    /// itself.
    pub fn parameter(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<Self, EndpointError> {
        self.extras.add(name, value)?;
        Ok(self)
    }

    fn asking(mut self, change: impl FnOnce(TokenRequest) -> TokenRequest) -> Self {
        self.extras.asked = change(std::mem::take(&mut self.extras.asked));
        self
    }
}
