//! An API that refuses every token: how many refreshes that costs.

use std::{cell::Cell, convert::Infallible};

use auth_accounts::{
    calls::{AsyncTokens, Calls, TokensFor},
    http::{Request, Response},
};
use auth_core::TokenRequest;
use auth_testkit::{FakeAuthServer, Rotation, VirtualClock};
use pollster::block_on;

use crate::{ORIGIN, Stream, URL, answer, get, support::World};

fn world() -> World<FakeAuthServer> {
    let clock = VirtualClock::manual();
    World::logged_in(FakeAuthServer::builder().rotation(Rotation::EachUse).clock(&clock).build())
}

/// How many tokens were issued in a time with a request every so many seconds, and how
/// many requests arrived.
fn issued<T: AsyncTokens>(
    world: &World<FakeAuthServer>,
    tokens: T,
    (every, hours): (u64, u64),
    is_stream: bool,
) -> (usize, u64) {
    let calls = Calls::new(tokens, [ORIGIN]).unwrap();
    let before = world.script.report().issued;
    let arrived = Cell::new(0);
    let refuse = || {
        arrived.set(arrived.get() + 1);
        Ok::<Response<()>, Infallible>(answer(401, &[]))
    };
    for _ in 0..hours * 3600 / every {
        match is_stream {
            true => drop(block_on(calls.send(Stream(get(URL)), async |_| refuse())).unwrap()),
            false => {
                drop(block_on(calls.send(get(URL), async |_: Request<()>| refuse())).unwrap());
            }
        }
        world.pass(every);
    }
    (world.script.report().issued - before, arrived.get())
}

#[test]
fn however_often_somebody_calls_there_are_few() {
    // In the first hour it is found out. From then on there are 2 in 11 minutes.
    for (every, hours, most) in [
        (1, 1, 20),
        (5, 1, 20),
        (6, 1, 20),
        (11, 1, 20),
        (60, 1, 20),
        (11, 10, 120),
        (300, 24, 280),
    ] {
        for is_stream in [false, true] {
            let further = TokenRequest::new().resource("https://mail.example.com/");
            for request in [TokenRequest::new(), further] {
                let world = world();
                let tokens = TokensFor::new(world.account(), request);
                let (issued, arrived) = issued(&world, tokens, (every, hours), is_stream);
                let requests = hours * 3600 / every;
                assert!(issued <= most, "every {every} s, {hours} h: {issued} refreshes");
                // Each is sent, and few of them twice.
                assert!((requests..=requests + most as u64).contains(&arrived), "{arrived}");
            }
        }
    }
}
