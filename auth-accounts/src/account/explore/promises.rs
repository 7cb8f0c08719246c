//! What has to hold of every step, and at the end.

use auth_core::FailureKind;

use super::{
    desk::{Call, Given, LIFETIME, Operation, Pair, wall},
    process::{At, Ended},
    search::Search,
    state::{Bounds, How, PROCESSES, State, TICK},
    world::Rotation,
};
use crate::store::Record;

impl Search {
    /// Nothing is sent that need not be, nor unnoted.
    pub(super) fn check_attempt(&self, state: &State, pair: Pair) -> Result<(), String> {
        if state.server.is_avoidable(pair) {
            return Err("a spent refresh token is used again, though its successor is known".into());
        }
        let Some((record, _)) = state.store.record else { return Ok(()) };
        let record = self.places.record(record);
        if Pair::of(&record) != pair {
            return Ok(());
        }
        let noted = record.note.as_ref().map(|note| note.refresh_token);
        if noted.is_none() || noted != record.fingerprint() {
            return Err("an attempt that is not on record".into());
        }
        match &record.setback {
            Some(setback) if setback.retry_at.is_none_or(|at| at > wall(state.now)) => {
                Err("an attempt in spite of a setback".into())
            }
            _ => Ok(()),
        }
    }

    /// No record is lost, and no good token put down as refused.
    pub(super) fn check_save(&self, state: &State, new: &Record) -> Result<(), String> {
        let (old, _) = state.store.record.ok_or("there is a record")?;
        let (old, pair) = (Pair::of(&self.places.record(old)), Pair::of(new));
        if (pair.login, pair.number) < (old.login, old.number) {
            return Err(format!("the record goes back from {old:?} to {pair:?}"));
        }
        if let Some(setback) = &new.setback {
            if Some(setback.refresh_token) != new.fingerprint() {
                return Err("a setback of another refresh token goes on record".into());
            }
            let refused = setback.kind == FailureKind::Rejected;
            if refused && state.server.would_grant(pair, state.now) {
                return Err("a refresh token that is good goes on record as refused".into());
            }
        }
        Ok(())
    }

    /// What callers get is good, or said not to be, and nobody is sent to log in
    /// for nothing.
    pub(super) fn check_ended(
        &self,
        state: &State,
        ended: &Ended,
        heard: bool,
    ) -> Result<(), String> {
        match ended {
            Ended::Token { pair, says_unsaved } => {
                if state.server.is_accepted(*pair, state.now) == Some(false) {
                    return Err("a token that has expired is handed out".into());
                }
                if !says_unsaved && !state.server.was_stored(*pair) {
                    return Err("a token is handed out that is not on record".into());
                }
            }
            Ended::LogIn { possibly_spent } => {
                if self.rotation == Rotation::Grace {
                    return Err("a logout that the server would have forgiven".into());
                }
                if !state.lost {
                    return Err("a logout for nothing".into());
                }
                // Unless the store did not tell, it was decided upon in this very
                // moment.
                let (record, _) = state.store.record.ok_or("there is a record")?;
                let pair = Pair::of(&self.places.record(record));
                if heard && state.server.would_grant(pair, state.now) {
                    return Err("a logout though the record holds a good token".into());
                }
                if !possibly_spent {
                    return Err("a logout that nobody explains".into());
                }
            }
            Ended::Error | Ended::Unheard => {}
        }
        Ok(())
    }

    /// Nobody is calling: from here on all comes to a good end by itself.
    pub(super) fn check_end(&mut self, number: usize, state: &State) {
        let mut state = state.clone();
        let mut trail = Vec::new();
        if let Err(wrong) = self.try_end(&mut state, &mut trail) {
            self.fail(number, None, &format!("{wrong}, at the end: {trail:?}\n{state:?}"));
        }
    }

    fn try_end(&mut self, state: &mut State, trail: &mut Vec<Ended>) -> Result<(), String> {
        state.left = Bounds { ends: 0, network: 0, store: 0, ticks: 0, calls: 0 };
        // Twice, for what one holds another may wait for.
        for _ in 0..2 {
            state.now += TICK;
            self.call_each(state, trail)?;
        }
        if state.store.holder.is_some() {
            return Err("a lease stays".into());
        }
        let (record, _) = state.store.record.ok_or("the record is gone")?;
        let pair = Pair::of(&self.places.record(record));
        if state.logged_in && pair.login != 1 {
            return Err("a login is lost".into());
        }
        state.now += 2 * LIFETIME;
        trail.clear();
        self.call_each(state, trail)?;
        let served = |ended: &Ended| matches!(ended, Ended::Token { .. });
        if !trail.iter().all(served) && (!state.lost || self.rotation == Rotation::Grace) {
            return Err("somebody gets no token".into());
        }
        Ok(())
    }

    /// Both call, one after the other.
    fn call_each(&mut self, state: &mut State, trail: &mut Vec<Ended>) -> Result<(), String> {
        for process in 0..PROCESSES {
            state.processes[process].first = Call::Token;
            self.give(state, process, Given::Call(Call::Token))?;
            while !self.is_idle(&state.processes[process]) {
                let waits = self.operation(state, process) == Operation::Lease;
                let in_vain = waits && state.store.holder.is_some();
                self.go(state, process, if in_vain { &How::InVain } else { &How::Well })?;
            }
            if let At::Idle(ended) = &self.places.about(state.processes[process].place).at {
                trail.push(ended.clone());
            }
        }
        Ok(())
    }
}
