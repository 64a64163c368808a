-- Documents that are submitted on their own (403, 507, 509, 605, 607, 701, 213, 215), what is amended, what is summed, and deadlines.

-- The kinds of documents and numbers grow. Only the text of a check changes, which every row fulfils: the tables need not be written anew.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'kind IN (303, 505, 603)', 'kind IN (213, 215, 303, 403, 505, 507, 509, 603, 605, 607, 701)')
    WHERE type = 'table' AND name = 'documents';
UPDATE sqlite_schema SET sql = replace(sql, '''bill'', ''bag'')', '''bill'', ''bag'', ''payment'', ''summary'', ''customs_declaration'')')
    WHERE type = 'table' AND name = 'numbers';
PRAGMA writable_schema = RESET;

-- What was submitted on its own, a row for each part of what was long. Never changes.
CREATE TABLE follow_ups (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- also of its document, where we transmit it
    tenant TEXT NOT NULL,
    accepted_at INTEGER NOT NULL,
    kind INTEGER NOT NULL CHECK (kind IN (213, 215, 403, 507, 509, 605, 607, 701)),
    whole BLOB NOT NULL,        -- the first part of what was split; of what was not, itself
    part INTEGER NOT NULL,      -- 1, 2, 3, …
    parts INTEGER NOT NULL,
    bill_no TEXT,
    happened_at INTEGER,        -- when goods left
    cut_off INTEGER,            -- when goods of the bill must be there
    warnings TEXT NOT NULL,     -- given at acceptance
    body TEXT NOT NULL,
    CHECK (part BETWEEN 1 AND parts)
);
CREATE INDEX follow_ups_whole ON follow_ups (whole);

-- The declarations that each is about.
CREATE TABLE follow_up_members (
    declaration BLOB NOT NULL,
    follow_up BLOB NOT NULL,
    PRIMARY KEY (declaration, follow_up)
) WITHOUT ROWID;
CREATE INDEX follow_up_members_follow_up ON follow_up_members (follow_up);

-- How often a declaration was amended, and the digest of the request that last did; what it said before.
ALTER TABLE declarations ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE declarations ADD COLUMN amended BLOB CHECK (amended IS NULL OR length(amended) = 32);
CREATE TABLE revisions (
    declaration BLOB NOT NULL,
    revision INTEGER NOT NULL,
    until INTEGER NOT NULL,     -- when it was replaced
    warnings TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (declaration, revision)
) WITHOUT ROWID;

-- Inventories that customs has summed into a customs declaration.
CREATE TABLE summed (
    declaration BLOB NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL,
    summary_no TEXT NOT NULL,   -- sumNo
    seq_no TEXT NOT NULL,       -- declSeqNo: stands for one customs declaration
    at INTEGER NOT NULL,        -- when customs said so
    draft_no TEXT,
    port_no TEXT,
    customs_declaration_no TEXT,
    state TEXT NOT NULL         -- as received
) WITHOUT ROWID;
CREATE INDEX summed_summary ON summed (summary_no, seq_no);

-- What must be done by when: a row as long as it is open.
CREATE TABLE deadlines (
    declaration BLOB NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('cut_off', 'summary', 'return_tax', 'return_customs')),
    tenant TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (declaration, kind)
) WITHOUT ROWID;
CREATE INDEX deadlines_at ON deadlines (at, declaration);
