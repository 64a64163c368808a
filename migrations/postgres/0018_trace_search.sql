-- In which trace an entry was made, where its caller named one: what its body says, to search by. Nothing: no entry of the run names one.
ALTER TABLE audit_runs ADD COLUMN traces UUID[];

-- Which runs tell of a trace that a caller named.
CREATE TABLE audit_traces (
    trace UUID NOT NULL,
    run UUID NOT NULL,
    PRIMARY KEY (trace, run)
);

-- Within a body nothing else can read so: quotes in its texts are escaped.
UPDATE audit_runs r
SET traces = (
    SELECT array_agg(
        CASE WHEN position('"trace":"00-'::bytea IN u.body) > 0
            THEN convert_from(substring(u.body FROM position('"trace":"00-'::bytea IN u.body) + 12 FOR 32), 'UTF8')::uuid END
        ORDER BY u.place)
    FROM unnest(r.bodies) WITH ORDINALITY AS u (body, place))
WHERE EXISTS (SELECT 1 FROM unnest(r.bodies) AS u (body) WHERE position('"trace":"00-'::bytea IN u.body) > 0);
INSERT INTO audit_traces (trace, run)
SELECT DISTINCT u.trace, r.id FROM audit_runs r CROSS JOIN LATERAL unnest(r.traces) AS u (trace) WHERE u.trace IS NOT NULL;
