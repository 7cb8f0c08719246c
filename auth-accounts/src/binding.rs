//! Whose records an account may use.

use auth_core::TokenEndpoint;

use crate::{error::Reason, record::Record, registration::Registration};

/// Whose records an account may use: its own, and those of whom it follows.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    pub(crate) own: Registration,
    /// Others whose records are taken over.
    also: Vec<Registration>,
}

impl Binding {
    pub(crate) fn new(endpoint: &TokenEndpoint) -> Self {
        Self { own: Registration::of(endpoint), also: Vec::new() }
    }

    pub(crate) fn also_accept(&mut self, other: Registration) {
        self.also.push(other);
    }

    /// What forbids to use `record`: it belongs to another registration. One of
    /// unknown origin forbids nothing, and one that brings its own set-up is
    /// nobody else's.
    pub(crate) fn refuses(&self, record: &Record) -> Option<Reason> {
        if record.set_up.is_some() {
            return None;
        }
        let bound_to = record.bound_to.as_ref()?;
        let accepted = *bound_to == self.own || self.also.contains(bound_to);
        (!accepted)
            .then(|| Reason::OtherEndpoint { record: bound_to.clone(), account: self.own.clone() })
    }

    /// What forbids to replace `record` by that of a login.
    pub(crate) fn refuses_login(&self, record: &Record, login: &Record) -> Option<Reason> {
        if record.registration().is_some() && record.registration() == login.registration() {
            return None;
        }
        self.refuses(record)
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{AccessToken, TokenSet};

    use super::*;

    fn at(url: &str, client_id: &str) -> Registration {
        Registration::new(url, client_id).unwrap()
    }

    #[test]
    fn records_of_others_are_refused() {
        let endpoint = TokenEndpoint::new("https://auth.example.com/token", "c").unwrap();
        let mut binding = Binding::new(&endpoint);
        binding.also_accept(at("http://old.example.com/token", "c"));
        binding.also_accept(at("https://auth.example.com/token", "old"));
        for (bound_to, accepted) in [
            (None, true),
            (Some(at("https://AUTH.example.com:443/token", "c")), true),
            (Some(at("http://old.example.com:80/token", "c")), true),
            (Some(at("https://auth.example.com/token", "old")), true),
            (Some(at("https://old.example.com/token", "c")), false),
            (Some(at("http://old.example.com/token", "old")), false),
            (Some(at("https://auth.example.com/token", "other")), false),
            (Some(at("https://other.example.com/token", "c")), false),
        ] {
            let mut record = Record::new(TokenSet::new(AccessToken::new("at-1")));
            record.bound_to = bound_to.clone();
            match binding.refuses(&record) {
                None => assert!(accepted, "{bound_to:?}"),
                Some(Reason::OtherEndpoint { record, account }) => {
                    assert!(!accepted, "{record:?}");
                    assert_eq!(Some(record), bound_to);
                    assert_eq!(account, binding.own);
                }
                Some(reason) => panic!("{reason:?}"),
            }
        }
    }
}
