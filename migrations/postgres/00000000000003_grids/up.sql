-- Grids that change, their boundaries, and files that are imported.

-- The time when a grid is valid. An archived grid with a successor keeps its name for ever.
ALTER TABLE grids ADD COLUMN valid_from timestamptz NOT NULL DEFAULT 'epoch';
ALTER TABLE grids ADD COLUMN valid_to timestamptz;
ALTER TABLE grids ADD COLUMN successor_id uuid REFERENCES grids (id);
-- From when the present code is valid.
ALTER TABLE grids ADD COLUMN code_from timestamptz NOT NULL DEFAULT 'epoch';
UPDATE grids SET valid_from = created_at, code_from = created_at;

-- Former codes of grids. We never use them again.
CREATE TABLE grid_codes (
  grid_id uuid NOT NULL REFERENCES grids (id),
  valid_from timestamptz NOT NULL,
  valid_to timestamptz NOT NULL,
  code text NOT NULL,
  PRIMARY KEY (grid_id, valid_from)
);
CREATE INDEX grid_codes_code ON grid_codes (code);

-- Boundaries, as sent by the client and in WGS-84. Both are GeoJSON geometries.
CREATE TABLE grid_boundaries (
  grid_id uuid NOT NULL PRIMARY KEY REFERENCES grids (id),
  town_id uuid NOT NULL REFERENCES grids (id),
  sent text NOT NULL,
  sent_crs text NOT NULL,
  wgs84 text NOT NULL,
  west double precision NOT NULL,
  south double precision NOT NULL,
  east double precision NOT NULL,
  north double precision NOT NULL,
  changed_at timestamptz NOT NULL
);
CREATE INDEX grid_boundaries_town ON grid_boundaries (town_id);

-- A file to import, and its progress.
CREATE TABLE imports (
  id uuid NOT NULL PRIMARY KEY,
  kind text NOT NULL,
  state text NOT NULL CHECK (state IN ('receiving', 'waiting', 'reading', 'checking', 'publishing', 'done', 'failed')),
  dry_run boolean NOT NULL,
  actor_id uuid REFERENCES officers (id),
  file_name text,
  size bigint NOT NULL,
  created_at timestamptz NOT NULL,
  finished_at timestamptz,
  swept_at timestamptz,
  lines bigint NOT NULL,
  lines_done bigint NOT NULL,
  pass integer NOT NULL,
  last_key text NOT NULL,
  created bigint NOT NULL,
  updated bigint NOT NULL,
  unchanged bigint NOT NULL,
  archived bigint NOT NULL,
  errors bigint NOT NULL,
  attempts integer NOT NULL,
  runner_id uuid,
  lease_until timestamptz
);
CREATE INDEX imports_created ON imports (created_at, id);
CREATE INDEX imports_actor ON imports (actor_id, created_at, id);
CREATE INDEX imports_unfinished ON imports (created_at) WHERE finished_at IS NULL;
CREATE INDEX imports_unswept ON imports (finished_at) WHERE swept_at IS NULL AND finished_at IS NOT NULL;

-- The file, in pieces of one size.
CREATE TABLE import_pieces (
  import_id uuid NOT NULL REFERENCES imports (id),
  position integer NOT NULL,
  content bytea NOT NULL,
  PRIMARY KEY (import_id, position)
);

-- Its lines, each valid alone, by their unique keys.
CREATE TABLE import_lines (
  import_id uuid NOT NULL,
  key text COLLATE "C" NOT NULL,
  line bigint NOT NULL,
  content text NOT NULL,
  PRIMARY KEY (import_id, key)
);

-- Its bad lines.
CREATE TABLE import_errors (
  import_id uuid NOT NULL REFERENCES imports (id),
  position bigint NOT NULL,
  line bigint NOT NULL,
  field text,
  code text NOT NULL,
  detail text NOT NULL,
  PRIMARY KEY (import_id, position)
);

-- A town that an import has written but not yet published. It is hidden.
ALTER TABLE towns ADD COLUMN import_id uuid REFERENCES imports (id);
CREATE INDEX towns_import ON towns (import_id) WHERE import_id IS NOT NULL;
