//! `MemoryStore` keeps the promises of a store.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use auth_accounts::MemoryStore;

const ONE_PROCESS: &str = "it lives in one process";
const NO_DAMAGE: &str = "what lies in memory is not damaged";

#[test]
fn blocking() {
    let place = MemoryStore::new();
    auth_conformance::blocking_store(move || place.clone())
        .excuse("lease_of_the_dead", ONE_PROCESS)
        .excuse("damaged", NO_DAMAGE)
        .run()
        .assert();
}

#[tokio::test]
async fn async_() {
    let place = MemoryStore::new();
    auth_conformance::store(move || place.clone())
        .excuse("lease_of_the_dead", ONE_PROCESS)
        .excuse("damaged", NO_DAMAGE)
        .await
        .assert();
}
