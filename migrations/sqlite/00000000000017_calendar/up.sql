-- Holidays and make-up days of a year, version by version; body is the table's JSON form. The latest
-- version of a year applies. A version never changes.
CREATE TABLE calendar_years (
  year INTEGER NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  created_by BLOB,
  PRIMARY KEY (year, version)
) STRICT;
-- One row: a number that is another after each change, by which every process knows that its copy of
-- the tables is old. Locked while they change.
CREATE TABLE calendar_state (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  version INTEGER NOT NULL
) STRICT;
INSERT INTO calendar_state (id, version) VALUES (1, 0);
