// Key pairs in PEM, made when they are first asked for and kept in the journal,
// so that a server which is started again knows them.

import { createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';

const KINDS = {
  ES256: ['ec', { namedCurve: 'P-256' }],
  ES384: ['ec', { namedCurve: 'P-384' }],
  RS256: ['rsa', { modulusLength: 2048 }],
  PS256: ['rsa', { modulusLength: 2048 }],
  EdDSA: ['ed25519', {}],
};

export class Keys {
  #journal;

  constructor(journal) {
    this.#journal = journal;
  }

  // In PKCS#8.
  privatePem(name, alg) {
    const id = `Key:${name}`;
    const known = this.#journal.get(id);
    if (known) return known.pem;
    const [type, options] = KINDS[alg];
    // As text at once: see the note on generated keys in server.mjs.
    const { privateKey } = generateKeyPairSync(type, {
      ...options,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    this.#journal.put(id, { pem: privateKey });
    return privateKey;
  }

  // An assertion of the client of this name (RFC 7523 section 3), by ES256.
  assertion(name, audience) {
    const now = Math.floor(Date.now() / 1000);
    const header = { alg: 'ES256', kid: name, typ: 'JWT' };
    const claims = {
      iss: name, sub: name, aud: audience, jti: randomUUID(), iat: now - 5, exp: now + 55,
    };
    const signed = [header, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    const key = { key: this.privatePem(name, 'ES256'), dsaEncoding: 'ieee-p1363' };
    return `${signed}.${sign('sha256', signed, key).toString('base64url')}`;
  }

  publicJwk(name, alg) {
    const jwk = createPublicKey(this.privatePem(name, alg)).export({ format: 'jwk' });
    return { ...jwk, alg, use: 'sig', kid: name };
  }
}
