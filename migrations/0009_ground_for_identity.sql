-- Ground for identity. Jobs of any kind: which kinds there are, the program knows (crates/jobs/src/job.rs), so that a new
-- one needs no new table. Sessions know by what means they began and when the person last proved who they are.
CREATE TABLE jobs_rebuilt (
    tenant_id    TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    job_id       TEXT NOT NULL,
    kind         TEXT NOT NULL,
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
INSERT INTO jobs_rebuilt SELECT tenant_id, job_id, kind, state, payload, event_id, rule_id, action, parent_id, due_at,
    attempts, failures, max_attempts, first_wait, most_wait, lease, leased_until, leased_at, last_error, trace, created_at,
    ended_at FROM jobs ORDER BY rowid;
CREATE TABLE job_attempts_rebuilt (
    tenant_id  TEXT NOT NULL,
    job_id     TEXT NOT NULL,
    number     INTEGER NOT NULL CHECK (number >= 1),
    started_at INTEGER NOT NULL,
    ended_at   INTEGER NOT NULL,
    ending     TEXT NOT NULL CHECK (ending IN ('done', 'retry', 'dead', 'lost')),
    status     INTEGER,
    detail     TEXT NOT NULL,
    PRIMARY KEY (tenant_id, job_id, number),
    FOREIGN KEY (tenant_id, job_id) REFERENCES jobs_rebuilt (tenant_id, job_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO job_attempts_rebuilt SELECT tenant_id, job_id, number, started_at, ended_at, ending, status, detail
    FROM job_attempts;
-- The attempts go first: dropping the jobs would cascade to them.
DROP TABLE job_attempts;
DROP TABLE jobs;
ALTER TABLE jobs_rebuilt RENAME TO jobs;
ALTER TABLE job_attempts_rebuilt RENAME TO job_attempts;
CREATE INDEX jobs_due ON jobs (tenant_id, due_at) WHERE state = 'queued';
CREATE INDEX jobs_soonest ON jobs (due_at) WHERE state = 'queued';
CREATE INDEX jobs_leased ON jobs (leased_until) WHERE state = 'leased';
CREATE INDEX jobs_dead ON jobs (tenant_id, job_id) WHERE state = 'dead';
CREATE INDEX jobs_by_event ON jobs (tenant_id, event_id);

-- Means of authentication as RFC 8176 names them, with spaces between.
ALTER TABLE sessions ADD COLUMN methods TEXT NOT NULL DEFAULT 'pwd';
ALTER TABLE sessions ADD COLUMN confirmed_at INTEGER NOT NULL DEFAULT 0;
UPDATE sessions SET confirmed_at = created_at;
