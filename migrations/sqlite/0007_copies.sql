-- What is known of a message that went more than once, for each document in it: whether a 4 is about the first copy or a later one is
-- told by what customs says of the copies, not by comparing clocks.
ALTER TABLE documents ADD COLUMN copies INTEGER NOT NULL DEFAULT 0; -- beside the first, that customs may have taken
ALTER TABLE documents ADD COLUMN set_aside INTEGER;                 -- when the 4 was spoken that waits for that to be known
