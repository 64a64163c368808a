-- In which trace an entry was made, where its caller named one: what its body says, to search by. Entries that name none take no room in it.
ALTER TABLE audit_entries ADD COLUMN trace BLOB;
-- Within a body nothing else can read so: quotes in its texts are escaped.
UPDATE audit_entries
SET trace = unhex(CAST(substr(body, instr(body, CAST('"trace":"00-' AS BLOB)) + 12, 32) AS TEXT))
WHERE instr(body, CAST('"trace":"00-' AS BLOB)) > 0;
CREATE INDEX audit_entries_trace ON audit_entries (trace, position) WHERE trace IS NOT NULL;
