-- What was used, added up for each day in UTC, counted from that of 1970-01-01. Of Apps of a configuration file, too.

CREATE TABLE consumption (
    app     TEXT NOT NULL,
    day     INTEGER NOT NULL,
    service INTEGER NOT NULL,
    millis  INTEGER NOT NULL,
    PRIMARY KEY (app, day, service)
) STRICT, WITHOUT ROWID;
