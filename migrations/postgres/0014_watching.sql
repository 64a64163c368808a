-- When roads took messages: what the console draws is read by the minute.
CREATE INDEX attempts_ended ON attempts (ended_at) WHERE outcome = 'delivered';

-- The newest records, and a record by its id alone.
CREATE INDEX records_id ON records (id);
