//! The headers of google-cloud-auth, from credentials of a user that it refreshes and
//! caches itself. Its token endpoint is on loopback.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

use google_cloud_auth::credentials::{
    CacheableResource, Credentials, EntityTag, user_account::Builder,
};
use http::{Extensions, HeaderMap};
use tower_service::Service as _;

use crate::{Bare, Contender, Send, request, token_text};

pub fn contenders() -> Vec<Contender> {
    vec![
        Contender { name: "google-cloud-auth", make: || Box::pin(headers()) },
        Contender { name: "google-cloud-auth, entity tag", make: || Box::pin(tagged()) },
    ]
}

/// New headers for each request.
async fn headers() -> Send {
    let credentials = credentials();
    Box::new(move || {
        let credentials = credentials.clone();
        Box::pin(async move {
            let mut request = request();
            match credentials.headers(Extensions::new()).await.unwrap() {
                CacheableResource::New { data, .. } => request.headers_mut().extend(data),
                CacheableResource::NotModified => panic!("no tag was named"),
            }
            drop(Bare.call(request).await);
        })
    })
}

/// Headers that the program keeps for as long as the credentials say that they are the
/// same.
async fn tagged() -> Send {
    let credentials = credentials();
    let kept: (EntityTag, HeaderMap) = match credentials.headers(Extensions::new()).await.unwrap() {
        CacheableResource::New { entity_tag, data } => (entity_tag, data),
        CacheableResource::NotModified => panic!("no tag was named"),
    };
    let kept = std::sync::Arc::new(kept);
    Box::new(move || {
        let (credentials, kept) = (credentials.clone(), kept.clone());
        Box::pin(async move {
            let mut request = request();
            let mut extensions = Extensions::new();
            extensions.insert(kept.0.clone());
            match credentials.headers(extensions).await.unwrap() {
                CacheableResource::New { .. } => panic!("the token is the same"),
                CacheableResource::NotModified => {
                    for (name, value) in &kept.1 {
                        request.headers_mut().insert(name, value.clone());
                    }
                }
            }
            drop(Bare.call(request).await);
        })
    })
}

fn credentials() -> Credentials {
    // Its client asks for one, though nothing here is encrypted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let user = serde_json::json!({
        "type": "authorized_user",
        "client_id": "my-client",
        "client_secret": "fake-secret",
        "refresh_token": "fake-rt-1",
    });
    Builder::new(user).with_token_uri(token_endpoint()).build().unwrap()
}

/// Gives tokens to whoever asks.
fn token_endpoint() -> String {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/token", socket.local_addr().unwrap());
    thread::spawn(move || {
        for stream in socket.incoming() {
            let mut stream = stream.unwrap();
            // The head, and a body that comes with it or in the next piece.
            let mut read = Vec::new();
            let mut piece = [0; 4096];
            while !read.ends_with(b"}") && !read.ends_with(b"refresh_token") {
                match stream.read(&mut piece).unwrap() {
                    0 => break,
                    length => read.extend_from_slice(&piece[..length]),
                }
            }
            let body = format!(
                r#"{{"access_token":"{}","expires_in":3600,"token_type":"Bearer"}}"#,
                token_text()
            );
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
            write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
        }
    });
    url
}
