-- Schema 3: BM25 vectors are made once for each text, before the model's. Those of older rows are made by the next run.

UPDATE catalog SET schema_version = 3;

CREATE TABLE sparse_vectors (
    text_hash VARCHAR    NOT NULL,  -- one row for each; a new model's takes the place of the old one's
    model     VARCHAR    NOT NULL,  -- fingerprint of the BM25 model
    indices   UINTEGER[] NOT NULL,  -- ascending or not, as the model gives them
    weights   FLOAT[]    NOT NULL   -- of the indices, without IDF
);
