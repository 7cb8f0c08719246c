//! Processes that share accounts, and everything that can happen to them at once.
//!
//! Two halves: this process is the authorization server, plays the faults, and
//! torments its workers ([`torments`]); a worker is a process with callers of both
//! worlds ([`worker`]). What could be known of each token is kept where the
//! responses pass ([`ledger`]), and judged there ([`book`]). So neither the library
//! nor the model of the server is believed.

mod book;
mod clock;
mod counts;
mod fault;
mod history;
mod ledger;
mod messages;
mod options;
mod processes;
mod server;
mod torments;
mod worker;

use std::{
    process::ExitCode,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use auth_core::RefreshToken;

use self::{
    book::{Book, SharedBook, lock},
    messages::Time,
    processes::Place,
    torments::Torments,
};
pub(crate) use self::{counts::Counts, options::Options, worker::run as work};

const TICK: Duration = Duration::from_millis(20);

/// How long the workers go on undisturbed at the end, in seconds, so that what
/// can still be saved is.
const CALM: f64 = 6.0;

/// More than a worker takes to end, in seconds.
const ENDS_WITHIN: f64 = 40.0;

/// `e2e/run torture`.
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    let options = match Options::parse(arguments) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let (counts, evidence) = run(&options, |words| println!("{words}"));
    println!("\n{}", counts.table(&options));
    let missed = counts.missed(options.longest);
    if missed.is_empty() {
        println!("all targets hold");
        return ExitCode::SUCCESS;
    }
    println!("{evidence}\n\nmissed: {}", missed.join("; "));
    ExitCode::FAILURE
}

/// A run, its numbers, and the evidence of what must not be.
pub(crate) fn run(options: &Options, say: impl Fn(&str)) -> (Counts, String) {
    let place = Place::new();
    say(&format!("torture {options}"));
    say(place.user());
    let book: SharedBook = Arc::new(Mutex::new(Book::new(options)));
    let server = server::start(&book);
    let mut torments = Torments::new(options, place, &book, server.url());

    let ends = Time::now().plus(options.duration().as_secs_f64());
    let mut says = Time::now().plus(60.0);
    while Time::now() < ends {
        torments.tick();
        if Time::now() >= says {
            says = says.plus(60.0);
            let book = lock(&book);
            let minutes = Time::now().seconds_since(book.history.started()) / 60.0;
            let missed = book.counts.missed(options.longest).join("; ");
            say(&format!("{minutes:.0} min: {}  {missed}", book.counts));
        }
        thread::sleep(TICK);
    }
    lock(&book).calm = true;
    lock(&book).history.of_all("calm");
    torments.calm();
    let ends = Time::now().plus(CALM);
    while Time::now() < ends {
        torments.look_after();
        thread::sleep(TICK);
    }
    let left = torments.finish(ENDS_WITHIN);
    let mut book = lock(&book);
    if left > 0 {
        let words = format!("{left} workers did not end within {ENDS_WITHIN} s");
        book.counts.panics += left as u64;
        book.history.violation("panic", None, &words);
    }
    judge_the_store(&mut book, torments.place());
    let evidence = book.history.evidence();
    (std::mem::take(&mut book.counts), evidence)
}

/// What the disk has in the end: of each account the token that its server would
/// trade, unless the session is over.
fn judge_the_store(book: &mut Book, place: &Place) {
    for account in 0..book.options.accounts {
        let on_disk = place.on_disk(account);
        let of = &book.accounts[account];
        let lives = |token: &String| of.server.is_live(&RefreshToken::new(token));
        if of.is_over() || on_disk.as_ref().is_some_and(lives) {
            continue;
        }
        let name = on_disk.as_deref().map(|token| book.ledger.name(token));
        let words = match name {
            None => "there is no record that can be read".to_owned(),
            Some(None) => "the record has a token that was never given".to_owned(),
            Some(Some(name)) => format!("the record has {name}, which nobody would trade"),
        };
        book.counts.lost_records += 1;
        book.history.violation("lost record", Some(account), &words);
    }
    for name in place.file_names() {
        let kind = match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
            "json" => "records",
            "lock" => "locks",
            "lease" => "leases",
            _ => "others",
        };
        *book.counts.files.entry(kind).or_default() += 1;
    }
}
