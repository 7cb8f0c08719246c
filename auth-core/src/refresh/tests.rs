mod challenges;
mod sources;

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::{Advice, RefreshToken, RetryPolicy, TransportErrorKind, test_now};

fn endpoint() -> TokenEndpoint {
    TokenEndpoint::new("https://auth.example.com/token", "c").unwrap()
}

fn refresh() -> Refresh {
    Refresh::new(endpoint(), RefreshToken::new("rt-secret"))
}

fn response(status: u16, body: &str) -> Result<Response, TransportError> {
    let mut response = Response::new(body.as_bytes().to_vec());
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    Ok(response)
}

fn reset() -> Result<Response, TransportError> {
    Err(TransportError::unknown(TransportErrorKind::Reset).with_source("os error 104"))
}

fn refused() -> Result<Response, TransportError> {
    Err(TransportError::not_sent(TransportErrorKind::Refused))
}

fn at(ms: u64) -> Now {
    test_now().plus(Duration::from_millis(ms))
}

#[track_caller]
fn sent(step: Step) -> (Request, Pending) {
    let Step::Send(request, pending) = step else { panic!("{step:?}") };
    (request, pending)
}

#[track_caller]
fn waiting(step: Step) -> (Duration, Waiting) {
    let Step::Wait(delay, waiting) = step else { panic!("{step:?}") };
    (delay, waiting)
}

#[track_caller]
fn failed(step: Step) -> RefreshError {
    let Step::Done(Err(error)) = step else { panic!("{step:?}") };
    error
}

const REJECTED: &str = r#"{"error":"invalid_grant","error_description":"Token revoked."}"#;

#[test]
fn a_502_and_a_reset_then_success() {
    let (_, pending) = sent(refresh().start(at(0)));
    let (delay, wait) = waiting(pending.resolve(response(502, "<html>"), at(100)));
    assert_eq!((delay.as_millis(), wait.attempts()), (500, 1));
    let (request, pending) = sent(wait.resume(at(600)));
    assert_eq!(request.body(), b"grant_type=refresh_token&refresh_token=rt-secret&client_id=c");
    let (delay, wait) = waiting(pending.resolve(reset(), at(700)));
    assert_eq!((delay.as_millis(), wait.failure().kind()), (1000, FailureKind::Interrupted));
    let (_, pending) = sent(wait.resume(at(1700)));
    assert_eq!(pending.attempts(), 3);
    let body = r#"{"access_token":"at","refresh_token":"rt-2","expires_in":60}"#;
    let Step::Done(Ok(tokens)) = pending.resolve(response(200, body), at(2000)) else { panic!() };
    assert_eq!(tokens.refresh_token, Some(RefreshToken::new("rt-2")));
    // Counted from when the request was sent, not from the response.
    assert_eq!(tokens.expires_at, Some(at(1700 + 60_000).wall));
}

#[test]
fn the_old_refresh_token_stays_where_none_came() {
    let nones = ["null", "\"\"", "\" \"", "\"null\"", "false", "0", "{}", "[]"];
    let members = nones.iter().flat_map(|none| {
        [format!(r#","refresh_token":{none}"#), format!(r#","refreshToken":{none}"#)]
    });
    for member in members.chain([String::new()]) {
        let (_, pending) = sent(refresh().start(at(0)));
        let body = format!(r#"{{"access_token":"at"{member}}}"#);
        let step = pending.resolve(response(200, &body), at(1));
        let Step::Done(Ok(tokens)) = step else { panic!("{body}") };
        assert_eq!(tokens.refresh_token, Some(RefreshToken::new("rt-secret")), "{body}");
    }

    let (_, pending) = sent(Refresh::new(endpoint(), Grant::ClientCredentials).start(at(0)));
    let step = pending.resolve(response(200, r#"{"access_token":"at"}"#), at(1));
    let Step::Done(Ok(tokens)) = step else { panic!() };
    assert_eq!(tokens.refresh_token, None);
}

#[test]
fn retries_used_up() {
    let (_, pending) = sent(refresh().start(at(0)));
    let (_, wait) = waiting(pending.resolve(response(500, ""), at(1)));
    let (_, pending) = sent(wait.resume(at(501)));
    let (_, wait) = waiting(pending.resolve(refused(), at(502)));
    assert_eq!(wait.attempts(), 2);
    assert_eq!(wait.failure().kind(), FailureKind::Unreachable);
    let (_, pending) = sent(wait.resume(at(1502)));
    let error = failed(pending.resolve(response(503, ""), at(1600)));
    assert_eq!(error.attempts(), 3);
    assert_eq!(error.elapsed(), Duration::from_millis(1600));
    assert_eq!(error.kind(), FailureKind::Unavailable);
    assert_eq!(error.advice(), Advice::TryLater);
    assert!(error.possibly_spent());
    assert!(!error.to_string().contains("may have spent the refresh token"), "it is no refusal");
    assert_eq!(
        error.to_string(),
        "refresh at auth.example.com failed after 3 attempts in 1.6 s: HTTP 503; try again later"
    );
}

#[test]
fn a_rejection_ends_it_whatever_the_policy_says() {
    struct Always;
    impl RetryPolicy for Always {
        fn decide(&self, _: &Attempt<'_>) -> Decision {
            Decision::RetryAfter(Duration::ZERO)
        }
    }
    let (_, pending) = sent(refresh().policy(Always).start(at(0)));
    let error = failed(pending.resolve(response(400, REJECTED), at(200)));
    assert_eq!((error.attempts(), error.advice()), (1, Advice::LogIn));
    assert!(!error.possibly_spent());
    assert_eq!(
        error.to_string(),
        "refresh at auth.example.com failed after 1 attempt in 0.2 s: invalid_grant (HTTP 400): \
         \"Token revoked.\"; the user must log in again"
    );
}

#[test]
fn a_rejection_after_a_lost_response_says_so() {
    for (first, possibly_spent) in [
        (reset(), true),
        (response(502, ""), true),
        (response(200, "<html>"), true),
        (refused(), false),
    ] {
        let (_, pending) = sent(refresh().start(at(0)));
        let (_, wait) = waiting(pending.resolve(first, at(0)));
        let (_, pending) = sent(wait.resume(at(500)));
        let error = failed(pending.resolve(response(400, REJECTED), at(500)));
        assert_eq!(error.possibly_spent(), possibly_spent);
        assert_eq!(error.to_string().contains("may have spent the refresh token"), possibly_spent);
    }

    let (_, pending) = sent(refresh().possibly_spent(true).start(at(0)));
    let error = failed(pending.resolve(response(400, REJECTED), at(0)));
    assert!(error.possibly_spent());
}

#[test]
fn a_newer_token_has_no_past() {
    let (_, pending) = sent(refresh().possibly_spent(true).start(at(0)));
    let (_, wait) = waiting(pending.resolve(reset(), at(0)));
    let (request, pending) = sent(wait.resume_with(RefreshToken::new("rt-newer"), at(500)));
    assert!(request.body().windows(8).any(|window| window == b"rt-newer"));
    let error = failed(pending.resolve(response(400, REJECTED), at(500)));
    assert!(!error.possibly_spent());
    assert_eq!(error.attempts(), 2);

    // The same token read from a store is no newer one.
    let (_, pending) = sent(refresh().start(at(0)));
    let (_, wait) = waiting(pending.resolve(reset(), at(0)));
    let (_, pending) = sent(wait.resume_with(RefreshToken::new("rt-secret"), at(500)));
    assert!(failed(pending.resolve(response(400, REJECTED), at(500))).possibly_spent());
}

#[test]
fn a_token_is_dated_from_its_request_whatever_the_clocks_do() {
    let hours = |hours: u64| Duration::from_secs(3600 * hours);
    let body = r#"{"access_token":"at","expires_in":3600}"#;
    // The machine slept: the monotonic clock stood still.
    let slept = Now { wall: at(0).wall + hours(8), ..at(1000) };
    // The wall clock was set back.
    let set_back = Now { wall: at(0).wall - hours(8), ..at(1000) };
    for (arrival, expected) in [
        (slept, at(0).wall + hours(1)),
        (set_back, set_back.wall - Duration::from_secs(1) + hours(1)),
    ] {
        let (_, pending) = sent(refresh().start(at(0)));
        let step = pending.resolve(response(200, body), arrival);
        let Step::Done(Ok(tokens)) = step else { panic!() };
        assert_eq!(tokens.expires_at, Some(expected));
    }
}

#[test]
fn a_wait_is_counted_from_the_arrival() {
    let mut throttled = response(429, "").unwrap();
    let until = httpdate::fmt_http_date(at(30_000).wall);
    throttled.headers_mut().insert("retry-after", until.parse().unwrap());
    let (_, pending) = sent(refresh().start(at(0)));
    let error = failed(pending.resolve(Ok(throttled), at(9_000)));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(21)));
}

#[test]
fn a_client_of_its_own_has_no_user_to_log_in() {
    let refresh = Refresh::new(endpoint(), Grant::ClientCredentials);
    let (_, pending) = sent(refresh.start(at(0)));
    let (_, wait) = waiting(pending.resolve(reset(), at(0)));
    let (_, pending) = sent(wait.resume(at(500)));
    let error = failed(pending.resolve(response(400, REJECTED), at(500)));
    assert_eq!(error.advice(), Advice::FixSetup);
    assert!(!error.possibly_spent());
}

#[test]
fn a_cancelled_call_is_not_tried_again() {
    let (_, pending) = sent(refresh().start(at(0)));
    let cancelled = TransportError::unknown(TransportErrorKind::Cancelled);
    assert_eq!(failed(pending.resolve(Err(cancelled), at(0))).attempts(), 1);
}

#[test]
fn giving_up_reports_the_last_failure() {
    let (_, pending) = sent(refresh().start(at(0)));
    let (_, wait) = waiting(pending.resolve(reset(), at(10)));
    let error = wait.stop(at(300));
    assert_eq!((error.attempts(), error.elapsed().as_millis()), (1, 300));
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "os error 104");
    assert_eq!(
        error.to_string(),
        "refresh at auth.example.com failed after 1 attempt in 0.3 s: the connection was reset; \
         the request may have been processed; try again later"
    );
}

#[test]
fn a_throttled_refresh_says_how_long() {
    let mut throttled = response(429, "").unwrap();
    throttled.headers_mut().insert("retry-after", "30".parse().unwrap());
    let (_, pending) = sent(refresh().start(at(0)));
    let error = failed(pending.resolve(Ok(throttled), at(100)));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
    assert!(error.to_string().ends_with("try again later, not before 30 s have passed"));
    assert_eq!(error.host(), "auth.example.com");
    let shown = format!("{error:?}");
    for part in ["RefreshError {", "Throttled", "auth.example.com", "attempts: 1"] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }

    // There is nothing to wait for.
    let mut refused = response(400, r#"{"error":"invalid_grant"}"#).unwrap();
    refused.headers_mut().insert("retry-after", "30".parse().unwrap());
    let (_, pending) = sent(refresh().start(at(0)));
    let error = failed(pending.resolve(Ok(refused), at(100)));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
    assert!(error.to_string().ends_with("the user must log in again"), "{error}");
}

#[test]
fn the_policy_hears_of_a_refreshes_start_and_success() {
    #[derive(Default)]
    struct Counting {
        starts: AtomicU32,
        successes: Arc<AtomicU32>,
    }
    struct Running(Arc<AtomicU32>);
    impl RetrySchedule for Counting {
        fn begin(self: Arc<Self>) -> Box<dyn RetryRun> {
            self.starts.fetch_add(1, Ordering::Relaxed);
            Box::new(Running(Arc::clone(&self.successes)))
        }
    }
    impl RetryRun for Running {
        fn decide(&mut self, attempt: &Attempt<'_>) -> Decision {
            assert_eq!(attempt.number, 1);
            assert_eq!(attempt.elapsed, Duration::from_millis(7));
            Decision::RetryAfter(Duration::from_secs(1))
        }
        fn succeeded(&mut self, _: Now) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let policy = Arc::new(Counting::default());
    let (_, pending) = sent(refresh().shared_policy(Arc::clone(&policy) as _).start(at(0)));
    let (_, wait) = waiting(pending.resolve(refused(), at(7)));
    let (_, pending) = sent(wait.resume(at(1007)));
    let step = pending.resolve(response(200, r#"{"access_token":"at"}"#), at(1010));
    assert!(matches!(step, Step::Done(Ok(_))));
    assert_eq!(policy.starts.load(Ordering::Relaxed), 1);
    assert_eq!(policy.successes.load(Ordering::Relaxed), 1);
}

#[test]
fn the_steps_show_no_secret_and_can_move_between_threads() {
    fn movable<T: Send + 'static>(_: &T) {}
    let refresh = refresh();
    let shown = format!("{refresh:?}");
    let step = refresh.start(at(0));
    movable(&step);
    let shown = format!("{shown} {step:?}");
    let (_, pending) = sent(step);
    let echo = r#"{"error":"server_error","error_description":"bad rt-secret"}"#;
    let step = pending.resolve(response(503, echo), at(0));
    let shown = format!("{shown} {step:?}");
    assert!(!shown.contains("rt-secret"), "{shown}");
    for name in ["Refresh {", "auth.example.com", "Pending { attempts: 1", "Waiting { attempts: 1"]
    {
        assert!(shown.contains(name), "{name} is not in {shown}");
    }
}
