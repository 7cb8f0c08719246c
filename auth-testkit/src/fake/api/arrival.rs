//! One call, from its arrival to its response.

use auth_core::{AccessToken, Response};

use super::{
    ApiCall, FakeApi, lock,
    response::{ApiResponse, Caller},
    token,
};
use crate::{CannedResponse, Gate, RecordedRequest};

/// A call whose head is there.
pub(in crate::fake) struct Arrival<'a> {
    api: &'a FakeApi,
    /// Its place in the log.
    pub(in crate::fake) number: usize,
    request: RecordedRequest,
    token: Option<AccessToken>,
    subject: Option<String>,
}

/// A call whose response is known, and perhaps not sent yet.
pub(in crate::fake) struct Processed<'a> {
    api: &'a FakeApi,
    number: usize,
    pub(in crate::fake) response: CannedResponse,
    pub(in crate::fake) gate: Option<Gate>,
}

impl FakeApi {
    /// A call that begins.
    pub(in crate::fake) fn arrive<B>(&self, request: &http::Request<B>) -> Arrival<'_> {
        let mut head = http::Request::new(Vec::new());
        *head.method_mut() = request.method().clone();
        *head.uri_mut() = request.uri().clone();
        *head.headers_mut() = request.headers().clone();
        let mut head = RecordedRequest::new(head);
        head.at = self.server.elapsed();
        let arrival = self.arrived(head, 0);
        let call = ApiCall::new(arrival.request.clone(), arrival.subject.clone());
        let number = lock(&self.log).add(call);
        Arrival { number, ..arrival }
    }

    /// A call whose head is in the log under this number.
    pub(in crate::fake) fn arrived(&self, request: RecordedRequest, number: usize) -> Arrival<'_> {
        let token = request.header("authorization").and_then(token).map(|(_, token)| token);
        let subject = token.as_ref().and_then(|token| self.server.subject_of(token));
        Arrival { api: self, number, request, token, subject }
    }
}

impl<'a> Arrival<'a> {
    /// The response that does not wait for the body, if there is one for this call.
    pub(in crate::fake) fn before_body(&self) -> Option<Processed<'a>> {
        self.told(false).map(|told| self.processed(told.response, told.gate))
    }

    /// The response, once the whole body is there, or there is none to read.
    pub(in crate::fake) fn process(self, body: Option<&[u8]>) -> Processed<'a> {
        if let Some(body) = body {
            if let Some(processed) = self.before_body() {
                return processed;
            }
            lock(&self.api.log).read_body(self.number, body);
        }
        match self.told(true) {
            Some(told) => self.processed(told.response, told.gate),
            None => self.processed(self.api.judge(&self.request), None),
        }
    }

    fn told(&self, is_whole: bool) -> Option<ApiResponse> {
        let caller = Caller { token: self.token.as_ref(), subject: self.subject.as_deref() };
        let told = lock(&self.api.told).take(caller, is_whole)?;
        self.api.lock().told += 1;
        Some(told)
    }

    fn processed(&self, response: CannedResponse, gate: Option<Gate>) -> Processed<'a> {
        Processed { api: self.api, number: self.number, response, gate }
    }
}

impl Processed<'_> {
    /// The response, which is taken to arrive.
    pub(in crate::fake) fn end_now(self) -> Response {
        let response = self.response.build();
        lock(&self.api.log).respond(self.number, response.status().as_u16());
        response
    }

    pub(in crate::fake) async fn end(self) -> Response {
        if let Some(gate) = &self.gate {
            gate.pass().await;
        }
        self.end_now()
    }

    pub(in crate::fake) fn block_to_end(self) -> Response {
        if let Some(gate) = &self.gate {
            gate.block_to_pass();
        }
        self.end_now()
    }
}
