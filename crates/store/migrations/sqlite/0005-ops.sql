-- What pruning and the metrics look for without reading everything.
CREATE INDEX jobs_of_deleted ON jobs (id)        WHERE reason = 'DELETED';
CREATE INDEX writes_open     ON writes (tenant)  WHERE state = 0;
