// Key pairs in PEM, made when they are first asked for and kept in the journal,
// so that a server which is started again knows them.

import { createPublicKey, generateKeyPairSync } from 'node:crypto';

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

  publicJwk(name, alg) {
    const jwk = createPublicKey(this.privatePem(name, alg)).export({ format: 'jwk' });
    return { ...jwk, alg, use: 'sig', kid: name };
  }
}
