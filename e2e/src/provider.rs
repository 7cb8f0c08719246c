//! An authorization server, in a process of its own.

mod kinds;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) use self::kinds::{ClientKind, Method};
use crate::{
    child::{NodeProgram, agent, ask, port},
    port::ReservedPort,
};

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    /// oidc-provider.
    Oidc,
    /// The one of Bluesky's servers, where DPoP is compulsory.
    Atproto,
}

impl Server {
    fn script(self) -> &'static str {
        match self {
            Self::Oidc => "server.mjs",
            Self::Atproto => "atproto.mjs",
        }
    }

    pub(crate) fn token_path(self) -> &'static str {
        match self {
            Self::Oidc => "/token",
            Self::Atproto => "/oauth/token",
        }
    }
}

pub(crate) struct Provider {
    server: Server,
    port: ReservedPort,
    /// What it calls itself: where the client reaches it. A proof names that.
    issuer: String,
    state: TempDir,
    /// Locked while it starts, so that whoever asks it something waits.
    running: Mutex<Option<Running>>,
}

struct Running {
    program: NodeProgram,
    control: u16,
}

/// What a login leaves a client with.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) client: ClientKind,
    pub(crate) issuer: String,
    pub(crate) refresh_token: String,
    pub(crate) client_secret: String,
    /// What the client signs assertions with: PEM, and its name at the server.
    pub(crate) assertion_key: Option<(String, String)>,
    /// What it signs DPoP proofs with, in PEM.
    pub(crate) dpop_key: Option<String>,
    /// What the server calls the session, and all tokens that come of it.
    pub(crate) family: String,
}

/// What an access token is bound to (RFC 7800): thumbprints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binding {
    /// Whether the token is good.
    pub(crate) lives: bool,
    pub(crate) dpop_key: Option<String>,
    pub(crate) certificate: Option<String>,
}

/// What the server counted since its first start.
#[derive(Debug, Clone)]
pub(crate) struct Stats {
    pub(crate) refreshed: u64,
    pub(crate) refused: u64,
    /// Requests that were to be sent again, with a DPoP nonce.
    pub(crate) challenged: u64,
    pub(crate) replays: u64,
    pub(crate) families_revoked: u64,
}

impl Provider {
    /// Where the clients reach it, `issuer` says of its port, which it keeps.
    pub(crate) fn start(server: Server, issuer: impl FnOnce(u16) -> String) -> Self {
        let state = tempfile::tempdir().expect("a directory");
        let port = ReservedPort::new();
        let issuer = issuer(port.number);
        let provider = Self { server, port, issuer, state, running: Mutex::new(None) };
        provider.start_again();
        provider
    }

    /// On the same port, with what the last one had on disk.
    pub(crate) fn start_again(&self) {
        let mut running = self.running();
        let journal = self.state.path().join("journal").display().to_string();
        let port_number = self.port.number.to_string();
        let settings =
            [("--journal", journal), ("--port", port_number), ("--issuer", self.issuer.clone())];
        let arguments: Vec<String> =
            settings.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect();
        let (program, ready) = NodeProgram::start(self.server.script(), &arguments);
        *running = Some(Running { program, control: port(&ready["control_port"]) });
    }

    /// As by `kill -9`.
    pub(crate) fn kill(&self) {
        *self.running() = None;
    }

    /// The next time that it has rotated a token, it is gone before its response
    /// leaves.
    pub(crate) fn kill_at_next_success(&self) {
        self.ask("/kill_at_next_success", Some(&json!({})));
    }

    /// Until that has happened.
    pub(crate) fn wait_for_death(&self) {
        let running = self.running().take();
        running.expect("it was started").program.wait();
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.number
    }

    /// Of the control channel, until it is started again.
    pub(crate) fn control(&self) -> u16 {
        self.running().as_ref().expect("it is running").control
    }

    pub(crate) fn log_in(&self, client: ClientKind) -> Session {
        let session = self.ask("/mint", Some(&json!({ "client_id": client.id() })));
        let known = |name: &str| session[name].as_str().map(str::to_owned);
        let text = |name: &str| known(name).expect("a string");
        Session {
            client,
            issuer: self.issuer.clone(),
            refresh_token: text("refresh_token"),
            client_secret: text("client_secret"),
            assertion_key: known("key").zip(known("key_id")),
            dpop_key: known("dpop_key"),
            family: text("family"),
        }
    }

    /// Ends a session, as a user does who logs out elsewhere.
    pub(crate) fn revoke(&self, session: &Session) {
        self.ask("/revoke", Some(&json!({ "family": session.family })));
    }

    /// Whether the server would go on with the session.
    pub(crate) fn lives(&self, family: &str) -> bool {
        lives(self.control(), family)
    }

    /// Sets the server's clock ahead of the machine's, or behind it.
    pub(crate) fn set_clock(&self, offset_s: i64) {
        self.set(&json!({ "clock_offset_s": offset_s }));
    }

    /// For how long a used refresh token stays good.
    pub(crate) fn set_grace(&self, ms: u64) {
        self.set(&json!({ "grace_ms": ms }));
    }

    /// For how long an access token does.
    pub(crate) fn set_access_token_ttl(&self, seconds: u32) {
        self.set(&json!({ "access_token_ttl_s": seconds }));
    }

    pub(crate) fn stats(&self) -> Stats {
        let stats = self.ask("/stats", None);
        let count = |name: &str| stats[name].as_u64().expect("a number");
        Stats {
            refreshed: count("refreshed"),
            refused: count("refused"),
            challenged: count("challenged"),
            replays: count("replays"),
            families_revoked: count("families_revoked"),
        }
    }

    /// Whether the server takes `access_token` for good: asks its userinfo
    /// endpoint (OpenID Connect Core section 5.3).
    pub(crate) fn accepts(&self, access_token: &str) -> bool {
        accepts(self.port(), access_token)
    }

    /// An assertion that something else than the client made, as a cloud's workload
    /// identity does. The servers take it once.
    pub(crate) fn ready_made_assertion(&self, client: ClientKind) -> String {
        let made = self.ask("/assertion", Some(&json!({ "client_id": client.id() })));
        made["assertion"].as_str().expect("a string").to_owned()
    }

    /// What the server says that an access token is bound to.
    pub(crate) fn binding(&self, access_token: &str) -> Binding {
        let bound = self.ask("/bound", Some(&json!({ "access_token": access_token })));
        let known = |name: &str| bound[name].as_str().map(str::to_owned);
        Binding {
            lives: bound["lives"].as_bool().expect("a boolean"),
            dpop_key: known("jkt"),
            certificate: known("x5t"),
        }
    }

    /// In the journal, and so outliving the process.
    fn set(&self, settings: &Value) {
        self.ask("/set", Some(settings));
    }

    fn ask(&self, route: &str, body: Option<&Value>) -> Value {
        ask(self.control(), route, body)
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Provider::accepts`].
pub(crate) fn accepts(port: u16, access_token: &str) -> bool {
    let response = agent()
        .get(format!("http://127.0.0.1:{port}/me"))
        .header("authorization", format!("Bearer {access_token}"))
        .call();
    match response {
        Ok(_) => true,
        Err(ureq::Error::StatusCode(401)) => false,
        Err(error) => panic!("the userinfo endpoint: {error}"),
    }
}

/// See [`Provider::lives`].
pub(crate) fn lives(control: u16, family: &str) -> bool {
    let session = ask(control, "/session", Some(&json!({ "family": family })));
    session["lives"].as_bool().expect("a boolean")
}
