//! A fatal alert on a connection that serves already. rustls sends none at will.

use rustls::crypto::cipher::{OutboundChunks, OutboundPlainMessage};
use rustls::{
    ConnectionTrafficSecrets as Secrets, ContentType, ProtocolVersion, ServerConnection,
    SupportedCipherSuite,
};

/// The record that ends the connection. `None` if it cannot be made.
pub(crate) fn alert(tls: ServerConnection, description: u8) -> Option<Vec<u8>> {
    const FATAL: u8 = 2;

    let suite = tls.negotiated_cipher_suite()?;
    let (sequence, secrets) = tls.dangerous_extract_secrets().ok()?.tx;
    let (Secrets::Aes128Gcm { key, iv }
    | Secrets::Aes256Gcm { key, iv }
    | Secrets::Chacha20Poly1305 { key, iv }) = secrets
    else {
        return None;
    };
    let mut encrypter = match suite {
        SupportedCipherSuite::Tls13(suite) => suite.aead_alg.encrypter(key, iv),
        SupportedCipherSuite::Tls12(suite) => {
            let fixed = suite.aead_alg.key_block_shape().fixed_iv_len;
            let (iv, explicit) = iv.as_ref().split_at_checked(fixed)?;
            suite.aead_alg.encrypter(key, iv, explicit)
        }
    };
    let message = OutboundPlainMessage {
        typ: ContentType::Alert,
        version: ProtocolVersion::TLSv1_2,
        payload: OutboundChunks::Single(&[FATAL, description]),
    };
    Some(encrypter.encrypt(message, sequence).ok()?.encode())
}
