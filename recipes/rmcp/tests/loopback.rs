//! The recipe at an MCP server on loopback.
// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used)]

use std::{env, path::Path, process::Command};

use auth_accounts::{
    Account, Accounts, Login,
    auth_core::{EndpointError, TokenEndpoint},
};
use auth_reqwest::{ReqwestTransport, TokioClock};
use auth_store::FileStore;
use auth_testkit::fault_server::{FaultServer, ReceivedRequest};
use recipe_rmcp::AccountHttp;
use recipe_support::{ADA, Session, install_crypto};
use rmcp::{
    RoleClient, ServiceExt,
    model::CallToolRequestParams,
    service::{RunningService, ServiceError},
    transport::{
        StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde_json::{Value, json};

/// An MCP server without sessions and with one tool.
fn answer(received: &ReceivedRequest) -> http::Response<Vec<u8>> {
    let status = |status: u16| http::Response::builder().status(status);
    if received.method != "POST" {
        return status(405).body(Vec::new()).unwrap();
    }
    let request: Value = serde_json::from_slice(&received.body).unwrap();
    let result = match request["method"].as_str().unwrap() {
        "initialize" => json!({
            "protocolVersion": request["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "fake", "version": "1"},
        }),
        "tools/call" => json!({"content": [{"type": "text", "text": "done"}]}),
        _ => return status(202).body(Vec::new()).unwrap(),
    };
    let answer = json!({"jsonrpc": "2.0", "id": request["id"], "result": result});
    status(200).header("content-type", "application/json").body(answer.to_string().into()).unwrap()
}

async fn connect(account: Account, url: &str) -> RunningService<RoleClient, ()> {
    let http = AccountHttp { account, http: reqwest::Client::new() };
    let config = StreamableHttpClientTransportConfig::with_uri(url);
    ().serve(StreamableHttpClientTransport::with_client(http, config)).await.unwrap()
}

async fn call(client: &RunningService<RoleClient, ()>) -> Result<(), ServiceError> {
    client.call_tool(CallToolRequestParams::new("work")).await.map(drop)
}

#[tokio::test]
async fn it_is_served() {
    let session = Session::new();
    let service = session.service(answer);
    let account = session.account().await;
    let client = connect(account.clone(), service.url()).await;
    session.is_served(&account, async || call(&client).await).await;
}

const RESOURCE: &str = "https://mcp.example.com/mcp";

/// The client that was registered at this server, and what its tokens are for.
fn registered(token_url: &str) -> Result<TokenEndpoint, EndpointError> {
    TokenEndpoint::new(token_url, "my-client")?.parameter("resource", RESOURCE)
}

fn accounts(directory: &Path) -> Accounts {
    // The login says which client and endpoint it is of; this one is nobody's.
    let nobody = TokenEndpoint::new("https://nobody.example.com/token", "nobody").unwrap();
    let (transport, store) =
        (ReqwestTransport::new().unwrap(), FileStore::open(directory).unwrap());
    Accounts::new(nobody, transport, store, TokioClock)
}

#[tokio::test]
async fn two_processes_refresh_once() {
    let session = Session::new();
    let service: FaultServer = session.service(answer);
    let temporary = tempfile::tempdir().unwrap();
    let directory = temporary.path().join("store");
    let login = Login::new(session.expired_login());
    let login = login.endpoint(registered(session.token_url()).unwrap());
    accounts(&directory).account(ADA).store_login(login).await.unwrap();

    let children = [(); 2].map(|()| {
        Command::new(env::current_exe().unwrap())
            .args(["--exact", "child", "--ignored"])
            .env("RECIPE_STORE", &directory)
            .env("RECIPE_SERVICE", service.url())
            .spawn()
            .unwrap()
    });
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(session.refreshes(), 1);
    let refresh = session.server().requests().pop().unwrap();
    refresh.assert_param("resource", RESOURCE);
    session.server().assert_never_replayed();
}

/// A process of the test above.
#[tokio::test]
#[ignore = "started by another test"]
async fn child() {
    install_crypto();
    let directory = env::var_os("RECIPE_STORE").unwrap();
    let account = accounts(directory.as_ref()).account(ADA);
    let client = connect(account, &env::var("RECIPE_SERVICE").unwrap()).await;
    call(&client).await.unwrap();
}
