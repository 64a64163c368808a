-- Everything that is kept. Ids are UUIDv7 as 16 bytes, made by the program. Times are microseconds UTC. Bodies are JSON.
-- Large immutable bytes stand apart from small rows that change often: a change rewrites its whole row.

-- What sellers submitted. Never changes, but for the waybill number of an order that came without one.
CREATE TABLE declarations (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    tenant TEXT NOT NULL,
    accepted_at INTEGER NOT NULL,
    needed_by INTEGER NOT NULL,
    office TEXT NOT NULL,       -- declared_at: to route, hold, pause and count by
    carrier TEXT NOT NULL,      -- its code
    waybill_no TEXT,            -- the seller's, or that of the waybill bound to it
    plan TEXT NOT NULL,         -- who transmits what, as the lane said
    warnings TEXT NOT NULL,     -- given at acceptance
    body TEXT NOT NULL
);

-- What carriers pushed.
CREATE TABLE waybills (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- also of its document
    tenant TEXT NOT NULL,       -- the carrier's
    accepted_at INTEGER NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32), -- of the request
    declaration BLOB,           -- once known
    look_at INTEGER,            -- when to see whether it is ours to transmit; nothing: settled
    body TEXT NOT NULL
);
CREATE INDEX waybills_declaration ON waybills (declaration) WHERE declaration IS NOT NULL;
CREATE INDEX waybills_look ON waybills (look_at) WHERE look_at IS NOT NULL AND declaration IS NOT NULL;

-- Waybills that name their order and came before it.
CREATE TABLE waybill_orders (
    order_no TEXT NOT NULL,
    scope TEXT NOT NULL,        -- platform and seller
    carrier TEXT NOT NULL,      -- its code: another carrier's waybill is not the order's
    waybill BLOB NOT NULL,
    PRIMARY KEY (order_no, scope, carrier)
) WITHOUT ROWID;
CREATE INDEX waybill_orders_waybill ON waybill_orders (waybill);

-- How far each document has come.
CREATE TABLE documents (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    version INTEGER NOT NULL,   -- counts changes
    tenant TEXT NOT NULL,
    declaration BLOB,           -- nothing: a waybill whose order is not known
    kind INTEGER NOT NULL CHECK (kind IN (303, 505, 603)),
    action INTEGER NOT NULL CHECK (action IN (1, 2, 3)),
    guid BLOB NOT NULL,
    sender TEXT NOT NULL,
    road TEXT NOT NULL,
    queue TEXT NOT NULL,        -- sender, kind, road and lot: what is packed together; then the tenant
    enterprise_no TEXT,
    port_no TEXT,
    inventory_no TEXT,
    state TEXT NOT NULL,
    verdict_code TEXT,
    verdict_at INTEGER,
    verdict_info TEXT,
    needed_by INTEGER NOT NULL,
    gate_at INTEGER,            -- when its gate is to be looked at next
    lot BLOB,                   -- packed only with its own lot
    packed INTEGER NOT NULL,    -- times packed
    port_failures INTEGER NOT NULL, -- times packed anew because the port could not pass it on
    resent_at INTEGER,          -- when its message was last sent again
    message BLOB,               -- that carries it now
    lease_token BLOB,
    lease_until INTEGER NOT NULL DEFAULT 0,
    CHECK ((verdict_code IS NULL) = (verdict_at IS NULL)),
    CHECK (state NOT IN ('packed', 'delivered') OR message IS NOT NULL)
);
CREATE INDEX documents_declaration ON documents (declaration) WHERE declaration IS NOT NULL;
CREATE INDEX documents_due ON documents (queue, needed_by) WHERE state = 'due';
CREATE INDEX documents_gate ON documents (gate_at) WHERE state = 'waiting' AND gate_at IS NOT NULL;
CREATE INDEX documents_message ON documents (message) WHERE message IS NOT NULL;

-- Every number by which a declaration can be found. A number that only one may hold has an empty holder, so that the key
-- refuses a second; a shared or superseded one names its holder.
CREATE TABLE numbers (
    number TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('order', 'waybill', 'enterprise', 'port', 'inventory', 'bill', 'bag')),
    scope TEXT NOT NULL,        -- what it is unique within
    holder BLOB NOT NULL,
    at INTEGER NOT NULL,
    tenant TEXT,                -- of the declaration
    declaration BLOB,
    document_tenant TEXT,       -- of the document: a carrier's waybill
    document BLOB,
    PRIMARY KEY (number, kind, scope, holder)
) WITHOUT ROWID;

-- Keys under which requests were accepted.
CREATE TABLE idempotency_keys (
    tenant TEXT NOT NULL,
    key TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    declaration BLOB NOT NULL,
    PRIMARY KEY (tenant, key)
) WITHOUT ROWID;

-- Exemption decisions: compared, never overwritten.
CREATE TABLE assessments (
    declaration BLOB NOT NULL,
    ordinal INTEGER NOT NULL,
    decided_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (declaration, ordinal)
);

-- Sealed messages on their way.
CREATE TABLE messages (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16), -- also its guid
    sender TEXT NOT NULL,
    kind INTEGER NOT NULL,
    road TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'delivered', 'dissolved', 'shelved')),
    reason TEXT,                -- of the last fault
    sealed_at INTEGER NOT NULL,
    needed_by INTEGER NOT NULL,
    due_at INTEGER,             -- when to send, or to look whether anybody answered; nothing: never again by itself
    attempt INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    lease_token BLOB,
    lease_until INTEGER NOT NULL DEFAULT 0,
    CHECK (state IN ('queued', 'delivered') OR due_at IS NULL)
);
CREATE INDEX messages_due ON messages (road, due_at) WHERE due_at IS NOT NULL;

-- Their bytes: only these are ever sent.
CREATE TABLE sealed (
    message BLOB NOT NULL PRIMARY KEY,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    members TEXT NOT NULL,      -- document ids, as packed
    bytes BLOB NOT NULL
);

-- Every attempt to send one.
CREATE TABLE attempts (
    message BLOB NOT NULL,
    attempt INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    outcome TEXT,               -- delivered, transient, unknown, permanent; nothing: it never ended
    detail TEXT,
    PRIMARY KEY (message, attempt),
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
) WITHOUT ROWID;

-- What came from customs.
CREATE TABLE arrivals (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    road TEXT NOT NULL,
    name TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('kept', 'read', 'quarantined')),
    reason TEXT,
    attempt INTEGER NOT NULL DEFAULT 0,
    lease_token BLOB,
    lease_until INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX arrivals_once ON arrivals (digest, road, name);
CREATE INDEX arrivals_kept ON arrivals (at, name) WHERE state = 'kept';

-- Its bytes, as received.
CREATE TABLE arrival_bytes (
    arrival BLOB NOT NULL PRIMARY KEY,
    bytes BLOB NOT NULL
);

-- Each answer in it.
CREATE TABLE receipts (
    arrival BLOB NOT NULL,
    ordinal INTEGER NOT NULL,
    at INTEGER NOT NULL,        -- of arrival
    document BLOB,              -- nothing: it matches nothing of ours
    effect INTEGER NOT NULL CHECK (effect IN (0, 1)),
    body TEXT NOT NULL,
    PRIMARY KEY (arrival, ordinal)
) WITHOUT ROWID;
CREATE INDEX receipts_document ON receipts (document) WHERE document IS NOT NULL;
CREATE INDEX receipts_unmatched ON receipts (arrival) WHERE document IS NULL;

-- Audit entries that have no place yet, written in the transaction of what they tell.
CREATE TABLE audit_pending (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    at INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    subject BLOB NOT NULL,
    act TEXT NOT NULL,
    body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX audit_pending_subject ON audit_pending (subject);

-- The log: entries in their place, each with its leaf hash (RFC 6962).
CREATE TABLE audit_entries (
    position INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL,
    at INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    subject BLOB NOT NULL,
    act TEXT NOT NULL,
    leaf BLOB NOT NULL CHECK (length(leaf) = 32),
    body BLOB NOT NULL
);
CREATE INDEX audit_entries_subject ON audit_entries (subject, position);

-- Full tiles of 256 hashes (C2SP tlog-tiles).
CREATE TABLE audit_tiles (
    level INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    hashes BLOB NOT NULL CHECK (length(hashes) = 8192),
    PRIMARY KEY (level, idx)
);

-- Signed checkpoints (C2SP tlog-checkpoint).
CREATE TABLE audit_checkpoints (
    size INTEGER NOT NULL PRIMARY KEY,
    root BLOB NOT NULL CHECK (length(root) = 32),
    at INTEGER NOT NULL,
    note TEXT NOT NULL
);

-- Tasks that only one node does at a time.
CREATE TABLE roles (
    role TEXT NOT NULL PRIMARY KEY,
    holder BLOB NOT NULL,
    until INTEGER NOT NULL
) WITHOUT ROWID;

-- Senders that may not send until somebody has looked.
CREATE TABLE stops (
    sender TEXT NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL
) WITHOUT ROWID;
