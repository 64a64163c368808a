-- What is under legal hold (法律保全), and what was archived: as migrations/sqlite keeps it.

-- What may not be archived or destroyed: a row as long as it is held.
CREATE TABLE legal_holds (
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('declaration', 'seller', 'month')),
    target TEXT COLLATE "C" NOT NULL, -- the declaration's id, the seller's code, or a month: 2026-11
    tenant TEXT COLLATE "C" NOT NULL, -- whose; of all, if empty
    from_at BIGINT NOT NULL,    -- of a month; else 0
    to_at BIGINT NOT NULL,
    at BIGINT NOT NULL,
    by TEXT NOT NULL,           -- the name of the key
    why TEXT NOT NULL,
    PRIMARY KEY (kind, target, tenant)
);

-- Archives by their names. Where a body was taken out, what points into an archive stands in its place: {"archived":"NAME/…"} in a text,
-- the same behind a mark in bytes.
CREATE TABLE archives (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY, -- 2026-11.1
    digest BYTEA NOT NULL CHECK (length(digest) = 32), -- of its manifest; the log tells it as well
    made_at BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('written', 'emptied', 'destroyed')), -- emptied: what is in it is no longer in the store
    first BIGINT,               -- position of the first of the log's entries in it
    last BIGINT,
    items BIGINT NOT NULL,
    bytes BIGINT NOT NULL,      -- of the bodies, before they were compressed
    CHECK ((first IS NULL) = (last IS NULL))
);

-- Which receipts came in an arrival: asked by whoever archives a month. Receipts stand in the order in which they came, so that this holds
-- next to nothing and costs next to nothing to keep.
CREATE INDEX receipts_arrival ON receipts USING brin (arrival);
