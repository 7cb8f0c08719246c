//! The content of a record's file.
//!
//! | member | value |
//! | --- | --- |
//! | `schema` | 1 |
//! | `account` | the account's id |
//! | `revision` | 32 hexadecimal digits that no other save has |
//! | `extra_left_out` | why `record.tokens.extra` is missing; left out unless it is |
//! | `record` | [the form of a record](auth_accounts::store::record_exposed) |

use auth_accounts::{
    AccountId,
    store::{Record, Version},
};
use serde::{Deserialize, Serialize};

use crate::{
    content::Content,
    error::Problem,
    json::{self, digest, revision, without_mark},
};

const SCHEMA: u64 = 1;
const EXPECTED: &str = "an account's record";

#[derive(Serialize, Deserialize)]
struct Form<A, R> {
    schema: u64,
    account: A,
    revision: A,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    extra_left_out: Option<A>,
    record: R,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Exposed<'a>(#[serde(with = "auth_accounts::store::record_exposed")] &'a Record);

/// The account's id and its record.
pub(super) fn parse(content: &[u8]) -> Result<(String, Record), Problem> {
    let form: Form<String, Record> =
        json::parse_versioned(without_mark(content), EXPECTED, SCHEMA)?;
    Ok((form.account, form.record))
}

pub(super) fn write(account: &AccountId, record: &Record) -> Result<Content, Problem> {
    let (account, revision) = (account.as_str(), revision());
    Content::of(
        record,
        |record, extra_left_out, output| {
            let record = Exposed(record);
            let revision = &revision;
            let form = Form { schema: SCHEMA, account, revision, extra_left_out, record };
            json::put_in_lines(&form, output)
        },
        |content| parse(content).map(drop),
    )
}

/// The version of what cannot be read, of which this tells the states apart. It is none
/// that a record has.
pub(super) fn damaged_version(state: &[u8]) -> Version {
    Version::new(digest(&[b"damaged", state]))
}

/// Two saves differ in their revision, and an edit by hand in something else.
pub(super) fn version(content: &[u8]) -> Version {
    Version::new(digest(&[content]))
}
