-- Everything that is kept, as migrations/sqlite keeps it. Ids are UUIDv7 made by the program. Times are microseconds UTC. Bodies are JSON
-- text, never looked into by the hot statements.
--
-- Keys lead with the tenant where a row has one, so that rows can be distributed by it; what is found by its id alone has an index of
-- its own. What is compared has the collation "C": order by bytes, the same on every machine.
--
-- Where a row changes often no index names what changes, so that a change touches no index (heap-only tuples): what is due, what waits at
-- a gate, and leases on documents stand in small tables of their own, and the members of a message in its sealed row.

-- What sellers submitted. Never changes, but for the waybill number of an order that came without one.
CREATE TABLE declarations (
    tenant TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    accepted_at BIGINT NOT NULL,
    needed_by BIGINT NOT NULL,
    office TEXT COLLATE "C" NOT NULL, -- declared_at: to route, hold, pause and count by
    carrier TEXT COLLATE "C" NOT NULL, -- its code
    waybill_no TEXT COLLATE "C", -- the seller's, or that of the waybill bound to it
    plan TEXT NOT NULL,         -- who transmits what, as the lane said
    warnings TEXT NOT NULL,     -- given at acceptance
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX declarations_id ON declarations (id);

-- What carriers pushed. Never changes.
CREATE TABLE waybills (
    tenant TEXT COLLATE "C" NOT NULL, -- the carrier's
    id UUID NOT NULL,           -- also of its document
    accepted_at BIGINT NOT NULL,
    digest BYTEA NOT NULL CHECK (length(digest) = 32), -- of the request
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX waybills_id ON waybills (id);

-- Which declaration a waybill belongs to.
CREATE TABLE waybill_declarations (
    waybill UUID NOT NULL PRIMARY KEY,
    declaration UUID NOT NULL
);
CREATE INDEX waybill_declarations_declaration ON waybill_declarations (declaration);

-- Where a waybill that names its order and an order without a waybill's number meet: whichever comes first leaves a row, and the key keeps
-- two nodes from missing each other.
CREATE TABLE waybill_orders (
    order_no TEXT COLLATE "C" NOT NULL,
    scope TEXT COLLATE "C" NOT NULL, -- platform and seller
    carrier TEXT COLLATE "C" NOT NULL, -- its code: another carrier's waybill is not the order's
    waybill UUID,               -- that came before its order
    declaration UUID,           -- that came before its waybill
    PRIMARY KEY (order_no, scope, carrier),
    CHECK ((waybill IS NULL) <> (declaration IS NULL))
);
CREATE INDEX waybill_orders_waybill ON waybill_orders (waybill) WHERE waybill IS NOT NULL;
CREATE INDEX waybill_orders_declaration ON waybill_orders (declaration) WHERE declaration IS NOT NULL;

-- How far each document has come.
CREATE TABLE documents (
    tenant TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    version BIGINT NOT NULL,    -- counts changes
    declaration UUID,           -- nothing: a waybill whose order is not known
    kind BIGINT NOT NULL CHECK (kind IN (303, 505, 603)),
    action BIGINT NOT NULL CHECK (action IN (1, 2, 3)),
    guid UUID NOT NULL,
    sender TEXT NOT NULL,
    road TEXT NOT NULL,
    enterprise_no TEXT,
    port_no TEXT,
    inventory_no TEXT,
    state TEXT COLLATE "C" NOT NULL,
    verdict_code TEXT,
    verdict_at BIGINT,
    verdict_info TEXT,
    needed_by BIGINT NOT NULL,
    gate_at BIGINT,             -- when its gate is to be looked at next
    lot UUID,                   -- packed only with its own lot
    packed BIGINT NOT NULL,    -- times packed
    port_failures BIGINT NOT NULL, -- times packed anew because the port could not pass it on
    resent_at BIGINT,           -- when its message was last sent again
    message UUID,               -- that carries it now
    PRIMARY KEY (tenant, id),
    CHECK ((verdict_code IS NULL) = (verdict_at IS NULL)),
    CHECK (state NOT IN ('packed', 'delivered') OR message IS NOT NULL)
) WITH (fillfactor = 60);
CREATE INDEX documents_id ON documents (id);
CREATE INDEX documents_declaration ON documents (declaration) WHERE declaration IS NOT NULL;

-- Documents that are due, each with its lease: one row as long as its document's state is due.
CREATE TABLE due (
    document UUID NOT NULL PRIMARY KEY,
    queue TEXT COLLATE "C" NOT NULL, -- sender, kind, road and lot: what is packed together; then the tenant
    needed_by BIGINT NOT NULL,
    message UUID,               -- that carried it before
    lease_token UUID,
    lease_until BIGINT NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
CREATE INDEX due_queue ON due (queue, needed_by);

-- Declarations whose gate is to be looked at: a row for an inventory as long as it waits and has a time for it, and one for a waybill
-- until it is known who transmits it.
CREATE TABLE gates (
    document UUID NOT NULL PRIMARY KEY,
    declaration UUID,           -- nothing: a waybill whose order is not known; nobody looks
    at BIGINT NOT NULL
);
CREATE INDEX gates_at ON gates (at) WHERE declaration IS NOT NULL;

-- Every number by which a declaration can be found. A number that only one may hold has the nil id as its holder, so that the key
-- refuses a second; a shared or superseded one names its holder. Not partitioned: a number is unique across all tenants.
CREATE TABLE numbers (
    number TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('order', 'waybill', 'enterprise', 'port', 'inventory', 'bill', 'bag')),
    scope TEXT COLLATE "C" NOT NULL, -- what it is unique within
    holder UUID NOT NULL,
    at BIGINT NOT NULL,
    tenant TEXT COLLATE "C",    -- of the declaration
    declaration UUID,
    document_tenant TEXT COLLATE "C", -- of the document: a carrier's waybill
    document UUID,
    PRIMARY KEY (number, kind, scope, holder)
) WITH (fillfactor = 90);

-- Keys under which requests were accepted.
CREATE TABLE idempotency_keys (
    tenant TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    digest BYTEA NOT NULL CHECK (length(digest) = 32),
    declaration UUID NOT NULL,
    PRIMARY KEY (tenant, key)
);

-- Exemption decisions: compared, never overwritten.
CREATE TABLE assessments (
    declaration UUID NOT NULL,
    ordinal BIGINT NOT NULL,
    decided_at BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (declaration, ordinal)
);

-- Sealed messages on their way.
CREATE TABLE messages (
    id UUID NOT NULL PRIMARY KEY, -- also its guid
    sender TEXT COLLATE "C" NOT NULL,
    kind BIGINT NOT NULL,
    road TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('queued', 'delivered', 'dissolved', 'shelved')),
    reason TEXT,                -- of the last fault
    sealed_at BIGINT NOT NULL,
    needed_by BIGINT NOT NULL,
    due_at BIGINT,              -- when to send, or to look whether anybody answered; nothing: never again by itself
    attempt BIGINT NOT NULL DEFAULT 0,
    failed BIGINT NOT NULL DEFAULT 0,
    lease_token UUID,
    lease_until BIGINT NOT NULL DEFAULT 0,
    CHECK (state IN ('queued', 'delivered') OR due_at IS NULL)
) WITH (fillfactor = 70);
CREATE INDEX messages_due ON messages (road, due_at) WHERE due_at IS NOT NULL;

-- Their bytes: only these are ever sent.
CREATE TABLE sealed (
    message UUID NOT NULL PRIMARY KEY,
    digest BYTEA NOT NULL CHECK (length(digest) = 32),
    members UUID[] NOT NULL,    -- document ids, as packed
    bytes BYTEA NOT NULL
);

-- Every attempt to send one.
CREATE TABLE attempts (
    message UUID NOT NULL,
    attempt BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    outcome TEXT,               -- delivered, transient, unknown, permanent; nothing: it never ended
    detail TEXT,
    PRIMARY KEY (message, attempt),
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
);

-- What came from customs.
CREATE TABLE arrivals (
    id UUID NOT NULL PRIMARY KEY,
    road TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    digest BYTEA NOT NULL CHECK (length(digest) = 32),
    at BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('kept', 'read', 'quarantined')),
    reason TEXT,
    attempt BIGINT NOT NULL DEFAULT 0,
    lease_token UUID,
    lease_until BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX arrivals_once ON arrivals (digest, road, name);
CREATE INDEX arrivals_kept ON arrivals (at, name) WHERE state = 'kept';

-- Its bytes, as received.
CREATE TABLE arrival_bytes (
    arrival UUID NOT NULL PRIMARY KEY,
    bytes BYTEA NOT NULL
);

-- Each answer in it.
CREATE TABLE receipts (
    document UUID NOT NULL,     -- the nil id: it matches nothing of ours
    arrival UUID NOT NULL,
    ordinal BIGINT NOT NULL,
    at BIGINT NOT NULL,         -- of arrival
    effect BOOLEAN NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (document, arrival, ordinal)
);

-- Audit entries, written once, in the transaction of what they tell: a row for what one command wrote, an element of each array for an
-- entry. A command writes entries by the hundred, and together they take a tenth of the room.
CREATE TABLE audit_runs (
    id UUID NOT NULL PRIMARY KEY, -- of the first entry
    ids UUID[] NOT NULL,
    ats BIGINT[] NOT NULL,
    tenants TEXT[] NOT NULL,
    subjects UUID[] NOT NULL,
    acts TEXT[] NOT NULL,
    leaves BYTEA[] NOT NULL,    -- leaf hashes (RFC 6962)
    bodies BYTEA[] NOT NULL
);

-- Which runs tell of a subject.
CREATE TABLE audit_subjects (
    subject UUID NOT NULL,
    run UUID NOT NULL,
    PRIMARY KEY (subject, run)
);

-- Runs that have no place yet, in the order in which they are to get it.
CREATE TABLE audit_waiting (
    at BIGINT NOT NULL,         -- of the command
    run UUID NOT NULL,
    PRIMARY KEY (at, run)
);

-- The log: runs in their place.
CREATE TABLE audit_places (
    first BIGINT NOT NULL PRIMARY KEY, -- position of the first entry
    run UUID NOT NULL
);
CREATE INDEX audit_places_run ON audit_places (run);

-- Full tiles of 256 hashes (C2SP tlog-tiles).
CREATE TABLE audit_tiles (
    level BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    hashes BYTEA NOT NULL CHECK (length(hashes) = 8192),
    PRIMARY KEY (level, idx)
);

-- Signed checkpoints (C2SP tlog-checkpoint).
CREATE TABLE audit_checkpoints (
    size BIGINT NOT NULL PRIMARY KEY,
    root BYTEA NOT NULL CHECK (length(root) = 32),
    at BIGINT NOT NULL,
    note TEXT NOT NULL
);

-- Tasks that only one node does at a time.
CREATE TABLE roles (
    role TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    holder UUID NOT NULL,
    until BIGINT NOT NULL
);

-- Senders that may not send until somebody has looked.
CREATE TABLE stops (
    sender TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    reason TEXT NOT NULL
);
