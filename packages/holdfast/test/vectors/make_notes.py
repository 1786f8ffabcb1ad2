#!/usr/bin/env python3
"""Makes notes.json: an independent encoder of C2SP signed notes and tlog checkpoints.

Written from the specifications (c2sp.org/signed-note, c2sp.org/tlog-checkpoint, RFC 6962), sharing no
code with Holdfast. Signs with the `cryptography` package. Run once; the result is committed:

    python3 make_notes.py > notes.json
"""
import base64
import hashlib
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def leaf(data):
    return hashlib.sha256(b"\x00" + data).digest()


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node(root(leaves[:k]), root(leaves[k:]))


def key(name, seed):
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    key_id = hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]
    vkey = f"{name}+{key_id.hex()}+{base64.b64encode(bytes([1]) + public).decode()}"
    return private, key_id, vkey


def sign(name, private, key_id, body):
    signature = private.sign(body.encode())
    return f"\u2014 {name} {base64.b64encode(key_id + signature).decode()}\n"


def main():
    cases = []
    for number, (origin, count) in enumerate(
        [("holdfast/vectors", 0), ("holdfast/vectors", 1), ("example.org/log with spaces", 5), ("日本語/記録", 1000)]
    ):
        name = origin.replace(" ", "-")
        seed = hashlib.sha256(f"holdfast test seed {number}".encode()).digest()
        private, key_id, vkey = key(name, seed)
        leaves = [leaf(f"entry {i}".encode()) for i in range(count)]
        tree_root = root(leaves)
        body = f"{origin}\n{count}\n{base64.b64encode(tree_root).decode()}\n"
        other, other_id, _ = key("witness.example/w1", hashlib.sha256(b"witness").digest())
        cases.append(
            {
                "origin": origin,
                "keyName": name,
                "seed": seed.hex(),
                "verifierKey": vkey,
                "size": count,
                "root": tree_root.hex(),
                "note": body + "\n" + sign(name, private, key_id, body),
                "witnessedNote": body
                + "\n"
                + sign("witness.example/w1", other, other_id, body)
                + sign(name, private, key_id, body),
            }
        )
    print(json.dumps(cases, indent=2, ensure_ascii=False))


main()
