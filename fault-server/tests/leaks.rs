//! One test, alone in its process, since it counts what the process has.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::fs;
use std::time::{Duration, Instant};

use fault_server::{Behaviour, ClosedPort, FaultServer, Point, SilentPort};
use support::{call, connect, send};

fn threads_and_descriptors() -> (usize, usize) {
    let count = |path: &str| fs::read_dir(path).unwrap().count();
    (count("/proc/self/task"), count("/proc/self/fd"))
}

#[test]
fn a_server_leaves_nothing_behind() {
    // What is made once a process is made before.
    drop(FaultServer::plays_over_tls([]));
    let before = threads_and_descriptors();
    for _ in 0..50 {
        let server = FaultServer::plays([
            Behaviour::response(200).then_close(),
            Behaviour::reset(Point::AfterBody),
            Behaviour::stall(Point::OnAccept),
            Behaviour::stall(Point::InResponseBody),
            Behaviour::response(200).endless(),
            Behaviour::redirect_elsewhere(307),
        ]);
        let persistent = connect(&server);
        call(&server);
        let clients: Vec<_> = (0..4)
            .map(|_| {
                let mut stream = connect(&server);
                send(&mut stream);
                stream
            })
            .collect();
        call(server.elsewhere());
        drop((ClosedPort::new().unwrap(), SilentPort::new().unwrap()));
        drop(server);
        drop((persistent, clients));
    }
    // A thread that was joined may be seen for a moment more while the kernel
    // takes it down.
    let patience = Instant::now() + Duration::from_secs(10);
    while threads_and_descriptors() != before && Instant::now() < patience {
        std::thread::yield_now();
    }
    assert_eq!(threads_and_descriptors(), before);
}
