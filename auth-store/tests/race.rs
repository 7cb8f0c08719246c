//! Many processes, many callers in each, one expired token: one exchange.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

#[path = "support/child.rs"]
mod child;
mod support;

use std::{sync::Barrier, thread};

use auth_accounts::store::BlockingTokenStore;
use auth_store::FileStore;
use auth_testkit::FakeAuthServer;
use child::{ACCOUNT, Child, Task, log_in, say, wait_for_parent};
use support::scratch;

const PROCESSES: usize = 8;
const CALLERS: usize = 50;

#[test]
#[ignore = "what the test beside it starts"]
fn child() {
    let Some(task) = Task::given() else { return };
    let account = task.accounts(task.transport(), task.store.clone()).account(ACCOUNT);
    say("ready");
    wait_for_parent();
    let together = Barrier::new(CALLERS);
    thread::scope(|scope| {
        let call = || {
            together.wait();
            account.token().map(|token| token.access_token().expose().to_owned())
        };
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(call)).collect();
        for caller in callers {
            match caller.join().unwrap() {
                Ok(token) => say(&token),
                Err(error) => say(&error.to_string()),
            }
        }
    });
    say("done");
}

#[test]
fn eight_processes_of_fifty_callers_make_one_exchange() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let server = FakeAuthServer::builder().real_time().build();
    let socket = server.listen();
    log_in(&server, &store);

    let mut children: Vec<_> =
        (0..PROCESSES).map(|_| Child::start("", scratch.path(), socket.url())).collect();
    children.iter().for_each(|child| child.expect("ready"));
    children.iter_mut().for_each(Child::go_on);
    let mut tokens = Vec::new();
    for child in &children {
        loop {
            match child.next().unwrap().as_str() {
                "done" => break,
                token => tokens.push(token.to_owned()),
            }
        }
    }

    let (record, _) = store.load_blocking(&ACCOUNT.into()).unwrap().unwrap();
    assert_eq!(tokens.len(), PROCESSES * CALLERS);
    assert!(tokens.iter().all(|token| token == record.tokens.access_token.expose()), "{tokens:?}");
    let report = server.report();
    assert_eq!((report.requests, report.issued), (1, 1));
    assert_eq!(report.replays, []);
}
