-- Settings of a town, version by version; body is their JSON form. Of two that take effect at the same
-- instant, the later version holds. What is past never changes: reports follow the version that was in
-- force when they were received.
CREATE TABLE town_settings (
  town_id BLOB NOT NULL REFERENCES towns (id),
  version INTEGER NOT NULL,
  effective_from INTEGER NOT NULL,
  body TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  created_by BLOB,
  PRIMARY KEY (town_id, version)
) STRICT;
