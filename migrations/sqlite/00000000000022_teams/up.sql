-- Teams of a town: a lead and members who take work together. categories: a JSON array; null: all.
CREATE TABLE teams (
  id BLOB NOT NULL PRIMARY KEY,
  town_id BLOB NOT NULL REFERENCES towns (id),
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  lead_id BLOB NOT NULL REFERENCES officers (id),
  categories TEXT,
  created_at INTEGER NOT NULL,
  archived_at INTEGER,
  version INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE UNIQUE INDEX teams_name ON teams (town_id, name) WHERE archived_at IS NULL;
CREATE INDEX teams_town ON teams (town_id, id);

-- Who belongs to a team, the lead included.
CREATE TABLE team_members (
  team_id BLOB NOT NULL REFERENCES teams (id),
  officer_id BLOB NOT NULL REFERENCES officers (id),
  PRIMARY KEY (team_id, officer_id)
) STRICT;

-- Where a team works. None: the whole town.
CREATE TABLE team_grids (
  team_id BLOB NOT NULL REFERENCES teams (id),
  grid_id BLOB NOT NULL REFERENCES grids (id),
  PRIMARY KEY (team_id, grid_id)
) STRICT;

-- The team that does the work, and who helps: a JSON array of officers; null: nobody.
ALTER TABLE reports ADD COLUMN handler_team_id BLOB;
ALTER TABLE reports ADD COLUMN co_handlers TEXT;
-- The officer or team that must act now.
ALTER TABLE reports RENAME COLUMN desk_officer_id TO desk_assignee_id;

-- Reports that a team or a co-handler works on now, by team and by officer.
CREATE TABLE report_hands (
  hand_id BLOB NOT NULL,
  report_id BLOB NOT NULL REFERENCES reports (id),
  PRIMARY KEY (hand_id, report_id)
) STRICT;
CREATE INDEX report_hands_report ON report_hands (report_id);
