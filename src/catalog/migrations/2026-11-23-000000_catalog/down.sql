DROP TABLE passages_fts;
DROP TABLE passages;
DROP TABLE sessions;
