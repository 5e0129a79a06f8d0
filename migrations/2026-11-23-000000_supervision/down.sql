DROP INDEX shares_by_wanted;
ALTER TABLE shares DROP COLUMN ended_at;
ALTER TABLE shares DROP COLUMN remedy;
ALTER TABLE shares DROP COLUMN reason;
ALTER TABLE shares DROP COLUMN source_len;
ALTER TABLE shares DROP COLUMN options;
ALTER TABLE shares DROP COLUMN wanted;
ALTER TABLE shares DROP COLUMN token;
