//! The server's logic: from a request and the time to a response.

mod proving;
mod revoking;

use std::{
    collections::VecDeque,
    time::{Duration, SystemTime},
};

pub(super) use self::revoking::PATH as REVOCATION_PATH;

use super::{
    decision::ModelDecision,
    fault::Fault,
    ledger::{Ledger, SpentHow, TokenId},
    proofs::{Assertions, Proofs},
    report::{Knowledge, Revocation, RevokedBecause, ServerReport},
    settings::{Rotation, Settings},
    split_mix::SplitMix64,
};
use crate::{
    CannedResponse, Gate, RecordedRequest,
    transcript::{CallState, RecordedCall, Secrets, render},
};

/// The grants beside RFC 6749: RFC 7523 section 2.1, RFC 8693. What is shown for them
/// is looked at only for being there.
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

pub(super) struct Model {
    settings: Settings,
    ledger: Ledger,
    chance: SplitMix64,
    faults: VecDeque<Fault>,
    gates: VecDeque<Gate>,
    /// When the current span of the rate limit began, and its requests.
    span: Option<(Duration, u32)>,
    assertions: Assertions,
    proofs: Option<Proofs>,
    pub(super) report: ServerReport,
    pub(super) calls: Vec<RecordedCall>,
}

/// A request that the model has processed.
pub(super) struct Handled {
    /// Its place in the record.
    pub(super) call: usize,
    pub(super) fault: Fault,
    /// The response of the server, whether or not it arrives.
    pub(super) response: CannedResponse,
    /// The token that this request spent; its client learns that by the response.
    pub(super) spent_token: Option<TokenId>,
    /// What holds the response back.
    pub(super) gate: Option<Gate>,
}

impl Model {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            ledger: Ledger::new(settings.seed),
            chance: SplitMix64(!settings.seed),
            assertions: Assertions::default(),
            proofs: settings.dpop.as_ref().map(Proofs::new),
            settings,
            faults: VecDeque::new(),
            gates: VecDeque::new(),
            span: None,
            report: ServerReport::default(),
            calls: Vec::new(),
        }
    }

    pub(super) fn handle(
        &mut self,
        mut request: RecordedRequest,
        now: Duration,
        wall: SystemTime,
    ) -> Handled {
        request.at = now;
        self.report.requests += 1;
        let fault = self.next_fault();
        let mut spent_token = None;
        let response = if fault.lets_through() {
            if revoking::is_about(&request) {
                let response = self.answer_revocation(&request, now, wall);
                self.with_nonce(response)
            } else {
                let decision = self.judge(&request, now, wall, &mut spent_token);
                self.count(&decision);
                let response = self.word(&decision, &request);
                self.with_nonce(response)
            }
        } else {
            self.report.faults_before += 1;
            CannedResponse::status(503)
        };
        if let (Some(spent_token), false) = (spent_token, fault.delivers_response()) {
            self.settle(spent_token, false);
        }
        let call = self.calls.len();
        self.calls.push(RecordedCall {
            request,
            state: CallState::UnderWay,
            ended: None,
            step: None,
        });
        Handled { call, fault, response, spent_token, gate: self.gates.pop_front() }
    }

    /// Notes whether the response has arrived.
    pub(super) fn settle(&mut self, spent_token: TokenId, arrived: bool) {
        if !arrived {
            self.report.lost_responses += 1;
        }
        self.ledger.settle(spent_token, arrived);
    }

    pub(super) fn log_in(&mut self, subject: String, now: Duration) -> (String, String, Duration) {
        let family = self.ledger.found(subject, now);
        let lifetime = self.settings.access_lifetime;
        let access = self.ledger.issue_access(family, now, lifetime, false);
        (access, self.ledger.current(family).to_owned(), lifetime)
    }

    pub(super) fn fail_next(&mut self, faults: impl IntoIterator<Item = Fault>) {
        self.faults.extend(faults);
    }

    pub(super) fn hold_next(&mut self, gate: Gate) {
        self.gates.push_back(gate);
    }

    pub(super) fn revoke(&mut self, subject: &str, at: Duration) {
        for family in self.ledger.families_of(subject) {
            self.revoke_family(family, at, RevokedBecause::ByHand);
        }
    }

    pub(super) fn revoke_access(&mut self, access: &str) {
        self.ledger.revoke_access(access);
    }

    pub(super) fn subject_of(&self, access: &str, now: Duration) -> Option<String> {
        self.ledger.subject_of_access(access, now).map(ToOwned::to_owned)
    }

    pub(super) fn is_live(&self, refresh: &str, now: Duration) -> bool {
        self.ledger.find(refresh).is_some_and(|token| {
            self.why_dead(token, now).is_none()
                && (!self.ledger.is_spent(token) || self.is_within_grace(token, now))
        })
    }

    pub(super) fn transcript(&self) -> String {
        let mut secrets = Secrets::default();
        let text = render(&self.calls, &mut secrets, false);
        secrets.scrub(text)
    }

    pub(super) fn explain_replays(&self) -> Option<String> {
        let lines: Vec<_> = self
            .report
            .avoidable_replays()
            .map(|replay| {
                let known = match replay.knowledge {
                    Knowledge::UnderWay => "while the request that spent it was under way",
                    _ => "though its successor had been delivered",
                };
                format!(
                    "  at {} ms: token {} of {}, {known}\n",
                    replay.at.as_millis(),
                    replay.generation,
                    replay.subject,
                )
            })
            .collect();
        (!lines.is_empty()).then(|| {
            format!(
                "a spent refresh token was used again:\n{}\nthe calls:\n{}",
                lines.concat(),
                self.transcript()
            )
        })
    }

    fn next_fault(&mut self) -> Fault {
        if let Some(fault) = self.faults.pop_front() {
            return fault;
        }
        let chance = &mut self.chance;
        let struck = self
            .settings
            .at_random
            .iter()
            .find(|(_, percent)| chance.next() % 100 < u64::from(*percent));
        struck.map_or(Fault::None, |(fault, _)| *fault)
    }

    fn judge(
        &mut self,
        request: &RecordedRequest,
        now: Duration,
        wall: SystemTime,
        spent_token: &mut Option<TokenId>,
    ) -> ModelDecision {
        if let Some(wait) = self.throttles(now) {
            return ModelDecision::Throttled(wait);
        }
        if request.format() != Some(self.settings.format) {
            return ModelDecision::InvalidRequest("the body has the wrong content type");
        }
        // These two may be (RFC 8693 section 2.1, RFC 8707 section 2).
        let may_be_repeated = |name: &str| matches!(name, "resource" | "audience");
        let names = request.params().map(|(name, _)| name);
        let mut names: Vec<_> = names.filter(|name| !may_be_repeated(name)).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return ModelDecision::InvalidRequest("a parameter is repeated");
        }
        if let Err(why) = self.authenticate(request, wall) {
            return ModelDecision::InvalidClient(why);
        }
        let key = match self.prove(request, wall) {
            Ok(key) => key,
            Err(decision) => {
                self.spend_before_asking(&decision, request, now, spent_token);
                return decision;
            }
        };
        let decision = match request.param("grant_type") {
            Some("refresh_token") => match request.param("refresh_token") {
                Some(token) => match self.bind(token, key.as_deref(), now) {
                    Some(decision) => decision,
                    None => self.refresh(token, request.param("scope"), now, spent_token),
                },
                None => ModelDecision::InvalidRequest("refresh_token is missing"),
            },
            Some("client_credentials" | JWT_BEARER | TOKEN_EXCHANGE) => {
                if !Self::has_its_assertion(request) {
                    return ModelDecision::InvalidRequest("the grant is missing");
                }
                let lifetime = self.settings.access_lifetime;
                let subject = self.settings.client.id.clone();
                let access = self.ledger.issue_client_access(subject, now, lifetime);
                ModelDecision::Issued { access, refresh: None, lifetime, scope: None, again: false }
            }
            Some(_) => ModelDecision::UnsupportedGrantType,
            None => ModelDecision::InvalidRequest("grant_type is missing"),
        };
        self.bind_access(&decision, key.as_deref());
        decision
    }

    fn throttles(&mut self, now: Duration) -> Option<Duration> {
        let (limit, per) = self.settings.rate_limit?;
        let (began, count) =
            self.span.filter(|(began, _)| now.saturating_sub(*began) < per).unwrap_or((now, 0));
        self.span = Some((began, count.saturating_add(1)));
        (count >= limit).then(|| per.saturating_sub(now.saturating_sub(began)))
    }

    fn refresh(
        &mut self,
        token: &str,
        scope: Option<&str>,
        now: Duration,
        spent_token: &mut Option<TokenId>,
    ) -> ModelDecision {
        let Some(token) = self.ledger.find(token) else {
            return ModelDecision::Unknown;
        };
        let spent = self.ledger.is_spent(token);
        let forgiven = spent && self.is_within_grace(token, now);
        let dead = self.why_dead(token, now);
        if spent {
            let replay = self.ledger.replay(token, now, forgiven && dead.is_none());
            self.report.replays.push(replay);
        }
        if let Some(dead) = dead {
            return dead;
        }
        let granted = self.settings.scope.as_deref().unwrap_or_default();
        if let Some(asked) = scope {
            let granted: Vec<_> = granted.split(' ').collect();
            if !asked.split(' ').all(|name| granted.contains(&name)) {
                return ModelDecision::InvalidScope;
            }
        }
        if spent && !forgiven {
            if self.settings.reuse_detection {
                self.revoke_family(token.family, now, RevokedBecause::Reuse);
            }
            return ModelDecision::Reused;
        }
        let scope = scope.map(ToOwned::to_owned).or_else(|| self.settings.scope.clone());
        let lifetime = self.settings.access_lifetime;
        let rotates = self.settings.rotation != Rotation::Off;
        if rotates {
            *spent_token = Some(token);
        }
        if let Some(SpentHow { access, left, successor }) = self.ledger.repeat(token, now) {
            return ModelDecision::Issued {
                access,
                refresh: Some(successor),
                lifetime: left,
                scope,
                again: true,
            };
        }
        let access =
            self.ledger.issue_access(token.family, now, lifetime, self.settings.revoke_old_access);
        let refresh = if rotates {
            Some(self.ledger.rotate(token, now, access.clone()))
        } else {
            self.ledger.touch(token, now);
            None
        };
        ModelDecision::Issued { access, refresh, lifetime, scope, again: false }
    }

    fn is_within_grace(&self, token: TokenId, now: Duration) -> bool {
        let Rotation::WithGrace(grace) = self.settings.rotation else { return false };
        self.ledger.can_repeat(token) && now.saturating_sub(self.ledger.spent_at(token)) < grace
    }

    fn why_dead(&self, token: TokenId, now: Duration) -> Option<ModelDecision> {
        if self.ledger.is_token_revoked(token) {
            return Some(ModelDecision::Revoked);
        }
        let over = |limit: Option<Duration>, age: Duration| limit.is_some_and(|limit| age >= limit);
        let expired = over(self.settings.absolute_limit, self.ledger.family_age(token, now))
            || over(self.settings.idle_limit, self.ledger.idle(token, now));
        expired.then_some(ModelDecision::Expired)
    }

    fn revoke_family(&mut self, family: usize, at: Duration, because: RevokedBecause) {
        if let Some(subject) = self.ledger.revoke(family) {
            self.report.revocations.push(Revocation { at, subject, because });
        }
    }

    fn count(&mut self, decision: &ModelDecision) {
        let counter = match decision {
            ModelDecision::Issued { again: false, .. } => &mut self.report.issued,
            ModelDecision::Issued { again: true, .. } => &mut self.report.repeats,
            ModelDecision::Throttled(_) => &mut self.report.throttled,
            ModelDecision::Unknown
            | ModelDecision::Expired
            | ModelDecision::Revoked
            | ModelDecision::Reused
            | ModelDecision::OtherKey => &mut self.report.rejected,
            ModelDecision::InvalidClient(_)
            | ModelDecision::InvalidScope
            | ModelDecision::UnsupportedGrantType
            | ModelDecision::InvalidRequest(_)
            | ModelDecision::InvalidDpopProof(_) => &mut self.report.refused,
            ModelDecision::UseDpopNonce => &mut self.report.nonces_demanded,
        };
        *counter += 1;
    }
}
