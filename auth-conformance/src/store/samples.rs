//! The records that the cases save.

use std::time::{Duration, Instant, SystemTime};

use auth_accounts::{
    AccountId, Registration,
    store::{Fingerprint, FurtherToken, Guess, Note, Record, SetUp, Setback},
};
use auth_core::{
    AccessToken, Backoff, BodyFormat, ClientAuth, FailureKind, Now, Refresh, RefreshToken, Rule,
    Step, TokenEndpoint, TokenSet,
};
use auth_testkit::CannedResponse;

/// Long and odd, so that finding one in an error is no accident.
pub(super) const ACCESS_TOKEN: &str = "at-conformance-Q1wE8rTy3Ui";
pub(super) const REFRESH_TOKEN: &str = "rt-conformance-7Yq2pL9sVx4";
pub(super) const ID_TOKEN: &str = "it-conformance-M4nB7vCx2Za";
pub(super) const CLIENT_SECRET: &str = "cs-conformance-Z8xN3kLw6Rb";

/// A record that tells itself apart by its scope.
pub(super) fn record(mark: &str) -> Record {
    let mut tokens = TokenSet::new(AccessToken::new(ACCESS_TOKEN));
    tokens.refresh_token = Some(RefreshToken::new(REFRESH_TOKEN));
    tokens.scope = Some(mark.to_owned());
    Record::new(tokens)
}

/// The mark of a record, if it is a number.
pub(super) fn mark(record: &Record) -> usize {
    record.tokens.scope.as_deref().and_then(|mark| mark.parse().ok()).unwrap_or_default()
}

/// A record with everything in it that there can be, in whole seconds.
pub(super) fn full_record(mark: &str) -> Record {
    let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600 + seconds);
    let mut record = record(mark);
    record.tokens.token_type = Some("Bearer".to_owned());
    record.tokens.expires_at = Some(at(3_600));
    record.tokens.refresh_expires_at = Some(at(86_400));
    record.tokens.extra.insert("id_token", ID_TOKEN.into());
    record.tokens.extra.insert("nested", serde_json::json!({"list": [1, null, "\u{1F511}\"\n"]}));
    record.obtained_at = Some(at(0));
    let mut guess = Guess::default();
    guess.corrected_at = Some(at(3));
    record.guess = Some(guess);
    record.born_expired = 2;
    record.refusals = vec![at(4), at(5)];
    let refresh_token = Fingerprint::of(&RefreshToken::new(REFRESH_TOKEN));
    record.note = Some(Note::new(refresh_token, at(1)));
    record.setback = setback(refresh_token, at(2), at(60));
    record.bound_to = Registration::new("https://auth.example.com/token", "conformance").ok();
    // RFC 7638 section 3.1.
    record.dpop_thumbprint = Some("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs".to_owned());
    let mut mail = FurtherToken::new(Fingerprint::of(&RefreshToken::new("mail")));
    let mut tokens = TokenSet::new(AccessToken::new(ACCESS_TOKEN));
    tokens.expires_at = Some(at(1_800));
    tokens.scope = Some("mail".to_owned());
    mail.tokens = Some(tokens);
    mail.obtained_at = Some(at(6));
    mail.dpop_thumbprint.clone_from(&record.dpop_thumbprint);
    let mut files = FurtherToken::new(Fingerprint::of(&RefreshToken::new("files")));
    files.setback = setback(refresh_token, at(7), at(70));
    record.further = vec![mail, files];
    record
}

/// A record whose login brought a set-up, with everything in it that there can
/// be.
pub(super) fn record_with_set_up(mark: &str) -> Result<Record, String> {
    let endpoint = TokenEndpoint::new("https://mcp.example.com/token?key=1", "conformance")
        .map(|endpoint| endpoint.client_auth(ClientAuth::basic(CLIENT_SECRET)))
        .and_then(|endpoint| endpoint.parameter("resource", "https://mcp.example.com/"))
        .and_then(|endpoint| endpoint.header("x-api-key", "1"))
        .map_err(|error| error.to_string())?
        .body_format(BodyFormat::Json)
        .scope("a b")
        .response_limit(1 << 16)
        .rule(Rule::new("gone", FailureKind::Rejected));
    let mut record = record(mark);
    record.set_up = Some(SetUp::new(endpoint).map_err(|error| error.to_string())?);
    Ok(record)
}

/// The setback that a throttled refresh leaves behind.
fn setback(refresh_token: Fingerprint, now: SystemTime, retry_at: SystemTime) -> Option<Setback> {
    let endpoint = TokenEndpoint::new("https://auth.example.com/token", "conformance").ok()?;
    let refresh = Refresh::new(endpoint, RefreshToken::new(REFRESH_TOKEN)).policy(Backoff::never());
    let moment = Now { monotonic: Instant::now(), wall: now };
    let Step::Send(_, pending) = refresh.start(moment) else { return None };
    let response = CannedResponse::oauth_error("slow_down").with_status(429).build();
    let Step::Done(Err(error)) = pending.resolve(Ok(response), moment) else { return None };
    Some(Setback::new(refresh_token, &error, now, Some(retry_at)))
}

/// Names that are easily taken for one another, or for something else.
pub(super) fn unusual_names() -> Vec<AccountId> {
    let long = "n".repeat(1_000);
    let longer = format!("{long}n");
    [
        "odd",
        "Odd",
        "odd ",
        " odd",
        "odd/name",
        "odd\\name",
        "../odd",
        "odd..",
        "odd.json",
        ".",
        "..",
        "",
        "\0",
        "odd\nname",
        "%6fdd",
        "odd%",
        "öd",
        "o\u{308}d",
        "CON",
        "odd:name",
        "🔑",
        &long,
        &longer,
    ]
    .map(AccountId::from)
    .into()
}
