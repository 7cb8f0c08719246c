//! Whatever an API says, and whoever leaves: what holds of any story.

use std::{
    future::{Future, poll_fn},
    io,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use auth_accounts::calls::{CallError, Calls, NotAgain};
use auth_core::AccessToken;
use auth_testkit::{ApiResponse, CannedResponse, Fault, NonceRule};
use http::Response;
use proptest::{collection::vec, option, prelude::*};

use crate::{
    asked::Body,
    clients::in_process::{InProcess, Sent, Web},
    world::World,
};

/// What the API says, in place of its own verdict.
#[derive(Debug, Clone, Copy)]
enum Says {
    Refused,
    NoChallenge,
    Scope,
    StepUp,
    Forbidden,
    TooMany,
    Nonce,
    Within,
    Elsewhere,
    /// The connection breaks.
    Nothing,
}

/// A request, and what happens to it.
#[derive(Debug, Clone)]
struct Act {
    says: Vec<Says>,
    fails: Option<bool>,
    is_stream: bool,
    /// The token in use dies before.
    dies: bool,
    seconds: u64,
    /// How often the caller looks before it leaves.
    patience: Option<usize>,
}

fn says() -> impl Strategy<Value = Says> {
    use Says::*;
    let all = [
        Refused,
        NoChallenge,
        Scope,
        StepUp,
        Forbidden,
        TooMany,
        Nonce,
        Within,
        Elsewhere,
        Nothing,
    ];
    prop::sample::select(all.to_vec())
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let seconds = prop_oneof![Just(0), Just(30), Just(3600)];
    let act = (
        vec(says(), 0..5),
        option::weighted(0.2, any::<bool>()),
        any::<bool>(),
        any::<bool>(),
        seconds,
        option::weighted(0.2, 0..4_usize),
    );
    vec(
        act.prop_map(|(says, fails, is_stream, dies, seconds, patience)| Act {
            says,
            fails,
            is_stream,
            dies,
            seconds,
            patience,
        }),
        1..8,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn every_story_of_a_bearer_token_ends_well(acts in acts()) {
        pollster::block_on(play(None, &acts));
    }

    #[test]
    fn every_story_of_a_token_with_proofs_ends_well(acts in acts()) {
        pollster::block_on(play(Some(NonceRule::Always), &acts));
    }
}

async fn play(proofs: Option<NonceRule>, acts: &[Act]) {
    let world = World::new(&InProcess, proofs).await;
    let ada = world.account("ada").account;
    let calls = Calls::new(ada.clone(), [world.url("")]).unwrap();
    let web = Web(Arc::new(world.apis()));
    let most = if proofs.is_some() { 4 } else { 2 };
    let mut expired = 0;
    for act in acts {
        world.clock().advance(Duration::from_secs(act.seconds));
        expired += usize::from(act.seconds == 3600);
        if act.dies
            && let Some(token) = ada.current()
        {
            world.server.revoke_access(token.access_token());
        }
        if let Some(lasts) = act.fails {
            world.server.fail_next([Fault::Status(503)].repeat(if lasts { 3 } else { 1 }));
        }
        world.api.respond_next(act.says.iter().map(|says| response(*says, &world)));

        let sent = AtomicUsize::new(0);
        let body = if act.is_stream { Body::Stream("a note") } else { Body::Bytes("a note") };
        let asked = world.post(body);
        let request = Sent { request: asked.with(body.text().as_bytes().to_vec()), body };
        let call = calls.send(request, |Sent { request, .. }| {
            sent.fetch_add(1, Ordering::Relaxed);
            web.clone().send(request)
        });
        if let Some(result) = leaving(call, act.patience).await {
            judge(result);
        }

        let sent = sent.into_inner();
        assert!(sent <= if act.is_stream { 1 } else { most }, "{sent} requests: {act:?}");
        world.expect_nothing_elsewhere();
        // One refresh at most for each time that a token was refused or expired.
        let refused = world.api.calls().iter().filter(|call| call.status() == Some(401)).count();
        let issued = world.server.report().issued;
        assert!(issued <= refused + expired, "{issued} refreshes, {refused} refusals: {act:?}");
        world.server.assert_never_replayed();
    }
    // What went on without its caller ends, too.
    world.clock().run_tasks();
    world.server.assert_never_replayed();
    assert!(tokens_are_one_line(&world), "a token came back after its successor");
}

fn response(says: Says, world: &World) -> ApiResponse {
    let canned = match says {
        Says::Refused => CannedResponse::invalid_token(),
        Says::NoChallenge => CannedResponse::unauthorized([]),
        Says::Scope => CannedResponse::insufficient_scope("notes:write").with_status(401),
        Says::StepUp => CannedResponse::step_up("urn:example:gold"),
        Says::Forbidden => CannedResponse::status(403),
        Says::TooMany => CannedResponse::status(429).header("retry-after", "60"),
        Says::Nonce => CannedResponse::unauthorized([r#"DPoP error="use_dpop_nonce""#])
            .header("dpop-nonce", "a-nonce"),
        Says::Within => CannedResponse::redirect(307, "/notes/7"),
        Says::Elsewhere => CannedResponse::redirect(302, &world.elsewhere_url("/loot")),
        Says::Nothing => CannedResponse::status(599),
    };
    canned.into()
}

/// Every outcome is a response, of which a 401 says why it was not sent again, or an error
/// with a type.
fn judge(result: Result<Response<Vec<u8>>, CallError<auth_accounts::AccountError, io::Error>>) {
    match result {
        Ok(response) if response.status() == 401 => {
            assert!(response.extensions().get::<NotAgain>().is_some(), "{response:?}");
        }
        Ok(_) | Err(CallError::NoToken(_) | CallError::Client(_)) => {}
        Err(other) => panic!("{other:?}"),
    }
}

/// The output, unless its caller has left after so many looks.
async fn leaving<F: Future>(future: F, patience: Option<usize>) -> Option<F::Output> {
    let Some(mut left) = patience else { return Some(future.await) };
    let mut future = pin!(future);
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        context.waker().wake_by_ref();
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// Whether the API has seen each token in one piece: none after its successor.
fn tokens_are_one_line(world: &World) -> bool {
    let calls = world.api.calls();
    let mut seen: Vec<AccessToken> = Vec::new();
    calls.iter().filter_map(|call| call.token()).all(|token| match seen.last() {
        Some(last) if last == token => true,
        _ if seen.contains(token) => false,
        _ => {
            seen.push(token.clone());
            true
        }
    })
}
