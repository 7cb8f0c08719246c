//! What error codes mean: by the standards, and by the word of providers.

mod answer;
mod code;
mod messages;
mod stale;
mod standard;
mod table;

use std::{borrow::Cow, sync::LazyLock};

use crate::FailureKind;

pub(crate) use self::answer::{Answer, Place, is_no_verdict};
pub use self::code::ErrorCode;
pub(crate) use self::{
    stale::says_stale,
    standard::{STANDARD, spelled_otherwise, standard_codes},
};

/// What an error code, or a wording, means at a provider.
///
/// The built-in table holds what providers document. Add a rule of your own
/// with [`TokenEndpoint::rule`](crate::TokenEndpoint::rule):
///
/// ```
/// use auth_core::{FailureKind, Rule, TokenEndpoint};
///
/// let endpoint = TokenEndpoint::new("https://auth.example.com/token", "c")?
///     .rule(Rule::new("session_gone", FailureKind::Rejected))
///     .rule(Rule::new("invalid_grant", FailureKind::Unavailable).words("replica is behind"));
/// # Ok::<(), auth_core::EndpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub(crate) provider: Cow<'static, str>,
    pub(crate) status: Option<u16>,
    /// `None` speaks of any code, and of none.
    pub(crate) code: Option<Cow<'static, str>>,
    pub(crate) words: Option<Cow<'static, str>>,
    /// The words are the whole of the explanation.
    pub(crate) whole: bool,
    /// It speaks only of responses in which the explanation is all there is.
    pub(crate) codeless: bool,
    /// Where the code counts.
    pub(crate) place: Place,
    pub(crate) kind: FailureKind,
    pub(crate) source: Cow<'static, str>,
}

impl Rule {
    /// A response with this code is of this kind.
    ///
    /// The code is compared exactly, with each member of the response that can
    /// hold a code. An empty code matches nothing. Of an AWS type
    /// (`com.example#Name`), the name after the `#` is compared. `Unreachable`
    /// and `Interrupted` count as `Unavailable`, since there was a response.
    /// A code of the standards also matches where the server spells it otherwise
    /// (`INVALID_GRANT`, `invalidGrant`).
    ///
    /// Without [`status`](Self::status), ignored for responses that carry no
    /// verdict: 3xx, 407, 408, 421, 425, 429, 5xx.
    pub fn new(code: impl Into<Cow<'static, str>>, kind: FailureKind) -> Self {
        let mut code = code.into();
        if let Some(at) = code.rfind('#') {
            code = Cow::Owned(code[at + 1..].to_owned());
        }
        Self {
            provider: Cow::Borrowed("your own rule"),
            status: None,
            code: Some(code),
            words: None,
            whole: false,
            codeless: false,
            place: Place::Anywhere,
            kind,
            source: Cow::Borrowed(""),
        }
    }

    /// A response is of this kind if one of its explanations contains these
    /// words, whatever its code. ASCII case is ignored.
    ///
    /// An explanation is what JSON or a form has in `error_description`, `message`
    /// and the like. Plain text, a page, and a JSON string that is no JSON itself have
    /// none, and no rule matches them: their status decides. Where a server rejects a
    /// token in that way, wrap the transport, and put `{"error":"invalid_grant"}` in
    /// place of such a body.
    ///
    /// A part of an explanation may say something else. Take [`message`](Self::message)
    /// where the text is all that the server sends, and `described(..).whole()` where it
    /// stands beside a code, in another member than the message, or in a form:
    ///
    /// ```
    /// use auth_core::{FailureKind, Rule};
    ///
    /// // {"message":"The session is gone."}, with 400 or 401.
    /// let _ = Rule::message("the session is gone", FailureKind::Rejected);
    /// // The same with 403.
    /// let _ = Rule::message("the session is gone", FailureKind::Rejected)
    ///     .status(http::StatusCode::FORBIDDEN);
    /// // {"error":"access_denied","hint":"The session is gone."}
    /// let _ = Rule::described("the session is gone", FailureKind::Rejected).whole();
    /// ```
    pub fn described(words: impl Into<Cow<'static, str>>, kind: FailureKind) -> Self {
        Self { code: None, ..Self::new("", kind).words(words) }
    }

    /// A response without an error code is of this kind if its explanation is this
    /// text and nothing else.
    ///
    /// It applies to JSON with the status 400 or 401, for which RFC 6749 section 5.2
    /// wants a code: some servers send a message instead. With
    /// [`status`](Self::status), it applies to JSON with that status. ASCII case, white
    /// space around the text and a full stop at its end are ignored. A part of a message
    /// never decides, nor what stands beside the message, nor the text of a page.
    pub fn message(text: impl Into<Cow<'static, str>>, kind: FailureKind) -> Self {
        Self { codeless: true, ..Self::described(text, kind).whole() }
    }

    /// Makes the rule want the whole of an explanation to be its words, not a part.
    /// White space around it and a full stop at its end are ignored.
    #[must_use]
    pub fn whole(mut self) -> Self {
        self.whole = true;
        self
    }

    /// Restricts the rule to responses one of whose explanations contains these
    /// words. ASCII case is ignored. A rule has one text: this one takes the place of
    /// an earlier one, that of [`described`](Self::described) or
    /// [`message`](Self::message) too.
    #[must_use]
    pub fn words(mut self, words: impl Into<Cow<'static, str>>) -> Self {
        self.words = Some(words.into());
        self
    }

    /// Restricts the rule to responses with this status. It may be one with which a
    /// rule is ignored otherwise.
    #[must_use]
    pub fn status(mut self, status: http::StatusCode) -> Self {
        self.status = Some(status.as_u16());
        self
    }

    /// Sets the name of the provider, for messages.
    #[must_use]
    pub fn provider(mut self, provider: impl Into<Cow<'static, str>>) -> Self {
        self.provider = provider.into();
        self
    }

    /// Sets the URL at which the fact is documented.
    #[must_use]
    pub fn source(mut self, url: impl Into<Cow<'static, str>>) -> Self {
        self.source = url.into();
        self
    }

    /// The built-in table, in the order in which it is applied.
    pub fn built_in() -> &'static [Self] {
        static ALL: LazyLock<Vec<Rule>> = LazyLock::new(|| facts().cloned().collect());
        &ALL
    }

    /// The code that the rule matches. `None` if it matches any code, and
    /// responses without one.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The kind of a response that the rule matches.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// The URL at which the fact is documented. Empty if none was set.
    pub fn get_source(&self) -> &str {
        &self.source
    }

    /// The name of the provider.
    pub fn get_provider(&self) -> &str {
        &self.provider
    }

    /// Whether this rule speaks of such a response, and if so of which of its
    /// codes.
    pub(crate) fn matches<'a>(&self, answer: &Answer<'a>) -> Option<Option<&'a str>> {
        let status_fits = match self.status {
            Some(wanted) => wanted == answer.status,
            None => !is_no_verdict(answer.status),
        };
        if !status_fits || self.codeless && !self.may_be_a_message(answer) {
            return None;
        }
        let code = match &self.code {
            None => None,
            Some(wanted) => {
                let known = |(at, code): &(usize, &Cow<'_, str>)| {
                    *code == wanted && answer.place(*at) >= self.place
                };
                Some(answer.codes.iter().enumerate().find(known)?.1.as_ref())
            }
        };
        // What explains it best is the message; the others stand beside it.
        let texts = if self.codeless { answer.texts.get(..1)? } else { answer.texts };
        self.words_fit(texts).then_some(code)
    }

    fn may_be_a_message(&self, answer: &Answer<'_>) -> bool {
        let wants_a_code = matches!(answer.status, 400 | 401);
        answer.is_only_a_message && (wants_a_code || self.status.is_some())
    }

    fn words_fit(&self, texts: &[String]) -> bool {
        let Some(words) = self.words.as_deref() else { return true };
        texts.iter().any(|text| {
            if self.whole { is_whole(text, words) } else { contains_ignoring_case(text, words) }
        })
    }
}

/// The built-in table, as [`Rule::built_in`] has it, without an allocation.
pub(crate) fn facts() -> impl Iterator<Item = &'static Rule> {
    table::TABLE.iter().chain(messages::WITH_A_CODE).chain(messages::ALONE)
}

fn contains_ignoring_case(text: &str, words: &str) -> bool {
    words.is_empty()
        || text
            .as_bytes()
            .windows(words.len())
            .any(|window| window.eq_ignore_ascii_case(words.as_bytes()))
}

/// Whether these words are all that a text says.
fn is_whole(text: &str, words: &str) -> bool {
    let plain = |text| {
        let text = str::trim(text);
        text.strip_suffix('.').unwrap_or(text)
    };
    plain(text).eq_ignore_ascii_case(plain(words))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn fits(rule: &Rule, status: u16, codes: &[&'static str], description: &str) -> bool {
        let codes: Vec<_> = codes.iter().map(|code| Cow::Borrowed(*code)).collect();
        let texts = [description.to_owned(), "beside".to_owned()];
        let is_only_a_message = codes.is_empty();
        // The last one stands in a message.
        let weak = codes.len().saturating_sub(1)..codes.len();
        let in_error = 0..0;
        let answer =
            Answer { status, codes: &codes, weak, in_error, texts: &texts, is_only_a_message };
        rule.matches(&answer).is_some()
    }

    #[test]
    fn each_condition_counts() {
        let rule = Rule::new("a", FailureKind::Rejected);
        assert!(fits(&rule, 400, &["a"], ""));
        assert!(fits(&rule, 200, &["b", "a"], ""));
        assert!(!fits(&rule, 400, &["b", "A"], ""));
        for status in [302, 407, 408, 421, 425, 429, 500, 503, 599, 999] {
            assert!(!fits(&rule, status, &["a"], ""), "{status} is no verdict");
        }
        assert!(fits(&rule, 499, &["a"], ""));

        assert!(!fits(&Rule::new("", FailureKind::Rejected), 403, &[], "No."));
        assert!(fits(&Rule::new("com.example#A", FailureKind::Rejected), 400, &["A"], ""));

        let strict = Rule { place: Place::Proper, ..rule.clone() };
        assert!(fits(&strict, 400, &["a", "b"], ""));
        assert!(!fits(&strict, 400, &["b", "a"], ""));

        let rule = rule.words("Being Processed");
        assert!(fits(&rule, 400, &["a"], "it is being processed"));
        assert!(!fits(&rule, 400, &["a"], "it was processed"));

        assert!(fits(&Rule::described("gone", FailureKind::Rejected), 400, &[], "It is Gone."));

        let whole = Rule::new("a", FailureKind::Rejected).words("It is gone").whole();
        for text in ["It is gone", " it is GONE. ", "It is gone."] {
            assert!(fits(&whole, 403, &["a"], text), "{text}");
        }
        for text in ["It is gone..", "It is gone now", "Is it gone", "", "gone"] {
            assert!(!fits(&whole, 403, &["a"], text), "{text}");
        }
        assert!(fits(&Rule::described("beside", FailureKind::Rejected).whole(), 403, &[], "x"));

        let rule = rule.status(StatusCode::INTERNAL_SERVER_ERROR);
        assert!(fits(&rule, 500, &["a"], "being processed"));
        assert!(!fits(&rule, 400, &["a"], "being processed"));
    }

    #[test]
    fn a_message_decides_where_it_is_all_there_is() {
        let rule = Rule::message("It is gone.", FailureKind::Rejected);
        assert!(fits(&rule, 400, &[], "it is gone"));
        assert!(fits(&rule, 401, &[], "It is gone."));
        assert!(!fits(&rule, 403, &[], "It is gone."));
        assert!(!fits(&rule, 400, &["a"], "It is gone."));
        assert!(!fits(&rule, 400, &[], "It is gone, they say."));
        for (wanted, status, expected) in [
            (StatusCode::FORBIDDEN, 403, true),
            (StatusCode::FORBIDDEN, 400, false),
            (StatusCode::UNAUTHORIZED, 401, true),
            (StatusCode::UNAUTHORIZED, 400, false),
            (StatusCode::UNPROCESSABLE_ENTITY, 422, true),
            (StatusCode::INTERNAL_SERVER_ERROR, 500, true),
        ] {
            let rule = rule.clone().status(wanted);
            assert_eq!(fits(&rule, status, &[], "It is gone."), expected, "{wanted} {status}");
            assert!(!fits(&rule, status, &["a"], "It is gone."), "{wanted} {status}");
            assert!(!fits(&rule, status, &[], "It is gone, they say."), "{wanted} {status}");
        }
        // Not what stands beside the message.
        assert!(!fits(&Rule::message("beside", FailureKind::Rejected), 400, &[], "x"));
    }

    #[test]
    fn the_last_words_count() {
        let of = FailureKind::Rejected;
        for rule in [
            Rule::described("gone", of).words("spent"),
            Rule::new("a", of).words("gone").words("spent"),
            Rule::message("gone", of).words("spent"),
            Rule::described("gone", of).whole().words("spent"),
        ] {
            let codes: &[_] = if rule.codeless { &[] } else { &["a"] };
            assert!(fits(&rule, 400, codes, "Spent."), "{rule:?}");
            assert!(!fits(&rule, 400, codes, "Gone."), "{rule:?}");
            assert_eq!(fits(&rule, 400, codes, "It is spent."), !rule.whole, "{rule:?}");
        }
    }

    #[test]
    fn a_rule_tells_what_it_says() {
        let rule = Rule::new("a", FailureKind::Rejected).provider("Us").source("https://a.example");
        assert_eq!(rule.code(), Some("a"));
        assert_eq!(rule.kind(), FailureKind::Rejected);
        assert_eq!(rule.get_provider(), "Us");
        assert_eq!(rule.get_source(), "https://a.example");
        assert_eq!(Rule::described("gone", FailureKind::Rejected).code(), None);
    }

    #[test]
    fn every_built_in_fact_has_a_provider_a_source_and_a_use() {
        for (at, rule) in Rule::built_in().iter().enumerate() {
            assert!(!rule.provider.is_empty(), "{rule:?}");
            assert!(rule.source.starts_with("https://"), "{rule:?}");
            let shadow = Rule::built_in()[..at].iter().find(|earlier| {
                (earlier.code.is_none() || earlier.code == rule.code)
                    && (earlier.status.is_none() || earlier.status == rule.status)
                    && (!earlier.codeless || rule.codeless)
                    && earlier.place <= rule.place
                    && earlier.words.as_deref().is_none_or(|hiding| {
                        rule.words.as_deref().is_some_and(|words| match earlier.whole {
                            true => rule.whole && is_whole(words, hiding),
                            false => contains_ignoring_case(words, hiding),
                        })
                    })
            });
            assert_eq!(shadow, None, "{rule:?} can never decide");
        }
    }
}
