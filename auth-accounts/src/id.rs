//! The name of an account.

use std::{borrow::Borrow, fmt, sync::Arc};

/// The name of an account: any text. Cloning shares it.
///
/// It is not a secret. It appears in errors, in events, and in the names of
/// files. `Display` escapes control characters.
///
/// ```
/// use auth_accounts::AccountId;
///
/// let id = AccountId::from("ada@example.com");
/// assert_eq!(id.as_str(), "ada@example.com");
/// let name = String::from("ada@example.com");
/// assert_eq!(AccountId::from(&name), id);
/// assert_eq!(AccountId::from("a\nb").to_string(), r"a\nb");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(Arc<str>);

impl AccountId {
    /// An account of this name.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name, unescaped.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for AccountId {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for AccountId {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

impl From<&String> for AccountId {
    fn from(name: &String) -> Self {
        Self::new(name.as_str())
    }
}

impl From<&Self> for AccountId {
    fn from(id: &Self) -> Self {
        id.clone()
    }
}

impl Borrow<str> for AccountId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for AccountId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.escape_debug().fmt(f)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl serde::Serialize for AccountId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
