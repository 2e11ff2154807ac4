-- Schema 5: a document answers by its words before all of its passages have a vector.

UPDATE catalog SET schema_version = 5;

ALTER TABLE documents ADD COLUMN vectors INTEGER DEFAULT 0;  -- chunks in the published index that have a dense vector
UPDATE documents SET vectors = chunks WHERE state = 'indexed';
