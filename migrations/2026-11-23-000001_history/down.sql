DROP INDEX share_events_by_share;
DROP TABLE share_events;
