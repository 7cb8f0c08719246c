//! One list of cases of requests that carry a token, over each client that there is an
//! adapter for. The token endpoint is a fake in process with virtual time; the API
//! listens on loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests are tests, too")]

mod asked;
mod case;
mod cases;
mod clients;
mod excused;
mod grpc_server;
mod stories;
mod world;

use crate::{case::run, cases::all, clients::KINDS};

#[test]
fn in_process() {
    run(&clients::in_process::InProcess);
}

#[test]
fn reqwest_by_itself() {
    run(&clients::reqwest::Bare);
}

#[test]
fn reqwest_with_calls() {
    run(&clients::reqwest::WithCalls);
}

#[test]
fn reqwest_with_the_middleware() {
    run(&clients::reqwest::Middleware);
}

#[test]
fn ureq_by_itself() {
    run(&clients::ureq::Ureq);
}

#[test]
fn ureq_with_calls() {
    run(&clients::ureq::UreqCalls);
}

#[test]
fn tower_with_hyper() {
    run(&clients::tower::TowerHyper);
}

#[test]
fn tower_with_reqwest() {
    run(&clients::tower::TowerReqwest);
}

#[test]
fn tonic_with_a_verdict_in_headers() {
    run(&clients::tonic::Tonic);
}

#[test]
fn tonic_with_a_verdict_in_trailers() {
    run(&clients::tonic::TonicTrailers);
}

#[test]
fn whoever_is_excused_is_there_and_every_name_is_used_once() {
    let kinds: Vec<_> = KINDS.iter().map(|kind| kind.name()).collect();
    let cases: Vec<_> = all().iter().map(|case| case.name).collect();
    for (kind, case, _) in excused::EXCUSED {
        assert!(kinds.contains(kind), "there is no client {kind}");
        assert!(cases.contains(case), "there is no case {case}");
    }
    for names in [kinds, cases] {
        for name in &names {
            assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "{name}");
        }
    }
}
