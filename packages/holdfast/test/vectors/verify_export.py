#!/usr/bin/env python3
"""A second verifier of trail exports, written from docs/trail-format.md and the specifications only.

    python3 verify_export.py FILE [VERIFIERKEY]

Prints one JSON line; exit code 0: holds, 1: broken, 2: unusable. Standard library only, except that
signatures are checked when the `cryptography` package is there ("signatures": "checked").
"""
import base64
import hashlib
import json
import sys

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    Ed25519PublicKey = None


def sha(data):
    return hashlib.sha256(data).digest()


def append(frontier, size, node):
    while size & 1:
        node = sha(b"\x01" + frontier.pop() + node)
        size >>= 1
    frontier.append(node)


def root_of(frontier):
    if not frontier:
        return sha(b"")
    root = frontier[-1]
    for node in reversed(frontier[:-1]):
        root = sha(b"\x01" + node + root)
    return root


def check_note(note, vkey, origin):
    """The size and root that were signed; raises ValueError."""
    name, key_id, material = vkey.split("+", 2)
    public = base64.b64decode(material, validate=True)
    if public[0] != 1 or sha(name.encode() + b"\n" + public)[:4].hex() != key_id:
        raise ValueError("the verifier key is not consistent")
    body, signatures = note.rsplit("\n\n", 1)
    body += "\n"
    lines = body.split("\n")
    if lines[0] != origin:
        raise ValueError("another origin")
    for line in signatures.rstrip("\n").split("\n"):
        dash, signer, blob = line.split(" ")
        raw = base64.b64decode(blob, validate=True)
        if dash != "\u2014" or signer != name or raw[:4].hex() != key_id:
            continue
        if Ed25519PublicKey is not None:
            try:
                Ed25519PublicKey.from_public_bytes(public[1:]).verify(raw[4:], body.encode())
            except InvalidSignature:
                raise ValueError("a forged signature") from None
        return int(lines[1]), base64.b64decode(lines[2], validate=True)
    raise ValueError("not signed by the key")


def main(path, given_key):
    with open(path, "rb") as file:
        lines = file.read().split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    header = json.loads(lines[0])
    if header["format"] != "holdfast-trail-export/1":
        raise KeyError("format")
    first = 1 + header["checkpoints"]
    notes = [json.loads(line)["note"] for line in lines[1:first]]
    entries = lines[first:]
    problems = []
    signed = {}
    for note in notes:
        try:
            size, root = check_note(note, given_key or header["key"], header["origin"])
            signed[size] = root
        except ValueError as problem:
            problems.append(str(problem))
    size = header["from"]
    frontier = [base64.b64decode(node, validate=True) for node in header["frontier"]]
    if len(frontier) != bin(size).count("1"):
        raise KeyError("frontier")

    def compare():
        root = signed.pop(size, None)
        if root is not None and root != root_of(frontier):
            problems.append(f"another root at {size}")
        return root is not None

    decisions, outcomes, ended = {}, {}, {}
    at_checkpoint = compare()
    for line in entries:
        index = size
        append(frontier, size, sha(b"\x00" + line))
        size += 1
        at_checkpoint = compare()
        try:
            entry = json.loads(line)
        except ValueError:
            problems.append(f"entry {index} is not JSON")
            continue
        if entry.get("kind") == "decision":
            decisions[index] = entry["instance"]
        elif entry.get("kind") == "outcome":
            decision = entry["decision"]
            if decision in outcomes:
                problems.append(f"decision {decision} has two outcomes")
            if decision not in decisions and decision >= header["from"]:
                problems.append(f"the outcome at {index} has no decision before it")
            outcomes[decision] = index
        elif entry.get("kind") == "instance-stopped":
            ended[entry["facts"]["instance"]] = index
    if signed or not at_checkpoint or len(entries) != header["entries"]:
        problems.append("the entries do not end where they were signed")
    unanswered = [i for i in decisions if i not in outcomes]
    problems += [f"decision {i} has no outcome" for i in unanswered if i < ended.get(decisions[i], -1)]
    report = {
        "ok": not problems,
        "decisions": len(decisions),
        "outcomes": len(outcomes),
        "root": base64.b64encode(root_of(frontier)).decode(),
        "signatures": "not checked" if Ed25519PublicKey is None else "checked",
        "problems": problems[:20],
    }
    print(json.dumps(report))
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None))
    except (OSError, KeyError, IndexError, ValueError) as error:
        print(json.dumps({"ok": False, "unusable": repr(error)}))
        sys.exit(2)
