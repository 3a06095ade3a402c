-- What lapsed, by the grid that missed it: the system moved the report without an approval.
CREATE TABLE report_lapses (
  town_id BLOB NOT NULL REFERENCES towns (id),
  report_id BLOB NOT NULL REFERENCES reports (id),
  due_at INTEGER NOT NULL,
  rule TEXT NOT NULL,
  grid_id BLOB NOT NULL,
  tier TEXT NOT NULL,
  charged INTEGER NOT NULL CHECK (charged IN (0, 1)),
  lapsed_at INTEGER NOT NULL,
  PRIMARY KEY (town_id, report_id, due_at, rule)
) STRICT;
CREATE INDEX report_lapses_grid ON report_lapses (grid_id, lapsed_at DESC, report_id DESC);
