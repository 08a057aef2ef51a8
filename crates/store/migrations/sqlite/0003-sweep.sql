-- What a sweep needs: who told of an event and when it happened by the CRM's clock, which work is not urgent, and in which
-- version each record was seen.
ALTER TABLE events ADD COLUMN source      INTEGER NOT NULL DEFAULT 0;   -- 0 a webhook, 1 a sweep
ALTER TABLE events ADD COLUMN happened_at INTEGER;
CREATE INDEX events_stray ON events (tenant, entity, entity_id) WHERE account_id IS NULL;

ALTER TABLE jobs ADD COLUMN swept INTEGER NOT NULL DEFAULT 0;           -- 1 when a sweep began it
ALTER TABLE jobs ADD COLUMN bulk  INTEGER NOT NULL DEFAULT 0;           -- 1 while nobody but a sweep asked for it
DROP INDEX jobs_due;
CREATE INDEX jobs_due ON jobs (bulk, run_at, id) WHERE state = 0;

-- Versions are the CRM's own stamps.
CREATE TABLE snapshots (
  tenant       TEXT    NOT NULL,
  entity       TEXT    NOT NULL,
  entity_id    INTEGER NOT NULL,
  columns      TEXT,                        -- JSON: what a sweep saw; NULL while none has
  updated_at   INTEGER,                     -- the version that a sweep saw
  deleted      INTEGER NOT NULL DEFAULT 0,
  seen_at      INTEGER,                     -- the version that a job read, or made by writing
  seen_job     INTEGER,
  seen_wrote   INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, entity, entity_id)
) WITHOUT ROWID;
