-- Times are milliseconds since 1970, in UTC. Every key starts with the tenant.

CREATE TABLE events (
  seq          INTEGER PRIMARY KEY,
  tenant       TEXT    NOT NULL,
  event_id              NOT NULL,           -- 16 bytes when it is a UUID, else text
  name         TEXT    NOT NULL,
  entity       TEXT,
  entity_id    INTEGER,
  account_id   INTEGER,
  changed_by   INTEGER,
  changes      TEXT    NOT NULL,
  received_at  INTEGER NOT NULL,
  disposition  INTEGER NOT NULL,            -- 0 queued, 1 merged, 2 skipped, 3 parked
  reason       TEXT,
  words        TEXT,
  job_id       INTEGER,
  repeats      INTEGER NOT NULL DEFAULT 0,
  body         BLOB    NOT NULL
);
CREATE UNIQUE INDEX events_once    ON events (tenant, event_id);
CREATE INDEX        events_account ON events (tenant, account_id, seq);

CREATE TABLE jobs (
  id           INTEGER PRIMARY KEY,
  tenant       TEXT    NOT NULL,
  entity       TEXT    NOT NULL,
  entity_id    INTEGER NOT NULL,
  account_id   INTEGER,
  lane         TEXT    NOT NULL,            -- what no two workers may hold: the account, or the person while it is not known
  created      INTEGER NOT NULL,            -- 1 when an event created the record
  state        INTEGER NOT NULL,            -- 0 pending, 1 processing, 2 completed, 3 skipped, 4 held, 5 failed
  reason       TEXT,
  words        TEXT,
  remedy       TEXT,
  run_at       INTEGER NOT NULL,
  events       INTEGER NOT NULL,
  attempts     INTEGER NOT NULL DEFAULT 0,
  faults       INTEGER NOT NULL DEFAULT 0,
  crashes      INTEGER NOT NULL DEFAULT 0,
  lease_owner  TEXT,
  lease_until  INTEGER,
  fence        INTEGER NOT NULL DEFAULT 0,
  created_at   INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL,
  started_at   INTEGER,
  finished_at  INTEGER
);
CREATE UNIQUE INDEX jobs_one_pending   ON jobs (tenant, entity, entity_id) WHERE state = 0;
CREATE UNIQUE INDEX jobs_one_in_flight ON jobs (tenant, lane)              WHERE state = 1;
CREATE INDEX        jobs_due           ON jobs (run_at, id)                WHERE state = 0;
CREATE INDEX        jobs_lease         ON jobs (lease_until)               WHERE state = 1;
CREATE INDEX        jobs_record        ON jobs (tenant, entity, entity_id, id);
CREATE INDEX        jobs_account       ON jobs (tenant, account_id, id);
CREATE INDEX        jobs_ended         ON jobs (tenant, state, id)            WHERE state >= 2;

CREATE TABLE accounts (
  tenant       TEXT    NOT NULL,
  contact_id   INTEGER NOT NULL,
  name         TEXT,
  name_folded  TEXT,                        -- lower case, for finding; SQLite's own lower() knows ASCII only
  owner_id     INTEGER,
  owner_short  TEXT,
  owner_full   TEXT,
  website      TEXT,
  name_key     TEXT,
  duplicate_of INTEGER,                     -- the record that it was a second one of, and when that was found
  duplicate_at INTEGER,
  deleted      INTEGER NOT NULL DEFAULT 0,
  nameless     INTEGER NOT NULL DEFAULT 0,   -- 1 when the CRM was asked for the name and had none to tell
  first_at     INTEGER NOT NULL,
  touched_at   INTEGER NOT NULL,
  PRIMARY KEY (tenant, contact_id)
) WITHOUT ROWID;
CREATE INDEX accounts_touched ON accounts (tenant, touched_at, contact_id);
CREATE INDEX accounts_key     ON accounts (tenant, name_key) WHERE name_key IS NOT NULL;
CREATE INDEX accounts_unnamed ON accounts (tenant, touched_at) WHERE name IS NULL AND deleted = 0 AND nameless = 0;

CREATE TABLE persons (
  tenant       TEXT    NOT NULL,
  person_id    INTEGER NOT NULL,
  contact_id   INTEGER NOT NULL,
  PRIMARY KEY (tenant, person_id)
) WITHOUT ROWID;
CREATE INDEX persons_of ON persons (tenant, contact_id);

CREATE TABLE profiles (
  tenant       TEXT    NOT NULL,
  contact_id   INTEGER NOT NULL,
  key          TEXT    NOT NULL,
  at           INTEGER NOT NULL,
  profile      TEXT    NOT NULL,
  PRIMARY KEY (tenant, contact_id)
);

CREATE TABLE writes (
  id           INTEGER PRIMARY KEY,
  tenant       TEXT    NOT NULL,
  job_id       INTEGER NOT NULL,
  entity       TEXT    NOT NULL,
  entity_id    INTEGER NOT NULL,
  account_id   INTEGER,
  fence        INTEGER NOT NULL,
  state        INTEGER NOT NULL,            -- 0 intended, 1 done, 2 not done
  intended_at  INTEGER NOT NULL,
  settled_at   INTEGER,
  words        TEXT,
  fields       TEXT    NOT NULL             -- JSON: target, prog_id, before, after
);
CREATE INDEX writes_record  ON writes (tenant, entity, entity_id, id);
CREATE INDEX writes_account ON writes (tenant, account_id, id);
CREATE INDEX writes_done    ON writes (tenant) WHERE state = 1;
CREATE INDEX writes_job     ON writes (tenant, job_id, id);

CREATE TABLE steps (
  id           INTEGER PRIMARY KEY,
  tenant       TEXT    NOT NULL,
  job_id       INTEGER NOT NULL,
  at           INTEGER NOT NULL,
  attempt      INTEGER NOT NULL,
  stage        TEXT    NOT NULL,
  words        TEXT    NOT NULL
);
CREATE INDEX steps_job ON steps (tenant, job_id, id);

CREATE TABLE settings (
  tenant       TEXT    NOT NULL,
  key          TEXT    NOT NULL,
  value        TEXT    NOT NULL,
  at           INTEGER NOT NULL,
  PRIMARY KEY (tenant, key)
) WITHOUT ROWID;
