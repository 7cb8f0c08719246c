//! What is done to the workers and to their store, and when.

use fastrand::Rng;

use super::{
    book::{SharedBook, lock},
    messages::{Order, Setup, Time, Who},
    options::Options,
    processes::{Place, Worker},
};

/// What happens at some time.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Event {
    Kill,
    Start { worker: usize },
    Stop,
    GoOn { who: Who },
    DiskFull,
    DiskFree,
    ReadOnly,
    Writable,
    DeleteLease,
    DeleteLock,
    SetClock,
}

impl Event {
    /// Those that come again and again, and how often.
    fn recurring(options: &Options) -> [(Self, f64); 7] {
        [
            (Self::Kill, options.kill),
            (Self::Stop, options.stop),
            (Self::DiskFull, options.full),
            (Self::ReadOnly, options.readonly),
            (Self::DeleteLease, options.lease),
            (Self::DeleteLock, options.lock),
            (Self::SetClock, options.clock),
        ]
    }
}

/// The workers, and what is still to happen to them.
pub(super) struct Torments {
    options: Options,
    place: Place,
    book: SharedBook,
    url: String,
    chance: Rng,
    workers: Vec<Option<Worker>>,
    lives: Vec<u32>,
    due: Vec<(Time, Event)>,
    /// How large files may be while the disk is full.
    full: Option<u64>,
}

impl Torments {
    pub(super) fn new(options: &Options, place: Place, book: &SharedBook, url: &str) -> Self {
        let mut torments = Self {
            options: options.clone(),
            place,
            book: book.clone(),
            url: url.to_owned(),
            chance: Rng::with_seed(options.seed),
            workers: (0..options.processes).map(|_| None).collect(),
            lives: vec![0; options.processes],
            due: Vec::new(),
            full: None,
        };
        for worker in 0..options.processes {
            torments.start(worker);
        }
        for (event, every) in Event::recurring(options) {
            torments.again(event, every);
        }
        torments
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Does what is due, and looks after the workers.
    pub(super) fn tick(&mut self) {
        let now = Time::now();
        while let Some(at) = self.due.iter().position(|(at, _)| *at <= now) {
            let (_, event) = self.due.swap_remove(at);
            self.happens(event);
            let recurring = Event::recurring(&self.options);
            if let Some((_, every)) = recurring.iter().find(|(other, _)| *other == event) {
                self.again(event, *every);
            }
        }
        self.look_after();
    }

    /// Nothing happens any more, and what was done is undone.
    pub(super) fn calm(&mut self) {
        for (_, event) in std::mem::take(&mut self.due) {
            if let Event::Start { .. } | Event::GoOn { .. } = event {
                self.happens(event);
            }
        }
        self.happens(Event::DiskFree);
        self.happens(Event::Writable);
    }

    /// Logs in who must, and notices who has died by itself.
    pub(super) fn look_after(&mut self) {
        for account in 0..self.options.accounts {
            self.log_in(account);
        }
        for worker in 0..self.workers.len() {
            let Some(running) = &mut self.workers[worker] else { continue };
            let mut book = lock(&self.book);
            book.counts.peak_kib = book.counts.peak_kib.max(running.peak_kib());
            if running.has_ended() {
                let who = running.who;
                book.counts.panics += 1;
                book.history.violation("panic", None, &format!("{who} has ended by itself"));
                drop(book);
                self.bury(worker);
                self.start(worker);
            }
        }
    }

    /// Gives the login of an account whose session is over to a worker.
    fn log_in(&mut self, account: usize) {
        let on_disk = self.place.on_disk(account);
        let mut book = lock(&self.book);
        book.sees_disk(account, on_disk.as_deref());
        let of = &book.accounts[account];
        let waits = of.logging_in.is_some_and(|(_, at)| {
            // One who is stopped, or has a full disk, may take long.
            Time::now().seconds_since(at) < self.options.lease_wait * 2.0
        });
        if !of.is_over() || waits {
            return;
        }
        let running: Vec<usize> = (0..self.workers.len())
            .filter(|worker| self.workers[*worker].as_ref().is_some_and(|w| !w.is_stopped))
            .collect();
        let Some(worker) = self.chance.choice(&running) else { return };
        if let Some(worker) = &mut self.workers[*worker] {
            let order = book.log_in(account, worker.who);
            worker.order(&order);
        }
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Kill => self.kill(),
            Event::Start { worker } => self.start(worker),
            Event::Stop => self.stop(),
            Event::GoOn { who } => self.go_on(who),
            Event::DiskFull => {
                // Nothing at all, or half a record.
                let bytes = if self.chance.bool() { 0 } else { self.chance.u64(1..400) };
                self.set_full(Some(bytes));
                self.counts("disk full", &format!("files of {bytes} bytes at most"));
                let lasts = self.lasts(6.0);
                self.later(lasts, Event::DiskFree);
            }
            Event::DiskFree => self.set_full(None),
            Event::ReadOnly => {
                self.place.set_writable(false);
                self.counts("read-only", "the directory is read-only");
                let lasts = self.lasts(6.0);
                self.later(lasts, Event::Writable);
            }
            Event::Writable => {
                self.place.set_writable(true);
                lock(&self.book).history.of_all("the directory is writable");
            }
            Event::DeleteLease => self.delete("lease"),
            Event::DeleteLock => self.delete("lock"),
            Event::SetClock => {
                let off_ms = self.clock_off();
                let Some(at) = self.one_that_runs() else { return };
                if let Some(worker) = &mut self.workers[at] {
                    worker.order(&Order::Clock { off_ms });
                    let who = worker.who;
                    self.counts("clock set", &format!("the clock of {who} is off by {off_ms} ms"));
                }
            }
        }
    }

    fn kill(&mut self) {
        let running: Vec<usize> =
            (0..self.workers.len()).filter(|worker| self.workers[*worker].is_some()).collect();
        let Some(worker) = self.chance.choice(&running).copied() else { return };
        self.bury(worker);
        lock(&self.book).counts.torment("SIGKILL");
        let starts = self.lasts(2.0);
        self.later(starts, Event::Start { worker });
    }

    /// Ends a worker, and notes what was lost with it.
    fn bury(&mut self, worker: usize) {
        let Some(dead) = self.workers[worker].take() else { return };
        let who = dead.who;
        dead.end();
        let on_disk: Vec<Option<String>> =
            (0..self.options.accounts).map(|account| self.place.on_disk(account)).collect();
        lock(&self.book).died(who, &on_disk);
    }

    fn start(&mut self, worker: usize) {
        if self.workers[worker].is_some() {
            return;
        }
        self.lives[worker] += 1;
        let who = Who { worker, life: self.lives[worker] };
        let options = &self.options;
        let ms = |seconds: f64| (seconds * 1000.0) as u64;
        let setup = Setup {
            url: self.url.clone(),
            store: self.place.store(),
            who,
            seed: self.chance.u64(..),
            callers: options.callers,
            accounts: options.accounts,
            clock_off_ms: 0,
            timeout_ms: ms(options.timeout),
            lease_wait_ms: ms(options.lease_wait),
            clock_skew_ms: ms(options.clock_skew),
            pause_ms: options.pause_ms,
        };
        let setup = Setup { clock_off_ms: self.clock_off(), ..setup };
        let off = setup.clock_off_ms;
        lock(&self.book).history.of_all(&format!("{who} starts, its clock off by {off} ms"));
        let started = Worker::start(&self.place, &setup, &self.book);
        started.limit_files(self.full);
        self.workers[worker] = Some(started);
    }

    /// Half of all clocks are right. A quarter is off by what accounts allow for
    /// easily, a quarter by more than that, up to what was set.
    fn clock_off(&mut self) -> i64 {
        let allowed = self.options.clock_skew * 0.3;
        let most = self.options.clock_off;
        if self.options.clock == 0.0 || most == 0.0 {
            return 0;
        }
        let off = match self.chance.u32(0..4) {
            0 => allowed.min(most) * self.chance.f64(),
            1 => most * self.chance.f64(),
            _ => 0.0,
        };
        let ahead = if self.chance.bool() { 1000.0 } else { -1000.0 };
        (off * ahead) as i64
    }

    /// Half of them at most are stopped at the same time. Of three one is stopped
    /// for longer than an attempt may take.
    fn stop(&mut self) {
        let stopped = self.workers.iter().flatten().filter(|worker| worker.is_stopped).count();
        let Some(at) = self.one_that_runs().filter(|_| stopped < self.workers.len().div_ceil(2))
        else {
            return;
        };
        let timeout = self.options.timeout;
        let lasts = match self.chance.u32(0..3) {
            0 => timeout * (1.0 + 1.7 * self.chance.f64()),
            _ => self.lasts(timeout),
        };
        let Some(worker) = &mut self.workers[at] else { return };
        let who = worker.who;
        lock(&self.book).stopped(at);
        worker.stop();
        self.counts("SIGSTOP", &format!("{who} is stopped for {lasts:.1} s"));
        self.later(lasts, Event::GoOn { who });
    }

    fn go_on(&mut self, who: Who) {
        let running = self.workers[who.worker].as_mut().filter(|worker| worker.who == who);
        if let Some(worker) = running {
            worker.go_on();
            let mut book = lock(&self.book);
            book.continued(who.worker);
            book.history.of_all(&format!("{who} goes on"));
        }
    }

    fn one_that_runs(&mut self) -> Option<usize> {
        let running: Vec<usize> = (0..self.workers.len())
            .filter(|worker| self.workers[*worker].as_ref().is_some_and(|w| !w.is_stopped))
            .collect();
        self.chance.choice(&running).copied()
    }

    fn set_full(&mut self, bytes: Option<u64>) {
        self.full = bytes;
        for worker in self.workers.iter().flatten() {
            worker.limit_files(bytes);
        }
        if bytes.is_none() {
            lock(&self.book).history.of_all("the disk has room");
        }
    }

    fn delete(&mut self, ending: &'static str) {
        let account = self.chance.usize(0..self.options.accounts);
        if self.place.delete(account, ending) {
            let mut book = lock(&self.book);
            book.counts.torment(if ending == "lease" { "lease deleted" } else { "lock deleted" });
            book.history.of(account, &format!("its .{ending} file is deleted"));
        }
    }

    fn counts(&self, name: &'static str, words: &str) {
        let mut book = lock(&self.book);
        book.counts.torment(name);
        book.history.of_all(words);
    }

    /// Between a thirtieth of this and all of it.
    fn lasts(&mut self, most: f64) -> f64 {
        most * (0.03 + 0.97 * self.chance.f64())
    }

    fn later(&mut self, seconds: f64, event: Event) {
        self.due.push((Time::now().plus(seconds), event));
    }

    /// Between half and one and a half times as long from now as it comes on
    /// average.
    fn again(&mut self, event: Event, every: f64) {
        if every > 0.0 {
            let seconds = every * (0.5 + self.chance.f64());
            self.later(seconds, event);
        }
    }

    /// Has all workers close their accounts and end, and returns how many did not
    /// within this many seconds.
    pub(super) fn finish(&mut self, within: f64) -> usize {
        for worker in self.workers.iter_mut().flatten() {
            worker.order(&Order::End);
        }
        let until = Time::now().plus(within);
        let mut left = 0;
        for mut worker in self.workers.drain(..).flatten() {
            while !worker.has_ended() && Time::now() < until {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            left += usize::from(!worker.has_ended());
            worker.end();
        }
        left
    }
}
