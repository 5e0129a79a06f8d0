ALTER TABLE shares DROP COLUMN source_identity;
