-- When we last served an endpoint. The one that has waited longest comes first.
ALTER TABLE webhook_endpoints ADD COLUMN served_at INTEGER NOT NULL DEFAULT 0;
-- Where the report was before an event moved it. That place gets the notice too.
ALTER TABLE notices ADD COLUMN former_grid_id BLOB;
-- A push service may quote the tokens that it refuses.
UPDATE webhook_deliveries SET answer = NULL
  WHERE answer IS NOT NULL AND endpoint_id IN (SELECT id FROM webhook_endpoints WHERE provider IS NOT NULL);
-- Whether it goes to phones in the quiet hours.
ALTER TABLE notices ADD COLUMN breaks_quiet INTEGER NOT NULL DEFAULT 0 CHECK (breaks_quiet IN (0, 1));
UPDATE notices SET breaks_quiet = 1 WHERE envelope LIKE '%"severity":"critical"%';
