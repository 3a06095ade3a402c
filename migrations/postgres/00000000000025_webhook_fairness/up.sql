-- When an endpoint was served last: who has waited longest comes first.
ALTER TABLE webhook_endpoints ADD COLUMN served_at timestamptz NOT NULL DEFAULT 'epoch';
