"""Verifies a published log from the outside.

    target/python/bin/python tests/python/tiles.py http://HOST:PORT VKEY_FILE

Prints one JSON object; the status is 0 only if everything fits.
"""

import json
import sys

import tlog


def main(address, key_file):
    with open(key_file, encoding="utf-8") as file:
        vkey = file.read()
    size, root, entries = tlog.Log(address).verify(vkey)
    acts = {}
    for entry in entries:
        act = json.loads(entry)["act"]
        acts[act] = acts.get(act, 0) + 1
    print(json.dumps({"size": size, "root": root.hex(), "acts": acts}))


if __name__ == "__main__":
    main(*sys.argv[1:])
