use std::time::SystemTime;

use auth_accounts::{
    Registration,
    store::{Note, Record, Setback},
};
use auth_core::{ErrorCode, FailureKind, RefreshToken, TokenSet};
use serde_json::{Map, Value, json};

/// Whether the tokens are those that `stored` says, member by member.
pub(crate) fn tokens_are(tokens: &TokenSet, stored: &Value) -> bool {
    let extra: Map<_, _> =
        tokens.extra.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let mut found = json!({
        "access_token": tokens.access_token.expose(),
        "token_type": tokens.token_type,
        "refresh_token": tokens.refresh_token.as_ref().map(RefreshToken::expose),
        "expires_at": tokens.expires_at.map(seconds),
        "refresh_expires_at": tokens.refresh_expires_at.map(seconds),
        "scope": tokens.scope,
        "extra": extra,
    });
    let mut expected = only(
        stored,
        &[
            "access_token",
            "token_type",
            "refresh_token",
            "expires_at",
            "refresh_expires_at",
            "scope",
            "extra",
        ],
    );
    for form in [&mut found, &mut expected] {
        if form["extra"].as_object().is_some_and(Map::is_empty) {
            form["extra"].take();
        }
    }
    found == expected
}

/// Whether the record is the one that `stored` says, member by member.
pub(crate) fn record_is(record: &Record, stored: &Value) -> bool {
    let obtained_at = json!(record.obtained_at.map(seconds));
    let mut login = stored["login"].clone();
    lower(&mut login);
    tokens_are(&record.tokens, &stored["tokens"])
        && obtained_at == stored["renewed_at"]
        && json!(record.login.map(|login| login.to_string())) == login
        && lives_are(record, stored)
        && bound_to_is(record.bound_to.as_ref(), &stored["bound_to"])
        && json!(record.dpop_thumbprint) == stored["dpop_thumbprint"]
        && notes_are(record, stored)
}

/// As [`record_is`], of what is noted about the tokens' life.
fn lives_are(record: &Record, stored: &Value) -> bool {
    let guess = record.guess.as_ref().map(|guess| {
        json!({
            "corrected_at": guess.corrected_at.map(seconds),
        })
    });
    let stored_guess = match &stored["guess"] {
        Value::Null => Value::Null,
        guess => only(guess, &["corrected_at"]),
    };
    let or = |value: &Value, default: Value| if value.is_null() { default } else { value.clone() };
    json!(guess) == stored_guess
        && json!(record.born_expired) == or(&stored["born_expired"], json!(0))
        && json!(record.refusals.iter().copied().map(seconds).collect::<Vec<_>>())
            == or(&stored["refusals"], json!([]))
}

/// As [`record_is`], of the attempts alone.
pub(crate) fn notes_are(record: &Record, stored: &Value) -> bool {
    note_is(record.note.as_ref(), &stored["begun"])
        && setback_is(record.setback.as_ref(), &stored["setback"])
}

/// URLs are read in any of the forms that mean the same.
fn bound_to_is(bound_to: Option<&Registration>, stored: &Value) -> bool {
    let (url, id) = (stored["token_url"].as_str(), stored["client_id"].as_str());
    let read = |(url, id)| Registration::new(url, id).ok();
    bound_to == url.zip(id).and_then(read).as_ref()
}

fn note_is(note: Option<&Note>, stored: &Value) -> bool {
    let Some(note) = note else { return stored.is_null() };
    let found = json!({
        "refresh_token": note.refresh_token.to_string(),
        "at": seconds(note.at),
    });
    let mut expected = only(stored, &["refresh_token", "at"]);
    lower(&mut expected["refresh_token"]);
    found == expected
}

fn setback_is(setback: Option<&Setback>, stored: &Value) -> bool {
    let Some(setback) = setback else { return stored.is_null() };
    let found = json!({
        "refresh_token": setback.refresh_token.to_string(),
        "kind": setback.kind.as_str(),
        "code": setback.code.as_ref().map(ErrorCode::as_str),
        "status": setback.status.map(|status| status.as_u16()),
        "after_unknown": setback.possibly_spent,
        "since": seconds(setback.since),
        "failed_at": seconds(setback.failed_at),
        "retry_at": setback.retry_at.map(seconds),
        "count": setback.count,
        "client": setback.client.map(|client| client.to_string()),
    });
    let mut expected = only(
        stored,
        &[
            "refresh_token",
            "kind",
            "code",
            "status",
            "after_unknown",
            "since",
            "failed_at",
            "retry_at",
            "count",
            "client",
        ],
    );
    lower(&mut expected["refresh_token"]);
    lower(&mut expected["client"]);
    // As documented: what is not known is read as `unavailable`, and what is no
    // code and no status as none.
    if expected["kind"].as_str().is_none_or(|kind| FailureKind::from_name(kind).is_none()) {
        expected["kind"] = json!("unavailable");
    }
    if expected["code"].as_str().is_some_and(|code| ErrorCode::new(code).is_none()) {
        expected["code"].take();
    }
    if expected["status"].as_u64().is_some_and(|status| !(100..1000).contains(&status)) {
        expected["status"].take();
    }
    if expected["after_unknown"].is_null() {
        expected["after_unknown"] = json!(false);
    }
    found == expected
}

/// Whether an object has the form that is written, all the way down. `serde`
/// reads lists in the place of objects too; nobody writes them.
pub(crate) fn has_objects(record: &Value) -> bool {
    record.is_object()
        && record["tokens"].is_object()
        && ["guess", "begun", "setback", "bound_to"].iter().all(|name| !record[name].is_array())
}

/// These members, absent ones as null.
fn only(stored: &Value, names: &[&str]) -> Value {
    names.iter().map(|name| ((*name).to_owned(), stored[name].clone())).collect()
}

/// Hexadecimal digits are read in either case.
fn lower(digits: &mut Value) {
    if let Value::String(digits) = digits {
        digits.make_ascii_lowercase();
    }
}

fn seconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).expect("a time since 1970");
    assert_eq!(since.subsec_nanos(), 0, "stored times are whole seconds");
    since.as_secs()
}
