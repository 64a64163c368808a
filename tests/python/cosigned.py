"""Reads when a witness countersigned a checkpoint of a log.

    target/python/bin/python tests/python/cosigned.py NOTE LOG_VKEY WITNESS_VKEY
"""

import sys

import tlog


def main(note_file, log_key, witness_key):
    with open(note_file, encoding="utf-8") as file:
        note = file.read()
    size, _ = tlog.open_checkpoint(note, log_key)
    print(size, tlog.cosigned_at(note, witness_key))


if __name__ == "__main__":
    main(*sys.argv[1:])
