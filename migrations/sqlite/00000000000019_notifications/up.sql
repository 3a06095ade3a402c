-- The number of the town's last notice. Notices are numbered in commit order, without gaps.
ALTER TABLE towns ADD COLUMN notice_seq INTEGER NOT NULL DEFAULT 0;
-- How the officer is told of what is only to be known: at_once or digest; null: as the town has set.
ALTER TABLE officers ADD COLUMN telling TEXT;

-- What happened, as it is told: one CloudEvents envelope each, frozen when it was written. Kept for
-- some weeks; the record itself is in events.
CREATE TABLE notices (
  position INTEGER NOT NULL PRIMARY KEY,
  town_id BLOB NOT NULL REFERENCES towns (id),
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  subject_id BLOB NOT NULL,
  grid_id BLOB NOT NULL,
  at INTEGER NOT NULL,
  quiet_until INTEGER,
  envelope TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX notices_place ON notices (town_id, seq);

-- When the next digests of a town are due, and up to which notice they were made.
CREATE TABLE town_digests (
  town_id BLOB NOT NULL PRIMARY KEY REFERENCES towns (id),
  seq INTEGER NOT NULL,
  due_at INTEGER NOT NULL
) STRICT;
CREATE INDEX town_digests_due ON town_digests (due_at);

-- Where notices are sent. kinds: a JSON array; null: all. dispatched_seq: notices up to here have become
-- deliveries. One process at a time serves an endpoint: it holds the lease.
CREATE TABLE webhook_endpoints (
  id BLOB NOT NULL PRIMARY KEY,
  town_id BLOB NOT NULL REFERENCES towns (id),
  grid_id BLOB NOT NULL REFERENCES grids (id),
  name TEXT NOT NULL,
  url TEXT NOT NULL,
  provider TEXT,
  kinds TEXT,
  created_by BLOB,
  created_at INTEGER NOT NULL,
  dispatched_seq INTEGER NOT NULL,
  last_number INTEGER NOT NULL DEFAULT 0,
  failing_since INTEGER,
  failures INTEGER NOT NULL DEFAULT 0,
  rests_until INTEGER,
  paused_at INTEGER,
  pause_reason TEXT,
  leased_until INTEGER,
  leased_by BLOB,
  ended_at INTEGER,
  version INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX webhook_endpoints_town ON webhook_endpoints (town_id, id);

-- The secrets that sign; at most two live.
CREATE TABLE webhook_secrets (
  id BLOB NOT NULL PRIMARY KEY,
  endpoint_id BLOB NOT NULL REFERENCES webhook_endpoints (id),
  secret BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  valid_until INTEGER
) STRICT;
CREATE INDEX webhook_secrets_endpoint ON webhook_secrets (endpoint_id, created_at);

-- What we sent and will send to an endpoint, numbered in order. due_at: when it is tried next; null: it
-- has ended. body: of a ping, which is no notice.
CREATE TABLE webhook_deliveries (
  endpoint_id BLOB NOT NULL REFERENCES webhook_endpoints (id),
  number INTEGER NOT NULL,
  notice_seq INTEGER,
  notice_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject_id BLOB NOT NULL,
  body TEXT,
  state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'given_up', 'skipped')),
  due_at INTEGER,
  created_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  first_attempt_at INTEGER,
  last_attempt_at INTEGER,
  duration_ms INTEGER,
  status INTEGER,
  fault TEXT,
  answer TEXT,
  PRIMARY KEY (endpoint_id, number)
) STRICT;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_deliveries_subject ON webhook_deliveries (endpoint_id, subject_id, number) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_deliveries_age ON webhook_deliveries (created_at);

-- Where an app's push service reaches a phone. They end with the phone's session.
CREATE TABLE push_tokens (
  session_id BLOB NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  provider TEXT NOT NULL,
  officer_id BLOB NOT NULL REFERENCES officers (id),
  token TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (session_id, provider)
) STRICT;
CREATE UNIQUE INDEX push_tokens_token ON push_tokens (provider, token);
CREATE INDEX push_tokens_officer ON push_tokens (officer_id, provider);
