-- What sellers record for the exemption without invoice, and what is to be decided again because of it.

-- The kinds of deadlines grow. Only the text of a check changes, which every row fulfils: the table need not be written anew.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '''return_customs'')', '''return_customs'', ''filing'', ''filing_end'')')
    WHERE type = 'table' AND name = 'deadlines';
PRAGMA writable_schema = RESET;

-- Each record as it came, with the names of persons that may stand in it. Never changes.
CREATE TABLE records (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('seller', 'invoice', 'registration', 'statement', 'evidence', 'filing', 'choice')),
    key TEXT NOT NULL,          -- the caller's, or made of the digest
    digest BLOB NOT NULL CHECK (length(digest) = 32), -- of the request
    body TEXT NOT NULL
);
CREATE UNIQUE INDEX records_key ON records (tenant, key);

-- What a record says of the lines of declarations. Of two about the same the one with the greater ordinal counts.
CREATE TABLE record_lines (
    declaration BLOB NOT NULL,
    ordinal INTEGER NOT NULL,   -- of the record among those about the declaration
    line INTEGER NOT NULL,
    record BLOB NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (declaration, ordinal, line)
) WITHOUT ROWID;
CREATE INDEX record_lines_record ON record_lines (record, declaration);

-- Sellers' profiles as they were put last; what was put before stands in the records.
CREATE TABLE sellers (
    tenant TEXT NOT NULL,
    code TEXT NOT NULL,
    record BLOB NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, code)
) WITHOUT ROWID;

-- What a seller says of all that it exported in a period. Days are YYYY-MM-DD in Beijing.
CREATE TABLE seller_periods (
    tenant TEXT NOT NULL,
    seller TEXT NOT NULL,
    ordinal INTEGER NOT NULL,   -- of the record among those of the seller
    record BLOB NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('statement', 'filing')),
    from_day TEXT NOT NULL,
    to_day TEXT NOT NULL,
    on_day TEXT NOT NULL,       -- signed or filed
    PRIMARY KEY (tenant, seller, ordinal),
    CHECK (from_day <= to_day)
) WITHOUT ROWID;

-- Declarations to be decided again: those of a record, those of a seller, or all.
CREATE TABLE redecisions (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- of the record, where there is one
    tenant TEXT,                -- nothing: of all
    seller TEXT,                -- nothing: of all, or of the lines of the record
    cause TEXT NOT NULL CHECK (cause IN ('evidence', 'version')),
    why TEXT NOT NULL,
    seen BLOB,                  -- the last declaration that was looked at
    at INTEGER NOT NULL,        -- when it was asked for
    due_at INTEGER NOT NULL,
    lease_token BLOB,
    lease_until INTEGER NOT NULL DEFAULT 0,
    CHECK (tenant IS NOT NULL OR cause = 'version')
) WITHOUT ROWID;
CREATE INDEX redecisions_due ON redecisions (due_at);

-- What decisions have been made with: libraries, packs and settings, by their digest. A new one has everything decided again, once.
CREATE TABLE decision_bases (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    at INTEGER NOT NULL
) WITHOUT ROWID;
