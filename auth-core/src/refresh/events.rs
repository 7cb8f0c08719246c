//! Events of a refresh, sent to `tracing` if the feature of that name is on. They
//! never contain a secret.
//!
//! The target is `auth_core::refresh`. Attempts are `DEBUG`, successes `INFO`,
//! retries `WARN`, a final failure `ERROR`. `docs/crate.md` lists the fields.

use std::time::Duration;

use super::error::RefreshError;
use crate::{Failure, TokenEndpoint};

/// What a refresh is about: where, and for which account, if that has a name.
#[cfg_attr(not(feature = "tracing"), allow(dead_code, reason = "nothing is told"))]
pub(super) struct About<'a> {
    pub(super) endpoint: &'a TokenEndpoint,
    pub(super) account: Option<&'a str>,
}

#[cfg(feature = "tracing")]
mod on {
    use super::{About, Duration, Failure, RefreshError};

    const TARGET: &str = "auth_core::refresh";

    fn millis(duration: Duration) -> u64 {
        u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
    }

    pub(in crate::refresh) fn attempt(about: &About<'_>, number: u32) {
        tracing::debug!(
            target: TARGET,
            account = about.account,
            host = about.endpoint.host(),
            attempt = number,
            "sending"
        );
    }

    pub(in crate::refresh) fn challenged(about: &About<'_>, number: u32) {
        tracing::debug!(
            target: TARGET,
            account = about.account,
            host = about.endpoint.host(),
            attempt = number,
            "the server wants a proof with its nonce"
        );
    }

    pub(in crate::refresh) fn retry(
        about: &About<'_>,
        number: u32,
        failure: &Failure,
        wait: Duration,
    ) {
        tracing::warn!(
            target: TARGET,
            account = about.account,
            host = about.endpoint.host(),
            attempt = number,
            kind = failure.kind().as_str(),
            delivery = failure.delivery().as_str(),
            status = failure.status().map(|status| status.as_u16()),
            code = failure.code().map(crate::ErrorCode::as_str),
            wait_ms = millis(wait),
            "attempt failed, will retry: {failure}"
        );
    }

    pub(in crate::refresh) fn refreshed(about: &About<'_>, attempts: u32, elapsed: Duration) {
        tracing::info!(
            target: TARGET,
            account = about.account,
            host = about.endpoint.host(),
            attempts,
            elapsed_ms = millis(elapsed),
            "refreshed"
        );
    }

    pub(in crate::refresh) fn failed(about: &About<'_>, error: &RefreshError) {
        tracing::error!(
            target: TARGET,
            account = about.account,
            host = about.endpoint.host(),
            attempts = error.attempts(),
            elapsed_ms = millis(error.elapsed()),
            kind = error.kind().as_str(),
            delivery = error.failure().delivery().as_str(),
            status = error.failure().status().map(|status| status.as_u16()),
            code = error.failure().code().map(crate::ErrorCode::as_str),
            retry_after_ms = error.retry_after().map(millis),
            "{error}"
        );
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use super::{About, Duration, Failure, RefreshError};

    pub(in crate::refresh) fn attempt(_: &About<'_>, _: u32) {}
    pub(in crate::refresh) fn challenged(_: &About<'_>, _: u32) {}
    pub(in crate::refresh) fn retry(_: &About<'_>, _: u32, _: &Failure, _: Duration) {}
    pub(in crate::refresh) fn refreshed(_: &About<'_>, _: u32, _: Duration) {}
    pub(in crate::refresh) fn failed(_: &About<'_>, _: &RefreshError) {}
}

#[cfg(not(feature = "tracing"))]
pub(super) use off::{attempt, challenged, failed, refreshed, retry};
#[cfg(feature = "tracing")]
pub(super) use on::{attempt, challenged, failed, refreshed, retry};

#[cfg(all(test, feature = "tracing"))]
#[allow(clippy::unwrap_used, reason = "clippy takes it for no test")]
mod tests {
    use std::{
        fmt::{Debug, Write as _},
        sync::{Arc, Mutex},
    };

    use tracing::{
        Event, Metadata, Subscriber,
        field::{Field, Visit},
        span::{Attributes, Id, Record},
    };

    use crate::{Backoff, Refresh, RefreshToken, Response, Step, TokenEndpoint, test_now};

    /// Writes down every event, a line each.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<String>>);

    struct Line<'a>(&'a mut String);

    impl Visit for Line<'_> {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            write!(self.0, " {field}={value:?}").unwrap();
        }
    }

    impl Subscriber for Lines {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn event(&self, event: &Event<'_>) {
            let mut text = self.0.lock().unwrap();
            let metadata = event.metadata();
            write!(text, "{} {}", metadata.level(), metadata.target()).unwrap();
            event.record(&mut Line(&mut text));
            text.push('\n');
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    /// A refresh with these responses.
    fn refresh(responses: &[(u16, &str)]) {
        let endpoint = TokenEndpoint::new("https://auth.example.com/token", "c").unwrap();
        let refresh = Refresh::new(endpoint, RefreshToken::new("rt-secret"))
            .policy(Backoff::default().jitter(crate::Jitter::None));
        let mut step = refresh.start(test_now());
        for (status, body) in responses {
            if let Step::Wait(delay, waiting) = step {
                step = waiting.resume(test_now().plus(delay));
            }
            let Step::Send(_, pending) = step else { panic!("{step:?}") };
            let mut response = Response::new(body.as_bytes().to_vec());
            *response.status_mut() = http::StatusCode::from_u16(*status).unwrap();
            step = pending.resolve(Ok(response), test_now().plus(super::Duration::from_secs(2)));
        }
        assert!(matches!(step, Step::Done(_)), "{step:?}");
    }

    /// What is seen of a refresh with these responses.
    fn seen(responses: &[(u16, &str)]) -> String {
        let lines = Lines::default();
        tracing::subscriber::with_default(lines.clone(), || {
            // Tests beside this one have no subscriber. If one of them meets an
            // event first, nobody is taken to be interested in it. So each is met,
            // and then asked for anew.
            refresh(responses);
            tracing::callsite::rebuild_interest_cache();
            lines.0.lock().unwrap().clear();
            refresh(responses);
        });
        let text = lines.0.lock().unwrap().clone();
        assert!(!text.contains("secret"), "{text}");
        text
    }

    #[test]
    fn what_is_shown_of_a_client_is_in_no_event() {
        use crate::{
            Audience, ClientAuth, Dpop, SigningAlgorithm,
            signing::testing::{Fake, parts},
        };
        let lines = Lines::default();
        let shown = tracing::subscriber::with_default(lines.clone(), || {
            let key = || Fake::new(SigningAlgorithm::Es256);
            let endpoint = TokenEndpoint::new("https://auth.example.com/token", "c").unwrap();
            let endpoint =
                endpoint.client_auth(ClientAuth::assertion(key(), Audience::TokenEndpoint));
            let endpoint = endpoint.dpop(Dpop::new(key()).unwrap());
            let mut step = Refresh::new(endpoint, RefreshToken::new("rt-secret")).start(test_now());
            let mut shown = Vec::new();
            let mut answers = vec![(503, "n-3-secret"), (400, "n-2-secret"), (400, "n-1-secret")];
            loop {
                step = match step {
                    Step::Prove(demand, proving) => {
                        let met = demand.meet_blocking().unwrap();
                        shown.push(met.expose().to_owned());
                        proving.resolve(Ok(met), test_now())
                    }
                    Step::Send(_, pending) => {
                        let (status, nonce) = answers.pop().unwrap();
                        let echoed = format!("no {} and {nonce}", shown.join(" and "));
                        let body = serde_json::json!({
                            "error": "use_dpop_nonce", "error_description": echoed,
                        });
                        let mut response = Response::new(body.to_string().into_bytes());
                        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
                        response.headers_mut().insert("dpop-nonce", nonce.parse().unwrap());
                        pending.resolve(Ok(response), test_now())
                    }
                    Step::Challenge(waiting) => waiting.resume(test_now()),
                    Step::Wait(_, waiting) => {
                        drop(waiting.stop(test_now()));
                        break shown;
                    }
                    Step::Done(result) => {
                        assert!(result.is_err());
                        break shown;
                    }
                };
            }
        });
        let text = lines.0.lock().unwrap().clone();
        assert!(!shown.is_empty());
        for token in &shown {
            assert!(parts(token).1.is_object() && !text.contains(&token[..20]), "{text}");
        }
        assert!(!text.contains("eyJ") && !text.contains("rt-secret"), "{text}");
    }

    #[test]
    fn each_step_is_an_event() {
        let tokens = r#"{"access_token":"at-secret","refresh_token":"rt-secret-2"}"#;
        assert_eq!(
            seen(&[(502, ""), (200, tokens)]),
            "DEBUG auth_core::refresh message=sending host=\"auth.example.com\" attempt=1\n\
             WARN auth_core::refresh message=attempt failed, will retry: HTTP 502 \
             host=\"auth.example.com\" attempt=1 kind=\"unavailable\" delivery=\"unknown\" \
             status=502 wait_ms=500\n\
             DEBUG auth_core::refresh message=sending host=\"auth.example.com\" attempt=2\n\
             INFO auth_core::refresh message=refreshed host=\"auth.example.com\" attempts=2 \
             elapsed_ms=2000\n"
        );
        let text = seen(&[(400, r#"{"error":"invalid_grant"}"#)]);
        let error = text.lines().next_back().unwrap();
        assert!(error.starts_with("ERROR auth_core::refresh message="), "{text}");
        let fields = " host=\"auth.example.com\" attempts=1 elapsed_ms=2000 kind=\"rejected\" \
             delivery=\"answered\" status=400 code=\"invalid_grant\"";
        assert!(error.ends_with(fields), "{text}");
    }
}
