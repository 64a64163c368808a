-- The trace in the course of which a declaration was submitted: the caller's traceparent, where it gave one.
ALTER TABLE declarations ADD COLUMN trace TEXT;
