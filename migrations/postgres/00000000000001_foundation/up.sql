-- The foundation, in PostgreSQL's native types.
-- migrations/sqlite/00000000000001_foundation holds the same tables for SQLite;
-- a test compares both with api/store/src/schema.rs.

-- Grids: town > village > group. A code is an attribute (codes change at mergers), never a key.
CREATE TABLE grids (
  id uuid NOT NULL PRIMARY KEY,
  town_id uuid NOT NULL REFERENCES grids (id),
  village_id uuid REFERENCES grids (id),
  parent_id uuid REFERENCES grids (id),
  tier text NOT NULL CHECK (tier IN ('town', 'village', 'group')),
  code text NOT NULL,
  name text NOT NULL,
  contact text,
  created_at timestamptz NOT NULL,
  version bigint NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX grids_code ON grids (code);
CREATE INDEX grids_parent ON grids (parent_id, code);
CREATE INDEX grids_town ON grids (town_id, tier, code);
CREATE INDEX grids_village ON grids (village_id) WHERE village_id IS NOT NULL;

-- One row a town, updated in every business transaction: the order of its changes, the head of
-- its event chain, the number of its last report, and whether its grids, officers, postings or
-- deputies have changed.
CREATE TABLE towns (
  id uuid NOT NULL PRIMARY KEY REFERENCES grids (id),
  change_seq bigint NOT NULL DEFAULT 0,
  event_seq bigint NOT NULL DEFAULT 0,
  chain_head bytea NOT NULL,
  number_year integer NOT NULL DEFAULT 0,
  number_seq integer NOT NULL DEFAULT 0,
  directory_version bigint NOT NULL DEFAULT 0
);

CREATE TABLE officers (
  id uuid NOT NULL PRIMARY KEY,
  username text NOT NULL,
  name text NOT NULL,
  phone text,
  password_hash text NOT NULL,
  must_change_password boolean NOT NULL DEFAULT false,
  disabled_at timestamptz,
  created_at timestamptz NOT NULL,
  version bigint NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX officers_username ON officers (username);

-- Former passwords, the present one included, so that the latest do not come back.
CREATE TABLE password_history (
  id uuid NOT NULL PRIMARY KEY,
  officer_id uuid NOT NULL REFERENCES officers (id),
  set_at timestamptz NOT NULL,
  password_hash text NOT NULL
);
CREATE INDEX password_history_officer ON password_history (officer_id, set_at);

-- A role at a grid, from one instant to another (absent: without end).
CREATE TABLE postings (
  id uuid NOT NULL PRIMARY KEY,
  officer_id uuid NOT NULL REFERENCES officers (id),
  grid_id uuid NOT NULL REFERENCES grids (id),
  town_id uuid NOT NULL REFERENCES grids (id),
  role text NOT NULL CHECK (role IN ('admin', 'town_leader', 'town_officer', 'village_secretary', 'village_officer', 'group_leader')),
  valid_from timestamptz NOT NULL,
  valid_to timestamptz,
  created_at timestamptz NOT NULL
);
CREATE INDEX postings_officer ON postings (officer_id);
CREATE INDEX postings_grid ON postings (grid_id);
CREATE INDEX postings_town ON postings (town_id);

-- The deputy for a posting, and when.
CREATE TABLE deputies (
  id uuid NOT NULL PRIMARY KEY,
  posting_id uuid NOT NULL REFERENCES postings (id),
  deputy_id uuid NOT NULL REFERENCES officers (id),
  valid_from timestamptz NOT NULL,
  valid_to timestamptz NOT NULL,
  created_at timestamptz NOT NULL
);
CREATE INDEX deputies_posting ON deputies (posting_id);
CREATE INDEX deputies_deputy ON deputies (deputy_id);

CREATE TABLE sessions (
  id uuid NOT NULL PRIMARY KEY,
  officer_id uuid NOT NULL REFERENCES officers (id),
  device_id text,
  device_name text,
  platform text,
  address text,
  created_at timestamptz NOT NULL,
  last_seen_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  end_reason text
);
CREATE INDEX sessions_officer ON sessions (officer_id, created_at);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- Refresh tokens, hashed. One stays valid until a successor is first used.
CREATE TABLE refresh_tokens (
  token_hash bytea NOT NULL PRIMARY KEY,
  session_id uuid NOT NULL REFERENCES sessions (id),
  predecessor_hash bytea,
  issued_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  first_used_at timestamptz,
  superseded_at timestamptz
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);

-- Failed sign-ins per name and per address: first a delay, then a lock.
CREATE TABLE login_failures (
  subject text NOT NULL PRIMARY KEY,
  failures integer NOT NULL,
  last_failed_at timestamptz NOT NULL,
  locked_until timestamptz
);

-- Sign-ins, refusals and reveals: apart from the towns' chains, so that strangers cannot take a
-- town's lock.
CREATE TABLE security_log (
  id uuid NOT NULL PRIMARY KEY,
  at timestamptz NOT NULL,
  kind text NOT NULL,
  officer_id uuid,
  username text,
  address text,
  request_id text,
  detail text
);
CREATE INDEX security_log_at ON security_log (at);
CREATE INDEX security_log_officer ON security_log (officer_id, at);

-- Keys the server made for itself at first start and that all its processes share.
CREATE TABLE secrets (
  name text NOT NULL PRIMARY KEY,
  value bytea NOT NULL,
  created_at timestamptz NOT NULL
);

-- The first committed answer to a request with an Idempotency-Key, kept 90 days.
CREATE TABLE idempotency_keys (
  officer_id uuid NOT NULL,
  key text NOT NULL,
  request_hash bytea NOT NULL,
  status integer NOT NULL,
  body text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (officer_id, key)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

-- The fields of a report that lists and clocks use. Its texts are in report_texts.
CREATE TABLE reports (
  town_id uuid NOT NULL REFERENCES towns (id),
  id uuid NOT NULL,
  number text NOT NULL,
  grid_id uuid NOT NULL REFERENCES grids (id),
  village_id uuid,
  group_id uuid,
  filing_tier text NOT NULL,
  category text NOT NULL,
  severity text NOT NULL,
  source text NOT NULL,
  status text NOT NULL CHECK (status IN ('open', 'escalating', 'resolved', 'suspended', 'closed', 'void')),
  status_before_void text,
  holder_id uuid NOT NULL,
  holder_tier text NOT NULL,
  handler_grid_id uuid,
  handler_officer_id uuid,
  handler_due_at timestamptz,
  desk_grid_id uuid,
  desk_officer_id uuid,
  desk_duty text,
  desk_since timestamptz NOT NULL,
  escalation_requested_by uuid,
  returns_from_group integer NOT NULL DEFAULT 0,
  returns_from_village integer NOT NULL DEFAULT 0,
  rework_count integer NOT NULL DEFAULT 0,
  reporter_id uuid NOT NULL,
  first_acted_at timestamptz,
  resolved_by uuid,
  resolved_at timestamptz,
  closed_at timestamptz,
  outcome text,
  self_verified boolean NOT NULL DEFAULT false,
  received_at timestamptz NOT NULL,
  observed_at timestamptz NOT NULL,
  deadline_at timestamptz NOT NULL,
  next_due_at timestamptz,
  lat double precision,
  lon double precision,
  photos_declared integer NOT NULL DEFAULT 0,
  photos_ready integer NOT NULL DEFAULT 0,
  version bigint NOT NULL,
  change_seq bigint NOT NULL,
  PRIMARY KEY (town_id, id)
);
CREATE UNIQUE INDEX reports_id ON reports (id);
CREATE UNIQUE INDEX reports_number ON reports (town_id, number);
CREATE INDEX reports_town ON reports (town_id, received_at DESC, id DESC);
CREATE INDEX reports_town_status ON reports (town_id, status, received_at DESC, id DESC);
CREATE INDEX reports_town_status_category ON reports (town_id, status, category, received_at DESC, id DESC);
CREATE INDEX reports_village ON reports (village_id, received_at DESC, id DESC) WHERE village_id IS NOT NULL;
CREATE INDEX reports_village_status ON reports (village_id, status, received_at DESC, id DESC) WHERE village_id IS NOT NULL;
CREATE INDEX reports_group ON reports (group_id, received_at DESC, id DESC) WHERE group_id IS NOT NULL;
CREATE INDEX reports_desk ON reports (desk_grid_id, desk_duty, next_due_at, id) WHERE desk_grid_id IS NOT NULL;
CREATE INDEX reports_due ON reports (next_due_at, id) WHERE next_due_at IS NOT NULL;
CREATE INDEX reports_change ON reports (town_id, change_seq);

CREATE TABLE report_texts (
  search_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  report_id uuid NOT NULL REFERENCES reports (id),
  town_id uuid NOT NULL,
  filing_hash bytea NOT NULL,
  disposition text NOT NULL,
  description text,
  place_text text,
  on_site_action text,
  instruction text,
  result text,
  location_lat double precision,
  location_lon double precision,
  location_crs text,
  location_accuracy_m double precision,
  subtype text,
  source_ref text,
  responsible_name text,
  responsible_credit_code text,
  responsible_person text,
  supervising_leader text,
  measures text,
  remark text
);
CREATE UNIQUE INDEX report_texts_report ON report_texts (report_id);

-- Overlapping bigrams of a report's texts, made in Rust.
CREATE TABLE report_search (
  search_id bigint NOT NULL PRIMARY KEY,
  terms tsvector NOT NULL
);
CREATE INDEX report_search_terms ON report_search USING gin (terms);

-- Who keeps sight of a report beyond the grids on its path: an officer, or a grid it was assigned to.
CREATE TABLE report_participants (
  participant_id uuid NOT NULL,
  report_id uuid NOT NULL REFERENCES reports (id),
  town_id uuid NOT NULL,
  received_at timestamptz NOT NULL,
  PRIMARY KEY (participant_id, report_id)
);
CREATE INDEX report_participants_newest ON report_participants (participant_id, received_at DESC, report_id DESC);

-- How many reports a grid has, per status, category and severity; kept in the transaction.
CREATE TABLE report_counts (
  town_id uuid NOT NULL,
  grid_id uuid NOT NULL,
  status text NOT NULL,
  category text NOT NULL,
  severity text NOT NULL,
  reports bigint NOT NULL,
  PRIMARY KEY (town_id, grid_id, status, category, severity)
);

-- Every change, in a hash chain a town. Personal data stand only in the payload: erasing payload
-- and salt leaves the chain verifiable by the commitment.
CREATE TABLE events (
  town_id uuid NOT NULL REFERENCES towns (id),
  seq bigint NOT NULL,
  subject_kind text NOT NULL,
  subject_id uuid NOT NULL,
  kind text NOT NULL,
  at timestamptz NOT NULL,
  actor_id uuid,
  header text NOT NULL,
  payload text,
  salt bytea,
  commitment bytea NOT NULL,
  hash bytea NOT NULL,
  PRIMARY KEY (town_id, seq)
);
CREATE INDEX events_subject ON events (subject_id, seq);

-- Contents by their SHA-256. Pinned before the object is written, so that no crash leaves a photo
-- without its object, or an object without a record.
CREATE TABLE blobs (
  sha256 bytea NOT NULL PRIMARY KEY,
  size bigint NOT NULL,
  pinned_at timestamptz NOT NULL
);

-- A photo is declared by a report, or arrives first; each of both touches this row first, so that
-- a report's count of arrived photos cannot miss either. It is declared before its report's row is
-- written, so the reference is deferred.
CREATE TABLE photos (
  id uuid NOT NULL PRIMARY KEY,
  town_id uuid,
  report_id uuid REFERENCES reports (id) DEFERRABLE INITIALLY DEFERRED,
  position integer NOT NULL DEFAULT 0,
  role text NOT NULL,
  owner_id uuid NOT NULL REFERENCES officers (id),
  declared_sha256 bytea,
  declared_size bigint,
  state text NOT NULL CHECK (state IN ('missing', 'ready')),
  rendition text NOT NULL CHECK (rendition IN ('none', 'pending', 'ready', 'unsupported', 'failed')),
  rendition_attempts integer NOT NULL DEFAULT 0,
  rendition_due_at timestamptz,
  sha256 bytea REFERENCES blobs (sha256),
  size bigint,
  media_type text,
  width integer,
  height integer,
  orientation integer,
  taken_at timestamptz,
  lat double precision,
  lon double precision,
  exif_taken_at timestamptz,
  exif_lat double precision,
  exif_lon double precision,
  created_at timestamptz NOT NULL,
  arrived_at timestamptz
);
CREATE INDEX photos_report ON photos (report_id, position) WHERE report_id IS NOT NULL;
CREATE INDEX photos_pending ON photos (rendition_due_at) WHERE rendition = 'pending';
CREATE INDEX photos_blob ON photos (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX photos_unattached ON photos (created_at) WHERE report_id IS NULL;
