-- Both databases read this file. Times are in Unix milliseconds, and ids are 16
-- random bytes. Tokens are stored as their SHA-256.

-- +goose Up

-- Check values of the secrets, and other facts about the database.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BYTEA NOT NULL
);

CREATE TABLE accounts (
    id       BYTEA PRIMARY KEY,
    record   BYTEA NOT NULL,           -- of package srp or opaque
    slot     BYTEA,                    -- the password slot of the record, or null
    created  BIGINT NOT NULL,
    revision BIGINT NOT NULL,          -- of the newest item
    items    BIGINT NOT NULL,          -- their number, without deleted ones
    bytes    BIGINT NOT NULL           -- their size
);

-- A name without an account is of a deleted account. It is not given out again.
CREATE TABLE names (
    name    BYTEA PRIMARY KEY,         -- HMAC of the prepared name
    account BYTEA,
    sealed  BYTEA                      -- the name
);
CREATE INDEX names_account ON names (account);

-- A made-up record of each kind, to check the configuration at start-up.
CREATE TABLE kinds (
    kind   BYTEA PRIMARY KEY,
    record BYTEA NOT NULL
);

-- Logins and step-ups in progress.
CREATE TABLE logins (
    token     BYTEA PRIMARY KEY,
    account   BYTEA NOT NULL,          -- of unknown names it is made up
    protocol  BYTEA NOT NULL,          -- 'S' or 'O'
    state     BYTEA NOT NULL,
    receipt   BYTEA NOT NULL,          -- of the try that it has cost
    device    BYTEA,                   -- a known device's token, or null
    session   BYTEA,                   -- of a step-up, with what it confirms
    operation TEXT,
    digest    BYTEA,
    expires   BIGINT NOT NULL
);
CREATE INDEX logins_expires ON logins (expires);

CREATE TABLE replay (
    id      BYTEA PRIMARY KEY,
    expires BIGINT NOT NULL
);
CREATE INDEX replay_expires ON replay (expires);

CREATE TABLE sessions (
    id        BYTEA PRIMARY KEY,
    token     BYTEA NOT NULL UNIQUE,
    account   BYTEA NOT NULL,
    half      BIGINT NOT NULL,         -- 1 until a code is sent
    tries     BIGINT NOT NULL,         -- of codes, of a half session
    record    BYTEA NOT NULL,          -- digest of the record that logged in
    receipt   BYTEA NOT NULL,          -- of the try that its login has cost
    device    BYTEA,
    name      BYTEA,                   -- sealed by the client
    migration BYTEA,                   -- sealed key of the login, if the account should move
    created   BIGINT NOT NULL,
    seen      BIGINT NOT NULL,
    login_at  BIGINT NOT NULL,         -- of the last login or refresh
    code_at   BIGINT NOT NULL,         -- of the last code
    expires   BIGINT NOT NULL
);
CREATE INDEX sessions_account ON sessions (account);
CREATE INDEX sessions_expires ON sessions (expires);

CREATE TABLE step_ups (
    token     BYTEA PRIMARY KEY,
    session   BYTEA NOT NULL,
    operation TEXT NOT NULL,
    digest    BYTEA NOT NULL,
    expires   BIGINT NOT NULL
);
CREATE INDEX step_ups_expires ON step_ups (expires);
CREATE INDEX step_ups_session ON step_ups (session);

-- Devices that have logged in, for budgets of their own.
CREATE TABLE devices (
    token   BYTEA PRIMARY KEY,
    account BYTEA NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX devices_account ON devices (account);
CREATE INDEX devices_expires ON devices (expires);

CREATE TABLE totp (
    account   BYTEA PRIMARY KEY,
    secret    BYTEA NOT NULL,          -- sealed
    confirmed BIGINT NOT NULL,
    step      BIGINT NOT NULL          -- the last one that was accepted
);

CREATE TABLE backup_codes (
    account BYTEA NOT NULL,
    code    BYTEA NOT NULL,            -- HMAC
    PRIMARY KEY (account, code)
);

CREATE TABLE headers (
    account BYTEA PRIMARY KEY,
    header  BYTEA NOT NULL,
    epoch   BIGINT NOT NULL
);

-- Replaced headers, sealed, until they expire.
CREATE TABLE old_headers (
    account BYTEA NOT NULL,
    header  BYTEA NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX old_headers_account ON old_headers (account);
CREATE INDEX old_headers_expires ON old_headers (expires);

CREATE TABLE items (
    account  BYTEA NOT NULL,
    id       BYTEA NOT NULL,
    version  BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    epoch    BIGINT NOT NULL,
    deleted  BIGINT NOT NULL,
    key      BYTEA NOT NULL,
    body     BYTEA NOT NULL,
    PRIMARY KEY (account, id)
);
CREATE UNIQUE INDEX items_revision ON items (account, revision);

-- Budgets: the time at which all that was spent is regained.
CREATE TABLE budgets (
    id      BYTEA PRIMARY KEY,
    regains BIGINT NOT NULL
);
CREATE INDEX budgets_regains ON budgets (regains);

CREATE TABLE state_keys (
    id         BYTEA PRIMARY KEY,
    sealed     BYTEA NOT NULL,
    not_before BIGINT NOT NULL
);

-- Weights of kinds for unknown names, with the time from which they count.
CREATE TABLE weights (
    kind       TEXT NOT NULL,
    weight     BIGINT NOT NULL,
    not_before BIGINT NOT NULL
);

CREATE TABLE events (
    account BYTEA NOT NULL,
    time    BIGINT NOT NULL,
    kind    TEXT NOT NULL,
    address TEXT NOT NULL,             -- shortened
    expires BIGINT NOT NULL
);
CREATE INDEX events_account ON events (account, time);
CREATE INDEX events_expires ON events (expires);

-- +goose Down

DROP TABLE events;
DROP TABLE weights;
DROP TABLE state_keys;
DROP TABLE budgets;
DROP TABLE items;
DROP TABLE old_headers;
DROP TABLE headers;
DROP TABLE backup_codes;
DROP TABLE totp;
DROP TABLE devices;
DROP TABLE step_ups;
DROP TABLE sessions;
DROP TABLE replay;
DROP TABLE logins;
DROP TABLE kinds;
DROP TABLE names;
DROP TABLE accounts;
DROP TABLE meta;
