//! Responses that are taken for stored tokens.

use std::{borrow::Cow, fmt};

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use crate::{
    json::{BoundedSeed, Limits, OnExcess},
    lifetime::{Told, is_only_in_responses},
};

pub(super) const IS_RESPONSE: &str = "it is a response: read it by auth_core::read_response";

/// Whether an object has a member that the responses of token endpoints have, but
/// the JSON form has not. `false` for what is no JSON.
pub fn looks_like_a_response(json: &[u8]) -> bool {
    struct Members;

    impl<'de> Visitor<'de> for Members {
        type Value = bool;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
            let mut found = false;
            while let Some(name) = map.next_key::<Cow<'_, str>>()? {
                found |= match &*name {
                    // Dates that are written otherwise.
                    "expires_at" | "refresh_expires_at" => {
                        let mut limits = Limits::new(1, 1, OnExcess::DropWhole);
                        let value = map.next_value_seed(BoundedSeed::new(&mut limits))?;
                        value.is_some_and(|value| {
                            !value.0.is_u64() && Told::read(&value.0).is_some()
                        })
                    }
                    name => {
                        map.next_value::<IgnoredAny>()?;
                        is_only_in_responses(name) || OF_RESPONSES.contains(&name)
                    }
                };
            }
            Ok(found)
        }
    }

    let mut text = serde_json::Deserializer::from_slice(json);
    text.deserialize_map(Members).unwrap_or_default()
}

/// Members of a response that hold tokens, or say why there are none. Not `tokens`:
/// a record of an account has one of that name.
#[rustfmt::skip]
const OF_RESPONSES: [&str; 10] = [
    "id_token", "accessToken", "refreshToken",
    "body", "authed_user", "data", "result", "response",
    "error", "ok",
];

/// A member that must not be there.
#[derive(Default)]
pub(super) struct Nothing;

impl<'de> Deserialize<'de> for Nothing {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom(IS_RESPONSE))
    }
}
