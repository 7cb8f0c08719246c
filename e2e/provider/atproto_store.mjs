// The sessions of @atproto/oauth-provider, over the journal.

// What it asks for at its start, and never while tokens are refreshed: accounts,
// devices, lexicons and logins.
const UNUSED = [
  'createAccount', 'authenticateAccount', 'setAuthorizedClient', 'getAccount',
  'upsertDeviceAccount', 'getDeviceAccount', 'removeDeviceAccount', 'listDeviceAccounts',
  'resetPasswordRequest', 'resetPasswordConfirm', 'verifyHandleAvailability',
  'createDevice', 'readDevice', 'updateDevice', 'deleteDevice',
  'findLexicon', 'storeLexicon', 'deleteLexicon',
  'createRequest', 'readRequest', 'updateRequest', 'deleteRequest', 'consumeRequestCode',
  'findTokenByCode', 'listAccountTokens',
];

const ACCOUNT = {
  sub: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa',
  aud: 'did:web:pds.example.com',
};

// A session is `Grant:FAMILY`, where the family is the first token's identifier.
// `Token:ID` and `RefreshToken:TOKEN` tell to which session each belongs, and stay
// there when they are spent: the server wants to find a session by them.
export function atprotoStore(journal) {
  const unused = Object.fromEntries(UNUSED.map((name) => [name, () => {
    throw new Error(`${name} is not needed for a refresh`);
  }]));
  const put = (family, session) => journal.put(`Grant:${family}`, session);
  const belongs = (family, session) => {
    journal.put(`Token:${session.id}`, { grantId: family });
    journal.put(`RefreshToken:${session.refreshToken}`, { grantId: family });
  };
  const familyOf = (key) => journal.get(key)?.grantId;
  const info = (family) => {
    const session = family && journal.get(`Grant:${family}`);
    return session ? {
      id: session.id,
      data: revived(session.data),
      account: ACCOUNT,
      currentRefreshToken: session.refreshToken,
    } : null;
  };

  return {
    ...unused,
    account: ACCOUNT,

    createToken(id, data, refreshToken) {
      const session = { id, data, refreshToken };
      belongs(id, session);
      put(id, session);
    },

    readToken(id) {
      return info(familyOf(`Token:${id}`));
    },

    // It takes the session with it: the server calls it to end one.
    deleteToken(id) {
      const family = familyOf(`Token:${id}`);
      if (family === undefined) return;
      journal.count('families_revoked');
      journal.revoke(family);
    },

    rotateToken(id, newId, newRefreshToken, newData) {
      const family = familyOf(`Token:${id}`);
      const { data } = journal.get(`Grant:${family}`);
      const session = { id: newId, data: { ...data, ...newData }, refreshToken: newRefreshToken };
      belongs(family, session);
      // Last: a server that is killed before this line has not rotated it.
      put(family, session);
    },

    findTokenByRefreshToken(refreshToken) {
      const found = info(familyOf(`RefreshToken:${refreshToken}`));
      if (found && found.currentRefreshToken !== refreshToken) journal.count('replays');
      return found;
    },
  };
}

function revived(data) {
  const { createdAt, updatedAt, expiresAt } = data;
  return {
    ...data,
    createdAt: new Date(createdAt),
    updatedAt: new Date(updatedAt),
    expiresAt: new Date(expiresAt),
  };
}
