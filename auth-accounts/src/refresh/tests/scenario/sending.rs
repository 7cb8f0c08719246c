//! What is shown and sent, and what comes back.

use std::time::Duration;

use auth_core::{TransportError, TransportErrorKind};

use super::{Scenario, Step};

/// How long each attempt takes.
const TAKES: Duration = Duration::from_millis(500);

impl Scenario {
    /// It sends the refresh token of this pair, and gets the next pair.
    #[track_caller]
    pub(crate) fn sends(self, number: u8, next: u8) -> Self {
        let body = format!(
            r#"{{"access_token":"at-{next}","refresh_token":"rt-{next}","expires_in":3600}}"#
        );
        self.send(Some(number), Ok((200, &body)))
    }

    /// It sends the refresh token of this pair, and gets a status without a
    /// verdict.
    #[track_caller]
    pub(crate) fn gets_status(self, number: u8, status: u16) -> Self {
        self.send(Some(number), Ok((status, "")))
    }

    #[track_caller]
    pub(crate) fn rejected(self, number: u8) -> Self {
        self.send(Some(number), Ok((400, r#"{"error":"invalid_grant"}"#)))
    }

    #[track_caller]
    pub(crate) fn cannot_send(self, number: u8) -> Self {
        self.send(Some(number), Err(TransportError::not_sent(TransportErrorKind::Refused)))
    }

    #[track_caller]
    pub(crate) fn cut_off(self, number: u8) -> Self {
        self.send(Some(number), Err(TransportError::unknown(TransportErrorKind::Reset)))
    }

    /// It has the lease confirmed.
    #[track_caller]
    pub(crate) fn confirms(mut self) -> Self {
        match self.take() {
            Step::Extend(state) => self.step = Some(state.on_extended(Ok(()), self.now)),
            step => Self::wrong(&step, "extend"),
        }
        self
    }

    /// It reads or signs something for the next request.
    #[track_caller]
    pub(crate) fn proves(mut self) -> Self {
        match self.take() {
            Step::Prove(demand, state) => {
                self.step = Some(state.on_met(demand.meet_blocking(), self.now));
            }
            step => Self::wrong(&step, "prove"),
        }
        self
    }

    /// It reads who the client is.
    #[track_caller]
    pub(crate) fn identifies(mut self) -> Self {
        match self.take() {
            Step::Identify(source, state) => {
                self.step = Some(state.on_read(&source.read_blocking(), self.now));
            }
            step => Self::wrong(&step, "identify"),
        }
        self
    }

    /// It sends the refresh token of this pair, and the server wants this nonce.
    #[track_caller]
    pub(crate) fn challenged(self, number: Option<u8>, nonce: &str) -> Self {
        let body = r#"{"error":"use_dpop_nonce"}"#;
        self.send_for(number, Ok((400, body)), Some(nonce))
    }

    #[track_caller]
    pub(crate) fn send(
        self,
        number: Option<u8>,
        response: Result<(u16, &str), TransportError>,
    ) -> Self {
        self.send_for(number, response, None)
    }

    #[track_caller]
    fn send_for(
        mut self,
        number: Option<u8>,
        response: Result<(u16, &str), TransportError>,
        nonce: Option<&str>,
    ) -> Self {
        if matches!(self.step, Some(Step::Extend(_))) {
            self = self.confirms();
        }
        while matches!(self.step, Some(Step::Prove(..))) {
            self = self.proves();
        }
        match self.take() {
            Step::Send(request, state) => {
                let body = String::from_utf8(request.body().to_vec()).unwrap();
                let grant = match number {
                    Some(number) => format!("refresh_token=rt-{number}"),
                    None => "grant_type=client_credentials".to_owned(),
                };
                assert!(body.split('&').any(|pair| pair == grant), "{body}");
                self.sent = body;
                let response = response.map(|(status, body)| {
                    let mut response = http::Response::builder().status(status);
                    if let Some(nonce) = nonce {
                        response = response.header("dpop-nonce", nonce);
                    }
                    response.body(body.as_bytes().to_vec()).unwrap()
                });
                self.now.wall += TAKES;
                self.now.monotonic += TAKES;
                self.step = Some(state.on_response(response, self.now));
            }
            step => Self::wrong(&step, "send"),
        }
        self
    }
}
