//! What an API that is broken, or means ill, can bring about: no more than this.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicUsize, Ordering},
};

use auth_accounts::{
    Account,
    calls::{Calls, Tokens, TokensFor, send},
    http::{Request, Response, StatusCode},
};
use auth_core::TokenRequest;
use auth_testkit::Script;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use pollster::block_on;

use crate::{
    ORIGIN, Stream, URL, answer, challenge, get,
    support::{ADA, World},
};

/// Refuses the request of this number.
type Refuses = fn(usize) -> Response<()>;

const REFUSES: [Refuses; 6] = [
    |_| answer(401, &[]),
    |_| answer(401, &[("retry-after", "0")]),
    |_| answer(419, &[]),
    |_| challenge(401, r#"Bearer error="invalid_token""#),
    // Other claims each time.
    |number| {
        let claims = STANDARD.encode(format!(r#"{{"number":{number}}}"#));
        challenge(401, &format!(r#"Bearer error="insufficient_claims", claims="{claims}""#))
    },
    |number| match number % 3 {
        0 => answer(401, &[]),
        1 => challenge(401, "DPoP error=expired"),
        _ => challenge(401, r#"Bearer claims="e30=""#),
    },
];

/// How often a hundred requests were sent.
fn hundred<T: Tokens + auth_accounts::calls::AsyncTokens>(
    tokens: [T; 2],
    refuses: Refuses,
    again: bool,
) -> usize {
    let sent = AtomicUsize::new(0);
    let refused = || Ok::<_, Infallible>(refuses(sent.fetch_add(1, Ordering::Relaxed)));
    for number in 0..100 {
        let tokens = tokens[number % 2].clone();
        let calls = Calls::new(tokens, [ORIGIN]).unwrap();
        let calls = calls.also_refused_at([StatusCode::from_u16(419).unwrap()]);
        let before = sent.load(Ordering::Relaxed);
        let _ = match again {
            true => block_on(calls.send(get(URL), async |_: Request<()>| refused())),
            false => block_on(calls.send(Stream(get(URL)), async |_| refused())),
        };
        let times = sent.load(Ordering::Relaxed) - before;
        assert!(times <= if again { 2 } else { 1 }, "{times}");
    }
    sent.into_inner()
}

/// Over all requests, and over two processes that share the store.
#[test]
fn whatever_it_answers_the_refreshes_are_few() {
    for refuses in REFUSES {
        for again in [true, false] {
            let script = Script::new().tokens("at-2", "rt-2").tokens("at-3", "rt-3");
            let world = World::new(script).with_record(3600);
            // Each sends, in the end, one refused token once.
            let accounts: [Account; 2] = [world.account(), world.account()];
            assert!(hundred(accounts, refuses, again) <= 104);
            world.script.finish();

            let script =
                Script::new().tokens("m-1", "rt-2").tokens("m-2", "rt-3").tokens("m-3", "rt-4");
            let world = World::new(script).with_record(3600);
            let mail = TokenRequest::new().resource("https://mail.example.com/");
            let tokens = [(); 2].map(|()| TokensFor::new(world.account(), mail.clone()));
            assert!(hundred(tokens, refuses, again) <= 104);
            world.script.finish();
        }
    }
}

/// The account is logged out while a request is under way: nothing is sent again, and the
/// late response brings nothing back.
#[test]
fn a_logout_in_the_middle_is_the_end() {
    for again in [true, false] {
        let world = World::new(Script::new()).with_record(3600);
        let account = world.account();
        let sent = AtomicUsize::new(0);
        let log_out = async || {
            sent.fetch_add(1, Ordering::Relaxed);
            account.logout().await.unwrap();
            Ok::<_, Infallible>(answer(401, &[]))
        };
        let result = match again {
            true => block_on(send(&account, get(URL), async |_| log_out().await)),
            false => block_on(send(&account, Stream(get(URL)), async |_| log_out().await)),
        };
        assert_eq!(result.is_err(), again);
        assert_eq!(sent.load(Ordering::Relaxed), 1);
        assert!(world.store.inner.get(ADA).is_none());
        block_on(account.token()).unwrap_err();
        world.script.finish();
    }
}

/// What a program writes into its log of a call has no part of it that may be secret.
#[test]
fn nothing_that_is_shown_holds_a_secret() {
    let world = World::new(Script::new()).with_record(3600);
    let account = world.account();
    let request = get("https://api.example.com/me?key=SECRET");
    let target = auth_accounts::calls::Target::Uri(request.uri());
    let mut call = auth_accounts::calls::Call::to_its_origin(account.clone(), &target).unwrap();
    block_on(call.obtain()).unwrap();
    let calls = Calls::new(account, [ORIGIN]).unwrap();
    for shown in [format!("{call:?}"), format!("{calls:?}")] {
        assert!(!shown.contains("SECRET") && !shown.contains("at-1"), "{shown}");
    }
}
