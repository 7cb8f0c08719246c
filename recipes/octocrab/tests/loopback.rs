//! The recipe at an API on loopback.
// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used)]

use auth_testkit::fault_server::ReceivedRequest;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use octocrab::Octocrab;
use recipe_support::Session;
use serde_json::{Value, json};

/// It says what it was told.
fn answer(received: &ReceivedRequest) -> http::Response<Vec<u8>> {
    let told = received.body.clone();
    let body = if told.is_empty() { b"{}".into() } else { told };
    http::Response::builder().header("content-type", "application/json").body(body).unwrap()
}

async fn is_served(request: impl AsyncFn(&Octocrab) -> octocrab::Result<()>) {
    let session = Session::new();
    let service = session.service(answer);
    let account = session.account().await;
    let url = format!("http://{}", service.address());
    let https = Client::builder(TokioExecutor::new()).build_http();
    let github = recipe_octocrab::client(account.clone(), &url, https).unwrap();
    session.is_served(&account, async || request(&github).await).await;
}

#[tokio::test]
async fn without_a_body() {
    is_served(async |github| github.get::<Value, _, ()>("/user", None).await.map(drop)).await;
}

#[tokio::test]
async fn with_a_body() {
    let issue = json!({"title": "An issue"});
    is_served(async |github| {
        let created: Value = github.post("/repos/ada/notes/issues", Some(&issue)).await?;
        assert_eq!(created, issue);
        Ok(())
    })
    .await;
}
