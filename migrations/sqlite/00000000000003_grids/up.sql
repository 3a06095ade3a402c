-- Grids that change, their boundaries, and files that are imported.

-- The time when a grid is valid. An archived grid with a successor keeps its name for ever.
ALTER TABLE grids ADD COLUMN valid_from INTEGER NOT NULL DEFAULT 0;
ALTER TABLE grids ADD COLUMN valid_to INTEGER;
ALTER TABLE grids ADD COLUMN successor_id BLOB REFERENCES grids (id);
-- From when the present code is valid.
ALTER TABLE grids ADD COLUMN code_from INTEGER NOT NULL DEFAULT 0;
UPDATE grids SET valid_from = created_at, code_from = created_at;

-- Former codes of grids. We never use them again.
CREATE TABLE grid_codes (
  grid_id BLOB NOT NULL REFERENCES grids (id),
  valid_from INTEGER NOT NULL,
  valid_to INTEGER NOT NULL,
  code TEXT NOT NULL,
  PRIMARY KEY (grid_id, valid_from)
) STRICT, WITHOUT ROWID;
CREATE INDEX grid_codes_code ON grid_codes (code);

-- Boundaries, as sent by the client and in WGS-84. Both are GeoJSON geometries.
CREATE TABLE grid_boundaries (
  grid_id BLOB NOT NULL PRIMARY KEY REFERENCES grids (id),
  town_id BLOB NOT NULL REFERENCES grids (id),
  sent TEXT NOT NULL,
  sent_crs TEXT NOT NULL,
  wgs84 TEXT NOT NULL,
  west REAL NOT NULL,
  south REAL NOT NULL,
  east REAL NOT NULL,
  north REAL NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX grid_boundaries_town ON grid_boundaries (town_id);

-- A file to import, and its progress.
CREATE TABLE imports (
  id BLOB NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('receiving', 'waiting', 'reading', 'checking', 'publishing', 'done', 'failed')),
  dry_run INTEGER NOT NULL CHECK (dry_run IN (0, 1)),
  actor_id BLOB REFERENCES officers (id),
  file_name TEXT,
  size INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  swept_at INTEGER,
  lines INTEGER NOT NULL,
  lines_done INTEGER NOT NULL,
  pass INTEGER NOT NULL,
  last_key TEXT NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  unchanged INTEGER NOT NULL,
  archived INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  runner_id BLOB,
  lease_until INTEGER
) STRICT;
CREATE INDEX imports_created ON imports (created_at, id);
CREATE INDEX imports_actor ON imports (actor_id, created_at, id);
CREATE INDEX imports_unfinished ON imports (created_at) WHERE finished_at IS NULL;
CREATE INDEX imports_unswept ON imports (finished_at) WHERE swept_at IS NULL AND finished_at IS NOT NULL;

-- The file, in pieces of one size.
CREATE TABLE import_pieces (
  import_id BLOB NOT NULL REFERENCES imports (id),
  position INTEGER NOT NULL,
  content BLOB NOT NULL,
  PRIMARY KEY (import_id, position)
) STRICT;

-- Its lines, each valid alone, by their unique keys.
CREATE TABLE import_lines (
  import_id BLOB NOT NULL,
  key TEXT NOT NULL,
  line INTEGER NOT NULL,
  content TEXT NOT NULL,
  PRIMARY KEY (import_id, key)
) STRICT, WITHOUT ROWID;

-- Its bad lines.
CREATE TABLE import_errors (
  import_id BLOB NOT NULL REFERENCES imports (id),
  position INTEGER NOT NULL,
  line INTEGER NOT NULL,
  field TEXT,
  code TEXT NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (import_id, position)
) STRICT, WITHOUT ROWID;

-- A town that an import has written but not yet published. It is hidden.
ALTER TABLE towns ADD COLUMN import_id BLOB REFERENCES imports (id);
CREATE INDEX towns_import ON towns (import_id) WHERE import_id IS NOT NULL;
