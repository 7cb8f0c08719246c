//! Refreshes a token in a blocking program and prints a timeline.
//!
//! Without arguments it starts a server of its own, which responds with 502,
//! drops the connection, and then issues new tokens:
//!
//! ```sh
//! cargo run --example refresh_blocking
//! ```
//!
//! With a real endpoint, and the refresh token in the environment:
//!
//! ```sh
//! cargo run --example refresh_blocking -- --token-url https://auth.example.com/token --client-id my-client --json
//! ```
//!
//! `--help` lists the options. This file shows the refresh; arguments and output
//! are in `examples-support`.

use std::{env, io, process::ExitCode};

use auth_examples_support::Plan;
use auth_ureq::{BuildError, SystemClock, UreqTransport};

fn main() -> ExitCode {
    let (mut stdout, mut stderr) = (io::stdout(), io::stderr());
    let plan = Plan::new(env::args_os().skip(1), |name| env::var(name).ok(), io::stdout());
    let plan = match plan {
        Ok(plan) => plan,
        Err(usage) => return usage.finish(&mut stdout, &mut stderr).into(),
    };
    let transport = match transport(&plan) {
        Ok(transport) => plan.recording(transport),
        Err(error) => {
            return plan.finish_without_transport(&error, &mut stdout, &mut stderr).into();
        }
    };
    let clock = plan.recording(SystemClock);

    let result = auth_core::refresh_blocking(plan.refresh(), &transport, &clock);

    plan.finish(&result, &mut stdout, &mut stderr).into()
}

fn transport(plan: &Plan) -> Result<UreqTransport, BuildError> {
    let builder = UreqTransport::builder().timeout(plan.timeout());
    // This program's own server needs neither a proxy nor a certificate.
    match plan.is_demonstration() {
        true => builder.no_proxy().without_system_roots().build(),
        false => builder.build(),
    }
}
