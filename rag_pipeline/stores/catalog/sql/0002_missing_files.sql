-- Schema 2: files that are not in the folder any more but still answer, and content that is kept for a while after its last document.

UPDATE catalog SET schema_version = 2;

-- A live document whose file was not listed: its deletion is held, or confirmed and carried out at the next scan.
CREATE TABLE missing_files (
    file          BLOB      NOT NULL,  -- path below the uploads folder, as in documents
    collection    VARCHAR   NOT NULL,
    missing_since TIMESTAMP NOT NULL,
    confirmed     BOOLEAN   NOT NULL DEFAULT FALSE
);

ALTER TABLE extractions ADD COLUMN unused_since TIMESTAMP;  -- when the clean-up first found no document that has it
