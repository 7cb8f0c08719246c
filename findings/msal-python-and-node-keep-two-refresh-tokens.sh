#!/bin/bash
# Package:   msal 1.39.0 (Python package) and @azure/msal-node 7.2.3 (Node package), one cache file by their own serializers
# Behaviour: Both write the cache format that Microsoft's libraries share, and each finds the account that the other
#            has stored. But the keys of the tokens differ in their last part, and after a login by Python also in
#            the host's name. So when one refreshes, the other's entry is left as it was: the file then holds two
#            refresh tokens, the spent one and the new one. The next refresh of the other library sends the spent
#            one. Python does not take Node's new access token either, and refreshes though it is good for an hour.
# Matters:   A command line tool in one language and a service in the other take turns over one file. With a server
#            that rotates refresh tokens every turn replays a spent token, and the login is revoked. Nothing is wrong
#            to be seen while only one of the two refreshes. Give each library a file of its own and a login of its own.
# Guess:     Accounts and tokens are found both ways, and the newest refresh token is the one that is sent.
# Seen:      login by Python, refresh by Node with r1: Python sends r1 again / the other way round the same
# Duration:  a few seconds without install. No server is needed: both libraries take an HTTP client from the program.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install msal==1.39.0
npm init -y >/dev/null; npm i --silent --no-audit --no-fund @azure/msal-node@7.2.3 node@24.18.0
# What the authority answers. Each refresh gives the next refresh token, counted in a file.
cat > answer.json <<'J'
{"tenant": "11111111-1111-1111-1111-111111111111", "user": "22222222-2222-2222-2222-222222222222", "host": "login.microsoftonline.com",
 "aliases": ["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"]}
J
cat > t.py <<'P'
import base64, json, os, sys, time, msal
given = json.load(open("answer.json"))
base = f"https://{given['host']}/{given['tenant']}"
part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
class Answer:
    status_code, headers = 200, {"Content-Type": "application/json"}
    def __init__(self, value): self.text = json.dumps(value)
    def raise_for_status(self): pass
class Http:
    def get(self, url, **_):
        if "discovery/instance" in url:
            return Answer({"tenant_discovery_endpoint": f"{base}/v2.0/.well-known/openid-configuration",
                           "metadata": [{"preferred_network": given["host"], "preferred_cache": "login.windows.net", "aliases": given["aliases"]}]})
        return Answer({"issuer": f"{base}/v2.0", "authorization_endpoint": f"{base}/oauth2/v2.0/authorize", "token_endpoint": f"{base}/oauth2/v2.0/token"})
    def post(self, url, data=None, **_):
        number = int(open("count").read()) + 1
        open("count", "w").write(str(number))
        print(f"  Python sends {data['refresh_token']}, gets r{number}")
        now = int(time.time())
        claims = {"iss": f"{base}/v2.0", "aud": "client", "iat": now, "exp": now + 3600, "sub": "s", "oid": given["user"],
                  "tid": given["tenant"], "preferred_username": "user@example.test", "ver": "2.0"}
        return Answer({"token_type": "Bearer", "scope": "User.Read", "expires_in": 3600, "access_token": f"a{number}", "refresh_token": f"r{number}",
                       "id_token": ".".join([part({"alg": "none"}), part(claims), "x"]), "client_info": part({"uid": given["user"], "utid": given["tenant"]})})
    def close(self): pass
cache = msal.SerializableTokenCache()
if os.path.exists("cache.json"): cache.deserialize(open("cache.json").read())
app = msal.PublicClientApplication("client", authority=base, token_cache=cache, http_client=Http())
if sys.argv[1] == "login":
    print("Python logs in:", app.acquire_token_by_refresh_token("r0", ["User.Read"])["access_token"])
else:
    accounts = app.get_accounts()
    token = app.acquire_token_silent(["User.Read"], accounts[0], force_refresh=sys.argv[1] == "refresh")
    print(f"Python, {sys.argv[1]}: {len(accounts)} account, {token['access_token']}")
open("cache.json", "w").write(cache.serialize())
P
cat > t.mjs <<'J'
import { PublicClientApplication } from '@azure/msal-node';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
const given = JSON.parse(readFileSync('answer.json', 'utf8'));
const base = `https://${given.host}/${given.tenant}`;
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const answer = (body) => ({ status: 200, headers: {}, body });
const networkClient = {
  async sendGetRequestAsync(url) {
    if (url.includes('discovery/instance')) {
      return answer({ tenant_discovery_endpoint: `${base}/v2.0/.well-known/openid-configuration`, 'api-version': '1.1',
        metadata: [{ preferred_network: given.host, preferred_cache: 'login.windows.net', aliases: given.aliases }] });
    }
    return answer({ issuer: `${base}/v2.0`, authorization_endpoint: `${base}/oauth2/v2.0/authorize`, token_endpoint: `${base}/oauth2/v2.0/token`, jwks_uri: `${base}/keys` });
  },
  async sendPostRequestAsync(url, { body }) {
    const number = Number(readFileSync('count', 'utf8')) + 1;
    writeFileSync('count', String(number));
    console.log(`  Node sends ${new URLSearchParams(body).get('refresh_token')}, gets r${number}`);
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: `${base}/v2.0`, aud: 'client', iat: now, exp: now + 3600, sub: 's', oid: given.user, tid: given.tenant, preferred_username: 'user@example.test', ver: '2.0' };
    return answer({ token_type: 'Bearer', scope: 'User.Read', expires_in: 3600, access_token: `a${number}`, refresh_token: `r${number}`,
      id_token: [part({ alg: 'none' }), part(claims), 'x'].join('.'), client_info: part({ uid: given.user, utid: given.tenant }) });
  },
};
const cachePlugin = {
  async beforeCacheAccess(context) { if (existsSync('cache.json')) context.tokenCache.deserialize(readFileSync('cache.json', 'utf8')); },
  async afterCacheAccess(context) { if (context.cacheHasChanged) writeFileSync('cache.json', context.tokenCache.serialize()); },
};
const app = new PublicClientApplication({ auth: { clientId: 'client', authority: base }, system: { networkClient }, cache: { cachePlugin } });
const what = process.argv[2];
if (what === 'login') {
  console.log('Node logs in:', (await app.acquireTokenByRefreshToken({ refreshToken: 'r0', scopes: ['User.Read'], forceCache: true })).accessToken);
} else {
  const accounts = await app.getTokenCache().getAllAccounts();
  const token = await app.acquireTokenSilent({ account: accounts[0], scopes: ['User.Read'], forceRefresh: what === 'refresh' });
  console.log(`Node, ${what}: ${accounts.length} account, ${token.accessToken}`);
}
J
python() { v/bin/python t.py "$1"; }
node() { node_modules/.bin/node t.mjs "$1"; }
held() { v/bin/python -c 'import json; print("  in the file:", *sorted(v["secret"] for v in json.load(open("cache.json"))["RefreshToken"].values()))'; }
{
  rm -f cache.json; echo 0 > count
  python login; node token; node refresh; held; python token; held
  rm -f cache.json; echo 0 > count
  node login; python token; python refresh; held; node refresh; held
} | tee seen
diff - seen <<'P'
  Python sends r0, gets r1
Python logs in: a1
Node, token: 1 account, a1
  Node sends r1, gets r2
Node, refresh: 1 account, a2
  in the file: r1 r2
  Python sends r1, gets r3
Python, token: 1 account, a3
  in the file: r2 r3
  Node sends r0, gets r1
Node logs in: a1
Python, token: 1 account, a1
  Python sends r1, gets r2
Python, refresh: 1 account, a2
  in the file: r1 r2
  Node sends r1, gets r3
Node, refresh: 1 account, a3
  in the file: r2 r3
P
echo "as expected"
