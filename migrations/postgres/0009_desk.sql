-- What operations staff do: documents that are held back, roads that are paused, and what they look for.
ALTER TABLE documents ADD COLUMN on_hold BOOLEAN NOT NULL DEFAULT false; -- somebody holds it back: it has no row in due
CREATE INDEX documents_held ON documents (id) WHERE on_hold;

-- Roads on which nothing is sent until somebody lets them go on.
CREATE TABLE pauses (
    road TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    why TEXT NOT NULL
);

CREATE INDEX messages_shelved ON messages (id) WHERE state = 'shelved';
CREATE INDEX arrivals_quarantined ON arrivals (id) WHERE state = 'quarantined';
