//! Whether a request is sent a second time, and how it is copied for that.

use auth_accounts::calls::{Outgoing, Target};
use http::{Extensions, HeaderMap, Method, Request, Uri};

/// A layer that sends each request once. A refused token is marked, so that the next
/// request has another.
#[derive(Debug, Clone, Copy, Default)]
pub struct AttachOnly;

/// A layer that sends a request once more, with another token, if its token is refused.
/// It takes a copy of each request.
#[derive(Debug, Clone, Copy, Default)]
pub struct SendAgain;

/// The same for bodies that may or may not be copied.
pub struct SendAgainWith<B>(pub(crate) fn(&B) -> Option<B>);

impl<B> Clone for SendAgainWith<B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for SendAgainWith<B> {}

impl<B> std::fmt::Debug for SendAgainWith<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SendAgainWith")
    }
}

/// How a body is copied.
pub trait Copies<B>: sealed::Sealed {
    #[doc(hidden)]
    fn copy(&self) -> fn(&B) -> Option<B>;
}

impl<B: Clone> Copies<B> for SendAgain {
    fn copy(&self) -> fn(&B) -> Option<B> {
        |body| Some(body.clone())
    }
}

impl<B> Copies<B> for SendAgainWith<B> {
    fn copy(&self) -> fn(&B) -> Option<B> {
        self.0
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::SendAgain {}
    impl<B> Sealed for super::SendAgainWith<B> {}
}

/// A request, with the way in which its body is copied.
pub(crate) struct Copied<B> {
    pub(crate) request: Request<B>,
    /// The whole URL.
    pub(crate) uri: Uri,
    pub(crate) copy: fn(&B) -> Option<B>,
}

impl<B> Outgoing for Copied<B> {
    fn target(&self) -> Target<'_> {
        Target::Uri(&self.uri)
    }

    fn method(&self) -> &Method {
        self.request.method()
    }

    fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        self.request.headers_mut()
    }

    fn extensions(&self) -> Option<&Extensions> {
        Some(self.request.extensions())
    }

    fn again(&self) -> Option<Self> {
        let mut copy = Request::new((self.copy)(self.request.body())?);
        copy.method_mut().clone_from(self.request.method());
        copy.uri_mut().clone_from(self.request.uri());
        *copy.version_mut() = self.request.version();
        copy.headers_mut().clone_from(self.request.headers());
        copy.extensions_mut().clone_from(self.request.extensions());
        Some(Self { request: copy, uri: self.uri.clone(), copy: self.copy })
    }
}
