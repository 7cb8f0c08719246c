//! Which access token is asked for.

/// Which access token is asked for: its scope, and where it is to be used. What is not
/// set is up to the token endpoint's settings, and then to the server.
///
/// It holds no secret: it is shown, and written to logs.
///
/// ```
/// use auth_core::TokenRequest;
///
/// let request = TokenRequest::new()
///     .resource("https://files.example.com/")
///     .resource("https://mail.example.com/")
///     .scope("files:read mail:read");
/// assert_eq!(request.get_resources().len(), 2);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TokenRequest {
    scope: Option<String>,
    resources: Vec<String>,
    audiences: Vec<String>,
}

impl TokenRequest {
    /// Nothing in particular.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the scope. It takes the place of the
    /// [endpoint's](crate::TokenEndpoint::scope).
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Adds a resource (RFC 8707): the absolute URI of an API that the token is for. It
    /// may be called several times; together they take the place of the endpoint's.
    #[must_use]
    pub fn resource(mut self, uri: impl Into<String>) -> Self {
        self.resources.push(uri.into());
        self
    }

    /// Adds an audience: the name by which the server knows an API that the token is
    /// for (RFC 8693 section 2.1, and some servers elsewhere). It may be called several
    /// times; together they take the place of the endpoint's.
    #[must_use]
    pub fn audience(mut self, name: impl Into<String>) -> Self {
        self.audiences.push(name.into());
        self
    }

    /// The scope.
    pub fn get_scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// The resources.
    pub fn get_resources(&self) -> &[String] {
        &self.resources
    }

    /// The audiences.
    pub fn get_audiences(&self) -> &[String] {
        &self.audiences
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Itself, with what `other` sets in its place.
    pub(crate) fn overridden_by<'a>(&'a self, other: &'a Self) -> Chosen<'a> {
        let either = |own: &'a Vec<String>, other: &'a Vec<String>| match other.is_empty() {
            true => own.as_slice(),
            false => other.as_slice(),
        };
        Chosen {
            scope: other.get_scope().or(self.get_scope()),
            resources: either(&self.resources, &other.resources),
            audiences: either(&self.audiences, &other.audiences),
        }
    }
}

/// What a request says in the end.
pub(crate) struct Chosen<'a> {
    pub(crate) scope: Option<&'a str>,
    pub(crate) resources: &'a [String],
    pub(crate) audiences: &'a [String],
}
