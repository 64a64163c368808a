-- Inventories in states that few are in: whoever asks for those need not go through all declarations. A life that goes well never
-- touches it. One comparison after the other: a list would be made a table of by each statement that changes a state.
CREATE INDEX documents_seldom ON documents (state, declaration)
WHERE kind = 603 AND (state = 'refused' OR state = 'rejected' OR state = 'port_failed' OR state = 'unmatched' OR state = 'held' OR state = 'review' OR state = 'inspection' OR state = 'cancelled');
