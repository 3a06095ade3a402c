-- The foundation. Instants are microseconds since 1970 (UTC), ids are the 16 bytes of a UUID.
-- migrations/postgres/00000000000001_foundation holds the same tables in PostgreSQL's native types;
-- a test compares both with api/store/src/schema.rs.

-- Grids: town > village > group. A code is an attribute (codes change at mergers), never a key.
CREATE TABLE grids (
  id BLOB NOT NULL PRIMARY KEY,
  town_id BLOB NOT NULL REFERENCES grids (id),
  village_id BLOB REFERENCES grids (id),
  parent_id BLOB REFERENCES grids (id),
  tier TEXT NOT NULL CHECK (tier IN ('town', 'village', 'group')),
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  contact TEXT,
  created_at INTEGER NOT NULL,
  version INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE UNIQUE INDEX grids_code ON grids (code);
CREATE INDEX grids_parent ON grids (parent_id, code);
CREATE INDEX grids_town ON grids (town_id, tier, code);
CREATE INDEX grids_village ON grids (village_id) WHERE village_id IS NOT NULL;

-- One row a town, updated in every business transaction: the order of its changes, the head of
-- its event chain, the number of its last report, and whether its grids, officers, postings or
-- deputies have changed.
CREATE TABLE towns (
  id BLOB NOT NULL PRIMARY KEY REFERENCES grids (id),
  change_seq INTEGER NOT NULL DEFAULT 0,
  event_seq INTEGER NOT NULL DEFAULT 0,
  chain_head BLOB NOT NULL,
  number_year INTEGER NOT NULL DEFAULT 0,
  number_seq INTEGER NOT NULL DEFAULT 0,
  directory_version INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE officers (
  id BLOB NOT NULL PRIMARY KEY,
  username TEXT NOT NULL,
  name TEXT NOT NULL,
  phone TEXT,
  password_hash TEXT NOT NULL,
  must_change_password INTEGER NOT NULL DEFAULT 0 CHECK (must_change_password IN (0, 1)),
  disabled_at INTEGER,
  created_at INTEGER NOT NULL,
  version INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE UNIQUE INDEX officers_username ON officers (username);

-- Former passwords, the present one included, so that the latest do not come back.
CREATE TABLE password_history (
  id BLOB NOT NULL PRIMARY KEY,
  officer_id BLOB NOT NULL REFERENCES officers (id),
  set_at INTEGER NOT NULL,
  password_hash TEXT NOT NULL
) STRICT;
CREATE INDEX password_history_officer ON password_history (officer_id, set_at);

-- A role at a grid, from one instant to another (absent: without end).
CREATE TABLE postings (
  id BLOB NOT NULL PRIMARY KEY,
  officer_id BLOB NOT NULL REFERENCES officers (id),
  grid_id BLOB NOT NULL REFERENCES grids (id),
  town_id BLOB NOT NULL REFERENCES grids (id),
  role TEXT NOT NULL CHECK (role IN ('admin', 'town_leader', 'town_officer', 'village_secretary', 'village_officer', 'group_leader')),
  valid_from INTEGER NOT NULL,
  valid_to INTEGER,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX postings_officer ON postings (officer_id);
CREATE INDEX postings_grid ON postings (grid_id);
CREATE INDEX postings_town ON postings (town_id);

-- The deputy for a posting, and when.
CREATE TABLE deputies (
  id BLOB NOT NULL PRIMARY KEY,
  posting_id BLOB NOT NULL REFERENCES postings (id),
  deputy_id BLOB NOT NULL REFERENCES officers (id),
  valid_from INTEGER NOT NULL,
  valid_to INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX deputies_posting ON deputies (posting_id);
CREATE INDEX deputies_deputy ON deputies (deputy_id);

CREATE TABLE sessions (
  id BLOB NOT NULL PRIMARY KEY,
  officer_id BLOB NOT NULL REFERENCES officers (id),
  device_id TEXT,
  device_name TEXT,
  platform TEXT,
  address TEXT,
  created_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  ended_at INTEGER,
  end_reason TEXT
) STRICT;
CREATE INDEX sessions_officer ON sessions (officer_id, created_at);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- Refresh tokens, hashed. One stays valid until a successor is first used.
CREATE TABLE refresh_tokens (
  token_hash BLOB NOT NULL PRIMARY KEY,
  session_id BLOB NOT NULL REFERENCES sessions (id),
  predecessor_hash BLOB,
  issued_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  first_used_at INTEGER,
  superseded_at INTEGER
) STRICT;
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);

-- Failed sign-ins per name and per address: first a delay, then a lock.
CREATE TABLE login_failures (
  subject TEXT NOT NULL PRIMARY KEY,
  failures INTEGER NOT NULL,
  last_failed_at INTEGER NOT NULL,
  locked_until INTEGER
) STRICT;

-- Sign-ins, refusals and reveals: apart from the towns' chains, so that strangers cannot take a
-- town's lock.
CREATE TABLE security_log (
  id BLOB NOT NULL PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  officer_id BLOB,
  username TEXT,
  address TEXT,
  request_id TEXT,
  detail TEXT
) STRICT;
CREATE INDEX security_log_at ON security_log (at);
CREATE INDEX security_log_officer ON security_log (officer_id, at);

-- Keys the server made for itself at first start and that all its processes share.
CREATE TABLE secrets (
  name TEXT NOT NULL PRIMARY KEY,
  value BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- The first committed answer to a request with an Idempotency-Key, kept 90 days.
CREATE TABLE idempotency_keys (
  officer_id BLOB NOT NULL,
  key TEXT NOT NULL,
  request_hash BLOB NOT NULL,
  status INTEGER NOT NULL,
  body TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (officer_id, key)
) STRICT;
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

-- The fields of a report that lists and clocks use. Its texts are in report_texts.
CREATE TABLE reports (
  town_id BLOB NOT NULL REFERENCES towns (id),
  id BLOB NOT NULL,
  number TEXT NOT NULL,
  grid_id BLOB NOT NULL REFERENCES grids (id),
  village_id BLOB,
  group_id BLOB,
  filing_tier TEXT NOT NULL,
  category TEXT NOT NULL,
  severity TEXT NOT NULL,
  source TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('open', 'escalating', 'resolved', 'suspended', 'closed', 'void')),
  status_before_void TEXT,
  holder_id BLOB NOT NULL,
  holder_tier TEXT NOT NULL,
  handler_grid_id BLOB,
  handler_officer_id BLOB,
  handler_due_at INTEGER,
  desk_grid_id BLOB,
  desk_officer_id BLOB,
  desk_duty TEXT,
  desk_since INTEGER NOT NULL,
  escalation_requested_by BLOB,
  returns_from_group INTEGER NOT NULL DEFAULT 0,
  returns_from_village INTEGER NOT NULL DEFAULT 0,
  rework_count INTEGER NOT NULL DEFAULT 0,
  reporter_id BLOB NOT NULL,
  first_acted_at INTEGER,
  resolved_by BLOB,
  resolved_at INTEGER,
  closed_at INTEGER,
  outcome TEXT,
  self_verified INTEGER NOT NULL DEFAULT 0 CHECK (self_verified IN (0, 1)),
  received_at INTEGER NOT NULL,
  observed_at INTEGER NOT NULL,
  deadline_at INTEGER NOT NULL,
  next_due_at INTEGER,
  lat REAL,
  lon REAL,
  photos_declared INTEGER NOT NULL DEFAULT 0,
  photos_ready INTEGER NOT NULL DEFAULT 0,
  version INTEGER NOT NULL,
  change_seq INTEGER NOT NULL,
  PRIMARY KEY (town_id, id)
) STRICT;
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
  search_id INTEGER PRIMARY KEY,
  report_id BLOB NOT NULL REFERENCES reports (id),
  town_id BLOB NOT NULL,
  filing_hash BLOB NOT NULL,
  disposition TEXT NOT NULL,
  description TEXT,
  place_text TEXT,
  on_site_action TEXT,
  instruction TEXT,
  result TEXT,
  location_lat REAL,
  location_lon REAL,
  location_crs TEXT,
  location_accuracy_m REAL,
  subtype TEXT,
  source_ref TEXT,
  responsible_name TEXT,
  responsible_credit_code TEXT,
  responsible_person TEXT,
  supervising_leader TEXT,
  measures TEXT,
  remark TEXT
) STRICT;
CREATE UNIQUE INDEX report_texts_report ON report_texts (report_id);

-- Overlapping bigrams of a report's texts, made in Rust; rowid is report_texts.search_id.
CREATE VIRTUAL TABLE report_search USING fts5 (terms, content = '', contentless_delete = 1, detail = 'none', tokenize = 'unicode61 remove_diacritics 0');

-- Who keeps sight of a report beyond the grids on its path: an officer, or a grid it was assigned to.
CREATE TABLE report_participants (
  participant_id BLOB NOT NULL,
  report_id BLOB NOT NULL REFERENCES reports (id),
  town_id BLOB NOT NULL,
  received_at INTEGER NOT NULL,
  PRIMARY KEY (participant_id, report_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX report_participants_newest ON report_participants (participant_id, received_at DESC, report_id DESC);

-- How many reports a grid has, per status, category and severity; kept in the transaction.
CREATE TABLE report_counts (
  town_id BLOB NOT NULL,
  grid_id BLOB NOT NULL,
  status TEXT NOT NULL,
  category TEXT NOT NULL,
  severity TEXT NOT NULL,
  reports INTEGER NOT NULL,
  PRIMARY KEY (town_id, grid_id, status, category, severity)
) STRICT, WITHOUT ROWID;

-- Every change, in a hash chain a town. Personal data stand only in the payload: erasing payload
-- and salt leaves the chain verifiable by the commitment.
CREATE TABLE events (
  town_id BLOB NOT NULL REFERENCES towns (id),
  seq INTEGER NOT NULL,
  subject_kind TEXT NOT NULL,
  subject_id BLOB NOT NULL,
  kind TEXT NOT NULL,
  at INTEGER NOT NULL,
  actor_id BLOB,
  header TEXT NOT NULL,
  payload TEXT,
  salt BLOB,
  commitment BLOB NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (town_id, seq)
) STRICT;
CREATE INDEX events_subject ON events (subject_id, seq);

-- Contents by their SHA-256. Pinned before the object is written, so that no crash leaves a photo
-- without its object, or an object without a record.
CREATE TABLE blobs (
  sha256 BLOB NOT NULL PRIMARY KEY,
  size INTEGER NOT NULL,
  pinned_at INTEGER NOT NULL
) STRICT;

-- A photo is declared by a report, or arrives first; each of both touches this row first, so that
-- a report's count of arrived photos cannot miss either. It is declared before its report's row is
-- written, so the reference is deferred.
CREATE TABLE photos (
  id BLOB NOT NULL PRIMARY KEY,
  town_id BLOB,
  report_id BLOB REFERENCES reports (id) DEFERRABLE INITIALLY DEFERRED,
  position INTEGER NOT NULL DEFAULT 0,
  role TEXT NOT NULL,
  owner_id BLOB NOT NULL REFERENCES officers (id),
  declared_sha256 BLOB,
  declared_size INTEGER,
  state TEXT NOT NULL CHECK (state IN ('missing', 'ready')),
  rendition TEXT NOT NULL CHECK (rendition IN ('none', 'pending', 'ready', 'unsupported', 'failed')),
  rendition_attempts INTEGER NOT NULL DEFAULT 0,
  rendition_due_at INTEGER,
  sha256 BLOB REFERENCES blobs (sha256),
  size INTEGER,
  media_type TEXT,
  width INTEGER,
  height INTEGER,
  orientation INTEGER,
  taken_at INTEGER,
  lat REAL,
  lon REAL,
  exif_taken_at INTEGER,
  exif_lat REAL,
  exif_lon REAL,
  created_at INTEGER NOT NULL,
  arrived_at INTEGER
) STRICT;
CREATE INDEX photos_report ON photos (report_id, position) WHERE report_id IS NOT NULL;
CREATE INDEX photos_pending ON photos (rendition_due_at) WHERE rendition = 'pending';
CREATE INDEX photos_blob ON photos (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX photos_unattached ON photos (created_at) WHERE report_id IS NULL;
