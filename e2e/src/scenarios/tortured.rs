//! Everything at once, for half a minute: the settings and the seed stay the same.

use crate::{
    tally::Tally,
    torture::{self, Options},
};

/// As the program, but shorter, with less of everything, and more often. Nothing
/// is said of the longest call, which a busy machine decides. Lease files are deleted
/// as seldom as there: if their holder is stopped and then cannot save for longer than
/// `lease_wait`, which is 5 s here, nobody else can know of its tokens.
pub(super) fn for_half_a_minute(tally: &Tally) {
    let options = Options {
        seconds: 20.0,
        seed: 14,
        processes: 4,
        callers: 9,
        accounts: 3,
        kill: 3.0,
        stop: 1.5,
        full: 5.0,
        readonly: 5.0,
        lock: 4.0,
        clock: 6.0,
        fault: 4,
        lifetime: 4.0,
        latency: 0.15,
        longest: f64::INFINITY,
        ..Options::default()
    };
    let (counts, evidence) = torture::run(&options, |_| ());
    tally.refreshed(counts.exchanges());
    tally.note(&counts.to_string());
    let missed = counts.missed(options.longest);
    assert!(missed.is_empty(), "{missed:?}\n{}\n{evidence}\n{options}", counts.table(&options));
}
