-- What documents submitted on their own name and no declaration is known by yet: as migrations/sqlite keeps it.
CREATE TABLE follow_up_awaited (
    number TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('waybill', 'bill')),
    carrier TEXT COLLATE "C" NOT NULL, -- its code
    follow_up UUID NOT NULL,
    look_at BIGINT,             -- when to see whether a declaration has that number now; nothing: none has got it since
    PRIMARY KEY (number, kind, carrier, follow_up)
);
CREATE INDEX follow_up_awaited_look ON follow_up_awaited (look_at) WHERE look_at IS NOT NULL;
