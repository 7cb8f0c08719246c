//! What a client under test is asked, and what comes of it.

use std::{
    error::Error,
    fmt::{self, Debug},
};

use auth_accounts::{
    AccountError,
    calls::{CallError, NotAgain},
};
use auth_core::{AccessToken, Advice};
use auth_pool::PoolError;
use http::{HeaderMap, HeaderName, Method};

use crate::world::Named;

/// A request of the program, for any client.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// In the extensions of the request, in place of the client's own.
    pub(crate) account: Option<Named>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Empty,
    /// That can be sent again.
    Bytes(&'static str),
    /// That is read once.
    Stream(&'static str),
}

impl Asked {
    pub(crate) fn get(url: &str) -> Self {
        Self {
            method: Method::GET,
            url: url.to_owned(),
            headers: HeaderMap::new(),
            body: Body::Empty,
            account: None,
        }
    }

    pub(crate) fn post(url: &str, body: Body) -> Self {
        Self { method: Method::POST, body, ..Self::get(url) }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(HeaderName::from_static(name), value.parse().unwrap());
        self
    }

    pub(crate) fn by(self, account: Named) -> Self {
        Self { account: Some(account), ..self }
    }

    /// As a request of the crate `http`, with this body.
    pub(crate) fn with<B>(&self, body: B) -> http::Request<B> {
        let mut request = http::Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.url.parse().unwrap();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

impl Body {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Empty => "",
            Self::Bytes(text) | Self::Stream(text) => text,
        }
    }
}

/// What came.
pub(crate) type Came = Result<Answered, Failed>;

/// A response. A client that knows no statuses of HTTP gives the one that fits.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) why: Option<NotAgain>,
}

/// No response.
pub(crate) enum Failed {
    NoToken(Lacking),
    Unnamed,
    Other(String),
    Client(String),
}

impl Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoToken(Lacking::Account(error)) => write!(f, "no token: {error}"),
            Self::NoToken(Lacking::Pool(error)) => write!(f, "no token of the pool: {error}"),
            Self::Unnamed => f.write_str("no account was named"),
            Self::Other(text) => f.write_str(text),
            Self::Client(text) => write!(f, "the client: {text}"),
        }
    }
}

/// What has no token.
pub(crate) enum Lacking {
    Account(AccountError),
    Pool(PoolError),
}

impl From<AccountError> for Lacking {
    fn from(error: AccountError) -> Self {
        Self::Account(error)
    }
}

impl From<PoolError> for Lacking {
    fn from(error: PoolError) -> Self {
        Self::Pool(error)
    }
}

impl<E: Into<Lacking> + Debug, C: Error> From<CallError<E, C>> for Failed {
    fn from(error: CallError<E, C>) -> Self {
        match error {
            CallError::NoToken(error) => Self::NoToken(error.into()),
            CallError::Unnamed => Self::Unnamed,
            CallError::Client(error) => Self::Client(chain(&error)),
            other => Self::Other(format!("{other:?}")),
        }
    }
}

/// The message with those of its sources.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}

/// The reason in one word.
pub(crate) fn word(why: Option<&NotAgain>) -> &'static str {
    match why {
        None => "",
        Some(NotAgain::Body) => "Body",
        Some(NotAgain::Twice) => "Twice",
        Some(NotAgain::InsufficientScope { .. }) => "InsufficientScope",
        Some(NotAgain::StepUp(_)) => "StepUp",
        Some(NotAgain::Challenge(_)) => "Challenge",
        Some(NotAgain::Request) => "Request",
        Some(NotAgain::Elsewhere) => "Elsewhere",
        Some(NotAgain::NoOther(_)) => "NoOther",
        Some(_) => "another reason",
    }
}

/// A response with this status, and the reason for which it was not sent again, if any.
#[track_caller]
pub(crate) fn expect(came: Came, status: u16, why: &str) -> Answered {
    match came {
        Ok(answered) => {
            let is = (answered.status, word(answered.why.as_ref()));
            assert_eq!(is, (status, why), "status, and reason for not sending again");
            answered
        }
        Err(failed) => panic!("no response with {status}: {failed:?}"),
    }
}

/// No token, and what the user or the program is to do about it.
#[track_caller]
pub(crate) fn expect_no_token(came: Came, advice: Advice) -> AccountError {
    match came {
        Err(Failed::NoToken(Lacking::Account(error))) => {
            assert_eq!(error.advice(), advice, "{error}");
            error
        }
        other => panic!("not the account's error: {other:?}"),
    }
}

/// A token in two letters, so that no message holds one: the first, the second and so on.
pub(crate) fn numbered(tokens: &[Option<AccessToken>]) -> Vec<usize> {
    let mut known: Vec<&AccessToken> = Vec::new();
    tokens
        .iter()
        .map(|token| {
            let Some(token) = token else { return 0 };
            let at = known.iter().position(|other| *other == token);
            1 + at.unwrap_or_else(|| {
                known.push(token);
                known.len() - 1
            })
        })
        .collect()
}
