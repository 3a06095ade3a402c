-- Holidays and make-up days of a year, version by version; body is the table's JSON form. The latest
-- version of a year applies. A version never changes.
CREATE TABLE calendar_years (
  year integer NOT NULL,
  version bigint NOT NULL,
  body text NOT NULL,
  created_at timestamptz NOT NULL,
  created_by uuid,
  PRIMARY KEY (year, version)
);
-- One row: a number that is another after each change, by which every process knows that its copy of
-- the tables is old. Locked while they change.
CREATE TABLE calendar_state (
  id integer PRIMARY KEY CHECK (id = 1),
  version bigint NOT NULL
);
INSERT INTO calendar_state (id, version) VALUES (1, 0);
