-- Settings of a town, version by version; body is their JSON form. Of two that take effect at the same
-- instant, the later version holds. What is past never changes: reports follow the version that was in
-- force when they were received.
CREATE TABLE town_settings (
  town_id uuid NOT NULL REFERENCES towns (id),
  version bigint NOT NULL,
  effective_from timestamptz NOT NULL,
  body text NOT NULL,
  created_at timestamptz NOT NULL,
  created_by uuid,
  PRIMARY KEY (town_id, version)
);
