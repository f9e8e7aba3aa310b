CREATE TABLE patients (id uuid PRIMARY KEY);
