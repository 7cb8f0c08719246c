#!/bin/bash
# Package:   curl_cffi 0.17.0 and pycurl 7.49.0 (Python packages; libcurl 8.23.0 in the second), requests 2.34.2 for
#            comparison; the server is Python's ssl (TLS 1.3) with certificates of trustme 1.2.1
# Behaviour: The client certificate is renewed in its file, as agents do that keep short-lived certificates. The server
#            has closed the connection, so the next request opens a new one. requests reads the file and shows the new
#            certificate. libcurl resumes the TLS session of the old connection, and to the server the client is still
#            the one with the old certificate, even if cert= is passed with the call. A new session object, or the
#            certificate under another name, shows the new one.
# Matters:   At a server that binds tokens to the certificate (RFC 8705), or reads the client's name or validity from
#            it, a renewal has no effect until the session runs out. It looks as if the file had not been read. Write
#            each renewal to a path of its own, or make a new session after it.
# Guess:     A new connection shows the new certificate.
# Seen:      requests: old, new / curl_cffi, pycurl: old, old (resumed) / another path or session: old, new
# Duration:  seconds without install.
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v && v/bin/pip -q install curl_cffi==0.17.0 pycurl==7.49.0 requests==2.34.2 trustme==1.2.1
cat > t.py <<'P'
import io, os, shutil, socket, ssl, threading
for k in list(os.environ):
    if k.lower().endswith("_proxy") or k.endswith("_CA_BUNDLE") or k.startswith("SSL_CERT"): del os.environ[k]
import pycurl, requests, trustme
from curl_cffi import requests as curl

authority = trustme.CA()
authority.cert_pem.write_to_path("ca.pem")
for name in ("old", "new"):
    authority.issue_cert("client.test", common_name=name).private_key_and_cert_chain_pem.write_to_path(name + ".pem")

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.minimum_version = ssl.TLSVersion.TLSv1_3
context.verify_mode = ssl.CERT_REQUIRED
authority.configure_trust(context)
authority.issue_cert("127.0.0.1").configure_cert(context)
listener, seen = socket.create_server(("127.0.0.1", 0)), []
def serve():
    while True:
        plain, _ = listener.accept()
        tls = context.wrap_socket(plain, server_side=True)
        data = b""
        while not data.endswith(b"\r\n\r\nx=1"): data += tls.recv(4096)
        name = dict(part[0] for part in tls.getpeercert()["subject"])["commonName"]
        seen.append(name + (" (resumed)" if tls.session_reused else ""))
        tls.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
        try: tls.unwrap()
        except OSError: pass
        tls.close()
threading.Thread(target=serve, daemon=True).start()
url = f"https://127.0.0.1:{listener.getsockname()[1]}/token"

def with_requests():
    session = requests.Session()
    session.verify, session.cert = "ca.pem", "client.pem"
    return lambda n: session.post(url, data="x=1")
def with_curl_cffi():
    session = curl.Session(verify="ca.pem", cert="client.pem")
    return lambda n: session.post(url, data=b"x=1")
def cert_with_the_call():
    session = curl.Session(verify="ca.pem")
    return lambda n: session.post(url, data=b"x=1", cert="client.pem")
def another_path():
    session = curl.Session(verify="ca.pem")
    def post(n):
        shutil.copy("client.pem", f"client{n}.pem")
        session.post(url, data=b"x=1", cert=f"client{n}.pem")
    return post
def another_session():
    return lambda n: curl.Session(verify="ca.pem", cert="client.pem").post(url, data=b"x=1")
def with_pycurl():
    handle = pycurl.Curl()
    def post(n):
        for option, value in ((pycurl.URL, url), (pycurl.CAINFO, "ca.pem"), (pycurl.SSLCERT, "client.pem"),
                              (pycurl.POSTFIELDS, "x=1"), (pycurl.WRITEDATA, io.BytesIO())):
            handle.setopt(option, value)
        handle.perform()
    return post

for label, make in (("requests", with_requests), ("curl_cffi", with_curl_cffi), ("curl_cffi, cert= with the call", cert_with_the_call),
                    ("pycurl, one handle", with_pycurl), ("curl_cffi, another path", another_path), ("curl_cffi, another session", another_session)):
    seen.clear()
    shutil.copy("old.pem", "client.pem")
    post = make()
    post(1)
    shutil.copy("new.pem", "renewed.pem")
    os.replace("renewed.pem", "client.pem")
    post(2)
    print(f"{label}: the server saw {', then '.join(seen)}")
P
v/bin/python t.py | tee seen
diff - seen <<'P'
requests: the server saw old, then new
curl_cffi: the server saw old, then old (resumed)
curl_cffi, cert= with the call: the server saw old, then old (resumed)
pycurl, one handle: the server saw old, then old (resumed)
curl_cffi, another path: the server saw old, then new
curl_cffi, another session: the server saw old, then new
P
echo "as expected"
