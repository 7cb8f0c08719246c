//! The scenarios. Each panics if it does not hold.

mod account;
mod ada;
mod clock;
mod faults;
mod forward_proxy;
mod login;
mod processes;
mod proofs;
mod restart;
mod rotations;
mod tls;
#[cfg(target_os = "linux")]
mod tortured;

use self::Scenario::{AtBlueskys, AtServer, Beside};
use crate::{provider::Server, tally::Tally, world::World};

#[derive(Clone, Copy)]
pub(crate) enum Scenario {
    /// At the authorization server. What it has counted in the end is compared
    /// with what passed by the proxy before it.
    AtServer(fn(&World<'_>)),
    /// The same at the authorization server of Bluesky's servers.
    AtBlueskys(fn(&World<'_>)),
    /// At servers of its own.
    Beside(fn(&Tally)),
}

impl Scenario {
    pub(crate) fn run(self, tally: &Tally) {
        let (server, scenario) = match self {
            AtServer(scenario) => (Server::Oidc, scenario),
            AtBlueskys(scenario) => (Server::Atproto, scenario),
            Beside(scenario) => return scenario(tally),
        };
        let world = World::start(server, tally);
        scenario(&world);
        world.finish();
    }
}

pub(crate) const ALL: &[(&str, Scenario)] = &[
    ("rotations/adapters, every kind of client", AtServer(rotations::adapters)),
    ("rotations/example programs", AtServer(rotations::examples)),
    ("rotations/account on a file store", AtServer(rotations::account)),
    ("faults/pages of nginx", AtServer(faults::pages)),
    ("faults/resets", AtServer(faults::resets)),
    ("faults/stalls", AtServer(faults::stalls)),
    ("faults/example programs", AtServer(faults::examples)),
    ("faults/lost after the rotation, with grace", AtServer(faults::lost_with_grace)),
    ("faults/lost after the rotation, no grace", AtServer(faults::lost_without_grace)),
    ("account/lives through every fault", AtServer(account::lives_through_faults)),
    ("account/lost after the rotation, no grace", AtServer(account::lost_without_grace)),
    ("account/another process logs in meanwhile", AtServer(login::meanwhile)),
    ("account/another process adopted", AtServer(login::adopted)),
    ("account/refused, and logged in meanwhile", AtServer(login::before_a_refusal)),
    ("restart/server killed between refreshes", AtServer(restart::adapters)),
    ("restart/server killed before its response", AtServer(restart::before_the_response)),
    ("restart/the same, under an account", AtServer(restart::before_the_response_to_an_account)),
    ("restart/example programs", AtServer(restart::examples)),
    ("restart/account meanwhile", AtServer(restart::account)),
    ("proofs/adapters, every method", AtServer(proofs::adapters)),
    ("proofs/account, every method", AtServer(proofs::account)),
    ("proofs/access tokens at an API", AtServer(proofs::tokens_at_an_api)),
    ("proofs/another key in the next process", AtServer(proofs::another_key)),
    ("proofs/clock hours off", AtServer(proofs::clock_off)),
    ("proofs/lost after the rotation, with grace", AtServer(proofs::with_grace)),
    ("proofs/lost after the rotation, no grace", AtServer(proofs::without_grace)),
    ("proofs/lost demands for a nonce", AtServer(proofs::challenges)),
    ("proofs/nonces forgotten", AtServer(proofs::nonces_forgotten)),
    ("proofs/server killed before its response", AtServer(proofs::before_the_response)),
    ("proofs/assertion from a file, used twice", AtServer(proofs::ready_made_assertion)),
    ("proofs/certificate, adapters", AtServer(proofs::adapters_with_certificate)),
    ("proofs/certificate, account", AtServer(proofs::account_with_certificate)),
    ("proofs/Bluesky's server, adapters", AtBlueskys(proofs::adapters_at_blueskys)),
    ("proofs/Bluesky's server, account", AtBlueskys(proofs::account_at_blueskys)),
    ("proofs/Bluesky's server, lost responses", AtBlueskys(proofs::lost_at_blueskys)),
    ("proofs/Bluesky's server, another key", AtBlueskys(proofs::another_key_at_blueskys)),
    (
        "proofs/Bluesky's server, assertion twice",
        AtBlueskys(proofs::ready_made_assertion_at_blueskys),
    ),
    ("proofs/Bluesky's server, killed", AtBlueskys(proofs::restarts_at_blueskys)),
    ("clock/ahead and behind", AtServer(clock::adapters)),
    ("clock/example programs", AtServer(clock::examples)),
    ("clock/account, set back and forth", AtServer(clock::account)),
    ("processes/killed with a request under way", AtServer(processes::killed)),
    ("processes/eight share an account", AtServer(processes::eight_share_an_account)),
    #[cfg(target_os = "linux")]
    ("processes/half a minute of torture", Beside(tortured::for_half_a_minute)),
    ("tls/private CA, expired, wrong host, TLS 1.1", Beside(tls::certificates_and_versions)),
    ("tls/example programs", Beside(tls::examples)),
    ("forward proxy/407", Beside(forward_proxy::demands_authentication)),
    ("forward proxy/down", Beside(forward_proxy::is_down)),
];
