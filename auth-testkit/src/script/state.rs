//! Which outcome a call gets, and what is wrong with the calls.

use std::{collections::VecDeque, fmt::Write as _, panic::Location};

use crate::{
    CallOutcome, Expect, RecordedRequest,
    call_outcome::Content,
    transcript::{CallState, RecordedCall, Secrets, describe_response, render},
};

/// Which calls an outcome is for.
#[derive(Clone)]
pub(super) enum When {
    Next(Option<Expect>),
    Once(Expect),
    Always(Expect),
}

#[derive(Clone)]
struct Step {
    number: usize,
    when: When,
    outcome: CallOutcome,
    location: &'static Location<'static>,
}

pub(super) struct State {
    made_at: &'static Location<'static>,
    /// Given one after the other.
    in_order: VecDeque<Step>,
    /// Given when asked for.
    on_request: Vec<Step>,
    scripted: usize,
    pub(super) calls: Vec<RecordedCall>,
    /// The first thing that went wrong.
    failure: Option<String>,
    finished: bool,
}

impl State {
    pub(super) fn new(made_at: &'static Location<'static>) -> Self {
        Self {
            made_at,
            in_order: VecDeque::new(),
            on_request: Vec::new(),
            scripted: 0,
            calls: Vec::new(),
            failure: None,
            finished: false,
        }
    }

    pub(super) fn add(
        &mut self,
        when: When,
        outcome: CallOutcome,
        location: &'static Location<'static>,
    ) {
        self.scripted += 1;
        let step = Step { number: self.scripted, when, outcome, location };
        match step.when {
            When::Next(_) => self.in_order.push_back(step),
            When::Once(_) | When::Always(_) => self.on_request.push(step),
        }
    }

    /// The call's number and its outcome; or why the test has failed.
    pub(super) fn receive(
        &mut self,
        request: RecordedRequest,
    ) -> Result<(usize, RecordedRequest, CallOutcome), String> {
        let chosen = self.choose(&request);
        let call = self.calls.len();
        self.calls.push(RecordedCall {
            request: request.clone(),
            state: CallState::UnderWay,
            ended: None,
            step: chosen.as_ref().ok().map(|step| (step.number, step.location)),
        });
        match chosen {
            Ok(step) => Ok((call, request, step.outcome)),
            Err(mismatch) => {
                self.calls[call].state = CallState::Unexpected;
                let message = match mismatch {
                    None => self.explain(
                        &format!("call {} was not expected", call + 1),
                        Some((calls(self.scripted_calls()), "one more".to_owned())),
                    ),
                    Some(step) => self.explain_mismatch(&step),
                };
                self.failure.get_or_insert_with(|| message.clone());
                Err(message)
            }
        }
    }

    /// The step for the request; otherwise the one that the request does not fit,
    /// if there is one.
    fn choose(&mut self, request: &RecordedRequest) -> Result<Step, Option<Box<Step>>> {
        let fits = |step: &Step| match &step.when {
            When::Next(expect) => expect.as_ref().is_none_or(|expect| expect.holds(request)),
            When::Once(expect) | When::Always(expect) => expect.holds(request),
        };
        if let Some(at) = self.on_request.iter().position(fits) {
            return Ok(match self.on_request[at].when {
                When::Always(_) => self.on_request[at].clone(),
                _ => self.on_request.remove(at),
            });
        }
        match self.in_order.pop_front() {
            Some(step) if fits(&step) => Ok(step),
            other => Err(other.map(Box::new)),
        }
    }

    fn scripted_calls(&self) -> usize {
        self.calls.iter().filter(|entry| entry.step.is_some()).count()
    }

    pub(super) fn transcript(&self) -> String {
        let mut secrets = Secrets::default();
        let text = render(&self.calls, &mut secrets, false);
        secrets.scrub(text)
    }

    pub(super) fn finish(&mut self) -> Option<String> {
        self.finished = true;
        self.problem()
    }

    pub(super) fn drop_check(&self) -> Option<String> {
        if self.finished { None } else { self.problem() }
    }

    fn problem(&self) -> Option<String> {
        self.failure.clone().or_else(|| self.explain_left_over())
    }

    fn left_over(&self) -> impl Iterator<Item = &Step> {
        let wanted = self.on_request.iter().filter(|step| matches!(step.when, When::Once(_)));
        self.in_order.iter().chain(wanted)
    }

    fn explain_left_over(&self) -> Option<String> {
        let count = self.left_over().count();
        if count == 0 {
            return None;
        }
        let done = self.scripted_calls();
        let what = if count == 1 { "a step was" } else { "steps were" };
        Some(self.explain(
            &format!("{what} left over"),
            Some((calls(done + count), calls(self.calls.len()))),
        ))
    }

    fn explain_mismatch(&self, step: &Step) -> String {
        let headline = format!(
            "call {} does not meet the conditions of step {} ({})",
            self.calls.len(),
            step.number,
            step.location
        );
        self.explain_with(&headline, |secrets| {
            let (When::Next(Some(expect)), Some(entry)) = (&step.when, self.calls.last()) else {
                return None;
            };
            let differences = expect.differences(&entry.request, secrets);
            let (expected, actual): (Vec<_>, Vec<_>) = differences.into_iter().unzip();
            Some((expected.join(", "), actual.join(", ")))
        })
    }

    /// The message of a failed test.
    pub(super) fn explain(&self, headline: &str, versus: Option<(String, String)>) -> String {
        self.explain_with(headline, |_| versus)
    }

    fn explain_with(
        &self,
        headline: &str,
        versus: impl FnOnce(&mut Secrets) -> Option<(String, String)>,
    ) -> String {
        let mut secrets = Secrets::default();
        let calls = render(&self.calls, &mut secrets, true);
        let mut text =
            format!("{headline}\n\nthe calls (script made at {}):\n{calls}", self.made_at);
        let mut left_over: Vec<_> = self.left_over().collect();
        left_over.sort_by_key(|step| step.number);
        if !left_over.is_empty() {
            text.push_str("left over:\n");
        }
        for step in left_over {
            let _ = write!(text, "     step {} ({}): ", step.number, step.location);
            text.push_str(&describe_outcome(&step.outcome, &mut secrets));
            if let When::Once(expect) | When::Next(Some(expect)) = &step.when {
                let _ = write!(text, ", for {}", expect.describe(&mut secrets));
            }
            text.push('\n');
        }
        if let Some((expected, actual)) = versus(&mut secrets) {
            let _ = write!(text, "\nexpected: {expected}\n  actual: {actual}\n");
        }
        secrets.scrub(text)
    }
}

fn calls(count: usize) -> String {
    if count == 1 { "1 call".to_owned() } else { format!("{count} calls") }
}

fn describe_outcome(outcome: &CallOutcome, secrets: &mut Secrets) -> String {
    match &outcome.content {
        Content::Response(response) => describe_response(&response.build(), secrets),
        Content::Failure(error) => error.to_string(),
        Content::Never => "never comes".to_owned(),
        Content::Computed(_) => "computed from the request".to_owned(),
    }
}
