//! What stands in a record's file.
//!
//! | member | value |
//! | --- | --- |
//! | `schema` | 1 |
//! | `account` | the account's id |
//! | `revision` | 32 hexadecimal digits that no other save has |
//! | `record` | [the form of a record](auth_accounts::record_exposed) |

use auth_accounts::{AccountId, Record, Version};
use auth_core::serde_exposed::to_json_pretty;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    error::Problem,
    json::{self, digest, revision},
};

const SCHEMA: u64 = 1;
const EXPECTED: &str = "an account's record";

#[derive(Serialize, Deserialize)]
struct Form<A, R> {
    schema: u64,
    account: A,
    revision: A,
    record: R,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Exposed<'a>(#[serde(with = "auth_accounts::record_exposed")] &'a Record);

/// The account's id and its record.
pub(super) fn parse(content: &[u8]) -> Result<(String, Record), Problem> {
    let form: Form<String, Record> = json::parse_versioned(content, EXPECTED, SCHEMA)?;
    Ok((form.account, form.record))
}

pub(super) fn write(account: &AccountId, record: &Record) -> Zeroizing<Vec<u8>> {
    let revision = revision();
    let form = Form {
        schema: SCHEMA,
        account: account.as_str(),
        revision: &revision,
        record: Exposed(record),
    };
    to_json_pretty(&form)
}

/// Two saves differ in their revision, and an edit by hand in something.
pub(super) fn version(content: &[u8]) -> Version {
    Version::new(digest(&[content]))
}
