//! Service accounts of Google.

use std::time::Duration;

use serde::Deserialize;

use crate::{ClientAuth, EndpointError, SigningKey, TokenEndpoint, assertion::SignedAssertion};

/// A service account of Google, from the text of its JSON key file: the endpoint, and
/// the assertion, to which [the scope](SignedAssertion::scope) is still to be added
/// (<https://developers.google.com/identity/protocols/oauth2/service-account#httprest>).
///
/// The file's `private_key` is not read here: `key` is it. `auth_sign::Key::from_pem` and
/// `auth_sign::Key::from_file` take the same file for it, with `SigningAlgorithm::Rs256`.
/// What is read is
/// `client_email`, `private_key_id` and `token_uri`. No client is named in the request:
/// the assertion says who asks.
///
/// ```
/// use auth_core::{Grant, Refresh, SigningKey, presets};
///
/// # fn example(key: SigningKey) -> Result<(), auth_core::EndpointError> {
/// # let file = "{}";
/// let (endpoint, assertion) = presets::google_service_account(file, key)?;
/// let assertion = assertion.scope("https://www.googleapis.com/auth/cloud-platform");
/// let refresh = Refresh::new(endpoint, Grant::jwt_bearer(assertion));
/// # let _ = refresh;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`EndpointError::PresetValue`] if the text is no such file; those of
/// [`TokenEndpoint::new`] for its `token_uri`. No error shows any part of the file.
pub fn google_service_account(
    key_file: &str,
    key: impl Into<SigningKey>,
) -> Result<(TokenEndpoint, SignedAssertion), EndpointError> {
    let refused = EndpointError::PresetValue {
        name: "key file",
        expected: "a JSON object with client_email, private_key_id and token_uri",
    };
    let file: KeyFile = serde_json::from_str(key_file).map_err(|_| refused)?;
    let endpoint =
        TokenEndpoint::new(&file.token_uri, &file.client_email)?.client_auth(ClientAuth::unnamed());
    let assertion = SignedAssertion::new(key, file.client_email)
        .key_id(file.private_key_id)
        // As the URL is written there, which `aud` repeats.
        .audience(file.token_uri)
        .lifetime(Duration::from_secs(3600));
    Ok((endpoint, assertion))
}

#[derive(Deserialize)]
struct KeyFile {
    client_email: String,
    private_key_id: String,
    #[serde(default = "token_uri")]
    token_uri: String,
}

fn token_uri() -> String {
    "https://oauth2.googleapis.com/token".to_owned()
}
