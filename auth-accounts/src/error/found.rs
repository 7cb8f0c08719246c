//! An account's error in what other libraries made of it.

use std::error::Error;

use super::AccountError;

impl AccountError {
    /// Finds the account's error among the causes of another one, or in an [`std::io::Error`]
    /// among them. A library that is given tokens by an account boxes the account's error
    /// into one of its own. With a pool ask `PoolError::find` (`auth-pool`): what this finds
    /// then is of the account that was tried last, while another may only have to wait.
    ///
    /// ```
    /// use std::{error::Error, io};
    ///
    /// use auth_accounts::AccountError;
    ///
    /// /// Whatever library it came through.
    /// fn needs_login(error: &(dyn Error + 'static)) -> bool {
    ///     AccountError::find(error).is_some_and(|found| found.state().needs_login())
    /// }
    ///
    /// assert!(!needs_login(&io::Error::other("the library's own")));
    /// ```
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        auth_core::internal::find_cause(error)
    }
}

#[cfg(test)]
mod tests {
    use std::{fmt, io, sync::Arc, time::SystemTime};

    use super::*;
    use crate::error::Reason;

    /// A library's error.
    #[derive(Debug)]
    struct Wrapped(Box<dyn Error + Send + Sync>);

    impl fmt::Display for Wrapped {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the library's own")
        }
    }

    impl Error for Wrapped {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&*self.0)
        }
    }

    #[test]
    fn it_is_found_however_it_was_wrapped() {
        let ada =
            AccountError::new(&"ada".into(), Reason::NotLoggedIn, None, SystemTime::UNIX_EPOCH);
        let wrapped = |inner: Box<dyn Error + Send + Sync>| Wrapped(inner);
        let other = || io::Error::other("no account's");
        for (found, error) in [
            (true, Box::new(ada.clone()) as Box<dyn Error>),
            (true, Box::new(wrapped(ada.clone().into()))),
            (true, Box::new(wrapped(wrapped(ada.clone().into()).into()))),
            (true, Box::new(io::Error::other(ada.clone()))),
            (true, Box::new(io::Error::other(io::Error::other(ada.clone())))),
            (true, Box::new(wrapped(io::Error::other(ada.clone()).into()))),
            (true, Box::new(io::Error::other(wrapped(ada.clone().into())))),
            (true, Box::new(Arc::new(wrapped(ada.into())))),
            (false, Box::new(other())),
            (false, Box::new(wrapped(other().into()))),
            (false, Box::new(io::Error::from(io::ErrorKind::TimedOut))),
            (false, Box::new(io::Error::from_raw_os_error(2))),
        ] {
            assert_eq!(AccountError::find(&*error).is_some(), found, "{error:?}");
        }
    }
}
