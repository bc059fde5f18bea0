-- Order, results and lanes. A job may be held by another one of its tenant until that has ended (held_by), and it may run in a
-- lane, of which no more than lane_limit run at a time. waits_for says what a queued job waits for: its 'time' only; another
-- 'job', which holds it; its 'lane', where others come first. So what is to be claimed are the queued that wait for their time,
-- in the order in which they are due. result is what a job that has ended left for those behind it.
CREATE TABLE jobs_rebuilt (
    tenant_id    TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    job_id       TEXT NOT NULL,
    kind         TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('queued', 'leased', 'done', 'dead', 'cancelled')),
    payload      TEXT NOT NULL CHECK (json_valid(payload)),
    is_late      INTEGER NOT NULL DEFAULT 0 CHECK (is_late IN (0, 1)),
    event_id     TEXT,
    rule_id      TEXT,
    action       INTEGER,
    action_name  TEXT,
    parent_id    TEXT,
    held_by      TEXT,
    delay        INTEGER NOT NULL DEFAULT 0 CHECK (delay >= 0),
    is_followed  INTEGER NOT NULL DEFAULT 0 CHECK (is_followed IN (0, 1)),
    on_error     TEXT NOT NULL DEFAULT 'continue' CHECK (on_error IN ('continue', 'stop')),
    lane         TEXT,
    lane_limit   INTEGER CHECK (lane_limit BETWEEN 1 AND 100),
    waits_for    TEXT NOT NULL DEFAULT 'time' CHECK (waits_for IN ('time', 'job', 'lane')),
    due_at       INTEGER,
    attempts     INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    failures     INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    max_attempts INTEGER NOT NULL CHECK (max_attempts BETWEEN 1 AND 20),
    first_wait   INTEGER NOT NULL CHECK (first_wait >= 0),
    most_wait    INTEGER NOT NULL CHECK (most_wait >= 0),
    lease        TEXT,
    leased_until INTEGER,
    leased_at    INTEGER,
    last_error   TEXT,
    result       TEXT CHECK (json_valid(result)),
    reason       TEXT,
    trace        TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    ended_at     INTEGER,
    PRIMARY KEY (tenant_id, job_id),
    -- A held job goes with the dead letter that holds it, when that is forgotten.
    FOREIGN KEY (tenant_id, held_by) REFERENCES jobs_rebuilt (tenant_id, job_id) ON DELETE CASCADE,
    CHECK ((state = 'leased') = (lease IS NOT NULL AND leased_until IS NOT NULL AND leased_at IS NOT NULL)),
    CHECK ((state IN ('done', 'dead', 'cancelled')) = (ended_at IS NOT NULL)),
    CHECK (waits_for = 'time' OR state = 'queued'),
    CHECK ((waits_for = 'job') = (held_by IS NOT NULL)),
    CHECK ((lane IS NULL) = (lane_limit IS NULL)),
    CHECK (waits_for <> 'lane' OR lane IS NOT NULL),
    -- A job that was never let go has no time.
    CHECK (due_at IS NOT NULL OR held_by IS NOT NULL OR state = 'cancelled'),
    CHECK (due_at IS NULL OR held_by IS NULL),
    CHECK (result IS NULL OR state IN ('done', 'dead')),
    CHECK (reason IS NULL OR state = 'cancelled')
) STRICT;
INSERT INTO jobs_rebuilt (tenant_id, job_id, kind, state, payload, event_id, rule_id, action, parent_id, due_at, attempts,
    failures, max_attempts, first_wait, most_wait, lease, leased_until, leased_at, last_error, trace, created_at, ended_at)
    SELECT tenant_id, job_id, kind, state, payload, event_id, rule_id, action, parent_id, due_at, attempts, failures,
    max_attempts, first_wait, most_wait, lease, leased_until, leased_at, last_error, trace, created_at, ended_at
    FROM jobs ORDER BY rowid;
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
CREATE INDEX jobs_due ON jobs (tenant_id, due_at) WHERE state = 'queued' AND waits_for = 'time';
CREATE INDEX jobs_soonest ON jobs (due_at) WHERE state = 'queued' AND waits_for = 'time';
CREATE INDEX jobs_leased ON jobs (tenant_id, leased_until) WHERE state = 'leased';
CREATE INDEX jobs_dead ON jobs (tenant_id, job_id) WHERE state = 'dead';
CREATE INDEX jobs_by_event ON jobs (tenant_id, event_id);
CREATE INDEX jobs_held ON jobs (tenant_id, held_by) WHERE held_by IS NOT NULL;
-- Who stands in the line before a lane, and who was let in: those may be claimed, or run.
CREATE INDEX jobs_in_line ON jobs (tenant_id, lane, due_at) WHERE waits_for = 'lane';
CREATE INDEX jobs_let_in ON jobs (tenant_id, lane)
    WHERE waits_for = 'time' AND lane IS NOT NULL AND state IN ('queued', 'leased');
