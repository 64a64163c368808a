-- What operations staff do: documents that are held back, roads that are paused, and what they look for.
ALTER TABLE documents ADD COLUMN on_hold INTEGER NOT NULL DEFAULT 0; -- 1: somebody holds it back, it is not packed
DROP INDEX documents_due;
CREATE INDEX documents_due ON documents (queue, needed_by) WHERE state = 'due' AND on_hold = 0;
CREATE INDEX documents_held ON documents (id) WHERE on_hold = 1;

-- Roads on which nothing is sent until somebody lets them go on.
CREATE TABLE pauses (
    road TEXT NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    why TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX messages_shelved ON messages (id) WHERE state = 'shelved';
CREATE INDEX arrivals_quarantined ON arrivals (id) WHERE state = 'quarantined';
