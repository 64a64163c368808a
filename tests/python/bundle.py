"""Verifies a file of `tongguan audit export` without the gateway, then alters it in every place and sees that each alteration is refused.

    target/python/bin/python tests/python/bundle.py BUNDLE VKEY_FILE

Prints one JSON object; the status is 0 only if the bundle holds and no alteration of it does.
"""

import copy
import json
import sys

import tlog
from tlog import Refused, need

FIELDS = {"format", "key", "checkpoint", "subjects", "entries"}


def verify(bundle, vkey):
    need(isinstance(bundle, dict) and set(bundle) == FIELDS, "other fields than a bundle has")
    need(bundle["format"] == "tongguan.audit-bundle/1", "another format")
    need(bundle["key"] == vkey.strip(), "another key than the one that is trusted")
    size, root = tlog.open_checkpoint(bundle["checkpoint"], vkey)
    last, told = -1, set()
    for proven in bundle["entries"]:
        need(set(proven) == {"position", "entry", "proof"}, "other fields than an entry has")
        need(proven["position"] > last, "out of order")
        last = proven["position"]
        path = [tlog.unbase64(text) for text in proven["proof"]]
        tlog.check_inclusion(tlog.leaf_hash(proven["entry"].encode()), last, size, root, path)
        told.add(json.loads(proven["entry"])["subject"])
    need(told and sorted(told) == bundle["subjects"], "the entries are not about what the bundle names")
    return size


def flipped(text, at):
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


def alterations(bundle):
    """Every value altered (of long ones some characters), every list cut, doubled and swapped, one at a time, each with its name."""

    def altered(name, change):
        copied = copy.deepcopy(bundle)
        change(copied)
        return name, copied

    for name in ("format", "key", "checkpoint"):
        for at in range(len(bundle[name])):
            yield altered(f"{name}[{at}]", lambda b, n=name, a=at: b.__setitem__(n, flipped(b[n], a)))
    for number in range(len(bundle["subjects"])):
        yield altered(f"subject {number}", lambda b, n=number: b["subjects"].__setitem__(n, flipped(b["subjects"][n], 3)))
        yield altered(f"subject {number} dropped", lambda b, n=number: b["subjects"].pop(n))
    for number, proven in enumerate(bundle["entries"]):
        for by in (-1, 1, 256):
            yield altered(f"position {number}", lambda b, n=number, d=by: b["entries"][n].__setitem__("position", b["entries"][n]["position"] + d))
        for at in range(number % 9, len(proven["entry"]), 9):
            yield altered(f"entry {number}[{at}]", lambda b, n=number, a=at: b["entries"][n].__setitem__("entry", flipped(b["entries"][n]["entry"], a)))
        yield altered(f"entry {number} longer", lambda b, n=number: b["entries"][n].__setitem__("entry", b["entries"][n]["entry"] + " "))
        yield altered(f"entry {number} twice", lambda b, n=number: b["entries"].insert(n, b["entries"][n]))
        yield altered(f"entry {number} with more", lambda b, n=number: b["entries"][n].__setitem__("note", "x"))
        for step, text in enumerate(proven["proof"]):
            for at in range(step % 5, len(text), 5):
                yield altered(f"proof {number}.{step}[{at}]", lambda b, n=number, s=step, a=at: b["entries"][n]["proof"].__setitem__(s, flipped(b["entries"][n]["proof"][s], a)))
            yield altered(f"proof {number} without {step}", lambda b, n=number, s=step: b["entries"][n]["proof"].pop(s))
            yield altered(f"proof {number} with {step} twice", lambda b, n=number, s=step: b["entries"][n]["proof"].insert(s, b["entries"][n]["proof"][s]))
        if number:
            yield altered(f"entries {number - 1} and {number} swapped", lambda b, n=number: b["entries"].insert(n - 1, b["entries"].pop(n)))
    yield altered("no entries", lambda b: b.__setitem__("entries", []))


def main(file, key_file):
    with open(file, encoding="utf-8") as text:
        bundle = json.load(text)
    with open(key_file, encoding="utf-8") as text:
        vkey = text.read()
    size = verify(bundle, vkey)
    tried, believed = 0, []
    for name, altered in alterations(bundle):
        tried += 1
        if altered == bundle:
            raise AssertionError(f"{name} alters nothing")
        try:
            verify(altered, vkey)
            believed.append(name)
        except (Refused, ValueError, KeyError, TypeError):
            pass
    print(json.dumps({"size": size, "entries": len(bundle["entries"]), "tried": tried, "believed": believed}))
    sys.exit(1 if believed else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
