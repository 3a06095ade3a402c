-- The number of the town's last notice. Notices are numbered in commit order, without gaps.
ALTER TABLE towns ADD COLUMN notice_seq bigint NOT NULL DEFAULT 0;
-- How the officer is told of what is only to be known: at_once or digest; null: as the town has set.
ALTER TABLE officers ADD COLUMN telling text;

-- What happened, as it is told: one CloudEvents envelope each, frozen when it was written. Kept for
-- some weeks; the record itself is in events.
CREATE TABLE notices (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  town_id uuid NOT NULL REFERENCES towns (id),
  seq bigint NOT NULL,
  kind text NOT NULL,
  subject_id uuid NOT NULL,
  grid_id uuid NOT NULL,
  at timestamptz NOT NULL,
  quiet_until timestamptz,
  envelope text NOT NULL
);
CREATE UNIQUE INDEX notices_place ON notices (town_id, seq);

-- When the next digests of a town are due, and up to which notice they were made.
CREATE TABLE town_digests (
  town_id uuid NOT NULL PRIMARY KEY REFERENCES towns (id),
  seq bigint NOT NULL,
  due_at timestamptz NOT NULL
);
CREATE INDEX town_digests_due ON town_digests (due_at);

-- Where notices are sent. kinds: a JSON array; null: all. dispatched_seq: notices up to here have become
-- deliveries. One process at a time serves an endpoint: it holds the lease.
CREATE TABLE webhook_endpoints (
  id uuid NOT NULL PRIMARY KEY,
  town_id uuid NOT NULL REFERENCES towns (id),
  grid_id uuid NOT NULL REFERENCES grids (id),
  name text NOT NULL,
  url text NOT NULL,
  provider text,
  kinds text,
  created_by uuid,
  created_at timestamptz NOT NULL,
  dispatched_seq bigint NOT NULL,
  last_number bigint NOT NULL DEFAULT 0,
  failing_since timestamptz,
  failures integer NOT NULL DEFAULT 0,
  rests_until timestamptz,
  paused_at timestamptz,
  pause_reason text,
  leased_until timestamptz,
  leased_by uuid,
  ended_at timestamptz,
  version bigint NOT NULL DEFAULT 1
);
CREATE INDEX webhook_endpoints_town ON webhook_endpoints (town_id, id);

-- The secrets that sign; at most two live.
CREATE TABLE webhook_secrets (
  id uuid NOT NULL PRIMARY KEY,
  endpoint_id uuid NOT NULL REFERENCES webhook_endpoints (id),
  secret bytea NOT NULL,
  created_at timestamptz NOT NULL,
  valid_until timestamptz
);
CREATE INDEX webhook_secrets_endpoint ON webhook_secrets (endpoint_id, created_at);

-- What we sent and will send to an endpoint, numbered in order. due_at: when it is tried next; null: it
-- has ended. body: of a ping, which is no notice.
CREATE TABLE webhook_deliveries (
  endpoint_id uuid NOT NULL REFERENCES webhook_endpoints (id),
  number bigint NOT NULL,
  notice_seq bigint,
  notice_id text NOT NULL,
  kind text NOT NULL,
  subject_id uuid NOT NULL,
  body text,
  state text NOT NULL CHECK (state IN ('pending', 'delivered', 'given_up', 'skipped')),
  due_at timestamptz,
  created_at timestamptz NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  first_attempt_at timestamptz,
  last_attempt_at timestamptz,
  duration_ms integer,
  status integer,
  fault text,
  answer text,
  PRIMARY KEY (endpoint_id, number)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_deliveries_subject ON webhook_deliveries (endpoint_id, subject_id, number) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_deliveries_age ON webhook_deliveries (created_at);

-- Where an app's push service reaches a phone. They end with the phone's session.
CREATE TABLE push_tokens (
  session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  provider text NOT NULL,
  officer_id uuid NOT NULL REFERENCES officers (id),
  token text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (session_id, provider)
);
CREATE UNIQUE INDEX push_tokens_token ON push_tokens (provider, token);
CREATE INDEX push_tokens_officer ON push_tokens (officer_id, provider);
