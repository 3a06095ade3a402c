-- Officers over HTTP: managing rights, absences, deputies for decisions only, the duty roster of a
-- town, and invitations that sign a phone in.

-- An account without a password has an empty hash, which no password matches: its owner signs in by
-- invitation.
ALTER TABLE postings ADD COLUMN manages boolean NOT NULL DEFAULT false;

-- An officer is away for some time. Postings stay, but they staff no grid during that time.
CREATE TABLE absences (
  id uuid NOT NULL PRIMARY KEY,
  officer_id uuid NOT NULL REFERENCES officers (id),
  deputy_id uuid REFERENCES officers (id),
  valid_from timestamptz NOT NULL,
  valid_to timestamptz NOT NULL,
  created_at timestamptz NOT NULL
);
CREATE INDEX absences_officer ON absences (officer_id, valid_to);

-- Which duties of the posting a deputy has, and the absence that it belongs to, if any.
ALTER TABLE deputies ADD COLUMN covers text NOT NULL DEFAULT 'all' CHECK (covers IN ('all', 'decisions'));
ALTER TABLE deputies ADD COLUMN absence_id uuid REFERENCES absences (id);

-- Who of the town is on duty, and when. Shifts of one town do not overlap.
CREATE TABLE duty_shifts (
  id uuid NOT NULL PRIMARY KEY,
  town_id uuid NOT NULL REFERENCES towns (id),
  officer_id uuid NOT NULL REFERENCES officers (id),
  valid_from timestamptz NOT NULL,
  valid_to timestamptz NOT NULL,
  created_at timestamptz NOT NULL
);
CREATE INDEX duty_shifts_town ON duty_shifts (town_id, valid_from);

-- A code that signs a phone in once, hashed. A new one ends the old.
CREATE TABLE invitations (
  code_hash bytea NOT NULL PRIMARY KEY,
  officer_id uuid NOT NULL REFERENCES officers (id),
  invited_by uuid REFERENCES officers (id),
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  accepted_at timestamptz,
  device_id text,
  session_id uuid
);
CREATE INDEX invitations_officer ON invitations (officer_id);
CREATE INDEX invitations_expiry ON invitations (expires_at);
