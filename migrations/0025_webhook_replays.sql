-- What was given up, or never sent, goes to its endpoint (again): in steps, no faster than asked.

-- What laid a job, or tried it again, together with others: a replay. Those that have not begun since are queued without failures.
ALTER TABLE jobs ADD COLUMN batch_id TEXT;
CREATE INDEX jobs_by_batch ON jobs (tenant_id, batch_id, state, failures) WHERE batch_id IS NOT NULL;
-- Deliveries that were given up. One without an event is a test, which nobody wants twice.
CREATE INDEX jobs_dead_by_endpoint ON jobs (tenant_id, endpoint_id, job_id)
    WHERE endpoint_id IS NOT NULL AND state = 'dead' AND event_id IS NOT NULL;

-- after is where it stands: the last delivery or event that it looked at. total grows while it counts; queued says how many it gave to
-- the queue, by job_id, and next_at when the next of them may leave.
CREATE TABLE webhook_replays (
    tenant_id   TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    replay_id   TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    which       TEXT NOT NULL CHECK (which IN ('failed', 'never_sent')),
    since       INTEGER NOT NULL,
    until       INTEGER NOT NULL,
    per_minute  INTEGER NOT NULL CHECK (per_minute BETWEEN 1 AND 60000),
    state       TEXT NOT NULL CHECK (state IN ('counting', 'running', 'done', 'cancelled', 'failed')),
    total       INTEGER NOT NULL CHECK (total >= 0),
    queued      INTEGER NOT NULL CHECK (queued >= 0),
    after       TEXT NOT NULL,
    next_at     INTEGER NOT NULL,
    job_id      TEXT NOT NULL,
    reason      TEXT,
    created_at  INTEGER NOT NULL,
    ended_at    INTEGER,
    PRIMARY KEY (tenant_id, replay_id),
    FOREIGN KEY (tenant_id, endpoint_id) REFERENCES webhook_endpoints (tenant_id, endpoint_id) ON DELETE CASCADE,
    CHECK (since < until),
    CHECK ((state IN ('counting', 'running')) = (ended_at IS NULL)),
    CHECK ((state = 'failed') = (reason IS NOT NULL)),
    CHECK (state <> 'counting' OR queued = 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_replays_of_endpoint ON webhook_replays (tenant_id, endpoint_id, replay_id);
CREATE INDEX webhook_replays_under_way ON webhook_replays (tenant_id) WHERE ended_at IS NULL;
