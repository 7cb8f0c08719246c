//! A refresh as a conversation: what it asks for, and what it is told.

mod sending;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use auth_core::{AccessToken, ClaimsChallenge, Now, RefreshToken, TokenEndpoint, TokenSet};

use super::super::{Load, Save, Step, Want, start};
use crate::{
    context::{Context, Refused},
    error::AccountError,
    further::Which,
    lifetime::Ttl,
    outcome::Outcome,
    past::Past,
    record::Record,
    seen::Sights,
    settings::Settings,
    shared::{GrantKind, Shared},
    store::{Lease, Version},
    store_error::{StoreError, StoreErrorKind},
    token::Token,
    unsaved::Unsaved,
};

/// What a save is for, by what the record looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    CatchUp,
    Note,
    RetryNote,
    Tokens,
    Setback,
    TakeBack,
}

/// The conversation with one machine.
pub(crate) struct Scenario {
    pub(super) step: Option<Step>,
    pub(super) now: Now,
    version: u64,
    pub(super) freed: Arc<AtomicBool>,
    /// The last request.
    pub(super) sent: String,
}

/// What a machine starts from.
pub(crate) struct Start {
    pub(crate) now: Now,
    pub(crate) grant: GrantKind,
    pub(crate) cached: Option<Token>,
    pub(crate) refused: Option<AccessToken>,
    pub(crate) memory: Unsaved,
    pub(crate) which: Which,
    /// What the API wants that has refused it.
    pub(crate) claims: Option<ClaimsChallenge>,
    pub(crate) endpoint: TokenEndpoint,
}

impl Start {
    pub(crate) fn new() -> Self {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        Self {
            now: Now { monotonic: Instant::now(), wall },
            grant: GrantKind::RefreshToken,
            cached: None,
            refused: None,
            memory: Unsaved::default(),
            which: Which::Main,
            claims: None,
            endpoint: TokenEndpoint::new("https://auth.example.com/token", "my-client").unwrap(),
        }
    }

    /// A record of a pair of tokens that was obtained for an hour, of which so
    /// many seconds are left.
    pub(crate) fn record(&self, number: u8, left: u64) -> Record {
        let mut tokens = TokenSet::new(AccessToken::new(format!("at-{number}")));
        tokens.refresh_token = Some(RefreshToken::new(format!("rt-{number}")));
        tokens.expires_at = Some(self.now.wall + Duration::from_secs(left));
        Record::obtained(tokens, self.now.wall - Duration::from_secs(3600 - left))
    }

    pub(crate) fn context(self) -> (Context, Unsaved, Now) {
        let Self { now, grant, cached, refused, memory, which, claims, endpoint } = self;
        let settings = Settings::default().seed(1);
        let shared = Shared::of_a_test(endpoint, grant, settings);
        let refused = refused.map(|token| Refused { token, at: now.wall, claims });
        let context = Context {
            shared: Arc::new(shared),
            account: "ada".into(),
            which,
            cached,
            refused,
            sights: Sights::default(),
            past: Past::default(),
        };
        (context, memory, now)
    }

    /// Begins, wanting a token that lasts as usual.
    pub(crate) fn begin(self) -> Scenario {
        self.wanting(Want::Lasting(Ttl::Usual))
    }

    pub(crate) fn wanting(self, want: Want) -> Scenario {
        let (context, memory, now) = self.context();
        let step = Some(start(context, want, memory));
        Scenario { step, now, version: 1, freed: Arc::default(), sent: String::new() }
    }
}

impl Scenario {
    pub(super) fn take(&mut self) -> Step {
        self.step.take().unwrap()
    }

    pub(super) fn wrong(step: &Step, expected: &str) -> ! {
        panic!("expected {expected}, not {}", name(step))
    }

    /// It reads the record, and finds this.
    #[track_caller]
    pub(crate) fn reads(mut self, record: impl Into<Option<Record>>) -> Self {
        let found = record.into().map(|record| (record, Version::from(self.version)));
        match self.take() {
            Step::Load(state) => {
                let is_prompt = matches!(state, Load::Retry(_));
                assert_eq!(state.patience().as_secs(), if is_prompt { 3 } else { 60 });
                self.step = Some(state.on_loaded(Ok(found), self.now));
            }
            step => Self::wrong(&step, "load"),
        }
        self
    }

    #[track_caller]
    pub(crate) fn cannot_read(mut self) -> Self {
        match self.take() {
            Step::Load(state) => {
                let failed = Err(StoreError::new(StoreErrorKind::Io, "a test"));
                self.step = Some(state.on_loaded(failed, self.now));
            }
            step => Self::wrong(&step, "load"),
        }
        self
    }

    /// It waits for the lease for so many seconds, and gets it.
    #[track_caller]
    pub(crate) fn leases(self, wait: u64) -> Self {
        let guard = Freed(Arc::clone(&self.freed));
        self.lease(wait, Ok(Lease::new(guard)))
    }

    #[track_caller]
    pub(crate) fn cannot_lease(self, wait: u64, kind: StoreErrorKind) -> Self {
        self.lease(wait, Err(StoreError::new(kind, "a test")))
    }

    #[track_caller]
    pub(super) fn lease(mut self, wait: u64, leased: Result<Lease, StoreError>) -> Self {
        match self.take() {
            Step::Lease(asked, state) => {
                assert_eq!(asked, Duration::from_secs(wait));
                self.step = Some(state.on_lease(leased, self.now));
            }
            step => Self::wrong(&step, "lease"),
        }
        self
    }

    /// It saves, over the version that it has read last.
    #[track_caller]
    pub(crate) fn saves(self, what: For) -> Self {
        let next = self.version + 1;
        let mut scenario = self.save(what, Ok(Version::from(next)));
        scenario.version = next;
        scenario
    }

    #[track_caller]
    pub(crate) fn cannot_save(self, what: For) -> Self {
        self.save(what, Err(StoreError::new(StoreErrorKind::Full, "a test")))
    }

    /// Somebody else has saved first.
    #[track_caller]
    pub(crate) fn conflicts(self, what: For) -> Self {
        let version = self.version + 1;
        let mut scenario =
            self.save(what, Err(StoreError::new(StoreErrorKind::Conflict, "a test")));
        scenario.version = version;
        scenario
    }

    #[track_caller]
    fn save(mut self, what: For, saved: Result<Version, StoreError>) -> Self {
        match self.take() {
            Step::Save(state) => {
                let patience = if matches!(state, Save::TakeBack(_)) { 3 } else { 60 };
                assert_eq!(state.patience(Duration::from_secs(60)).as_secs(), patience);
                let is = match state {
                    Save::CatchUp(_) => For::CatchUp,
                    Save::Note(_) => For::Note,
                    Save::RetryNote(_) => For::RetryNote,
                    Save::Tokens(_) => For::Tokens,
                    Save::Setback(_) => For::Setback,
                    Save::TakeBack(_) => For::TakeBack,
                };
                assert_eq!(is, what);
                let record = &state.draft().record;
                let is_note = matches!(what, For::Note | For::RetryNote);
                assert_eq!(record.note.is_some(), is_note, "{record:?}");
                if let Some(note) = &record.note {
                    assert_eq!(Some(note.refresh_token), record.fingerprint());
                    assert_eq!(note.at, self.now.wall);
                }
                match what {
                    For::Setback => {
                        let is_alone = record.further.iter().any(|one| one.setback.is_some());
                        assert!(record.setback.is_some() || is_alone, "{record:?}");
                    }
                    For::Tokens => assert!(record.setback.is_none(), "{record:?}"),
                    For::CatchUp | For::Note | For::RetryNote | For::TakeBack => {}
                }
                self.step = Some(state.on_saved(saved, self.now));
            }
            step => Self::wrong(&step, "save"),
        }
        self
    }

    /// The same, whatever the record looks like.
    #[track_caller]
    pub(crate) fn cannot_save_unchecked(mut self) -> Self {
        match self.take() {
            Step::Save(state) => {
                let failed = Err(StoreError::new(StoreErrorKind::Full, "a test"));
                self.step = Some(state.on_saved(failed, self.now));
            }
            step => Self::wrong(&step, "save"),
        }
        self
    }

    /// What it is about to save.
    #[track_caller]
    pub(crate) fn look(self, look: impl FnOnce(&Record, Option<&Version>)) -> Self {
        match &self.step {
            Some(Step::Save(state)) => {
                let draft = state.draft();
                look(&draft.record, draft.known.version.as_ref());
            }
            step => Self::wrong(step.as_ref().unwrap(), "save"),
        }
        self
    }

    #[track_caller]
    pub(crate) fn sleeps(mut self) -> Self {
        match self.take() {
            Step::Sleep(_, state) => self.step = Some(state.on_wake(self.now)),
            step => Self::wrong(&step, "sleep"),
        }
        self
    }

    /// It is over. The lease, if there was one, is not free yet.
    #[track_caller]
    pub(crate) fn ends(mut self) -> Outcome {
        assert!(!self.freed.load(Ordering::SeqCst), "the lease was freed too early");
        match self.take() {
            Step::Done(outcome) => outcome,
            step => Self::wrong(&step, "the end"),
        }
    }

    /// It ends with the token of this pair, saved.
    #[track_caller]
    pub(crate) fn gives(self, number: u8, is_new: bool) -> Outcome {
        let outcome = self.ends();
        let token = outcome.given();
        assert_eq!(token.access_token().expose(), format!("at-{number}"));
        assert!(token.unsaved().is_none());
        assert!(outcome.unsaved.is_none());
        assert_eq!((outcome.ended.is_new, outcome.ended.is_login), (is_new, false));
        outcome
    }

    /// It ends with the token of this pair, which could not be saved.
    #[track_caller]
    pub(crate) fn gives_unsaved(self, number: u8) -> Outcome {
        let outcome = self.ends();
        assert_eq!(outcome.given().access_token().expose(), format!("at-{number}"));
        assert!(outcome.given().unsaved().is_some());
        outcome
    }

    /// It ends without a token.
    #[track_caller]
    pub(crate) fn fails(self) -> (AccountError, Outcome) {
        let outcome = self.ends();
        assert!(!outcome.ended.is_new);
        (outcome.ended.result.clone().unwrap_err(), outcome)
    }
}

impl Outcome {
    #[track_caller]
    pub(crate) fn given(&self) -> &Token {
        self.ended.result.as_ref().unwrap()
    }
}

struct Freed(Arc<AtomicBool>);

impl Drop for Freed {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn name(step: &Step) -> &'static str {
    match step {
        Step::Load(_) => "load",
        Step::Lease(..) => "lease",
        Step::Save(_) => "save",
        Step::Extend(_) => "extend",
        Step::Prove(..) => "prove",
        Step::Identify(..) => "identify",
        Step::Send(..) => "send",
        Step::StandBy(..) => "stand by",
        Step::Sleep(..) => "sleep",
        Step::Done(_) => "the end",
    }
}
