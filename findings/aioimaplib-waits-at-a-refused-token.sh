#!/bin/bash
# Package:   aioimaplib 2.0.3, imapclient 4.1.0, imap-tools 1.16.0, pycurl 7.49.0 (libcurl 8.23.0), aiosmtplib 5.1.3
#            (Python packages) and imapflow 2.10.2 (npm; Node.js 20), each with XOAUTH2 and a token that has run out
# Behaviour: The server answers such a token by a challenge, "+" or 334 with {"status":"401"} in base64, wants an empty
#            line, and only then refuses, as Google describes it for XOAUTH2. imapflow and aiosmtplib send that line and raise
#            with the server's text, imapflow with the JSON too. imapclient and imap-tools send the token once more as
#            the answer. libcurl closes the connection at the challenge: "Login denied", without a text. aioimaplib
#            sends nothing and raises TimeoutError after its timeout; a new token on the same connection then times
#            out as well, and select() is refused. If the server refuses without a challenge it returns NO at once.
# Matters:   With aioimaplib an expired token looks like a dead network: the error to refresh for never comes. Take a
#            TimeoutError of xoauth2() as a refused token, and connect anew for the next.
# Guess:     All but imap-tools send an empty line and then have the server's refusal; the same connection can be used again.
# Seen:      aioimaplib: TimeoutError, TimeoutError / imapclient: token sent twice / libcurl: closed / others as guessed
# Duration:  about 20 seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install aioimaplib==2.0.3 imapclient==4.1.0 imap-tools==1.16.0 pycurl==7.49.0 aiosmtplib==5.1.3
npm init -y >/dev/null; npm i --silent --no-audit --no-fund imapflow@2.10.2
cat > client.mjs <<'J'
import { ImapFlow } from 'imapflow';
const client = new ImapFlow({ host: '127.0.0.1', port: Number(process.argv[2]), secure: false, doSTARTTLS: false, logger: false,
  auth: { user: 'u@example.org', accessToken: 'old' } });
client.on('error', () => {});
try { await client.connect(); console.log('in'); } catch (e) { console.log(`error "${e.responseText}", status ${e.oauthError?.status}`); }
process.exit();
J
cat > t.py <<'P'
import asyncio, base64, logging, os, socket, subprocess, threading, time
for k in list(os.environ):
    if k.lower().endswith("_proxy"): del os.environ[k]
logging.disable(logging.CRITICAL)
import aioimaplib, aiosmtplib, imap_tools, imapclient, pycurl
challenge = base64.b64encode(b'{"status":"401","schemes":"bearer","scope":"mail"}').decode()
token = lambda text: base64.b64decode(text).decode().split("\x01")[1].removeprefix("auth=Bearer ")

def server(smtp=False, asks=True):  # takes "new", refuses "old"
    answers = []
    def one(link):
        lines = link.makefile("rb")
        def read():
            line = lines.readline()
            if not line: raise OSError
            return line.decode().rstrip("\r\n")
        write = lambda text: link.sendall((text + "\r\n").encode())
        refused = "Invalid credentials: the token has run out"
        def check(text, go, ask, good, bad):
            if not text:
                write(go)
                text = read()
            if token(text) == "new": return write(good)
            if asks:
                write(ask + challenge)
                try: answer = read()
                except OSError:
                    answers.append("closed")
                    raise
                answers.append("an empty line" if not answer else "the token again" if token(answer) == "old" else answer)
            write(bad)
        try:
            write("220 x" if smtp else "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] x")
            while True:
                line = read().split(" ")
                if smtp:
                    if line[0].upper() == "EHLO": write("250-x\r\n250 AUTH XOAUTH2")
                    elif line[0].upper() == "AUTH": check(" ".join(line[2:]), "334 ", "334 ", "235 in", "535 5.7.8 " + refused)
                    else: write("250 ok")
                    continue
                tag, command = line[0], line[1].upper()
                if command == "AUTHENTICATE": check(" ".join(line[3:]), "+ ", "+ ", f"{tag} OK in", f"{tag} NO [AUTHENTICATIONFAILED] {refused}"); continue
                if command == "CAPABILITY": write("* CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2")
                write(f"{tag} OK x")
        except OSError: pass
        finally: link.close()
    listener = socket.create_server(("127.0.0.1", 0))
    def run():
        while True: threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()
    threading.Thread(target=run, daemon=True).start()
    return listener.getsockname()[1], answers

def run(label, use, **how):
    port, answers = server(**how)
    try: result = use(port)
    except Exception as e: result = f"{type(e).__name__}: {e}"
    for _ in range(20):
        if answers or "asks" in how: break
        time.sleep(0.05)
    print(f"{label}: answer to the challenge: {answers[0] if answers else 'none'}; {result}")

async def aio_imap(port):
    client = aioimaplib.IMAP4("127.0.0.1", port, timeout=3)
    await client.wait_hello_from_server()
    results = []
    for value in ("old", "new"):
        try: results.append((await client.xoauth2("u@example.org", value)).result)
        except Exception as e: results.append(type(e).__name__)
    return ", then with a new token ".join(results)
async def aio_smtp(port):
    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, timeout=5)
    await client.connect()
    results = []
    for value in ("old", "new"):
        try: results.append(str((await client.auth_xoauth2("u@example.org", value)).code))
        except Exception as e: results.append(f"{type(e).__name__} {e.code}")
    return ", then with a new token ".join(results)
def curl(scheme):
    def use(port):
        handle = pycurl.Curl()
        for option, value in ((pycurl.URL, f"{scheme}://127.0.0.1:{port}/"), (pycurl.USERNAME, "u@example.org"), (pycurl.XOAUTH2_BEARER, "old"),
                              (pycurl.TIMEOUT, 5), (pycurl.WRITEFUNCTION, lambda b: None)):
            handle.setopt(option, value)
        try: handle.perform()
        except pycurl.error as e: return e.args[1]
    return use
run("aioimaplib", lambda port: asyncio.run(aio_imap(port)))
run("aioimaplib, refused without a challenge", lambda port: asyncio.run(aio_imap(port)), asks=False)
run("imapclient", lambda port: imapclient.IMAPClient("127.0.0.1", port, ssl=False, timeout=5).oauth2_login("u@example.org", "old"))
run("imap-tools", lambda port: imap_tools.MailBoxUnencrypted("127.0.0.1", port, timeout=5).xoauth2("u@example.org", "old"))
run("libcurl, IMAP", curl("imap"))
run("libcurl, SMTP", curl("smtp"), smtp=True)
run("aiosmtplib", lambda port: asyncio.run(aio_smtp(port)), smtp=True)
run("imapflow", lambda port: subprocess.run(["node", "client.mjs", str(port)], capture_output=True, text=True, timeout=30).stdout.strip())
P
v/bin/python t.py | tee seen
diff - seen <<'P'
aioimaplib: answer to the challenge: none; TimeoutError, then with a new token TimeoutError
aioimaplib, refused without a challenge: answer to the challenge: none; NO, then with a new token OK
imapclient: answer to the challenge: the token again; LoginError: [AUTHENTICATIONFAILED] Invalid credentials: the token has run out
imap-tools: answer to the challenge: the token again; error: [AUTHENTICATIONFAILED] Invalid credentials: the token has run out
libcurl, IMAP: answer to the challenge: closed; Login denied
libcurl, SMTP: answer to the challenge: closed; Login denied
aiosmtplib: answer to the challenge: an empty line; SMTPAuthenticationError 535, then with a new token 235
imapflow: answer to the challenge: an empty line; error "Invalid credentials: the token has run out", status 401
P
echo "as expected"
