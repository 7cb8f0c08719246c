use auth_core::SigningAlgorithm::{self, EdDsa, Es256, Es384, Hs256, Ps256, Rs256};

/// How a client of the server shows who it is, and what its tokens are bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientKind {
    Public,
    Basic,
    Post,
    /// `client_secret_jwt`.
    AssertionHs256,
    /// `private_key_jwt`, as the next ones.
    AssertionEs256,
    AssertionEs384,
    AssertionRs256,
    AssertionPs256,
    AssertionEdDsa,
    /// Nobody in particular, who proves to hold a key.
    Dpop,
    DpopEdDsa,
    /// The same, where the server wants its nonce in the proof.
    DpopNonce,
    /// Both: an assertion that is good once, and a nonce that is asked for after
    /// it was shown.
    AssertionDpopNonce,
    /// `tls_client_auth`, with access tokens that are bound to the certificate.
    Certificate,
    /// Of Bluesky's server, where nonces are compulsory.
    Atproto,
    /// The same, with an assertion.
    AtprotoAssertion,
}

impl ClientKind {
    /// Those that show the same each time.
    pub(crate) const FIXED: [Self; 3] = [Self::Public, Self::Basic, Self::Post];

    /// Those of oidc-provider that prove it anew, by what is in the request.
    pub(crate) const PROVING: [Self; 10] = [
        Self::AssertionHs256,
        Self::AssertionEs256,
        Self::AssertionEs384,
        Self::AssertionRs256,
        Self::AssertionPs256,
        Self::AssertionEdDsa,
        Self::Dpop,
        Self::DpopEdDsa,
        Self::DpopNonce,
        Self::AssertionDpopNonce,
    ];

    pub(crate) const OF_ATPROTO: [Self; 2] = [Self::Atproto, Self::AtprotoAssertion];

    /// Its identifier at the server.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Basic => "basic",
            Self::Post => "post",
            Self::AssertionHs256 => "assertion_hs256",
            Self::AssertionEs256 => "assertion_es256",
            Self::AssertionEs384 => "assertion_es384",
            Self::AssertionRs256 => "assertion_rs256",
            Self::AssertionPs256 => "assertion_ps256",
            Self::AssertionEdDsa => "assertion_eddsa",
            Self::Dpop => "dpop",
            Self::DpopEdDsa => "dpop_eddsa",
            Self::DpopNonce => "dpop_nonce",
            Self::AssertionDpopNonce => "assertion_dpop_nonce",
            Self::Certificate => "certificate",
            Self::Atproto => "https://app.example.com/public.json",
            Self::AtprotoAssertion => "https://app.example.com/confidential.json",
        }
    }

    /// How it authenticates.
    pub(crate) fn method(self) -> Method {
        match self {
            Self::Public | Self::Dpop | Self::DpopEdDsa | Self::DpopNonce | Self::Atproto => {
                Method::None
            }
            Self::Basic => Method::Basic,
            Self::Post => Method::Post,
            Self::AssertionHs256 => Method::Assertion(Hs256),
            Self::AssertionEs256 | Self::AssertionDpopNonce | Self::AtprotoAssertion => {
                Method::Assertion(Es256)
            }
            Self::AssertionEs384 => Method::Assertion(Es384),
            Self::AssertionRs256 => Method::Assertion(Rs256),
            Self::AssertionPs256 => Method::Assertion(Ps256),
            Self::AssertionEdDsa => Method::Assertion(EdDsa),
            Self::Certificate => Method::Certificate,
        }
    }

    /// Whether assertions are made for the URL of the token endpoint, as older
    /// servers want, and not for the issuer. oidc-provider takes both, the server
    /// of Bluesky the issuer alone.
    pub(crate) fn names_the_endpoint(self) -> bool {
        matches!(self, Self::AssertionRs256 | Self::AssertionPs256)
    }

    /// What its DPoP proofs are signed with.
    pub(crate) fn dpop(self) -> Option<SigningAlgorithm> {
        match self {
            Self::Dpop
            | Self::DpopNonce
            | Self::AssertionDpopNonce
            | Self::Atproto
            | Self::AtprotoAssertion => Some(Es256),
            Self::DpopEdDsa => Some(EdDsa),
            _ => None,
        }
    }

    /// Whether the server asks for its nonce.
    pub(crate) fn needs_nonce(self) -> bool {
        matches!(
            self,
            Self::DpopNonce | Self::AssertionDpopNonce | Self::Atproto | Self::AtprotoAssertion
        )
    }
}

/// How a client authenticates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    None,
    Basic,
    Post,
    Assertion(SigningAlgorithm),
    /// That of the TLS handshake.
    Certificate,
}
