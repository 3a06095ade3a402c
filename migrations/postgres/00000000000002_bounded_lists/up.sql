-- A rare category of one status in a village, newest first. Without it such a list walked all
-- reports of that status that the village ever had.
CREATE INDEX reports_village_status_category ON reports (village_id, status, category, received_at DESC, id DESC) WHERE village_id IS NOT NULL;
