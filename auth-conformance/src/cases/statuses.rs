//! Every status is a response, and none is a reason to send the request again or to
//! another server.
use crate::case::{Case, Expect, ExpectedResponse, Setup, response, tokens};
use auth_testkit::behaviours;
use fault_server::Behaviour;

/// With a token response after it that nobody may fetch.
macro_rules! status {
    ($name:literal, $does:literal, $behaviour:expr, $expect:expr) => {
        Case {
            name: $name,
            does: $does,
            setup: || Setup::plain([$behaviour, tokens()]),
            calls: &[$expect],
        }
    };
}

macro_rules! redirect {
    ($name:literal, $does:literal, $behaviour:expr, $status:literal) => {
        Case {
            name: $name,
            does: $does,
            setup: || Ok(Setup::plain([$behaviour, tokens()])?.redirecting()),
            calls: &[response($status, "")],
        }
    };
}

const fn nonce(status: u16, holds: &'static str) -> Expect {
    Expect::Response(ExpectedResponse { status, holds, header: Some(("dpop-nonce", "nonce-1")) })
}

pub(super) const CASES: &[Case] = &[
    redirect!(
        "redirect_301",
        "a 301 redirects to another origin",
        Behaviour::redirect_elsewhere(301),
        301
    ),
    redirect!(
        "redirect_302",
        "a 302 redirects to another origin",
        Behaviour::redirect_elsewhere(302),
        302
    ),
    redirect!(
        "redirect_303",
        "a 303 redirects to another origin",
        Behaviour::redirect_elsewhere(303),
        303
    ),
    redirect!(
        "redirect_307",
        "a 307 redirects to another origin",
        Behaviour::redirect_elsewhere(307),
        307
    ),
    redirect!(
        "redirect_308",
        "a 308 redirects to another origin",
        Behaviour::redirect_elsewhere(308),
        308
    ),
    redirect!(
        "redirect_302_to_itself",
        "a 302 redirects to the same URL",
        Behaviour::redirect_to_self(302),
        302
    ),
    redirect!(
        "redirect_307_to_itself",
        "a 307 redirects to the same URL",
        Behaviour::redirect_to_self(307),
        307
    ),
    status!(
        "status_400",
        "the server refuses the grant",
        behaviours::oauth_error(400, "invalid_grant"),
        response(400, "invalid_grant")
    ),
    status!(
        "status_401",
        "the server does not accept the client, and asks for other credentials",
        behaviours::oauth_error(401, "invalid_client")
            .header("www-authenticate", "Basic realm=\"a\""),
        response(401, "invalid_client")
    ),
    // It is the client that answers with another proof, and it reads the store first.
    status!(
        "nonce_demanded_by_400",
        "the server demands a nonce in the DPoP proof, and sends it",
        behaviours::oauth_error(400, "use_dpop_nonce").header("dpop-nonce", "nonce-1"),
        nonce(400, "use_dpop_nonce")
    ),
    status!(
        "nonce_demanded_by_401",
        "the same with 401 and a challenge",
        behaviours::oauth_error(401, "use_dpop_nonce")
            .header("www-authenticate", "DPoP error=\"use_dpop_nonce\"")
            .header("dpop-nonce", "nonce-1"),
        nonce(401, "use_dpop_nonce")
    ),
    status!(
        "nonce_with_200",
        "the next nonce comes with the tokens",
        behaviours::tokens("at-1", "rt-1", 3600).header("dpop-nonce", "nonce-1"),
        nonce(200, "at-1")
    ),
    status!(
        "status_403",
        "a firewall responds with 403 and a page",
        Behaviour::nginx(403),
        response(403, "<html>")
    ),
    status!(
        "status_407",
        "the server itself responds with 407",
        Behaviour::proxy_auth_required(),
        response(407, "")
    ),
    // Clients may repeat a request after it without asking (RFC 9110 section
    // 15.5.9), and some do.
    status!(
        "status_408",
        "the server responds with 408 and closes the connection",
        Behaviour::nginx(408).then_close(),
        response(408, "")
    ),
    // RFC 9110 section 15.5.20: "a client MAY retry over a different
    // connection".
    status!(
        "status_421",
        "the server responds with 421 (Misdirected Request)",
        Behaviour::nginx(421),
        response(421, "")
    ),
    // RFC 8470 section 5.2: user agents repeat the request by themselves.
    status!(
        "status_425",
        "the server responds with 425 (Too Early)",
        Behaviour::nginx(425),
        response(425, "")
    ),
    status!(
        "status_429",
        "the server responds with 429 with Retry-After",
        behaviours::oauth_error(429, "slow_down").header("retry-after", "0"),
        Expect::Response(ExpectedResponse {
            status: 429,
            holds: "slow_down",
            header: Some(("retry-after", "0"))
        })
    ),
    status!(
        "status_500",
        "the server responds with 500",
        behaviours::oauth_error(500, "server_error"),
        response(500, "server_error")
    ),
    status!(
        "status_502",
        "a proxy responds with 502 and a page",
        Behaviour::nginx(502),
        response(502, "<html>")
    ),
    status!(
        "status_503",
        "the server responds with 503 with Retry-After",
        Behaviour::nginx(503).header("retry-after", "0"),
        Expect::Response(ExpectedResponse {
            status: 503,
            holds: "",
            header: Some(("retry-after", "0"))
        })
    ),
    status!(
        "status_599",
        "the response has a status that no registry knows",
        Behaviour::response(599),
        response(599, "")
    ),
    status!(
        "status_204",
        "the response has no body, and none is waited for",
        Behaviour::response(204),
        response(204, "")
    ),
];
