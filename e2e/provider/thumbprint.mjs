// The thumbprint of a public key (RFC 7638).

import { createHash } from 'node:crypto';

// The members that count, in their order.
const MEMBERS = { EC: ['crv', 'kty', 'x', 'y'], OKP: ['crv', 'kty', 'x'], RSA: ['e', 'kty', 'n'] };

export function thumbprint(jwk, hash = 'sha256') {
  const canonical = JSON.stringify(Object.fromEntries(MEMBERS[jwk.kty].map((name) => [name, jwk[name]])));
  return createHash(hash).update(canonical).digest('base64url');
}
