-- Whoever is named to do the work has it at hand, as teams and co-handlers have.
INSERT INTO report_hands (hand_id, report_id)
SELECT handler_officer_id, id FROM reports
WHERE handler_officer_id IS NOT NULL AND desk_grid_id IS NOT NULL AND desk_duty = 'handle'
ON CONFLICT DO NOTHING;
