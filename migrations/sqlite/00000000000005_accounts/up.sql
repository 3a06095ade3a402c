-- Service accounts: keys for dashboards and integrations. Each is a principal, that reports, photos,
-- events and idempotency keys refer to: its row in officers has a name, no password and no posting.
CREATE TABLE service_accounts (
  id BLOB NOT NULL PRIMARY KEY REFERENCES officers (id),
  town_id BLOB NOT NULL REFERENCES grids (id),
  grid_id BLOB NOT NULL REFERENCES grids (id),
  access TEXT NOT NULL CHECK (access IN ('read', 'file')),
  requests_per_minute INTEGER,
  created_by BLOB,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  ended_at INTEGER,
  version INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX service_accounts_town ON service_accounts (town_id, id);

-- Their keys, hashed. A key is valid until valid_until, or as long as its account.
CREATE TABLE service_keys (
  id BLOB NOT NULL PRIMARY KEY,
  account_id BLOB NOT NULL REFERENCES service_accounts (id),
  secret_hash BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  valid_until INTEGER,
  last_used_at INTEGER
) STRICT;
CREATE INDEX service_keys_account ON service_keys (account_id, created_at);
