-- What documents submitted on their own name and no declaration is known by yet: a waybill of their carrier. What tells of a whole bill
-- waits for good: a declaration may come to its bill at any time.
CREATE TABLE follow_up_awaited (
    number TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('waybill', 'bill')),
    carrier TEXT NOT NULL,      -- its code
    follow_up BLOB NOT NULL,
    look_at INTEGER,            -- when to see whether a declaration has that number now; nothing: none has got it since
    PRIMARY KEY (number, kind, carrier, follow_up)
) WITHOUT ROWID;
CREATE INDEX follow_up_awaited_look ON follow_up_awaited (look_at) WHERE look_at IS NOT NULL;
