-- How far each surface was analysed that the verdict is made of, as a list in JSON; empty before screening.
ALTER TABLE assets ADD COLUMN surfaces TEXT NOT NULL DEFAULT '[]';
