-- What lapsed, by the grid that missed it: the system moved the report without an approval.
CREATE TABLE report_lapses (
  town_id uuid NOT NULL REFERENCES towns (id),
  report_id uuid NOT NULL REFERENCES reports (id),
  due_at timestamptz NOT NULL,
  rule text NOT NULL,
  grid_id uuid NOT NULL,
  tier text NOT NULL,
  charged boolean NOT NULL,
  lapsed_at timestamptz NOT NULL,
  PRIMARY KEY (town_id, report_id, due_at, rule)
);
CREATE INDEX report_lapses_grid ON report_lapses (grid_id, lapsed_at DESC, report_id DESC);
