//! What a call has to know of the API.

use std::sync::Arc;

use http::StatusCode;

use super::{
    client::Target,
    origin::{Origin, OriginError, Spelled},
};

/// Where tokens go, and which responses are about them.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) origins: Box<[Origin]>,
    pub(super) also_refused_at: Vec<StatusCode>,
}

impl Rules {
    /// Which of its origins a request goes to.
    #[inline]
    pub(super) fn find(&self, target: &Target<'_>) -> Option<usize> {
        self.origins.iter().position(|origin| target.is_of(origin))
    }
}

/// The one origin that the token of a call goes to.
#[derive(Clone)]
pub(super) enum Reach {
    /// One of those that were named.
    Named(Arc<Rules>, usize),
    /// That of a URL.
    OfUri(Spelled),
    Of(Origin),
}

impl Reach {
    /// The origin of this very request.
    pub(super) fn of(target: &Target<'_>) -> Result<Self, OriginError> {
        match *target {
            Target::Uri(uri) => Spelled::of(uri).map(Self::OfUri),
            Target::Parts { scheme, host, port, .. } => {
                Origin::of_parts(scheme, host, port).map(Self::Of)
            }
        }
    }

    /// Whether a response from there is from where the token went.
    pub(super) fn holds(&self, from: &Target<'_>) -> bool {
        match self {
            Self::Named(rules, index) => {
                rules.origins.get(*index).is_some_and(|origin| from.is_of(origin))
            }
            Self::OfUri(origin) => match *from {
                Target::Uri(from) => origin.is_of(from),
                Target::Parts { scheme, host, port, .. } => origin.is(scheme, host, port),
            },
            Self::Of(origin) => from.is_of(origin),
        }
    }

    /// Whether the API says by this status, too, that a token is not good.
    #[inline]
    pub(super) fn is_refusal(&self, status: StatusCode) -> bool {
        match self {
            Self::Named(rules, _) => rules.also_refused_at.contains(&status),
            Self::OfUri(_) | Self::Of(_) => false,
        }
    }
}
