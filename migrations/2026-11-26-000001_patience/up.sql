-- Until when a provider asked to be left alone: that holds across restarts of the daemon.
ALTER TABLE shares ADD COLUMN not_before TEXT;
