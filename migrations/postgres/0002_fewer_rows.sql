-- A request without an idempotency key is known by its order's number, which has a row in numbers already: its digest stands with
-- the declaration, and no second row is needed. Nothing: the request named a key, which has its own row.
ALTER TABLE declarations ADD COLUMN digest BYTEA CHECK (digest IS NULL OR length(digest) = 32);
