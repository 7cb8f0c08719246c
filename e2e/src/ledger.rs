//! What the client could know of each refresh token: kept where its answers
//! pass, and so without trusting either end.

use std::collections::HashMap;

/// What became of a refresh token that was seen.
enum Fate {
    /// Its answer is being waited for, as long as this says so.
    UnderWay(StillWaits),
    /// It came back without having been traded, as far as was seen.
    Unspent,
    /// It was traded, and the new tokens were delivered.
    Delivered,
    /// It was traded, and the new tokens were lost.
    Lost,
}

type StillWaits = Box<dyn Fn() -> bool + Send>;

#[derive(Default)]
pub(crate) struct Ledger {
    fates: HashMap<String, Fate>,
    /// Refresh tokens that the server traded for new ones.
    pub(crate) exchanges: u64,
    /// Uses of a token whose successor had been delivered; or two at a time.
    pub(crate) avoidable_replays: u64,
    /// Uses of a token whose successor was lost, or whose first use the client
    /// had stopped waiting for.
    pub(crate) unavoidable_replays: u64,
    /// Attempts that the client stopped waiting for without any fault: the
    /// machine was too busy. The server may see them in any order.
    pub(crate) given_up: u64,
}

impl Ledger {
    /// The client sends `token`, and waits for the answer while `still_waits`.
    pub(crate) fn sent(&mut self, token: &str, still_waits: impl Fn() -> bool + Send + 'static) {
        match self.fates.get(token) {
            Some(Fate::UnderWay(first)) if !first() => {
                self.given_up += 1;
                self.unavoidable_replays += 1;
            }
            Some(Fate::Delivered | Fate::UnderWay(_)) => self.avoidable_replays += 1,
            // A successor that was lost once stays spent.
            Some(Fate::Lost) => self.unavoidable_replays += 1,
            Some(Fate::Unspent) | None => {
                let fate = Fate::UnderWay(Box::new(still_waits));
                self.fates.insert(token.to_owned(), fate);
            }
        }
    }

    /// The server traded `token`; whether the client gets the answer is next.
    pub(crate) fn traded(&mut self, token: &str, delivered: bool) {
        self.exchanges += 1;
        let fate = if delivered { Fate::Delivered } else { Fate::Lost };
        self.fates.insert(token.to_owned(), fate);
    }

    /// The attempt with `token` ended without a trade.
    pub(crate) fn not_traded(&mut self, token: &str) {
        if matches!(self.fates.get(token), Some(Fate::UnderWay(_))) {
            self.fates.insert(token.to_owned(), Fate::Unspent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replays(ledger: &Ledger) -> (u64, u64) {
        (ledger.avoidable_replays, ledger.unavoidable_replays)
    }

    #[test]
    fn who_could_have_known() {
        let mut ledger = Ledger::default();
        ledger.sent("a", || true);
        ledger.not_traded("a");
        ledger.sent("a", || true);
        ledger.traded("a", true);
        assert_eq!(replays(&ledger), (0, 0));
        ledger.sent("a", || true);
        assert_eq!(replays(&ledger), (1, 0));

        ledger.sent("b", || true);
        ledger.sent("b", || true);
        assert_eq!(replays(&ledger), (2, 0), "two at a time");

        ledger.sent("c", || true);
        ledger.traded("c", false);
        ledger.sent("c", || true);
        assert_eq!(replays(&ledger), (2, 1));
        ledger.traded("c", true);
        ledger.sent("c", || true);
        assert_eq!(replays(&ledger), (3, 1));

        ledger.sent("d", || false);
        ledger.sent("d", || true);
        assert_eq!(replays(&ledger), (3, 2), "it had stopped waiting");
        assert_eq!((ledger.exchanges, ledger.given_up), (3, 1));
    }
}
