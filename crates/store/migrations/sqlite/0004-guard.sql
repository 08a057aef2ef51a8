-- What failures of the same cause have in common, so that they can be shown and tried again together.
ALTER TABLE jobs ADD COLUMN fingerprint TEXT;
UPDATE jobs SET fingerprint = 'earlier-0000000000000000' WHERE state = 5;
CREATE INDEX jobs_failed ON jobs (tenant, fingerprint, id) WHERE state = 5;
