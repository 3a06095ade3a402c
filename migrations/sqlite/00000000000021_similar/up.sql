-- The index of desks alone shows how many reports wait and which are late.
DROP INDEX reports_desk;
CREATE INDEX reports_desk ON reports (desk_grid_id, desk_duty, next_due_at, id, desk_officer_id, deadline_at) WHERE desk_grid_id IS NOT NULL;
