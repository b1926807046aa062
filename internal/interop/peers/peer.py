"""pysrp as a peer: one JSON request a line on standard input, one answer a
line on standard output. Byte strings are hexadecimal."""

import json
import sys
import uuid

from srp import _ctsrp as srp  # over OpenSSL: the pure one strips zeros inside x

srp.rfc5054_enable()

HASHES = {"sha1": srp.SHA1, "sha256": srp.SHA256, "sha512": srp.SHA512}
GROUP = srp.NG_2048
servers = {}


def verifier(r):
    salt, v = srp.create_salted_verification_key(r["I"], r["P"], HASHES[r["hash"]], GROUP)
    return {"salt": salt.hex(), "v": v.hex()}


def client(r):
    user = srp.User(r["I"], r["P"], HASHES[r["hash"]], GROUP)
    _, A = user.start_authentication()
    M1 = user.process_challenge(bytes.fromhex(r["salt"]), bytes.fromhex(r["B"]))
    ident = str(uuid.uuid4())
    servers[ident] = user
    return {"id": ident, "A": A.hex(), "M1": M1.hex()}


def client_finish(r):
    user = servers.pop(r["id"])
    user.verify_session(bytes.fromhex(r["M2"]))
    if not user.authenticated():
        raise ValueError("the server was refused")
    return {"K": user.get_session_key().hex()}


def server_begin(r):
    # pysrp takes A first; the id stands in until it comes.
    server = srp.Verifier(r["I"], bytes.fromhex(r["salt"]), bytes.fromhex(r["v"]), None, HASHES[r["hash"]], GROUP)
    _, B = server.get_challenge()
    ident = str(uuid.uuid4())
    servers[ident] = server
    return {"id": ident, "B": B.hex()}


def server_finish(r):
    server = servers.pop(r["id"])
    M2 = server.verify_session(bytes.fromhex(r["M1"]), bytes.fromhex(r["A"]))
    if not server.authenticated():
        raise ValueError("the client was refused")
    return {"M2": M2.hex(), "K": server.get_session_key().hex()}


OPERATIONS = {
    "verifier": verifier,
    "client": client,
    "client-finish": client_finish,
    "server-begin": server_begin,
    "server-finish": server_finish,
}

for line in sys.stdin:
    try:
        request = json.loads(line)
        answer = OPERATIONS[request["op"]](request)
    except Exception as e:
        answer = {"error": repr(e)}
    print(json.dumps(answer), flush=True)
