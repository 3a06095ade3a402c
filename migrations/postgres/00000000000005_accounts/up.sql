-- Service accounts: keys for dashboards and integrations. Each is a principal, that reports, photos,
-- events and idempotency keys refer to: its row in officers has a name, no password and no posting.
CREATE TABLE service_accounts (
  id uuid NOT NULL PRIMARY KEY REFERENCES officers (id),
  town_id uuid NOT NULL REFERENCES grids (id),
  grid_id uuid NOT NULL REFERENCES grids (id),
  access text NOT NULL CHECK (access IN ('read', 'file')),
  requests_per_minute integer,
  created_by uuid,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  version bigint NOT NULL DEFAULT 1
);
CREATE INDEX service_accounts_town ON service_accounts (town_id, id);

-- Their keys, hashed. A key is valid until valid_until, or as long as its account.
CREATE TABLE service_keys (
  id uuid NOT NULL PRIMARY KEY,
  account_id uuid NOT NULL REFERENCES service_accounts (id),
  secret_hash bytea NOT NULL,
  created_at timestamptz NOT NULL,
  valid_until timestamptz,
  last_used_at timestamptz
);
CREATE INDEX service_keys_account ON service_keys (account_id, created_at);
