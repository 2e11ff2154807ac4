-- Schema 1 of the catalog. Tables may change between versions; the view document_text is a promise.

CREATE TABLE catalog (schema_version INTEGER NOT NULL);
INSERT INTO catalog VALUES (1);

-- One row for each live file of the watched folder. A deleted file has no row.
CREATE TABLE documents (
    document_id    VARCHAR   NOT NULL,  -- hash of the path below the uploads folder
    collection     VARCHAR   NOT NULL,
    document       VARCHAR   NOT NULL,  -- path below the collection, as shown
    file           BLOB      NOT NULL,  -- path below the uploads folder, the file system's own bytes
    signature      VARCHAR   NOT NULL,  -- size, times and inode when last read
    size_bytes     UBIGINT   NOT NULL,
    content_hash   VARCHAR,             -- sha256 of the bytes; NULL when they could not be read
    media_type     VARCHAR,
    state          VARCHAR   NOT NULL,  -- pending | indexed | failed | unsupported | empty
    error_code     VARCHAR,
    error          VARCHAR,
    transient      BOOLEAN   NOT NULL DEFAULT FALSE,
    attempts       INTEGER   NOT NULL DEFAULT 0,
    extraction_key VARCHAR,             -- of the last finished reading, good or bad
    notes          VARCHAR[],           -- what an otherwise good reading had to leave out
    pages          INTEGER,
    chunks         INTEGER   NOT NULL DEFAULT 0,
    added_at       TIMESTAMP NOT NULL,  -- UTC, as all times here
    indexed_at     TIMESTAMP
);

-- What documents say, by content: two documents of the same bytes share one extraction.
CREATE TABLE extractions (
    extraction_key VARCHAR NOT NULL,
    pages          INTEGER,
    notes          VARCHAR[]
);

CREATE TABLE elements (
    extraction_key VARCHAR NOT NULL,
    position       INTEGER NOT NULL,
    kind           VARCHAR NOT NULL,
    text           VARCHAR NOT NULL,
    page           INTEGER,
    heading_path   VARCHAR[] NOT NULL,
    boxes          VARCHAR NOT NULL,    -- JSON list of [page, left, top, right, bottom, start, end]
    table_header   VARCHAR
);

CREATE TABLE chunkings (
    chunking_key   VARCHAR NOT NULL,    -- hash of extraction and chunker
    extraction_key VARCHAR NOT NULL,
    chunker        VARCHAR NOT NULL,
    chunk_count    INTEGER NOT NULL
);

CREATE TABLE chunks (
    chunking_key VARCHAR NOT NULL,
    position     INTEGER NOT NULL,
    text         VARCHAR NOT NULL,
    context      VARCHAR NOT NULL,
    heading_path VARCHAR[] NOT NULL,
    page_first   INTEGER,
    page_last    INTEGER,
    boxes        VARCHAR NOT NULL,
    tokens       INTEGER NOT NULL,
    text_hash    VARCHAR NOT NULL       -- sha256 of what is embedded: context and text
);

CREATE TABLE embeddings (
    text_hash VARCHAR NOT NULL,
    model     VARCHAR NOT NULL,         -- fingerprint of the embedding model
    vector    FLOAT[] NOT NULL
);

-- The whole text of every live document, one row an element, in reading order within (collection, document).
CREATE VIEW document_text AS
SELECT d.collection, d.document, d.state, e.page, e.text
FROM documents d JOIN elements e USING (extraction_key)
ORDER BY d.collection, d.document, e.position;
