-- Schema 8: contents that somebody had read with other languages of OCR than the settings name.

UPDATE catalog SET schema_version = 8;

CREATE TABLE ocr_choices (
    content_hash VARCHAR NOT NULL,
    languages    VARCHAR NOT NULL   -- Tesseract's names, joined by +
);

ALTER TABLE documents ADD COLUMN ocr_languages VARCHAR;  -- of its content, if there are any
