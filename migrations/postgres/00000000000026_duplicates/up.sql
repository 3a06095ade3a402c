-- The report that this one repeats, while it is void for that reason.
ALTER TABLE reports ADD COLUMN duplicate_of uuid REFERENCES reports (id);
-- Older void reports say so in their record.
UPDATE reports SET duplicate_of = (
  SELECT (payload::json ->> 'duplicate_of')::uuid FROM events
  WHERE subject_id = reports.id AND kind = 'voided' ORDER BY seq DESC LIMIT 1
) WHERE status = 'void';
CREATE INDEX reports_duplicates ON reports (duplicate_of) WHERE duplicate_of IS NOT NULL;
