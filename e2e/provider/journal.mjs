// Where the provider keeps its tokens: in memory, and in a file that a server
// started later, or started again after it was killed, reads back.

import { appendFileSync, existsSync, readFileSync } from 'node:fs';

import { realNow } from './clock.mjs';

export class Journal {
  #path;
  #entries = new Map();
  // Replays of a consumed refresh token; the provider emits no event for one.
  replays = 0;
  // For how long a consumed refresh token is still good, as the "reuse
  // interval" or "leeway" of commercial servers. Zero is the provider's own
  // behaviour.
  graceMs = 0;

  constructor(path) {
    this.#path = path;
    if (!existsSync(path)) return;
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      // The last line may have been cut when the server was killed.
      try {
        const { key, entry } = JSON.parse(line);
        this.#put(key, entry);
      } catch {
        continue;
      }
    }
  }

  get(key) {
    return this.#entries.get(key);
  }

  keys() {
    return [...this.#entries.keys()];
  }

  set(key, entry) {
    appendFileSync(this.#path, `${JSON.stringify({ key, entry })}\n`);
    this.#put(key, entry);
  }

  #put(key, entry) {
    if (entry === null) this.#entries.delete(key);
    else this.#entries.set(key, entry);
  }

  // The adapter class that oidc-provider wants, over this journal.
  adapter() {
    const journal = this;
    return class {
      constructor(model) {
        this.model = model;
      }

      async upsert(id, payload) {
        journal.set(`${this.model}:${id}`, payload);
      }

      async find(id) {
        const payload = journal.get(`${this.model}:${id}`);
        if (payload?.consumed === undefined) return payload;
        if (this.model === 'RefreshToken') journal.replays += 1;
        if (realNow() - payload.consumedAtMs >= journal.graceMs) return payload;
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
        journal.set(`${this.model}:${id}`,
          { ...payload, consumed: Math.floor(Date.now() / 1000), consumedAtMs });
      }

      async destroy(id) {
        journal.set(`${this.model}:${id}`, null);
      }

      async revokeByGrantId(grantId) {
        for (const key of journal.keys()) {
          if (journal.get(key).grantId === grantId) journal.set(key, null);
        }
      }
    };
  }
}
