//! All cases, in the order in which a connection reaches them.

mod bounds;
mod connecting;
mod cuts;
mod encodings;
mod endings;
mod heads;
mod http2;
mod http2_over_tls;
mod interim;
mod proxies;
mod responses;
mod statuses;
mod stopped;
mod tls;

use super::case::Case;

pub(super) fn all() -> impl Iterator<Item = Case> {
    [
        connecting::CASES,
        tls::CASES,
        proxies::CASES,
        cuts::CASES,
        endings::CASES,
        interim::CASES,
        heads::CASES,
        responses::CASES,
        encodings::CASES,
        statuses::CASES,
        bounds::CASES,
        http2::CASES,
        http2_over_tls::CASES,
        stopped::CASES,
    ]
    .into_iter()
    .flatten()
    .copied()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_case_has_a_name_of_its_own_and_says_what_it_does() {
        let names: HashSet<_> = all().map(|case| case.name).collect();
        assert_eq!(names.len(), all().count());
        assert!(all().count() >= 40);
        for case in all() {
            assert!(!case.does.is_empty() && !case.calls.is_empty(), "{}", case.name);
            let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            assert!(case.name.chars().all(ok), "{}", case.name);
        }
    }
}
