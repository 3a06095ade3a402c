-- Teams of a town: a lead and members who take work together. categories: a JSON array; null: all.
CREATE TABLE teams (
  id uuid NOT NULL PRIMARY KEY,
  town_id uuid NOT NULL REFERENCES towns (id),
  name text NOT NULL,
  kind text NOT NULL,
  lead_id uuid NOT NULL REFERENCES officers (id),
  categories text,
  created_at timestamptz NOT NULL,
  archived_at timestamptz,
  version bigint NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX teams_name ON teams (town_id, name) WHERE archived_at IS NULL;
CREATE INDEX teams_town ON teams (town_id, id);

-- Who belongs to a team, the lead included.
CREATE TABLE team_members (
  team_id uuid NOT NULL REFERENCES teams (id),
  officer_id uuid NOT NULL REFERENCES officers (id),
  PRIMARY KEY (team_id, officer_id)
);

-- Where a team works. None: the whole town.
CREATE TABLE team_grids (
  team_id uuid NOT NULL REFERENCES teams (id),
  grid_id uuid NOT NULL REFERENCES grids (id),
  PRIMARY KEY (team_id, grid_id)
);

-- The team that does the work, and who helps: a JSON array of officers; null: nobody.
ALTER TABLE reports ADD COLUMN handler_team_id uuid;
ALTER TABLE reports ADD COLUMN co_handlers text;
-- The officer or team that must act now.
ALTER TABLE reports RENAME COLUMN desk_officer_id TO desk_assignee_id;

-- Reports that a team or a co-handler works on now, by team and by officer.
CREATE TABLE report_hands (
  hand_id uuid NOT NULL,
  report_id uuid NOT NULL REFERENCES reports (id),
  PRIMARY KEY (hand_id, report_id)
);
CREATE INDEX report_hands_report ON report_hands (report_id);
