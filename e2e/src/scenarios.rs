//! The scenarios. Each panics if it does not hold.

mod account;
mod ada;
mod clock;
mod faults;
mod forward_proxy;
mod login;
mod processes;
mod restart;
mod rotations;
mod tls;
#[cfg(target_os = "linux")]
mod tortured;

use self::Scenario::{AtServer, Beside};
use crate::{tally::Tally, world::World};

#[derive(Clone, Copy)]
pub(crate) enum Scenario {
    /// At the authorization server. What it has counted in the end is compared
    /// with what passed by the proxy before it.
    AtServer(fn(&World<'_>)),
    /// At servers of its own.
    Beside(fn(&Tally)),
}

impl Scenario {
    pub(crate) fn run(self, tally: &Tally) {
        match self {
            AtServer(scenario) => {
                let world = World::start(tally);
                scenario(&world);
                world.finish();
            }
            Beside(scenario) => scenario(tally),
        }
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
