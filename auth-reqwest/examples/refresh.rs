//! A refresh, and its timeline.
//!
//! Without arguments it starts a server that answers 502, drops the
//! connection, and then gives new tokens:
//!
//! ```sh
//! cargo run --example refresh
//! ```
//!
//! At a real endpoint, with the refresh token in the environment:
//!
//! ```sh
//! cargo run --example refresh -- --token-url https://auth.example.com/token --client-id my-client --json
//! ```
//!
//! `--help` tells the rest. What is here is the refresh; arguments and output
//! are in `examples-support`.

use std::{env, io, process::ExitCode};

use auth_examples_support::Plan;
use auth_reqwest::{BuildError, ReqwestTransport, TokioClock};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
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
    let clock = plan.recording(TokioClock);

    let result = auth_core::refresh(plan.refresh(), &transport, &clock).await;

    plan.finish(&result, &mut stdout, &mut stderr).into()
}

fn transport(plan: &Plan) -> Result<ReqwestTransport, BuildError> {
    let builder = ReqwestTransport::builder().timeout(plan.timeout());
    // No proxy leads to this program's own server, and no certificate.
    match plan.is_demonstration() {
        true => builder.no_proxy().without_system_roots().build(),
        false => builder.build(),
    }
}
