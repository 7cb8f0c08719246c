//! The recipe at an API server on loopback.
// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used)]

use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Config, api::PostParams};
use recipe_support::Session;

async fn is_served(request: impl AsyncFn(&Api<ConfigMap>) -> kube::Result<()>) {
    let session = Session::new();
    // It says what it was told.
    let service = session.service(|received| {
        let told = received.body.clone();
        let map = br#"{"metadata":{"name":"notes"}}"#;
        http::Response::new(if told.is_empty() { map.into() } else { told })
    });
    let account = session.account().await;
    let config = Config::new(format!("http://{}", service.address()).parse().unwrap());
    let https = Client::builder(TokioExecutor::new()).build_http();
    let cluster = recipe_kube::client(&config, account.clone(), https).unwrap();
    let maps = Api::default_namespaced(cluster);
    session.is_served(&account, async || request(&maps).await).await;
}

#[tokio::test]
async fn without_a_body() {
    is_served(async |maps| maps.get("notes").await.map(drop)).await;
}

#[tokio::test]
async fn with_a_body() {
    let mut map = ConfigMap::default();
    map.metadata.name = Some("told".to_owned());
    is_served(async |maps| {
        let created = maps.create(&PostParams::default(), &map).await?;
        assert_eq!(created.metadata.name, map.metadata.name);
        Ok(())
    })
    .await;
}
