// The clients that oidc-provider knows: how each shows who it is, and what its
// tokens are bound to.

const SECRET = 'a client secret with spaces, 100 % & a plus +';

// The name in the certificate of `tls_client_auth`.
const CERTIFIED_NAME = 'client.example';

const CLIENTS = {
  public: { method: 'none' },
  basic: { method: 'client_secret_basic' },
  post: { method: 'client_secret_post' },
  assertion_hs256: { method: 'client_secret_jwt', alg: 'HS256' },
  assertion_es256: { method: 'private_key_jwt', alg: 'ES256' },
  assertion_es384: { method: 'private_key_jwt', alg: 'ES384' },
  assertion_rs256: { method: 'private_key_jwt', alg: 'RS256' },
  assertion_ps256: { method: 'private_key_jwt', alg: 'PS256' },
  assertion_eddsa: { method: 'private_key_jwt', alg: 'EdDSA' },
  dpop: { method: 'none', dpop: 'ES256' },
  dpop_eddsa: { method: 'none', dpop: 'EdDSA' },
  dpop_nonce: { method: 'none', dpop: 'ES256', nonce: true },
  assertion_dpop_nonce: { method: 'private_key_jwt', alg: 'ES256', dpop: 'ES256', nonce: true },
  certificate: { method: 'tls_client_auth' },
};

export class Clients {
  #keys;

  constructor(keys) {
    this.#keys = keys;
  }

  // What the server is configured with; of each client when it is first asked
  // for, since RSA keys take a while to make.
  metadata(client_id) {
    const client = CLIENTS[client_id];
    if (client === undefined) return undefined;
    const { method, alg, dpop } = client;
    return {
      client_id,
      token_endpoint_auth_method: method,
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: ['https://app.example.com/callback'],
      ...(method.startsWith('client_secret') ? { client_secret: SECRET } : {}),
      ...(alg ? { token_endpoint_auth_signing_alg: alg } : {}),
      ...(method === 'private_key_jwt'
        ? { jwks: { keys: [this.#keys.publicJwk(client_id, alg)] } } : {}),
      ...(dpop ? { dpop_bound_access_tokens: true } : {}),
      ...(method === 'tls_client_auth'
        ? { tls_client_auth_san_dns: CERTIFIED_NAME, tls_client_certificate_bound_access_tokens: true }
        : {}),
    };
  }

  // What the client has for it.
  credentials(client_id) {
    const { method, alg, dpop } = CLIENTS[client_id];
    return {
      client_secret: SECRET,
      ...(method === 'private_key_jwt'
        ? { key: this.#keys.privatePem(client_id, alg), key_id: client_id } : {}),
      ...(dpop ? { dpop_key: this.#keys.privatePem(`${client_id}.dpop`, dpop) } : {}),
    };
  }

  // The key that the refresh tokens of a public client are bound to.
  dpopJwk(client_id) {
    const { dpop } = CLIENTS[client_id];
    return dpop && this.#keys.publicJwk(`${client_id}.dpop`, dpop);
  }

  isPublic(client_id) {
    return CLIENTS[client_id].method === 'none';
  }

  needsNonce(client_id) {
    return CLIENTS[client_id]?.nonce === true;
  }
}
