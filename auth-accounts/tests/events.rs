//! What an operator sees of an account.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    io,
    sync::{Arc, Mutex},
};

use auth_accounts::StoreErrorKind;
use auth_testkit::Script;
use support::{ADA, World, lock, run, tokens};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// The lines that `body` writes.
fn seen(body: impl FnOnce()) -> String {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(lines.clone())
        .with_ansi(false)
        .without_time()
        .finish();
    tracing::subscriber::with_default(subscriber, body);
    let text = String::from_utf8(lock(&lines.0).clone()).unwrap();
    for secret in ["at-1", "at-2", "at-9", "rt-1", "rt-2", "rt-9"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    text
}

#[test]
fn a_refresh_is_a_span_with_the_name_of_the_account() {
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(0);
    let text = seen(|| {
        run(world.account().token(), &world.clock).unwrap();
    });
    let mut lines = text.lines().map(str::trim);
    for (level, says) in [
        ("DEBUG", "auth_accounts::account: taking the lease account=\"ada\" wait_ms=60000"),
        ("DEBUG", "auth_core::refresh: sending"),
        ("INFO", "auth_core::refresh: refreshed"),
        ("INFO", "auth_accounts::account: new tokens saved account=\"ada\""),
    ] {
        let line = lines.next().unwrap();
        let whole = format!("{level} refresh{{account=\"{ADA}\"}}: {says}");
        assert!(line.starts_with(&whole), "{line}");
    }
    assert_eq!(lines.next(), None);
}

#[test]
fn a_login_without_a_refresh_token_is_a_warning() {
    let world = World::new(Script::new());
    let mut login = tokens("at-9", "rt-9", world.now(), 3600);
    let text = seen(|| {
        run(world.account().store_login(login.clone()), &world.clock).unwrap();
    });
    assert!(!text.contains("WARN"), "{text}");
    login.refresh_token = None;
    let text = seen(|| {
        run(world.account().store_login(login.clone()), &world.clock).unwrap();
        run(world.accounts().client_credentials().account("bot").store_login(login), &world.clock)
            .unwrap();
    });
    let warnings: Vec<_> = text.lines().filter(|line| line.contains("WARN")).collect();
    assert_eq!(warnings.len(), 1, "{text}");
    assert!(warnings[0].contains("without a refresh token") && warnings[0].contains(ADA));
}

#[test]
fn what_could_not_be_saved_or_read_is_a_warning() {
    let world = World::new(Script::new().oauth_error("invalid_grant")).with_record(0);
    let account = world.account();
    let text = seen(|| {
        world.store.fail("tokens", [Some(StoreErrorKind::Full)]);
        let login = account.store_login(tokens("at-9", "rt-9", world.now(), 3600));
        run(login, &world.clock).unwrap();
        world.store.fail("load", [Some(StoreErrorKind::Io)]);
        run(account.refresh_now(), &world.clock).unwrap_err();
        run(world.account().token(), &world.clock).unwrap_err();
    });
    let warnings: Vec<_> =
        text.lines().map(str::trim).filter(|line| line.starts_with("WARN")).collect();
    let [unsaved, unread] = warnings[..] else { panic!("{text}") };
    assert!(unsaved.contains("login{account=\"ada\"}"), "{unsaved}");
    assert!(unsaved.contains("new tokens could not be saved yet"), "{unsaved}");
    assert!(unread.contains("refresh{account=\"ada\"}"), "{unread}");
    assert!(unread.contains("spy, at load"), "{unread}");
    // A logout is an error, and is reported once.
    let errors: Vec<_> = text.lines().filter(|line| line.trim().starts_with("ERROR")).collect();
    let [logout] = errors[..] else { panic!("{text}") };
    assert!(logout.contains("refresh{account=\"ada\"}: auth_core::refresh: "), "{logout}");
    assert!(logout.contains("invalid_grant"), "{logout}");
    // By itself, for whoever does not look at spans.
    assert!(logout.contains(" account=\"ada\""), "{logout}");
}

/// Nothing carries it on, and its caller leaves.
#[test]
fn what_is_broken_off_is_a_warning_if_something_may_be_lost() {
    for polls in 0..30 {
        let world = support::strict(3600);
        world.store.yields.store(true, std::sync::atomic::Ordering::Relaxed);
        let account = world.account();
        let mut ended = false;
        let text = seen(|| {
            let mut caller = support::call(&account);
            ended = (0..polls).any(|_| support::poll_once(&mut caller).is_ready());
        });
        let lost = text.contains("sending") && !ended;
        let warning = "WARN refresh{account=\"ada\"}: auth_accounts::account: broken off before \
                       its end account=\"ada\" possibly_spent=true";
        assert_eq!(text.contains(warning), lost, "after {polls} polls: {text}");
        assert_eq!(text.contains("WARN"), lost, "after {polls} polls: {text}");
        if !ended && !text.contains("sending") {
            continue;
        }
        assert!(polls > 5, "there are awaits before it is sent");
    }
}

#[test]
fn a_logout_is_an_event_of_its_own() {
    let revokes = support::endpoint().revocation_url("https://auth.example.com/revoke").unwrap();
    for (endpoint, status, says) in [
        (revokes.clone(), Some(200), "INFO auth_accounts::account: logged out account=\"ada\""),
        (
            revokes,
            Some(503),
            "WARN auth_accounts::account: logged out, and a refresh token may be alive",
        ),
        (
            support::endpoint(),
            None,
            "WARN auth_accounts::account: logged out, and a refresh token may be alive",
        ),
    ] {
        let script = status.map_or_else(Script::new, |status| Script::new().status(status));
        let mut world = World::new(script).with_record(3600);
        world.endpoint = endpoint;
        let text = seen(|| {
            run(world.account().logout(), &world.clock).unwrap();
        });
        assert!(text.lines().any(|line| line.trim().starts_with(says)), "{text}");
        assert!(!text.contains("rt-1"), "{text}");
    }
    let world = World::new(Script::new()).with_record(3600);
    world.store.fail("load", [Some(StoreErrorKind::Io)]);
    let text = seen(|| {
        run(world.account().logout(), &world.clock).unwrap_err();
    });
    assert!(text.contains("WARN auth_accounts::account: could not log out account=\"ada\""));
}

/// So many callers, of whom each finds the same trouble.
#[test]
fn trouble_that_goes_on_is_said_once_a_minute() {
    for (name, says) in
        [("load", "the store failed"), ("tokens", "new tokens could not be saved yet")]
    {
        let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(0);
        world.store.fail(name, [Some(StoreErrorKind::Full); 1000]);
        let account = world.account();
        let text = seen(|| {
            for call in 0..900 {
                let token = run(account.token(), &world.clock);
                assert!(token.map_or(true, |token| token.unsaved().is_some()), "{call}");
                world.clock.advance(std::time::Duration::from_millis(100));
            }
            world.store.mend();
            world.pass(2);
            run(account.token(), &world.clock).unwrap();
        });
        let of = |level: &str| {
            text.lines()
                .filter(|line| line.trim().starts_with(level) && line.contains(says))
                .count()
        };
        assert_eq!(of("WARN"), 2, "{name}");
        assert!(of("DEBUG") > 50, "{name}: {} between", of("DEBUG"));
        assert_eq!(text.matches("the store is in order again").count(), 1, "{name}");
        assert!(text.contains("repeated="), "{name}: {text}");
    }
}
