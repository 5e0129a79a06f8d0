ALTER TABLE shares DROP COLUMN not_before;
