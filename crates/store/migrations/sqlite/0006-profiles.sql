-- Whether the company's persons were last spoken to of another vertical than the one that is kept.
ALTER TABLE profiles ADD COLUMN persons_due INTEGER NOT NULL DEFAULT 0;
