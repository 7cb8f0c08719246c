// What the provider knows: its tokens, what it has counted and how it was set,
// in memory and in a file that a server reads back which is started again after
// it was killed.

import { appendFileSync, existsSync, readFileSync } from 'node:fs';

import { realNow } from './clock.mjs';

export class Journal {
  #path;
  #entries = new Map();
  counts = {
    refreshed: 0,
    refused: 0,
    // Requests that were to be sent again, with a DPoP nonce.
    challenged: 0,
    // Uses of a consumed refresh token; the provider emits no event for one.
    replays: 0,
    families_revoked: 0,
  };
  settings = {
    // For how long a consumed refresh token is still good, as the "reuse
    // interval" or "leeway" of commercial servers. Zero is the provider's own
    // behaviour.
    grace_ms: 0,
    clock_offset_s: 0,
    access_token_ttl_s: 3600,
  };

  constructor(path) {
    this.#path = path;
    if (!existsSync(path)) return;
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      // The last line may have been cut when the server was killed.
      try {
        this.#take(JSON.parse(line));
      } catch {
        continue;
      }
    }
    appendFileSync(path, '\n');
  }

  get(key) {
    return this.#entries.get(key);
  }

  keys() {
    return [...this.#entries.keys()];
  }

  put(key, entry) {
    this.#write({ key, entry });
  }

  count(name) {
    this.#write({ count: name });
  }

  set(setting, value) {
    this.#write({ setting, value });
  }

  // Of the session itself, and of all tokens that came of it.
  revoke(family) {
    this.revokeTokens(family, '');
    this.put(`Grant:${family}`, null);
  }

  revokeTokens(family, model) {
    for (const key of this.keys()) {
      if (key.startsWith(model) && this.get(key).grantId === family) this.put(key, null);
    }
  }

  #write(line) {
    appendFileSync(this.#path, `${JSON.stringify(line)}\n`);
    this.#take(line);
  }

  #take({ key, entry, count, setting, value }) {
    if (count !== undefined) this.counts[count] += 1;
    else if (setting !== undefined) this.settings[setting] = value;
    else if (entry === null) this.#entries.delete(key);
    else this.#entries.set(key, entry);
  }

  // The adapter class that oidc-provider wants, over this journal. Clients are
  // not in it: `client` knows them.
  adapter(client) {
    const journal = this;
    return class {
      constructor(model) {
        this.model = model;
      }

      async upsert(id, payload, ttl_s) {
        journal.put(`${this.model}:${id}`,
          this.model === 'AccessToken' ? endsExactly(payload, ttl_s) : payload);
      }

      async find(id) {
        if (this.model === 'Client') return client(id);
        const payload = journal.get(`${this.model}:${id}`);
        if (payload?.endsAtMs !== undefined && Date.now() > payload.endsAtMs) return undefined;
        if (payload?.consumed === undefined) return payload;
        if (this.model === 'RefreshToken') journal.count('replays');
        if (realNow() - payload.consumedAtMs >= journal.settings.grace_ms) return payload;
        const { consumed, ...unconsumed } = payload;
        return unconsumed;
      }

      async findByUid(uid) {
        return journal.keys().filter((key) => key.startsWith(`${this.model}:`))
          .map((key) => journal.get(key)).find((payload) => payload.uid === uid);
      }

      async findByUserCode() {
        return undefined;
      }

      async consume(id) {
        const payload = journal.get(`${this.model}:${id}`);
        // A second use within the grace does not prolong it.
        const consumedAtMs = payload.consumedAtMs ?? realNow();
        journal.put(`${this.model}:${id}`,
          { ...payload, consumed: Math.floor(Date.now() / 1000), consumedAtMs });
      }

      async destroy(id) {
        journal.put(`${this.model}:${id}`, null);
      }

      async revokeByGrantId(grantId) {
        journal.revokeTokens(grantId, `${this.model}:`);
      }
    };
  }
}

// The provider counts in whole seconds from the one before, and so ends a token
// up to a second before the time that it announced. Here it ends when that has
// passed, to the millisecond.
function endsExactly(payload, ttl_s) {
  const endsAtMs = Date.now() + ttl_s * 1000;
  return { ...payload, exp: Math.ceil(endsAtMs / 1000) + 1, endsAtMs };
}
