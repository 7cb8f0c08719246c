//! Connections cut while the request or its answer is on the way.

use auth_core::TransportErrorKind::{Closed, ConnectTimeout, Protocol, Reset, Timeout, Truncated};

use super::{SOON, tokens};
use crate::{
    Cut, Point, Reaction,
    conformance::case::{Case, Scene, open, unknown},
};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "reset_after_headers",
        does: "the connection is reset when the request's headers have arrived",
        scene: || Scene::plain([Reaction::reset(Point::AfterHeaders)]),
        calls: &[open(&[Reset, Closed])],
    },
    Case {
        name: "close_after_headers",
        does: "the connection is closed when the request's headers have arrived",
        scene: || Scene::plain([Reaction::close(Point::AfterHeaders)]),
        calls: &[open(&[Closed, Reset])],
    },
    Case {
        name: "stall_after_headers",
        does: "nothing comes after the request's headers have arrived",
        scene: || Ok(Scene::plain([Reaction::stall(Point::AfterHeaders)])?.within(SOON)),
        calls: &[open(&[Timeout, ConnectTimeout])],
    },
    Case {
        name: "reset_after_body",
        does: "the connection is reset when the whole request has arrived",
        scene: || Scene::plain([Reaction::reset(Point::AfterBody)]),
        calls: &[unknown(&[Reset])],
    },
    Case {
        name: "close_after_body",
        does: "the connection is closed when the whole request has arrived",
        scene: || Scene::plain([Reaction::close(Point::AfterBody)]),
        calls: &[unknown(&[Closed])],
    },
    Case {
        name: "stall_after_body",
        does: "the whole request arrives and is never answered",
        scene: || Ok(Scene::plain([Reaction::stall(Point::AfterBody)])?.within(SOON)),
        calls: &[open(&[Timeout, ConnectTimeout])],
    },
    Case {
        name: "reset_in_answer_head",
        does: "the connection is reset half through the answer's head",
        scene: || Scene::plain([tokens().cut(Point::InAnswerHead, Cut::Reset)]),
        calls: &[unknown(&[Reset, Closed, Truncated])],
    },
    Case {
        name: "close_in_answer_head",
        does: "the connection is closed half through the answer's head",
        scene: || Scene::plain([tokens().cut(Point::InAnswerHead, Cut::Close)]),
        calls: &[unknown(&[Closed, Truncated, Protocol])],
    },
    Case {
        name: "stall_in_answer_head",
        does: "nothing comes after half of the answer's head",
        scene: || Ok(Scene::plain([tokens().cut(Point::InAnswerHead, Cut::Stall)])?.within(SOON)),
        calls: &[open(&[Timeout, ConnectTimeout])],
    },
    Case {
        name: "reset_in_answer_body",
        does: "the connection is reset half through the answer's body",
        scene: || Scene::plain([tokens().cut(Point::InAnswerBody, Cut::Reset)]),
        calls: &[unknown(&[Reset, Truncated])],
    },
    Case {
        name: "close_in_answer_body",
        does: "the connection is closed before the answer has its Content-Length",
        scene: || Scene::plain([tokens().cut(Point::InAnswerBody, Cut::Close)]),
        calls: &[unknown(&[Truncated])],
    },
    Case {
        name: "close_before_answer_body",
        does: "the connection is closed after the answer's head",
        scene: || Scene::plain([tokens().truncated_after(0)]),
        calls: &[unknown(&[Truncated])],
    },
    Case {
        name: "stall_in_answer_body",
        does: "nothing comes after half of the answer's body",
        scene: || Ok(Scene::plain([tokens().cut(Point::InAnswerBody, Cut::Stall)])?.within(SOON)),
        calls: &[open(&[Timeout, ConnectTimeout])],
    },
    Case {
        name: "close_within_a_chunk",
        does: "the connection is closed within a chunk of the answer",
        scene: || Scene::plain([tokens().chunked().truncated_after(5)]),
        calls: &[unknown(&[Truncated])],
    },
    Case {
        name: "close_between_chunks",
        does: "the connection is closed before the last chunk of the answer",
        scene: || Scene::plain([tokens().chunked().truncated_after(usize::MAX)]),
        calls: &[unknown(&[Truncated])],
    },
    Case {
        name: "close_in_a_form",
        does: "a form-encoded answer without a length is cut: half a token would be taken for one",
        scene: || {
            let form = Reaction::answer(200)
                .content_type("application/x-www-form-urlencoded")
                .body("access_token=at-conf")
                .until_close();
            Scene::plain([form])
        },
        calls: &[unknown(&[Truncated])],
    },
];
