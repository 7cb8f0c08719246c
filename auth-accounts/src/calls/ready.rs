//! A call whose token is ready, before its request was looked at.

use std::{fmt, sync::Arc};

use http::{
    HeaderMap,
    header::{self, Entry},
};

use super::{
    call::Call,
    rules::{Reach, Rules},
    tokens::Tokens,
};

/// A call whose token is there: what [`Calls::begin_ready`](super::Calls::begin_ready)
/// begins.
#[must_use = "the request has its token by `attach`"]
pub struct ReadyCall<'a, T: Tokens> {
    // What a call is made of, which is larger, and is moved about once less so.
    pub(super) rules: &'a Arc<Rules>,
    pub(super) index: usize,
    pub(super) tokens: T,
    pub(super) held: T::Held,
}

impl<T: Tokens> ReadyCall<'_, T> {
    /// Sets the header of the request. `None` leaves it as it is: it has an
    /// `Authorization` of its own, or the token needs a proof, or cannot be attached. Then
    /// [`Calls::begin`](super::Calls::begin) says what it is.
    #[inline]
    pub fn attach(self, headers: &mut HeaderMap) -> Option<Call<T>> {
        let value = T::token(&self.held).bearer_of_its_type()?;
        // Looked up once, both to see that it has none and to set it.
        match headers.try_entry(header::AUTHORIZATION) {
            Ok(Entry::Vacant(place)) => place.try_insert(value.clone()).ok()?,
            _ => return None,
        };
        let reach = Reach::Named(Arc::clone(self.rules), self.index);
        Some(Call::new(self.tokens, reach, Some(self.held)))
    }
}

impl<T: Tokens> fmt::Debug for ReadyCall<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadyCall").finish_non_exhaustive()
    }
}
