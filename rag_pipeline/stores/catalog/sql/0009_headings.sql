-- Schema 9: which lines of a chunk are headings, so that none is quoted as an answer and all are known to what stands under them.

UPDATE catalog SET schema_version = 9;

ALTER TABLE chunks ADD COLUMN headings INTEGER[];  -- start, end, start, end … in its text
