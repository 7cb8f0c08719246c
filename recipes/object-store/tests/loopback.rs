//! The recipe at a bucket on loopback.
// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use auth_testkit::fault_server::ReceivedRequest;
use object_store::{ObjectStoreExt, gcp::GoogleCloudStorageBuilder, path::Path};
use recipe_object_store::{AccountConnector, AccountCredentials};
use recipe_support::Session;

/// A bucket that holds whatever is asked for.
fn answer(_: &ReceivedRequest) -> http::Response<Vec<u8>> {
    http::Response::builder()
        .header("etag", "1")
        .header("last-modified", "Tue, 01 Jan 2030 00:00:00 GMT")
        .body("contents".into())
        .unwrap()
}

#[tokio::test]
async fn it_is_served() {
    let session = Session::new();
    let service = session.service(answer);
    let account = session.account().await;
    let bucket = GoogleCloudStorageBuilder::new()
        .with_bucket_name("bucket")
        .with_base_url(&format!("http://{}", service.address()))
        .with_credentials(Arc::new(AccountCredentials(account.clone())))
        .with_http_connector(AccountConnector(account.clone()))
        .build()
        .unwrap();
    let path = Path::from("object");
    session
        .is_served(&account, async || {
            bucket.put(&path, "contents".into()).await?;
            bucket.get(&path).await?.bytes().await
        })
        .await;
}
