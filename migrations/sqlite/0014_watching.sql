-- When roads took messages: what the console draws is read by the minute.
CREATE INDEX attempts_ended ON attempts (ended_at) WHERE outcome = 'delivered';
