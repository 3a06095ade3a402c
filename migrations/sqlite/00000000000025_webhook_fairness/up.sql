-- When an endpoint was served last: who has waited longest comes first.
ALTER TABLE webhook_endpoints ADD COLUMN served_at INTEGER NOT NULL DEFAULT 0;
