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

-- Accounts whose names a newer account has, after a review.
CREATE TABLE formers (
    former  BYTEA PRIMARY KEY,
    account BYTEA NOT NULL,
    since   BIGINT NOT NULL
);
CREATE INDEX formers_account ON formers (account);

-- Records of recovery phrases. The stored header has the slot.
CREATE TABLE phrases (
    account BYTEA PRIMARY KEY,
    slot    BYTEA NOT NULL,
    record  BYTEA NOT NULL
);

-- The server's halves of recovery files, sealed. The stored header has the slot.
CREATE TABLE files (
    account BYTEA NOT NULL,
    slot    BYTEA NOT NULL,
    half    BYTEA NOT NULL,
    proof   BYTEA NOT NULL,            -- digest of what claims show
    PRIMARY KEY (account, slot)
);

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
    phrase    BIGINT NOT NULL,         -- 1 if the password is the phrase's
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
    way       TEXT NOT NULL,           -- how it has logged in
    recovered BIGINT NOT NULL,         -- 1 if it may set a password
    slot      BYTEA,                   -- of its device, which it ends with
    claim     BYTEA,                   -- that it comes from
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

-- Claims of accounts without their password. A wrong claim has a row too, of an
-- account that does not exist.
CREATE TABLE claims (
    id      BYTEA PRIMARY KEY,
    token   BYTEA NOT NULL UNIQUE,
    account BYTEA NOT NULL,
    number  BYTEA NOT NULL,            -- of the keyring, or made up
    way     TEXT NOT NULL,
    state   TEXT NOT NULL,             -- asked, waiting, review, done, cancelled, refused
    slot    BYTEA,                     -- of the file, the contacts or the device
    text    BYTEA,                     -- sealed: for the operator
    reason  BYTEA,                     -- sealed: of the operator
    doubled BIGINT NOT NULL,
    fresh   BIGINT NOT NULL,           -- 1 if it leads to a new account
    begun   BIGINT NOT NULL,
    opens   BIGINT NOT NULL,
    ends    BIGINT NOT NULL,           -- it lapses
    address TEXT NOT NULL,             -- shortened
    expires BIGINT NOT NULL            -- it is forgotten
);
CREATE INDEX claims_account ON claims (account);
CREATE INDEX claims_expires ON claims (expires);

-- The operator's notes about a claim.
CREATE TABLE notes (
    claim   BYTEA NOT NULL,
    time    BIGINT NOT NULL,
    note    BYTEA NOT NULL,            -- sealed
    expires BIGINT NOT NULL
);
CREATE INDEX notes_claim ON notes (claim);
CREATE INDEX notes_expires ON notes (expires);

-- Questions of a claim to contacts, or to another device of the account.
CREATE TABLE asks (
    id      BYTEA PRIMARY KEY,
    claim   BYTEA NOT NULL,
    account BYTEA NOT NULL,
    way     TEXT NOT NULL,
    ask     BYTEA NOT NULL,
    answer  BYTEA,
    reveal  BYTEA,
    granted BYTEA,
    slot    BYTEA,
    contact BYTEA,                     -- the account that has granted a share
    begun   BIGINT NOT NULL,
    address TEXT NOT NULL,             -- shortened
    expires BIGINT NOT NULL
);
CREATE INDEX asks_claim ON asks (claim);
CREATE INDEX asks_account ON asks (account);
CREATE INDEX asks_expires ON asks (expires);

-- Invitations of contacts.
CREATE TABLE invitations (
    id       BYTEA PRIMARY KEY,
    account  BYTEA NOT NULL,           -- the owner
    contact  BYTEA,                    -- the account that has accepted
    answer   BYTEA,                    -- its public key, sealed by the client
    slot     BYTEA,                    -- whose share was delivered
    message  BYTEA,                    -- until it is received
    received BIGINT NOT NULL,
    created  BIGINT NOT NULL
);
CREATE INDEX invitations_account ON invitations (account);
CREATE INDEX invitations_contact ON invitations (contact);

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
    id      BYTEA PRIMARY KEY,
    account BYTEA NOT NULL,
    time    BIGINT NOT NULL,
    kind    TEXT NOT NULL,
    address TEXT NOT NULL,             -- shortened
    notice  BIGINT NOT NULL,           -- 1 until the Notifier has it
    expires BIGINT NOT NULL
);
CREATE INDEX events_account ON events (account, time, id);
CREATE INDEX events_notice ON events (time) WHERE notice = 1;
CREATE INDEX events_expires ON events (expires);

-- +goose Down

DROP TABLE events;
DROP TABLE weights;
DROP TABLE state_keys;
DROP TABLE budgets;
DROP TABLE invitations;
DROP TABLE asks;
DROP TABLE notes;
DROP TABLE claims;
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
DROP TABLE files;
DROP TABLE phrases;
DROP TABLE formers;
DROP TABLE names;
DROP TABLE accounts;
DROP TABLE meta;
