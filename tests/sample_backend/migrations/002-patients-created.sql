ALTER TABLE patients ADD COLUMN created timestamptz NOT NULL DEFAULT now();
