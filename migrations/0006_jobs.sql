-- The queue. A job: queued → leased → done | queued (retry at) | dead, and cancelled from any that has not ended.
-- Attempts count for ever and number the tries; failures count since the job was made or redriven.
CREATE TABLE jobs (
    tenant_id    TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    job_id       TEXT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('send_notification', 'deliver_message', 'http_request', 'publish_event')),
    state        TEXT NOT NULL CHECK (state IN ('queued', 'leased', 'done', 'dead', 'cancelled')),
    payload      TEXT NOT NULL CHECK (json_valid(payload)),
    event_id     TEXT,
    rule_id      TEXT,
    action       INTEGER,
    parent_id    TEXT,
    due_at       INTEGER NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    failures     INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    max_attempts INTEGER NOT NULL CHECK (max_attempts BETWEEN 1 AND 20),
    first_wait   INTEGER NOT NULL CHECK (first_wait >= 0),
    most_wait    INTEGER NOT NULL CHECK (most_wait >= 0),
    lease        TEXT,
    leased_until INTEGER,
    leased_at    INTEGER,
    last_error   TEXT,
    trace        TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    ended_at     INTEGER,
    PRIMARY KEY (tenant_id, job_id),
    CHECK ((state = 'leased') = (lease IS NOT NULL AND leased_until IS NOT NULL AND leased_at IS NOT NULL)),
    CHECK ((state IN ('done', 'dead', 'cancelled')) = (ended_at IS NOT NULL))
) STRICT;
CREATE INDEX jobs_due ON jobs (tenant_id, due_at) WHERE state = 'queued';
CREATE INDEX jobs_soonest ON jobs (due_at) WHERE state = 'queued';
CREATE INDEX jobs_leased ON jobs (leased_until) WHERE state = 'leased';
CREATE INDEX jobs_dead ON jobs (tenant_id, job_id) WHERE state = 'dead';
CREATE INDEX jobs_by_event ON jobs (tenant_id, event_id);

CREATE TABLE job_attempts (
    tenant_id  TEXT NOT NULL,
    job_id     TEXT NOT NULL,
    number     INTEGER NOT NULL CHECK (number >= 1),
    started_at INTEGER NOT NULL,
    ended_at   INTEGER NOT NULL,
    ending     TEXT NOT NULL CHECK (ending IN ('done', 'retry', 'dead', 'lost')),
    status     INTEGER,
    detail     TEXT NOT NULL,
    PRIMARY KEY (tenant_id, job_id, number),
    FOREIGN KEY (tenant_id, job_id) REFERENCES jobs (tenant_id, job_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
