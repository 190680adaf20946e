-- What the server itself keeps: one line.

CREATE TABLE server (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    reset_key BLOB NOT NULL CHECK (length(reset_key) = 32)
) STRICT;
