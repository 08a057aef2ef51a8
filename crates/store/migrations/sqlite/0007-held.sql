-- What waits to be let go of one record, and the newest delivery where there are few of them.
CREATE INDEX jobs_held   ON jobs (tenant, entity, entity_id, id) WHERE state = 4;
CREATE INDEX events_told ON events (tenant, seq)                 WHERE source = 0;
