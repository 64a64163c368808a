-- Documents that are submitted on their own (403, 507, 509, 605, 607, 701, 213, 215), what is amended, what is summed, and deadlines:
-- as migrations/sqlite keeps them.

-- The kinds of documents and numbers grow: every row there is fulfils the wider check, so that none has to be read.
ALTER TABLE documents DROP CONSTRAINT documents_kind_check;
ALTER TABLE documents ADD CONSTRAINT documents_kind_check
    CHECK (kind IN (213, 215, 303, 403, 505, 507, 509, 603, 605, 607, 701)) NOT VALID;
ALTER TABLE numbers DROP CONSTRAINT numbers_kind_check;
ALTER TABLE numbers ADD CONSTRAINT numbers_kind_check
    CHECK (kind IN ('order', 'waybill', 'enterprise', 'port', 'inventory', 'bill', 'bag', 'payment', 'summary', 'customs_declaration')) NOT VALID;

-- What was submitted on its own, a row for each part of what was long. Never changes.
CREATE TABLE follow_ups (
    tenant TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,           -- also of its document, where we transmit it
    accepted_at BIGINT NOT NULL,
    kind BIGINT NOT NULL CHECK (kind IN (213, 215, 403, 507, 509, 605, 607, 701)),
    whole UUID NOT NULL,        -- the first part of what was split; of what was not, itself
    part BIGINT NOT NULL,       -- 1, 2, 3, …
    parts BIGINT NOT NULL,
    bill_no TEXT COLLATE "C",
    happened_at BIGINT,         -- when goods left
    cut_off BIGINT,             -- when goods of the bill must be there
    warnings TEXT NOT NULL,     -- given at acceptance
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, id),
    CHECK (part BETWEEN 1 AND parts)
);
CREATE INDEX follow_ups_id ON follow_ups (id);
CREATE INDEX follow_ups_whole ON follow_ups (whole);

-- The declarations that each is about.
CREATE TABLE follow_up_members (
    declaration UUID NOT NULL,
    follow_up UUID NOT NULL,
    PRIMARY KEY (declaration, follow_up)
);
CREATE INDEX follow_up_members_follow_up ON follow_up_members (follow_up);

-- How often a declaration was amended, and the digest of the request that last did; what it said before.
ALTER TABLE declarations ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;
ALTER TABLE declarations ADD COLUMN amended BYTEA CHECK (amended IS NULL OR length(amended) = 32);
CREATE TABLE revisions (
    declaration UUID NOT NULL,
    revision BIGINT NOT NULL,
    until BIGINT NOT NULL,      -- when it was replaced
    warnings TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (declaration, revision)
);

-- Inventories that customs has summed into a customs declaration.
CREATE TABLE summed (
    declaration UUID NOT NULL PRIMARY KEY,
    tenant TEXT COLLATE "C" NOT NULL,
    summary_no TEXT COLLATE "C" NOT NULL, -- sumNo
    seq_no TEXT COLLATE "C" NOT NULL, -- declSeqNo: stands for one customs declaration
    at BIGINT NOT NULL,         -- when customs said so
    draft_no TEXT,
    port_no TEXT,
    customs_declaration_no TEXT,
    state TEXT NOT NULL         -- as received
);
CREATE INDEX summed_summary ON summed (summary_no, seq_no);

-- What must be done by when: a row as long as it is open.
CREATE TABLE deadlines (
    declaration UUID NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('cut_off', 'summary', 'return_tax', 'return_customs')),
    tenant TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (declaration, kind)
);
CREATE INDEX deadlines_at ON deadlines (at, declaration);
