-- What happened to each share, and when: every change of status or URL, with its cause.
CREATE TABLE share_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    share_id TEXT NOT NULL,
    at TEXT NOT NULL,
    status TEXT NOT NULL,
    phase TEXT NOT NULL,
    public_url TEXT,
    reason TEXT
);

CREATE INDEX share_events_by_share ON share_events (share_id, id);
