-- What is under legal hold (法律保全), and what was archived.

-- What may not be archived or destroyed: a row as long as it is held.
CREATE TABLE legal_holds (
    kind TEXT NOT NULL CHECK (kind IN ('declaration', 'seller', 'month')),
    target TEXT NOT NULL,       -- the declaration's id, the seller's code, or a month: 2026-11
    tenant TEXT NOT NULL,       -- whose; of all, if empty
    from_at INTEGER NOT NULL,   -- of a month; else 0
    to_at INTEGER NOT NULL,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,           -- the name of the key
    why TEXT NOT NULL,
    PRIMARY KEY (kind, target, tenant)
) WITHOUT ROWID;

-- Archives by their names. Where a body was taken out, what points into an archive stands in its place: {"archived":"NAME/…"} in a text,
-- the same behind a mark in bytes.
CREATE TABLE archives (
    name TEXT NOT NULL PRIMARY KEY, -- 2026-11.1
    digest BLOB NOT NULL CHECK (length(digest) = 32), -- of its manifest; the log tells it as well
    made_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('written', 'emptied', 'destroyed')), -- emptied: what is in it is no longer in the store
    first INTEGER,              -- position of the first of the log's entries in it
    last INTEGER,
    items INTEGER NOT NULL,
    bytes INTEGER NOT NULL,     -- of the bodies, before they were compressed
    CHECK ((first IS NULL) = (last IS NULL))
) WITHOUT ROWID;
