//! The JSON form of further tokens.

use std::time::SystemTime;

use auth_core::TokenSet;
use serde::{Deserialize, Serialize};

use super::{GuessForm, is_zero, seconds, setback::SetbackForm};
use crate::{
    further::MOST,
    record::{Fingerprint, FurtherToken, Guess},
};

#[derive(Serialize, Deserialize)]
pub(super) struct FurtherForm<T> {
    request: Fingerprint,
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    tokens: Option<T>,
    #[serde(
        rename = "renewed_at",
        default,
        with = "seconds::optional",
        skip_serializing_if = "Option::is_none"
    )]
    obtained_at: Option<SystemTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    guess: Option<GuessForm>,
    #[serde(default, skip_serializing_if = "is_zero")]
    born_expired: u32,
    #[serde(default, with = "seconds::list", skip_serializing_if = "Vec::is_empty")]
    refusals: Vec<SystemTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dpop_thumbprint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    setback: Option<SetbackForm>,
}

pub(super) fn forms<'a, T>(
    further: &'a [FurtherToken],
    tokens: fn(&'a TokenSet) -> T,
) -> Vec<FurtherForm<T>> {
    let form = |one: &'a FurtherToken| FurtherForm {
        request: one.request,
        tokens: one.tokens.as_ref().map(tokens),
        obtained_at: one.obtained_at,
        guess: one.guess.as_ref().map(|guess| GuessForm { corrected_at: guess.corrected_at }),
        born_expired: one.born_expired,
        refusals: one.refusals.clone(),
        dpop_thumbprint: one.dpop_thumbprint.clone(),
        setback: one.setback.as_ref().map(SetbackForm::new),
    };
    further.iter().map(form).collect()
}

pub(super) fn read(mut forms: Vec<FurtherForm<TokenSet>>) -> Vec<FurtherToken> {
    let forms = forms.split_off(forms.len().saturating_sub(MOST));
    let read = |form: FurtherForm<TokenSet>| FurtherToken {
        request: form.request,
        tokens: form.tokens,
        obtained_at: form.obtained_at,
        guess: form.guess.map(|guess| Guess { corrected_at: guess.corrected_at }),
        born_expired: form.born_expired,
        refusals: form.refusals,
        dpop_thumbprint: form.dpop_thumbprint,
        setback: form.setback.map(SetbackForm::read),
    };
    forms.into_iter().map(read).collect()
}
