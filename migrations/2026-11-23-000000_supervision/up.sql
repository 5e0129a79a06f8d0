-- What supervision needs beside the original's columns. A row written by the original has no token and is
-- not wanted: it comes back as stopped, because nothing publishes itself.
ALTER TABLE shares ADD COLUMN token TEXT;
ALTER TABLE shares ADD COLUMN wanted BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE shares ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
ALTER TABLE shares ADD COLUMN source_len BIGINT;
ALTER TABLE shares ADD COLUMN reason TEXT;
ALTER TABLE shares ADD COLUMN remedy TEXT;
ALTER TABLE shares ADD COLUMN ended_at TEXT;

UPDATE shares
SET status = 'stopped',
    reason = 'recorded by an earlier version',
    remedy = 'share the file again',
    ended_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now');

CREATE INDEX shares_by_wanted ON shares (wanted);
