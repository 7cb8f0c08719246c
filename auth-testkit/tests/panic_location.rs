//! Failures point to the line of the test that caused them. (By itself in a
//! binary: it sets the panic hook of the process.)

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Mutex},
};

use auth_core::{RefreshToken, TokenEndpoint};
use auth_testkit::{CannedResponse, FakeAuthServer, RecordedRequest, Script};

#[test]
fn assertions_panic_at_the_line_of_the_test() {
    let seen = Arc::new(Mutex::new(None));
    panic::set_hook(Box::new({
        let seen = Arc::clone(&seen);
        move |info| {
            let place = info.location().map(|place| (place.file().to_owned(), place.line()));
            *seen.lock().unwrap() = place;
        }
    }));
    let mut places = Vec::new();
    let mut record = |line: u32, act: &dyn Fn()| {
        panic::catch_unwind(AssertUnwindSafe(act)).unwrap_err();
        places.push((seen.lock().unwrap().take(), line));
    };

    let script = Script::new().status(500);
    record(line!(), &|| script.finish());
    record(line!(), &|| drop(script.request(1)));
    record(line!(), &|| drop(CannedResponse::status(1)));
    record(line!(), &|| drop(CannedResponse::status(200).header("a b", "")));

    let endpoint = TokenEndpoint::new("https://auth.example.com/token", "c").unwrap();
    let request = || endpoint.request(&RefreshToken::new("rt-1").into()).unwrap();
    let recorded = RecordedRequest::from(request());
    record(line!(), &|| recorded.assert_param("refresh_token", "rt-2"));

    let server = FakeAuthServer::new();
    let token = server.log_in("ada").refresh_token.unwrap();
    for _ in 0..2 {
        let request = server.endpoint().request(&token.clone().into()).unwrap();
        auth_core::BlockingTransport::send_blocking(&server, request).unwrap();
    }
    record(line!(), &|| server.assert_never_replayed());

    let _ = panic::take_hook();
    for (place, line) in places {
        assert_eq!(place, Some((file!().to_owned(), line)));
    }
}
