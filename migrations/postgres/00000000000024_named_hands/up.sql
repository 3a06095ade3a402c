-- The officer who is named to do the work is listed here too, like teams and co-handlers.
INSERT INTO report_hands (hand_id, report_id)
SELECT handler_officer_id, id FROM reports
WHERE handler_officer_id IS NOT NULL AND desk_grid_id IS NOT NULL AND desk_duty = 'handle'
ON CONFLICT DO NOTHING;
