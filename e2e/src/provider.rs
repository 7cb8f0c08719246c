//! The authorization server: oidc-provider, in a process of its own.

use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::child::{NodeProgram, agent, ask, port};

pub(crate) struct Provider {
    program: Option<NodeProgram>,
    state: TempDir,
    port: u16,
    control: u16,
    access_token_ttl_s: u32,
}

/// How a client of the server shows who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientKind {
    Public,
    Basic,
    Post,
}

impl ClientKind {
    pub(crate) const ALL: [Self; 3] = [Self::Public, Self::Basic, Self::Post];

    /// Its identifier at the server.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Basic => "basic",
            Self::Post => "post",
        }
    }
}

/// What a login leaves a client with.
pub(crate) struct Session {
    pub(crate) refresh_token: String,
    pub(crate) client_secret: String,
}

/// What the server counted since it was started.
#[derive(Debug, Clone)]
pub(crate) struct Stats {
    pub(crate) refreshed: u64,
    pub(crate) refused: u64,
    pub(crate) replays: u64,
    pub(crate) families_revoked: u64,
}

impl Provider {
    pub(crate) fn start() -> Self {
        Self::with_ttl(3600)
    }

    /// `access_token_ttl_s` is how long its access tokens live.
    pub(crate) fn with_ttl(access_token_ttl_s: u32) -> Self {
        let state = tempfile::tempdir().expect("a directory");
        let mut provider = Self { program: None, state, port: 0, control: 0, access_token_ttl_s };
        provider.start_again();
        provider
    }

    /// On the same port, with what the last one had on disk.
    pub(crate) fn start_again(&mut self) {
        let arguments = [
            ("--journal", self.journal().display().to_string()),
            ("--port", self.port.to_string()),
            ("--access-token-ttl-s", self.access_token_ttl_s.to_string()),
        ];
        let arguments: Vec<String> =
            arguments.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect();
        let (program, ready) = NodeProgram::start("server.mjs", &arguments);
        self.port = port(&ready["port"]);
        self.control = port(&ready["control_port"]);
        self.program = Some(program);
    }

    /// As by `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.program = None;
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn log_in(&self, client: ClientKind) -> Session {
        let session = ask(self.control, "/mint", Some(&json!({ "client_id": client.id() })));
        let text = |value: &Value| value.as_str().expect("a string").to_owned();
        Session {
            refresh_token: text(&session["refresh_token"]),
            client_secret: text(&session["client_secret"]),
        }
    }

    /// Sets the server's clock ahead of the machine's, or behind it.
    pub(crate) fn set_clock(&self, offset_s: i64) {
        ask(self.control, "/clock", Some(&json!({ "offset_s": offset_s })));
    }

    /// For how long a used refresh token stays good.
    pub(crate) fn set_grace(&self, ms: u64) {
        ask(self.control, "/grace", Some(&json!({ "ms": ms })));
    }

    pub(crate) fn stats(&self) -> Stats {
        let stats = ask(self.control, "/stats", None);
        let count = |name: &str| stats[name].as_u64().expect("a number");
        Stats {
            refreshed: count("refreshed"),
            refused: count("refused"),
            replays: count("replays"),
            families_revoked: count("families_revoked"),
        }
    }

    /// Whether the server takes `access_token` for good: asks its userinfo
    /// endpoint (OpenID Connect Core section 5.3).
    pub(crate) fn accepts(&self, access_token: &str) -> bool {
        accepts(self.port, access_token)
    }

    fn journal(&self) -> PathBuf {
        self.state.path().join("journal")
    }
}

/// See [`Provider::accepts`].
pub(crate) fn accepts(port: u16, access_token: &str) -> bool {
    let answer = agent()
        .get(format!("http://127.0.0.1:{port}/me"))
        .header("authorization", format!("Bearer {access_token}"))
        .call();
    match answer {
        Ok(_) => true,
        Err(ureq::Error::StatusCode(401)) => false,
        Err(error) => panic!("the userinfo endpoint: {error}"),
    }
}
