-- What only one process may do at a time.
CREATE TABLE duties (
  tenant       TEXT    NOT NULL,
  duty         TEXT    NOT NULL,
  holder       TEXT    NOT NULL,
  until        INTEGER NOT NULL,
  PRIMARY KEY (tenant, duty)
) WITHOUT ROWID;
