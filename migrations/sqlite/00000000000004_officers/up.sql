-- Officers over HTTP: managing rights, absences, deputies for decisions only, the duty roster of a
-- town, and invitations that sign a phone in.

-- An account without a password has an empty hash, which no password matches: its owner signs in by
-- invitation.
ALTER TABLE postings ADD COLUMN manages INTEGER NOT NULL DEFAULT 0 CHECK (manages IN (0, 1));

-- An officer is away for some time. Postings stay, but they staff no grid during that time.
CREATE TABLE absences (
  id BLOB NOT NULL PRIMARY KEY,
  officer_id BLOB NOT NULL REFERENCES officers (id),
  deputy_id BLOB REFERENCES officers (id),
  valid_from INTEGER NOT NULL,
  valid_to INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX absences_officer ON absences (officer_id, valid_to);

-- Which duties of the posting a deputy has, and the absence that it belongs to, if any.
ALTER TABLE deputies ADD COLUMN covers TEXT NOT NULL DEFAULT 'all' CHECK (covers IN ('all', 'decisions'));
ALTER TABLE deputies ADD COLUMN absence_id BLOB REFERENCES absences (id);

-- Who of the town is on duty, and when. Shifts of one town do not overlap.
CREATE TABLE duty_shifts (
  id BLOB NOT NULL PRIMARY KEY,
  town_id BLOB NOT NULL REFERENCES towns (id),
  officer_id BLOB NOT NULL REFERENCES officers (id),
  valid_from INTEGER NOT NULL,
  valid_to INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX duty_shifts_town ON duty_shifts (town_id, valid_from);

-- A code that signs a phone in once, hashed. A new one ends the old.
CREATE TABLE invitations (
  code_hash BLOB NOT NULL PRIMARY KEY,
  officer_id BLOB NOT NULL REFERENCES officers (id),
  invited_by BLOB REFERENCES officers (id),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  ended_at INTEGER,
  accepted_at INTEGER,
  device_id TEXT,
  session_id BLOB
) STRICT;
CREATE INDEX invitations_officer ON invitations (officer_id);
CREATE INDEX invitations_expiry ON invitations (expires_at);
