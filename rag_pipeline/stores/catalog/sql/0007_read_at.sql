-- Schema 7: when a content was read.

UPDATE catalog SET schema_version = 7;

ALTER TABLE extractions ADD COLUMN read_at TIMESTAMP;  -- UTC, of the commit; NULL of what was read before this schema
