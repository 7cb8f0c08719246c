use std::time::Duration;

use auth_core::{AccessToken, RefreshToken};

use super::*;
use crate::record::{Guess, Setback};

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
}

fn which(number: usize) -> Which {
    Which::of_request(&TokenRequest::new().scope(format!("scope-{number}")))
}

fn main_record() -> Record {
    let tokens = TokenSet::new(AccessToken::new("at")).refresh_token(RefreshToken::new("rt"));
    Record::obtained(tokens, at(0))
}

fn put(record: &Record, number: usize, expires_at: Option<u64>) -> Record {
    let mut tokens = TokenSet::new(AccessToken::new(format!("at-{number}")));
    tokens.expires_at = expires_at.map(at);
    tokens.refresh_token = Some(RefreshToken::new("rt"));
    which(number).put(Some(record), Record::obtained(tokens, at(0)), at(0))
}

fn names(record: &Record) -> Vec<String> {
    let tokens = record.further.iter().filter_map(|one| one.tokens.as_ref());
    tokens.map(|tokens| tokens.access_token.expose().to_owned()).collect()
}

#[test]
fn the_order_of_words_makes_no_other_request() {
    let request = TokenRequest::new;
    let is_same = |one: TokenRequest, other: TokenRequest| {
        Which::of_request(&one).is(&Which::of_request(&other))
    };
    assert!(is_same(request(), request()));
    assert!(is_same(request().scope("a b"), request().scope("b a")));
    assert!(is_same(request().scope("a b"), request().scope("b a a")));
    let two = |one: &str, other: &str| request().resource(one).resource(other);
    assert!(is_same(two("urn:a", "urn:b"), two("urn:b", "urn:a")));
    for (one, other) in [
        (request(), request().scope("a")),
        (request().scope("a b"), request().scope("ab")),
        (request().scope("a"), request().resource("a")),
        (request().resource("a"), request().audience("a")),
        (two("a", "b"), request().resource("a")),
        (two("a", "b"), request().resource("ab")),
    ] {
        assert!(!is_same(one.clone(), other.clone()), "{one:?} {other:?}");
    }
}

#[test]
fn no_more_are_kept_than_may_be_and_what_has_expired_goes_first() {
    let mut record = main_record();
    // Lasts for ever, expires first, expires later.
    record = put(&record, 0, None);
    for number in 1..MOST {
        record = put(&record, number, Some(100 + number as u64));
    }
    assert_eq!(record.further.len(), MOST);
    record = put(&record, MOST, Some(50));
    assert_eq!(record.further.len(), MOST);
    assert!(!names(&record).contains(&"at-1".to_owned()), "{:?}", names(&record));
    assert!(names(&record).contains(&"at-0".to_owned()));
    // All the same token is replaced in its place.
    let again = put(&record, 2, Some(900));
    assert_eq!(again.further.len(), MOST);
    // What has expired is not kept by any refresh.
    let next = Record::obtained(main_record().tokens, at(110));
    let later = Which::Main.put(Some(&again), next, at(110));
    assert!(later.further.len() < MOST, "{:?}", names(&later));
    assert!(names(&later).contains(&"at-2".to_owned()));
}

#[test]
fn the_form_is_what_it_was_where_there_is_none_and_keeps_all_where_there_is() {
    let json = |record: &Record| String::from_utf8(record.to_json_exposed().to_vec()).unwrap();
    assert!(!json(&main_record()).contains("further"));
    let mut record = put(&main_record(), 1, Some(100));
    record.further[0].refusals = vec![at(1)];
    record.further[0].guess = Some(Guess { corrected_at: Some(at(2)) });
    record.further[0].born_expired = 2;
    let refresh_token = record.fingerprint().unwrap();
    let setback = Setback::of_doubt(None, refresh_token, at(3));
    which(2).set_back(&mut record, setback, at(0));
    assert_eq!(Record::from_json(json(&record).as_bytes()).unwrap(), record);
    // Redacted without being asked for.
    let plain = serde_json::to_string(&record).unwrap();
    assert!(!plain.contains("at-1") && plain.contains("further"), "{plain}");
    assert!(!format!("{record:?}").contains("at-1"));
    // An older version's record, and one that a newer one has written.
    let newer = json(&record).replace(r#""born_expired":2"#, r#""born_expired":2,"new":{}"#);
    assert_eq!(Record::from_json(newer.as_bytes()).unwrap(), record);
    for bad in [r#""further":{}"#, r#""further":[{}]"#, r#""further":[{"request":"x"}]"#] {
        let bad = json(&main_record()).replacen('{', &format!("{{{bad},"), 1);
        assert!(Record::from_json(bad.as_bytes()).is_err(), "{bad}");
    }
}

/// No more than there may be, whoever wrote it.
#[test]
fn a_record_with_too_many_keeps_the_last() {
    let one = put(&main_record(), 7, Some(100)).further.remove(0);
    let named = |number: usize| FurtherToken {
        request: which(number % 5_000).asked().unwrap().fingerprint,
        ..one.clone()
    };
    let many = Record { further: (0..10_000).map(named).collect(), ..main_record() };
    let last = &many.further[many.further.len() - MOST..];
    assert_eq!(Record::from_json(&many.to_json_exposed()).unwrap().further, last);
    let next = Record::obtained(main_record().tokens, at(10));
    assert_eq!(Which::Main.put(Some(&many), next, at(10)).further, last);
    // Twice the same counts once from the next refresh on.
    let twice = Record { further: vec![one; 3], ..main_record() };
    assert_eq!(put(&twice, 7, Some(200)).further.len(), 1);
}

#[test]
fn what_is_newer_is_taken_over() {
    let (old, new) = (put(&main_record(), 1, Some(100)), put(&main_record(), 2, Some(200)));
    let mut newer = put(&old, 1, Some(900));
    newer.further[0].obtained_at = Some(at(50));
    let mut record = new;
    record.take_over_further(&old);
    assert_eq!(names(&record), ["at-2", "at-1"]);
    record.take_over_further(&newer);
    record.take_over_further(&old);
    assert_eq!(record.further.len(), 2);
    assert_eq!(record.further[1].obtained_at, Some(at(50)));
}
