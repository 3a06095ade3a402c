-- Rounds, time at the county, colours, and what is under way about a report: an extension, a
-- suspension, a referral, a supervision, a lapse that may be recalled. The last stand together in one
-- JSON object; nothing is searched by them.
ALTER TABLE reports ADD COLUMN accepted_at timestamptz;
ALTER TABLE reports ADD COLUMN round integer NOT NULL DEFAULT 1;
ALTER TABLE reports ADD COLUMN round_since timestamptz NOT NULL DEFAULT 'epoch';
ALTER TABLE reports ADD COLUMN rebounds integer NOT NULL DEFAULT 0;
ALTER TABLE reports ADD COLUMN away_ms bigint NOT NULL DEFAULT 0;
ALTER TABLE reports ADD COLUMN colour text NOT NULL DEFAULT 'green' CHECK (colour IN ('green', 'yellow', 'red'));
ALTER TABLE reports ADD COLUMN mark_due_at timestamptz;
ALTER TABLE reports ADD COLUMN proceedings text;
-- Older reports are marked when their deadline comes.
UPDATE reports SET round_since = received_at;
UPDATE reports SET mark_due_at = deadline_at WHERE status IN ('open', 'escalating', 'resolved');
CREATE INDEX reports_mark ON reports (mark_due_at, id) WHERE mark_due_at IS NOT NULL;
