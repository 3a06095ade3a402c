-- What ended late before colours were kept, or while the clock stood still, is red as well.
UPDATE reports SET colour = 'red' WHERE status <> 'void' AND closed_at > deadline_at AND colour <> 'red';
-- What is due soon or overdue is listed by itself; most reports are neither and stand in none of these.
CREATE INDEX reports_town_colour ON reports (town_id, colour, received_at DESC, id DESC) WHERE colour <> 'green';
CREATE INDEX reports_village_colour ON reports (village_id, colour, received_at DESC, id DESC) WHERE colour <> 'green' AND village_id IS NOT NULL;
CREATE INDEX reports_desk_red ON reports (desk_grid_id, desk_duty, desk_assignee_id) WHERE colour = 'red' AND desk_grid_id IS NOT NULL;
-- How many reports a grid has, per colour too.
DROP TABLE report_counts;
CREATE TABLE report_counts (
  town_id BLOB NOT NULL,
  grid_id BLOB NOT NULL,
  status TEXT NOT NULL,
  category TEXT NOT NULL,
  severity TEXT NOT NULL,
  colour TEXT NOT NULL,
  reports INTEGER NOT NULL,
  PRIMARY KEY (town_id, grid_id, status, category, severity, colour)
) STRICT, WITHOUT ROWID;
INSERT INTO report_counts (town_id, grid_id, status, category, severity, colour, reports)
  SELECT town_id, grid_id, status, category, severity, colour, count(*) FROM (
    SELECT town_id, town_id AS grid_id, status, category, severity, colour FROM reports
    UNION ALL SELECT town_id, village_id, status, category, severity, colour FROM reports WHERE village_id IS NOT NULL
    UNION ALL SELECT town_id, group_id, status, category, severity, colour FROM reports WHERE group_id IS NOT NULL
  ) AS counted GROUP BY town_id, grid_id, status, category, severity, colour;
-- The earlier report of a problem that came back, if this report names it.
ALTER TABLE report_texts ADD COLUMN rebound_of BLOB REFERENCES reports (id);
