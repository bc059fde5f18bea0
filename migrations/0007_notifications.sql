-- Channels, messages, deliveries, inbox.

-- A way that notifications leave by. What may be shown stands in config; the address and header values, which carry
-- tokens, are sealed in secret. A name is taken in any mix of cases.
CREATE TABLE channels (
    tenant_id  TEXT NOT NULL,
    id         TEXT NOT NULL,
    name       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    config     TEXT NOT NULL CHECK (json_valid(config)),
    secret     BLOB NOT NULL,
    is_active  INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    is_default INTEGER NOT NULL CHECK (is_default IN (0, 1)),
    version    INTEGER NOT NULL CHECK (version >= 1),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX channels_by_name ON channels (tenant_id, lower(name));

-- What somebody is told. One job makes one message, however often it runs.
CREATE TABLE messages (
    tenant_id     TEXT NOT NULL,
    id            TEXT NOT NULL,
    recipient     TEXT NOT NULL,
    recipient_key TEXT NOT NULL,
    title         TEXT,
    body          TEXT NOT NULL,
    event_id      TEXT,
    job_id        TEXT,
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX messages_by_job ON messages (tenant_id, job_id) WHERE job_id IS NOT NULL;
CREATE INDEX messages_by_event ON messages (tenant_id, event_id, id) WHERE event_id IS NOT NULL;
CREATE INDEX messages_by_recipient ON messages (tenant_id, recipient_key, id);

-- One way that a message takes. In-app is there as soon as it is written; the others go through a channel, whose name
-- is kept for when the channel is gone.
-- queued -> deferred | sent | delivered | failed; deferred -> the same; sent -> delivered | failed;
-- failed -> the same as deferred (redriven); delivered is the end.
CREATE TABLE deliveries (
    tenant_id       TEXT NOT NULL,
    id              TEXT NOT NULL,
    message_id      TEXT NOT NULL,
    kind            TEXT NOT NULL,
    channel_id      TEXT,
    channel_name    TEXT,
    state           TEXT NOT NULL CHECK (state IN ('queued', 'deferred', 'sent', 'delivered', 'failed')),
    attempts        INTEGER NOT NULL CHECK (attempts >= 0),
    last_error      TEXT,
    provider_status INTEGER,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CHECK ((kind = 'in_app') = (channel_id IS NULL)),
    CHECK ((channel_id IS NULL) = (channel_name IS NULL)),
    CHECK (kind <> 'in_app' OR state = 'delivered'),
    CHECK (state <> 'queued' OR attempts = 0),
    CHECK ((state IN ('deferred', 'failed')) = (last_error IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_by_message ON deliveries (tenant_id, message_id);
CREATE INDEX deliveries_by_state ON deliveries (tenant_id, state, message_id);

-- Who finds which message in the inbox, and since when it is read.
CREATE TABLE inbox (
    tenant_id     TEXT NOT NULL,
    recipient_key TEXT NOT NULL,
    message_id    TEXT NOT NULL,
    read_at       INTEGER,
    PRIMARY KEY (tenant_id, recipient_key, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX inbox_unread ON inbox (tenant_id, recipient_key, message_id) WHERE read_at IS NULL;
