-- Moments are milliseconds since 1970; 9223372036854775807 is "for ever".

CREATE TABLE developer (
    id         TEXT PRIMARY KEY,
    secret     TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE app (
    id                TEXT PRIMARY KEY,
    owner             TEXT NOT NULL REFERENCES developer (id),
    created_at        INTEGER NOT NULL,
    secret            TEXT NOT NULL,
    previous_secret   TEXT,
    previous_until    INTEGER,
    name              TEXT NOT NULL,
    online            INTEGER NOT NULL CHECK (online IN (0, 1)),
    accepts_001       INTEGER NOT NULL CHECK (accepts_001 IN (0, 1)),
    accepts_jwt       INTEGER NOT NULL CHECK (accepts_jwt IN (0, 1)),
    bind_001_names    INTEGER NOT NULL CHECK (bind_001_names IN (0, 1)),
    login             TEXT NOT NULL, -- refuse, replace or devices:3
    max_members       INTEGER NOT NULL,
    message_bytes     INTEGER NOT NULL,
    history           INTEGER NOT NULL,
    consumption_limit INTEGER,
    webhook_url       TEXT,
    webhook_secret    TEXT,
    CHECK ((previous_secret IS NULL) = (previous_until IS NULL)),
    CHECK ((webhook_url IS NULL) = (webhook_secret IS NULL))
) STRICT;

CREATE TABLE app_service (
    app       TEXT NOT NULL REFERENCES app (id) ON DELETE CASCADE,
    service   INTEGER NOT NULL,
    use_limit INTEGER,
    PRIMARY KEY (app, service)
) STRICT, WITHOUT ROWID;

-- Revocations and bans belong to Apps of a configuration file, too: their App need not be in this database.

CREATE TABLE revocation (
    app     TEXT NOT NULL,
    kind    TEXT NOT NULL CHECK (kind IN ('token', 'user', 'everyone')),
    name    TEXT NOT NULL, -- the token's id, the User ID, or empty
    at      INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (app, kind, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX revocation_by_end ON revocation (expires);

CREATE TABLE ban (
    app      TEXT NOT NULL,
    user_id  TEXT NOT NULL,
    group_id TEXT NOT NULL, -- empty: the whole App
    until    INTEGER NOT NULL,
    reason   TEXT NOT NULL,
    PRIMARY KEY (app, user_id, group_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX ban_by_end ON ban (until);
