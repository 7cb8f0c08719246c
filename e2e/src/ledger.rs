//! What the client could know of each refresh token: kept where its answers
//! pass, and so without trusting either end.

use std::collections::HashMap;

/// What became of a refresh token that was seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    /// Its answer is being waited for.
    UnderWay,
    /// It came back without having been traded, as far as was seen.
    Unspent,
    /// It was traded, and the new tokens were delivered.
    Delivered,
    /// It was traded, and the new tokens were lost.
    Lost,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    fates: HashMap<String, Fate>,
    /// Refresh tokens that the server traded for new ones.
    pub(crate) exchanges: u64,
    /// Uses of a token whose successor had been delivered; or two at a time.
    pub(crate) avoidable_replays: u64,
    /// Uses of a token whose successor was lost.
    pub(crate) unavoidable_replays: u64,
}

impl Ledger {
    /// The client sends `token`.
    pub(crate) fn sent(&mut self, token: &str) {
        match self.fates.get(token) {
            Some(Fate::Delivered | Fate::UnderWay) => self.avoidable_replays += 1,
            Some(Fate::Lost) => self.unavoidable_replays += 1,
            // A successor that was lost once stays spent.
            Some(Fate::Unspent) | None => {
                self.fates.insert(token.to_owned(), Fate::UnderWay);
            }
        }
    }

    /// The server traded `token`; whether the client got the answer is next.
    pub(crate) fn traded(&mut self, token: &str, delivered: bool) {
        self.exchanges += 1;
        let fate = if delivered { Fate::Delivered } else { Fate::Lost };
        self.fates.insert(token.to_owned(), fate);
    }

    /// The attempt with `token` ended without a trade.
    pub(crate) fn not_traded(&mut self, token: &str) {
        if self.fates.get(token) == Some(&Fate::UnderWay) {
            self.fates.insert(token.to_owned(), Fate::Unspent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_could_have_known() {
        let mut ledger = Ledger::default();
        ledger.sent("a");
        ledger.not_traded("a");
        ledger.sent("a");
        ledger.traded("a", true);
        assert_eq!((ledger.avoidable_replays, ledger.unavoidable_replays), (0, 0));
        ledger.sent("a");
        assert_eq!((ledger.avoidable_replays, ledger.unavoidable_replays), (1, 0));

        ledger.sent("b");
        ledger.sent("b");
        assert_eq!((ledger.avoidable_replays, ledger.unavoidable_replays), (2, 0));

        ledger.sent("c");
        ledger.traded("c", false);
        ledger.sent("c");
        assert_eq!((ledger.avoidable_replays, ledger.unavoidable_replays), (2, 1));
        ledger.traded("c", true);
        ledger.sent("c");
        assert_eq!((ledger.avoidable_replays, ledger.unavoidable_replays), (3, 1));
        assert_eq!(ledger.exchanges, 3);
    }
}
