-- The ledger of what happened: the event as it was sent, what every rule said to it, and which rules matched.
CREATE TABLE events (
    tenant_id   TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    event_id    TEXT NOT NULL,
    trigger_id  TEXT NOT NULL,
    module_type TEXT NOT NULL,
    source      TEXT NOT NULL,
    external_id TEXT,
    subject     TEXT,
    occurred_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    data        TEXT NOT NULL,
    dedupe_key  TEXT,
    fingerprint BLOB,
    actor       TEXT NOT NULL,
    request_id  TEXT NOT NULL,
    trace       TEXT NOT NULL,
    depth       INTEGER NOT NULL CHECK (depth >= 0),
    parent_id   TEXT,
    matched     TEXT NOT NULL CHECK (json_valid(matched)),
    verdicts    TEXT NOT NULL CHECK (json_valid(verdicts)),
    PRIMARY KEY (tenant_id, event_id),
    CHECK ((dedupe_key IS NULL) = (fingerprint IS NULL))
) STRICT;
CREATE UNIQUE INDEX events_once ON events (tenant_id, dedupe_key) WHERE dedupe_key IS NOT NULL;
CREATE INDEX events_by_parent ON events (tenant_id, parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX events_by_trigger ON events (tenant_id, trigger_id, event_id);

CREATE TABLE event_matches (
    tenant_id    TEXT NOT NULL,
    rule_id      TEXT NOT NULL,
    event_id     TEXT NOT NULL,
    rule_version INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, rule_id, event_id),
    FOREIGN KEY (tenant_id, event_id) REFERENCES events (tenant_id, event_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
