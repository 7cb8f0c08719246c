//! Proof Key for Code Exchange (RFC 7636).

/// A `code_challenge` by S256.
pub(super) struct Challenge(String);

impl Challenge {
    /// Reads it from an authorization request; an error if it is none of S256.
    pub(super) fn read(challenge: Option<&str>, method: Option<&str>) -> Result<Option<Self>, ()> {
        match (challenge, method) {
            (None, None) => Ok(None),
            // 32 bytes in Base64 for URLs: section 4.2.
            (Some(text), Some("S256"))
                if text.len() == 43
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) =>
            {
                Ok(Some(Self(text.to_owned())))
            }
            _ => Err(()),
        }
    }

    /// Whether the verifier fits, or says what is wrong. Without the feature `verify`
    /// its form is looked at.
    pub(super) fn judge(
        challenge: Option<&Self>,
        verifier: Option<&str>,
    ) -> Result<(), &'static str> {
        match (challenge, verifier) {
            (None, None) => Ok(()),
            // RFC 9700 section 4.8.2: somebody has removed the challenge.
            (None, Some(_)) => Err("code_verifier without code_challenge"),
            (Some(_), None) => Err("code_verifier is missing"),
            (Some(challenge), Some(verifier)) if challenge.is_of(verifier) => Ok(()),
            (Some(_), Some(_)) => Err("code_verifier does not fit"),
        }
    }

    fn is_of(&self, verifier: &str) -> bool {
        // Section 4.1.
        let is_unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        (43..=128).contains(&verifier.len())
            && verifier.bytes().all(is_unreserved)
            && crate::fake::proofs::token_hash(verifier).is_none_or(|hash| hash == self.0)
    }
}
