-- What waits to be let go of one record.
CREATE INDEX jobs_held ON jobs (tenant, entity, entity_id, id) WHERE state = 4;
