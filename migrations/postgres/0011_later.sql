-- What comes later than it might: declarations after what tells of their goods, and other words on a waybill.

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

-- What a waybill said before it was amended.
CREATE TABLE waybill_revisions (
    waybill UUID NOT NULL,
    until BIGINT NOT NULL,      -- when it was replaced
    body TEXT NOT NULL
);
CREATE INDEX waybill_revisions_waybill ON waybill_revisions (waybill);

-- Documents that ask customs to amend or delete a waybill, beside the one that has its id.
CREATE TABLE waybill_documents (
    document UUID NOT NULL PRIMARY KEY,
    waybill UUID NOT NULL
);
CREATE INDEX waybill_documents_waybill ON waybill_documents (waybill);

-- Few documents amend others: those that they replace are not counted.
CREATE INDEX documents_amending ON documents (declaration, kind) WHERE action = 2;
