//! What the adapters say alike when they cannot be built.

pub const USER_AGENT: &str = "the user agent contains characters that are not allowed in a header";

pub const PROXY: &str = "the proxy's URL is not valid";

pub const ROOT_CERTIFICATES: &str =
    "the root certificates are not valid PEM, or hold no certificate";

pub const TLS: &str = "TLS cannot be set up";

pub const CLIENT_CERTIFICATE: &str = "the client certificate cannot be used";

pub const NO_CRYPTO_PROVIDER: &str = "no crypto provider: use the feature \"aws-lc-rs\" or \
    \"ring\", give one to the builder, or install one in rustls";

/// After the variable's name and its value.
pub const HOLDS_NO_ROOT: &str =
    "which holds no certificate that can be used; fix the variable or unset it";
