-- The report that this one repeats, as long as it is void for that.
ALTER TABLE reports ADD COLUMN duplicate_of BLOB REFERENCES reports (id);
-- What was voided before says so in its record.
UPDATE reports SET duplicate_of = (
  SELECT unhex(replace(payload ->> 'duplicate_of', '-', '')) FROM events
  WHERE subject_id = reports.id AND kind = 'voided' ORDER BY seq DESC LIMIT 1
) WHERE status = 'void';
CREATE INDEX reports_duplicates ON reports (duplicate_of) WHERE duplicate_of IS NOT NULL;
