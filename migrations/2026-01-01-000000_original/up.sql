-- The original's schema, to the letter: an existing state.db already holds these tables.
CREATE TABLE IF NOT EXISTS shares (
    id TEXT PRIMARY KEY NOT NULL,
    session_path TEXT NOT NULL,
    session_name TEXT NOT NULL,
    public_url TEXT NOT NULL,
    provider_name TEXT NOT NULL,
    local_port INTEGER NOT NULL,
    started_at TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'active'
);

CREATE TABLE IF NOT EXISTS daemon_state (
    key TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);
