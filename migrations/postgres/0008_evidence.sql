-- What sellers record for the exemption without invoice, and what is to be decided again because of it: as migrations/sqlite keeps it.

-- The kinds of deadlines grow: every row there is fulfils the wider check, so that none has to be read.
ALTER TABLE deadlines DROP CONSTRAINT deadlines_kind_check;
ALTER TABLE deadlines ADD CONSTRAINT deadlines_kind_check
    CHECK (kind IN ('cut_off', 'summary', 'return_tax', 'return_customs', 'filing', 'filing_end')) NOT VALID;

-- Each record as it came, with the names of persons that may stand in it. Never changes.
CREATE TABLE records (
    tenant TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    recorded_at BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('seller', 'invoice', 'registration', 'statement', 'evidence', 'filing', 'choice')),
    key TEXT COLLATE "C" NOT NULL, -- the caller's, or made of the digest
    digest BYTEA NOT NULL CHECK (length(digest) = 32), -- of the request
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX records_key ON records (tenant, key);

-- What a record says of the lines of declarations. Of two about the same the one with the greater ordinal counts.
CREATE TABLE record_lines (
    declaration UUID NOT NULL,
    ordinal BIGINT NOT NULL,    -- of the record among those about the declaration
    line BIGINT NOT NULL,
    record UUID NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (declaration, ordinal, line)
);
CREATE INDEX record_lines_record ON record_lines (record, declaration);

-- Sellers' profiles as they were put last; what was put before stands in the records.
CREATE TABLE sellers (
    tenant TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    record UUID NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, code)
);

-- What a seller says of all that it exported in a period. Days are YYYY-MM-DD in Beijing.
CREATE TABLE seller_periods (
    tenant TEXT COLLATE "C" NOT NULL,
    seller TEXT COLLATE "C" NOT NULL,
    ordinal BIGINT NOT NULL,    -- of the record among those of the seller
    record UUID NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('statement', 'filing')),
    from_day TEXT COLLATE "C" NOT NULL,
    to_day TEXT COLLATE "C" NOT NULL,
    on_day TEXT COLLATE "C" NOT NULL, -- signed or filed
    PRIMARY KEY (tenant, seller, ordinal),
    CHECK (from_day <= to_day)
);

-- Declarations to be decided again: those of a record, those of a seller, or all.
CREATE TABLE redecisions (
    id UUID NOT NULL PRIMARY KEY, -- of the record, where there is one
    tenant TEXT COLLATE "C",    -- nothing: of all
    seller TEXT COLLATE "C",    -- nothing: of all, or of the lines of the record
    cause TEXT COLLATE "C" NOT NULL CHECK (cause IN ('evidence', 'version')),
    why TEXT NOT NULL,
    seen UUID,                  -- the last declaration that was looked at
    at BIGINT NOT NULL,         -- when it was asked for
    due_at BIGINT NOT NULL,
    lease_token UUID,
    lease_until BIGINT NOT NULL DEFAULT 0,
    CHECK (tenant IS NOT NULL OR cause = 'version')
);
CREATE INDEX redecisions_due ON redecisions (due_at);

-- What decisions have been made with: libraries, packs and settings, by their digest. A new one has everything decided again, once.
CREATE TABLE decision_bases (
    digest BYTEA NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    at BIGINT NOT NULL
);
