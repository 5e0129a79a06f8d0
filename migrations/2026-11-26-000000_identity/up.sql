-- What tells the session file that was shared from another in its place, as JSON. Rows from before have none.
ALTER TABLE shares ADD COLUMN source_identity TEXT;
