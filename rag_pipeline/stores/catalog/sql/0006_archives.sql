-- Schema 6: the files in an archive, which are documents of their own.

UPDATE catalog SET schema_version = 6;

ALTER TABLE extractions ADD COLUMN members STRUCT(  -- of an archive; NULL of anything else
    path         VARCHAR,   -- below the archive
    size_bytes   UBIGINT,
    modified     BIGINT,    -- nanoseconds since 1970, as the archive has it
    content_hash VARCHAR,   -- sha256 of the bytes; NULL when they could not be read
    media_type   VARCHAR,
    error_code   VARCHAR,   -- of a file that cannot be a document
    error        VARCHAR
)[];
