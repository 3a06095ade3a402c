-- A role that reads everything of a town and never acts. SQLite changes a check only with its table.
CREATE TABLE postings_next (
  id BLOB NOT NULL PRIMARY KEY,
  officer_id BLOB NOT NULL REFERENCES officers (id),
  grid_id BLOB NOT NULL REFERENCES grids (id),
  town_id BLOB NOT NULL REFERENCES grids (id),
  role TEXT NOT NULL CHECK (role IN ('admin', 'town_leader', 'town_officer', 'village_secretary', 'village_officer', 'group_leader', 'auditor')),
  valid_from INTEGER NOT NULL,
  valid_to INTEGER,
  created_at INTEGER NOT NULL,
  manages INTEGER NOT NULL DEFAULT 0 CHECK (manages IN (0, 1))
) STRICT;
INSERT INTO postings_next (id, officer_id, grid_id, town_id, role, valid_from, valid_to, created_at, manages)
  SELECT id, officer_id, grid_id, town_id, role, valid_from, valid_to, created_at, manages FROM postings;
DROP TABLE postings;
ALTER TABLE postings_next RENAME TO postings;
CREATE INDEX postings_officer ON postings (officer_id);
CREATE INDEX postings_grid ON postings (grid_id);
CREATE INDEX postings_town ON postings (town_id);
