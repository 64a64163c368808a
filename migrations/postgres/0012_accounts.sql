-- People at the console: their accounts, who is signed in, and what one person has proposed that a second one is to decide.

CREATE TABLE accounts (
    id UUID NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    tenant TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL CHECK (role IN ('operator', 'auditor', 'administrator')),
    enabled BOOLEAN NOT NULL,
    password TEXT NOT NULL,     -- a PHC string
    one_time_until BIGINT,      -- the password is to be changed, and opens until then; nothing: it is the person's own
    secret BYTEA,               -- of the codes, through the vault; nothing: none was made yet
    enrolled BOOLEAN NOT NULL,  -- whether a code has shown that the person has the secret
    last_step BIGINT NOT NULL,  -- of the last code that opened: no code opens twice
    recovery TEXT NOT NULL,     -- JSON: SHA-256 of the recovery codes that are left
    failures BIGINT NOT NULL,   -- since the last that was none
    locked_until BIGINT,
    made_at BIGINT NOT NULL,
    signed_in_at BIGINT,
    CHECK (secret IS NOT NULL OR NOT enrolled)
);
CREATE UNIQUE INDEX accounts_name ON accounts (name);

CREATE TABLE sessions (
    id BYTEA NOT NULL PRIMARY KEY CHECK (length(id) = 32), -- SHA-256 of the token in the cookie
    account UUID,               -- whose it is
    key BYTEA,                  -- or SHA-256 of the key it was opened with; neither: no keys were configured
    born BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    until BIGINT NOT NULL,      -- when it is over in any case
    CHECK (account IS NULL OR key IS NULL)
);
CREATE INDEX sessions_account ON sessions (account) WHERE account IS NOT NULL;
CREATE INDEX sessions_key ON sessions (key) WHERE key IS NOT NULL;
CREATE INDEX sessions_seen ON sessions (seen);
CREATE INDEX sessions_until ON sessions (until);

CREATE TABLE proposals (
    id UUID NOT NULL PRIMARY KEY,
    act TEXT NOT NULL,
    items TEXT NOT NULL,        -- JSON: ids, or names of roads: what it is about, exactly
    preview TEXT NOT NULL,      -- JSON: what was told of each
    why TEXT NOT NULL,
    actor TEXT NOT NULL,        -- JSON: who proposes
    person TEXT NOT NULL,       -- which person that is
    at BIGINT NOT NULL,
    until BIGINT NOT NULL,      -- when it lapses
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('open', 'done', 'declined')),
    ended_at BIGINT,
    ended_by TEXT,
    CHECK ((state = 'open') = (ended_at IS NULL)),
    CHECK ((state = 'open') = (ended_by IS NULL))
);
CREATE INDEX proposals_open ON proposals (until) WHERE state = 'open';
