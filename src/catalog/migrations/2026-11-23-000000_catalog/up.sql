-- index.db is a cache: a change here is a change of this file, and the old database is thrown away.
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY NOT NULL,
    path BLOB NOT NULL UNIQUE,
    -- Identity of the file that was read.
    size BIGINT NOT NULL,
    mtime BIGINT NOT NULL,
    inode BIGINT NOT NULL,
    device BIGINT NOT NULL,
    -- NULL: the file is no session.
    agent TEXT,
    title TEXT,
    -- Who gave the title: 1 the agent in a summary, 2 the agent, 3 the person.
    titled_by BIGINT,
    prompt TEXT,
    project TEXT,
    -- Milliseconds since 1970.
    started BIGINT,
    ended BIGINT,
    answered BOOLEAN NOT NULL,
    -- The passages are those of the file of this identity, all of them.
    read_through BOOLEAN NOT NULL,
    -- Where to read on when the file has only grown: a place in it, the window and the turn there. The check
    -- tells whether what stands before that place is what was read; NULL: the passages are not whole.
    resume_offset BIGINT NOT NULL DEFAULT 0,
    resume_window BIGINT NOT NULL DEFAULT 0,
    resume_turn BIGINT NOT NULL DEFAULT 0,
    resume_check BLOB,
    -- The title as it was when the session was read through: one may stand where the list does not look.
    whole_title TEXT,
    whole_titled_by BIGINT,
    -- Whether the agent had answered then.
    whole_answered BOOLEAN
);

-- What was said, cleaned; characters that are words of their own (ideographs, kana) are parted by U+200B.
CREATE TABLE passages (
    id INTEGER PRIMARY KEY NOT NULL,
    session BIGINT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    -- The window it stands in; -1: none, as of the title.
    part BIGINT NOT NULL,
    -- Number of the prompt it belongs to; 0: before the first.
    turn BIGINT NOT NULL,
    -- title, prompt, aside, reply
    role TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX passages_by_session ON passages (session, part);

CREATE VIRTUAL TABLE passages_fts USING fts5 (
    text,
    content = 'passages',
    content_rowid = 'id',
    tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TRIGGER passages_added AFTER INSERT ON passages BEGIN
    INSERT INTO passages_fts (rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER passages_removed AFTER DELETE ON passages BEGIN
    INSERT INTO passages_fts (passages_fts, rowid, text) VALUES ('delete', old.id, old.text);
END;
