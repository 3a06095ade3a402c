-- A role that reads everything of a town and never acts.
ALTER TABLE postings DROP CONSTRAINT postings_role_check;
ALTER TABLE postings ADD CONSTRAINT postings_role_check CHECK (role IN ('admin', 'town_leader', 'town_officer', 'village_secretary', 'village_officer', 'group_leader', 'auditor'));
