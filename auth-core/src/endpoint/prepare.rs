//! What comes before a request: what has to be read and signed, one after another.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, Method, Uri};
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::{TokenEndpoint, extras::Extras};
use crate::{
    Grant, Now, RefreshToken, Request, Response, TransportError,
    client_auth::{About, Credentials, sensitive},
    credential::{Credential, CredentialError, CredentialErrorKind},
    redact,
    signing::Demand,
};

/// What a request is for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose<'a> {
    Tokens(&'a Grant, &'a Extras),
    Revocation(&'a RefreshToken),
}

/// What was had for a request. Some of it is its secret.
#[derive(Default)]
pub(crate) struct Shown {
    /// In the grant: assertions.
    grant: Vec<Credential>,
    client: Option<Credential>,
    proof: Option<Credential>,
    /// In the proof.
    nonce: Option<Credential>,
    /// Whether something was signed for it, with a time by this machine's clock.
    pub(crate) is_signed: bool,
}

impl Shown {
    /// Whether the proof had this nonce.
    fn has_nonce(&self, nonce: &Credential) -> bool {
        self.nonce.as_ref() == Some(nonce)
    }
}

/// A request of which some is still to be had.
#[derive(Default)]
pub(crate) struct Preparing {
    shown: Shown,
    stage: Stage,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    #[default]
    Grant,
    Client,
    Proof,
    Ready,
}

pub(crate) enum Prepared {
    /// Pass what meets it to [`Preparing::met`], and go on.
    Demand(Demand, Preparing),
    Ready(Request, Shown),
    /// What was had cannot be sent.
    Unfit(CredentialError),
}

impl Preparing {
    /// Takes what the last demand was met with.
    pub(crate) fn met(
        mut self,
        met: Result<Credential, CredentialError>,
    ) -> Result<Self, CredentialError> {
        let credential = met?;
        // Nobody's is empty, but a file that is being written is.
        if credential.expose().is_empty() {
            return Err(CredentialErrorKind::Empty.into());
        }
        match self.stage {
            Stage::Grant => self.shown.grant.push(credential),
            Stage::Client => {
                self.shown.client = Some(credential);
                self.stage = Stage::Proof;
            }
            Stage::Proof | Stage::Ready => {
                self.shown.proof = Some(credential);
                self.stage = Stage::Ready;
            }
        }
        Ok(self)
    }

    /// The next demand, or the request.
    pub(crate) fn go_on(
        mut self,
        endpoint: &TokenEndpoint,
        purpose: Purpose<'_>,
        now: Now,
    ) -> Prepared {
        if self.stage == Stage::Grant {
            if let Purpose::Tokens(grant, _) = purpose
                && let Some(demand) = grant.demand(self.shown.grant.len(), &endpoint.uri, now)
            {
                self.shown.is_signed |= matches!(demand, Demand::Signature(_));
                return Prepared::Demand(demand, self);
            }
            self.stage = Stage::Client;
        }
        if self.stage == Stage::Client {
            if let Some(demand) = endpoint.auth.method().demand(&endpoint.about(), now) {
                self.shown.is_signed |= matches!(demand, Demand::Signature(_));
                return Prepared::Demand(demand, self);
            }
            self.stage = Stage::Proof;
        }
        if self.stage == Stage::Proof {
            if let Some(dpop) = &endpoint.dpop {
                let uri = endpoint.uri_for(purpose);
                // Another refresh may learn one between two looks.
                self.shown.nonce = dpop.nonce(uri);
                self.shown.is_signed = true;
                let nonce = self.shown.nonce.as_ref();
                return Prepared::Demand(dpop.proof(&Method::POST, uri, None, nonce, now), self);
            }
            self.stage = Stage::Ready;
        }
        match endpoint.write(purpose, &self.shown) {
            Ok(request) => Prepared::Ready(request, self.shown),
            Err(error) => Prepared::Unfit(error),
        }
    }
}

impl TokenEndpoint {
    fn about(&self) -> About<'_> {
        About { client_id: &self.client_id, token_endpoint: &self.uri }
    }

    fn uri_for(&self, purpose: Purpose<'_>) -> &Uri {
        match (purpose, &self.revocation) {
            (Purpose::Revocation(_), Some(revocation)) => revocation,
            _ => &self.uri,
        }
    }

    /// Takes the nonce of any response to a request for `purpose`, for the origin that it
    /// came from.
    pub(crate) fn learn(&self, purpose: Purpose<'_>, response: &Result<Response, TransportError>) {
        if let (Some(dpop), Ok(response)) = (&self.dpop, response) {
            dpop.learn(self.uri_for(purpose), response.headers());
        }
    }

    /// Whether the server has sent another nonce than the proof had: after that of
    /// this request, or others have learned it first.
    pub(crate) fn has_another_nonce(&self, purpose: Purpose<'_>, shown: &Shown) -> bool {
        let newest = self.dpop.as_ref().and_then(|dpop| dpop.nonce(self.uri_for(purpose)));
        newest.is_some_and(|newest| !shown.has_nonce(&newest))
    }

    fn credentials(&self, shown: &Shown) -> Credentials {
        let mut credentials = Credentials::default();
        self.auth.method().write(&self.about(), shown.client.as_ref(), &mut credentials);
        credentials
    }

    /// The request, with what was had for it. Nothing of that is ever left out: a
    /// request without its proof may obtain tokens that are bound to no key.
    fn write(&self, purpose: Purpose<'_>, shown: &Shown) -> Result<Request, CredentialError> {
        let unfit = || CredentialError::new(CredentialErrorKind::Malformed);
        let credentials = self.credentials(shown);
        if credentials.is_unfit {
            return Err(unfit().with_detail("no header can hold what the client shows"));
        }
        let mut headers = self.request_headers();
        if let Some(authorization) = &credentials.authorization {
            headers.insert(http::header::AUTHORIZATION, authorization.clone());
        }
        if let Some(proof) = &shown.proof {
            let proof = sensitive(Zeroizing::new(proof.expose().as_bytes().to_vec()));
            let proof = proof.ok_or_else(|| unfit().with_detail("no header can hold the proof"))?;
            headers.insert("dpop", proof);
        }
        Ok(Request {
            uri: self.uri_for(purpose).clone(),
            headers,
            body: self.body(purpose, &credentials, shown),
            response_limit: self.response_limit,
        })
    }

    fn body(
        &self,
        purpose: Purpose<'_>,
        credentials: &Credentials,
        shown: &Shown,
    ) -> Zeroizing<Vec<u8>> {
        let mut fields: Vec<(&str, &str)> = Vec::with_capacity(8 + self.parameters.len());
        match purpose {
            Purpose::Tokens(grant, _) => grant.write(&shown.grant, &mut fields),
            Purpose::Revocation(token) => {
                fields.push(("token", token.expose()));
                fields.push(("token_type_hint", "refresh_token"));
            }
        }
        if credentials.names_client {
            fields.push(("client_id", &self.client_id));
        }
        for (name, value) in &credentials.parameters {
            // No parameter stands twice in a request.
            if !fields.iter().any(|(known, _)| known == name) {
                fields.push((name, value));
            }
        }
        match purpose {
            Purpose::Tokens(grant, extras) => {
                extras.write(grant, self.scope.as_deref(), &mut fields);
                self.encode(fields, &self.parameters)
            }
            Purpose::Revocation(_) => self.encode(fields, &[]),
        }
    }

    /// Everything in a request that may be a secret, so that a response which echoes
    /// it can be recognised.
    pub(crate) fn secrets<'a>(
        &'a self,
        purpose: Purpose<'a>,
        shown: &'a Shown,
    ) -> Vec<Cow<'a, str>> {
        let token = match purpose {
            Purpose::Tokens(grant, _) => grant.refresh_token(),
            Purpose::Revocation(token) => Some(token),
        };
        let proofs = [&shown.client, &shown.proof, &shown.nonce].into_iter().flatten();
        let proofs = proofs.chain(&shown.grant);
        let extras = match purpose {
            Purpose::Tokens(_, extras) => extras.parameters(),
            Purpose::Revocation(_) => &[],
        };
        let parameters = self.parameters.iter().chain(extras);
        let parameters = parameters.map(|(_, value)| value.expose_secret());
        let query = match purpose {
            Purpose::Tokens(..) => None,
            Purpose::Revocation(_) => self.revocation.as_ref(),
        };
        let mut secrets = redact::secrets(
            token.map(RefreshToken::expose).into_iter().chain(proofs.map(Credential::expose)),
            parameters,
            &self.headers,
            &self.uri,
        );
        let credentials = self.credentials(shown);
        secrets.extend(credentials.secrets.iter().map(|secret| Cow::Owned(secret.to_string())));
        secrets.extend(query.into_iter().flat_map(redact::in_query));
        // That of the response, which was learned first.
        let next = self.dpop.as_ref().and_then(|dpop| dpop.nonce(self.uri_for(purpose)));
        secrets.extend(next.map(|nonce| Cow::Owned(nonce.expose().to_owned())));
        secrets
    }
}

impl TokenEndpoint {
    /// The request for `grant` at an endpoint where nothing has to be read or signed
    /// first. Others make their requests in [`Refresh`](crate::Refresh).
    ///
    /// # Errors
    ///
    /// [`EndpointError::NeedsProof`](super::EndpointError::NeedsProof) if something
    /// has to be. [`EndpointError::InvalidHeader`](super::EndpointError::InvalidHeader)
    /// if a method of client authentication of your own sets an `Authorization` that no
    /// header can hold.
    pub fn request(&self, grant: &Grant) -> Result<Request, super::EndpointError> {
        if grant.is_made_anew() || self.is_made_anew() {
            return Err(super::EndpointError::NeedsProof);
        }
        self.write(Purpose::Tokens(grant, &Extras::default()), &Shown::default())
            .map_err(|_| super::EndpointError::InvalidHeader { name: "authorization".to_owned() })
    }

    /// Whether something has to be read or signed for each request.
    pub(crate) fn is_made_anew(&self) -> bool {
        self.dpop.is_some() || self.auth.method().is_made_anew()
    }

    pub(super) fn request_headers(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        headers.entry(http::header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        headers.insert(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static(self.format.content_type()),
        );
        headers
    }
}
