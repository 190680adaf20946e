-- What all nodes of a platform know alike: when each record was changed last, in milliseconds since 1970 (0: by one
-- server alone, before there were stamps), and what was taken away.

ALTER TABLE developer ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;
ALTER TABLE app ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;
ALTER TABLE revocation ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ban ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0;

CREATE TABLE access_token (
    developer TEXT PRIMARY KEY,
    digest    TEXT NOT NULL,
    until     INTEGER NOT NULL,
    stamp     INTEGER NOT NULL
) STRICT;

-- A deleted App has neither user nor group; a lifted ban has a user, and a group unless it was from the whole App.

CREATE TABLE gone (
    app      TEXT NOT NULL,
    user_id  TEXT NOT NULL,
    group_id TEXT NOT NULL,
    stamp    INTEGER NOT NULL,
    PRIMARY KEY (app, user_id, group_id)
) STRICT, WITHOUT ROWID;

-- When this database and what the nodes have agreed on were last known to say the same: one line, or none if this server
-- has been alone.

CREATE TABLE agreement (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at INTEGER NOT NULL
) STRICT;
