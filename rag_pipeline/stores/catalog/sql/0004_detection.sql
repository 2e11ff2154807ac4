-- Schema 4: what told a document's media type, so that one that was refused is looked at again once its type can be told better.

UPDATE catalog SET schema_version = 4;

ALTER TABLE documents ADD COLUMN detected_by VARCHAR;  -- fingerprint of what can be told; NULL before this schema, and of unread bytes
