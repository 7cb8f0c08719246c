//! The scenarios. Each starts what it needs, and panics if it does not hold.

mod account;
mod clock;
mod faults;
mod forward_proxy;
mod processes;
mod restart;
mod rotations;
mod tls;

use std::time::Duration;

use crate::report::Counts;

pub(crate) use self::{account::settings, processes::PAUSE};

/// How long an attempt may take where a scenario waits for it to be over: short
/// for the suite's sake, and long enough that no busy machine takes it up.
const TIMEOUT: Duration = Duration::from_secs(1);

type Scenario = fn() -> Counts;

pub(crate) const ALL: &[(&str, Scenario)] = &[
    ("rotations/adapters, every kind of client", rotations::adapters),
    ("rotations/example programs", rotations::examples),
    ("rotations/account on a file store", rotations::account),
    ("faults/pages of nginx", faults::pages),
    ("faults/resets", faults::resets),
    ("faults/stalls", faults::stalls),
    ("faults/example programs", faults::examples),
    ("faults/lost after the rotation, with grace", faults::lost_with_grace),
    ("faults/lost after the rotation, no grace", faults::lost_without_grace),
    ("account/lives through every fault", account::lives_through_faults),
    ("account/lost after the rotation, no grace", account::lost_without_grace),
    ("restart/server killed in the middle", restart::adapters),
    ("restart/example programs", restart::examples),
    ("restart/account meanwhile", restart::account),
    ("clock/ahead and behind", clock::adapters),
    ("clock/example programs", clock::examples),
    ("clock/account, set back and forth", clock::account),
    ("processes/eight share an account", processes::eight_share_an_account),
    ("tls/private CA, expired, wrong host, TLS 1.1", tls::certificates_and_versions),
    ("tls/example programs", tls::examples),
    ("forward proxy/407", forward_proxy::demands_authentication),
    ("forward proxy/down", forward_proxy::is_down),
];
