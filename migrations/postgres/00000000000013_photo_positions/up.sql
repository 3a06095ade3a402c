-- Where a photo was taken, as sent by the client. lat and lon are the same point in WGS-84.
ALTER TABLE photos ADD COLUMN sent_lat double precision;
ALTER TABLE photos ADD COLUMN sent_lon double precision;
ALTER TABLE photos ADD COLUMN sent_crs text;
