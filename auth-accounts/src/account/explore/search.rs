//! The search.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::{
    desk::{Call, Given, LIFETIME, Operation, Pair, Received, wall},
    process::{At, Ended, Places},
    state::{Bounds, Event, FAULTS, Fault, How, PROCESSES, Process, State, TICK},
    world::{Rotation, Server, Store},
};
use crate::{StoreErrorKind, store::Record};

pub(super) struct Search {
    pub(super) places: Places,
    pub(super) rotation: Rotation,
    /// The states that were seen, each with the one before and what happened.
    seen: Vec<(usize, Option<Event>)>,
    known: HashMap<State, usize>,
    ends: usize,
}

pub(super) fn explore(name: &str, rotation: Rotation, first: [Call; PROCESSES], left: Bounds) {
    let started = Instant::now();
    let mut search = Search {
        places: Places::new(),
        rotation,
        seen: Vec::new(),
        known: HashMap::new(),
        ends: 0,
    };
    search.run(first, left);
    println!(
        "{name}: {} states, {} of them without a call under way, {} states of a process, {:.1} s",
        search.seen.len(),
        search.ends,
        search.places.count(),
        started.elapsed().as_secs_f64(),
    );
}

impl Search {
    fn run(&mut self, first: [Call; PROCESSES], left: Bounds) {
        let mut server = Server::new(self.rotation, [5, LIFETIME]);
        let old = Pair { login: 0, number: 0 };
        server.stored(old);
        // Obtained an hour before it expires, by a login.
        let obtained = wall(5) - Duration::from_secs(LIFETIME.into());
        let record = Record::logged_in(old.tokens(wall(5)), obtained);
        let mut store = Store { record: None, holder: None };
        store.put(self.places.add_record(&record));
        let start = State {
            now: 0,
            server,
            store,
            processes: first.map(|first| Process {
                place: Places::START,
                calls: left.calls,
                first,
                unread: false,
            }),
            left,
            lost: false,
            logged_in: false,
        };
        self.known.insert(start.clone(), 0);
        self.seen.push((0, None));
        let mut open = vec![(0, start)];
        while let Some((number, state)) = open.pop() {
            let events = self.events(&state);
            if self.all_idle(&state) {
                self.ends += 1;
                self.check_end(number, &state);
            } else {
                let goes_on = events.iter().any(|event| matches!(event, Event::Goes(..)));
                self.check(number, goes_on, "nobody can go on");
            }
            for event in events {
                let mut next = state.clone();
                if let Err(wrong) = self.happen(&mut next, &event) {
                    self.fail(number, Some(&event), &wrong);
                }
                if !self.known.contains_key(&next) {
                    let found = self.seen.len();
                    self.known.insert(next.clone(), found);
                    self.seen.push((number, Some(event)));
                    open.push((found, next));
                }
            }
        }
    }

    fn all_idle(&self, state: &State) -> bool {
        state.processes.iter().all(|process| self.is_idle(process))
    }

    pub(super) fn is_idle(&self, process: &Process) -> bool {
        matches!(self.places.about(process.place).at, At::Idle(_))
    }

    /// All that may happen next.
    fn events(&self, state: &State) -> Vec<Event> {
        let mut events = Vec::new();
        if state.left.ticks > 0 && self.all_idle(state) {
            events.push(Event::Tick);
        }
        for (number, process) in state.processes.iter().enumerate() {
            let mut goes = |how| events.push(Event::Goes(number, how));
            let (network, store) = (state.left.network > 0, state.left.store > 0);
            let mut takes_effect = false;
            match &self.places.about(process.place).at {
                At::Idle(_) if process.calls > 0 => goes(How::Well),
                At::Idle(_) => {}
                At::Waits(Operation::Sleep) => goes(How::Well),
                At::Waits(Operation::Load) => {
                    goes(How::Well);
                    if store {
                        goes(How::Store(StoreErrorKind::Io));
                    }
                }
                At::Waits(Operation::Lease) => {
                    match state.store.holder {
                        None => goes(How::Well),
                        Some(holder) if self.is_idle(&state.processes[holder]) => {
                            goes(How::InVain);
                        }
                        Some(_) => {}
                    }
                    if store {
                        goes(How::Store(StoreErrorKind::Unavailable));
                        goes(How::Store(StoreErrorKind::LeaseTimeout));
                    }
                }
                At::Waits(Operation::Save { expected, .. }) => {
                    takes_effect = state.store.is_expected(*expected);
                    goes(How::Well);
                    if store {
                        goes(How::Store(StoreErrorKind::Full));
                        if takes_effect {
                            goes(How::SavedAndFailed);
                        }
                    }
                }
                At::Waits(Operation::Send(_)) => {
                    takes_effect = true;
                    goes(How::Well);
                    if network {
                        FAULTS.iter().for_each(|fault| goes(How::Network(*fault)));
                    }
                }
            }
            if state.left.ends > 0 && process.place != Places::START {
                for after in [false, true].into_iter().filter(|after| takes_effect || !after) {
                    events.push(Event::Crashes { process: number, after });
                    if !self.is_idle(process) {
                        events.push(Event::Drops { process: number, after });
                    }
                }
            }
        }
        events
    }

    fn happen(&mut self, state: &mut State, event: &Event) -> Result<(), String> {
        match event {
            Event::Tick => {
                state.left.ticks -= 1;
                state.now += TICK;
            }
            Event::Drops { process, after } => {
                self.end(state, *process, *after)?;
                self.give(state, *process, Given::Dropped)?;
            }
            Event::Crashes { process, after } => {
                self.end(state, *process, *after)?;
                state.processes[*process].place = Places::START;
                state.lost |= state.server.died(*process);
                state.logged_in &= state.server.was_stored(Pair { login: 1, number: 0 });
                state.processes[*process].unread = false;
                if state.store.holder == Some(*process) {
                    state.store.holder = None;
                }
            }
            Event::Goes(process, how) => self.go(state, *process, how)?,
        }
        Ok(())
    }

    /// What a process waits for comes too late to be heard of.
    fn end(&mut self, state: &mut State, process: usize, after: bool) -> Result<(), String> {
        state.left.ends -= 1;
        if after {
            let operation = self.operation(state, process);
            let effect = self.take_effect(state, process, &operation)?;
            state.lost |= matches!(effect, Given::Received(Received::Tokens(..)));
        }
        Ok(())
    }

    pub(super) fn operation(&self, state: &State, process: usize) -> Operation {
        match &self.places.about(state.processes[process].place).at {
            At::Waits(operation) => operation.clone(),
            At::Idle(_) => panic!("it waits for nothing"),
        }
    }

    pub(super) fn go(
        &mut self,
        state: &mut State,
        process: usize,
        how: &How,
    ) -> Result<(), String> {
        if self.is_idle(&state.processes[process]) {
            let Process { calls, first, .. } = &mut state.processes[process];
            *calls -= 1;
            let call = std::mem::replace(first, Call::Token);
            return self.give(state, process, Given::Call(call));
        }
        let operation = self.operation(state, process);
        match operation {
            Operation::Load => state.processes[process].unread = false,
            Operation::Send(_) if state.processes[process].unread => {
                return Err("a retry without another look at the store".into());
            }
            _ => {}
        }
        let given = match how {
            How::Well => self.take_effect(state, process, &operation)?,
            How::InVain => Given::Failed(StoreErrorKind::LeaseTimeout),
            How::Store(kind) => {
                state.left.store -= 1;
                Given::Failed(*kind)
            }
            How::SavedAndFailed => {
                state.left.store -= 1;
                self.take_effect(state, process, &operation)?;
                Given::Failed(StoreErrorKind::Io)
            }
            How::Network(fault) => {
                let Operation::Send(pair) = operation else { panic!("it sends nothing") };
                state.left.network -= 1;
                Given::Received(self.meet(state, pair, *fault)?)
            }
        };
        match given {
            Given::Received(Received::Tokens(pair, _)) => state.server.told(pair, process),
            Given::Received(Received::Reset | Received::Half | Received::Status(500..)) => {
                state.processes[process].unread = true;
            }
            _ => {}
        }
        self.give(state, process, given)
    }

    /// An attempt meets with a fault of the network.
    fn meet(&self, state: &mut State, pair: Pair, fault: Fault) -> Result<Received, String> {
        self.check_attempt(state, pair)?;
        let (is_after, received) = match fault {
            Fault::NotSent => (false, Received::NotSent),
            Fault::LostBefore => (false, Received::Reset),
            Fault::StatusBefore(status) => (false, Received::Status(status)),
            Fault::LostAfter => (true, Received::Reset),
            Fault::HalfAfter => (true, Received::Half),
            Fault::StatusAfter(status) => (true, Received::Status(status)),
        };
        if is_after {
            let response = state.server.refresh(pair, state.now);
            state.lost |= matches!(response, Received::Tokens(..));
        }
        Ok(received)
    }

    /// An operation takes effect; what comes of it.
    fn take_effect(
        &mut self,
        state: &mut State,
        process: usize,
        operation: &Operation,
    ) -> Result<Given, String> {
        Ok(match operation {
            Operation::Sleep => Given::Slept,
            Operation::Load => Given::Loaded(state.store.record),
            Operation::Lease => {
                state.store.holder = Some(process);
                Given::Leased
            }
            Operation::Save { record, expected } => {
                if !state.store.is_expected(*expected) {
                    return Ok(Given::Failed(StoreErrorKind::Conflict));
                }
                let record = *record;
                self.check_save(state, &self.places.record(record))?;
                state.server.stored(Pair::of(&self.places.record(record)));
                Given::Saved(state.store.put(record))
            }
            Operation::Send(pair) => {
                self.check_attempt(state, *pair)?;
                Given::Received(state.server.refresh(*pair, state.now))
            }
        })
    }

    pub(super) fn give(
        &mut self,
        state: &mut State,
        process: usize,
        given: Given,
    ) -> Result<(), String> {
        let fails = |kind: &StoreErrorKind| *kind != StoreErrorKind::Conflict;
        let heard = !matches!(&given, Given::Failed(kind) if fails(kind));
        let place = &mut state.processes[process].place;
        *place = self.places.go(*place, given, state.now);
        let about = self.places.about(*place);
        match (state.store.holder, about.holds_lease) {
            (Some(holder), false) if holder == process => state.store.holder = None,
            (Some(holder), true) if holder != process => return Err("two hold the lease".into()),
            (None, true) => return Err("the lease of nobody is held".into()),
            _ => {}
        }
        if let At::Idle(ended) = &about.at {
            self.check_ended(state, ended, heard)?;
            if matches!(ended, Ended::Token { pair: Pair { login: 1, .. }, .. }) {
                state.logged_in = true;
            }
        }
        Ok(())
    }

    fn check(&self, number: usize, holds: bool, wrong: &str) {
        if !holds {
            self.fail(number, None, wrong);
        }
    }

    /// Fails the test, and tells how it came to it.
    pub(super) fn fail(&self, mut number: usize, event: Option<&Event>, wrong: &str) -> ! {
        let mut story: Vec<_> = event.into_iter().cloned().collect();
        while let (before, Some(event)) = &self.seen[number] {
            story.push(event.clone());
            number = *before;
        }
        let story: String = story.iter().rev().map(|event| format!("  {event:?}\n")).collect();
        panic!("{wrong}\n{story}");
    }
}
