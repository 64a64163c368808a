-- Nodes that work on this database: a row for each run of one, renewed by itself every few seconds. Nothing else depends on it: a node
-- whose row is gone loses nothing but that others see it.
CREATE TABLE nodes (
    id UUID NOT NULL PRIMARY KEY, -- new at each start
    name TEXT NOT NULL,
    roles TEXT NOT NULL,        -- the parts that run there, separated by commas
    version TEXT NOT NULL,      -- of the program
    sections TEXT NOT NULL,     -- JSON: a digest of each section of its configuration
    clocks TEXT NOT NULL,       -- JSON: by how many milliseconds other nodes' clocks are ahead of its own, where that is much
    started_at BIGINT NOT NULL, -- by its own clock, as all times here
    seen_at BIGINT NOT NULL,
    until BIGINT NOT NULL,      -- when it counts as gone
    beats BIGINT NOT NULL       -- how often the row was renewed: others see by it that the node lives, whatever its clock says
);
