"""A verifier of transparency logs (C2SP signed-note, tlog-checkpoint, tlog-tiles, tlog-cosignature; RFC 6962) that shares nothing with the
gateway: written from the specifications, on `cryptography` and the standard library. Every fault raises Refused.
"""

import base64
import binascii
import hashlib
import struct
import urllib.error
import urllib.request

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519, COSIGNATURE = 1, 4
WIDTH = 256


class Refused(Exception):
    """What was looked at is not to be believed."""


def need(holds, why):
    if not holds:
        raise Refused(why)


def unbase64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused(f"not base64: {error}") from error
    need(base64.b64encode(data).decode() == text, "base64 of another form")
    return data


def leaf_hash(entry):
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes):
    """MTH of RFC 6962, section 2.1, over hashes of one level."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    return node_hash(root_of(hashes[:split]), root_of(hashes[split:]))


def parse_key(text, kind=ED25519):
    """A vkey: name+hash+base64(type, public key)."""
    parts = text.strip().split("+", 2)
    need(len(parts) == 3, "not a vkey")
    name, key_hash, encoded = parts
    data = unbase64(encoded)
    need(len(data) == 33 and data[0] == kind, "not a key of this type")
    key_id = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
    need(key_id.hex() == key_hash, "the key's hash does not fit")
    return name, key_id, Ed25519PublicKey.from_public_bytes(data[1:])


def split_note(note):
    text, found, lines = note.rpartition("\n\n")
    need(found and lines.endswith("\n"), "not a signed note")
    signatures = []
    for line in lines[:-1].split("\n"):
        parts = line.split(" ")
        need(len(parts) == 3 and parts[0] == "\u2014", "not a signature line")
        data = unbase64(parts[2])
        need(len(data) > 4, "a signature without anything")
        signatures.append((parts[1], data[:4], data[4:]))
    return text + "\n", signatures


def verified(key, signature, message):
    try:
        key.verify(signature, message)
    except InvalidSignature as error:
        raise Refused("the signature does not fit") from error


def open_checkpoint(note, vkey):
    """The size and root that the log signed."""
    name, key_id, key = parse_key(vkey)
    text, signatures = split_note(note)
    mine = [signature for who, whose, signature in signatures if (who, whose) == (name, key_id)]
    need(mine, "not signed by the log")
    for signature in mine:
        verified(key, signature, text.encode())
    lines = text.split("\n")
    need(len(lines) >= 4 and lines[0] == name, "the checkpoint of another log")
    need(lines[1].isascii() and lines[1].isdigit() and str(int(lines[1])) == lines[1], "the size is no number")
    root = unbase64(lines[2])
    need(len(root) == 32, "the root is no hash")
    return int(lines[1]), root


def cosigned_at(note, vkey):
    """When a witness saw the checkpoint: seconds since 1970."""
    name, key_id, key = parse_key(vkey, COSIGNATURE)
    text, signatures = split_note(note)
    mine = [signature for who, whose, signature in signatures if (who, whose) == (name, key_id)]
    need(len(mine) == 1 and len(mine[0]) == 72, "not signed by the witness")
    (seconds,) = struct.unpack(">Q", mine[0][:8])
    verified(key, mine[0][8:], f"cosignature/v1\ntime {seconds}\n{text}".encode())
    return seconds


def check_inclusion(leaf, position, size, root, path):
    """RFC 9162, section 2.1.3.2."""
    need(0 <= position < size, "beyond the tree")
    node, last, result = position, size - 1, leaf
    for sibling in path:
        need(last != 0, "the proof is too long")
        if node & 1 or node == last:
            result = node_hash(sibling, result)
            while not node & 1 and node != 0:
                node, last = node >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        node, last = node >> 1, last >> 1
    need(last == 0 and result == root, "the entry is not in the tree")


def tile_path(level, index, width=WIDTH):
    groups = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03}")
    partial = "" if width == WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join(groups)}{partial}"


class Log:
    """A published log."""

    def __init__(self, address):
        self.address = address.rstrip("/")

    def get(self, path):
        try:
            with urllib.request.urlopen(f"{self.address}/{path}", timeout=30) as answer:
                return answer.read(64 << 20)
        except urllib.error.HTTPError as error:
            raise Refused(f"{path}: {error.code}") from error

    def tile(self, level, index, width):
        data = self.get(tile_path(level, index, width))
        need(len(data) == 32 * width, "a tile of another width")
        return [data[at : at + 32] for at in range(0, len(data), 32)]

    def entries(self, index, width):
        data = self.get(tile_path("entries", index, width))
        entries = []
        while data:
            need(len(data) >= 2, "a bundle that is cut")
            (length,) = struct.unpack(">H", data[:2])
            need(len(data) >= 2 + length, "a bundle that is cut")
            entries.append(data[2 : 2 + length])
            data = data[2 + length :]
        need(len(entries) == width, "a bundle of another width")
        return entries

    def verify(self, vkey):
        """Reads everything: the checkpoint, all tiles of all levels, all entries. Gives the size, the root and the entries."""
        note = self.get("checkpoint").decode()
        size, root = open_checkpoint(note, vkey)
        entries, hashes = [], []
        for index in range(-(-size // WIDTH)):
            width = min(WIDTH, size - index * WIDTH)
            bodies, tile = self.entries(index, width), self.tile(0, index, width)
            need([leaf_hash(body) for body in bodies] == tile, f"entries and tile {index} differ")
            entries += bodies
            hashes += tile
        need(root_of(hashes) == root, "the entries do not have the root that is signed")
        level = 1
        while len(hashes) >= WIDTH:
            hashes = [root_of(hashes[at : at + WIDTH]) for at in range(0, len(hashes) - len(hashes) % WIDTH, WIDTH)]
            for index in range(-(-len(hashes) // WIDTH)):
                part = hashes[index * WIDTH : (index + 1) * WIDTH]
                need(self.tile(level, index, len(part)) == part, f"tile {index} of level {level} differs")
            level += 1
        return size, root, entries
