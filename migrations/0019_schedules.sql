-- Schedules: when an event is raised by itself, by a cron expression in a time zone or at one instant. next_at is when it
-- comes next; null while it rests and when it comes no more.
CREATE TABLE schedules (
    tenant_id   TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    schedule_id TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT,
    trigger_id  TEXT NOT NULL,
    module_type TEXT NOT NULL,
    data        TEXT NOT NULL CHECK (json_type(data) = 'object'),
    cron        TEXT,
    at          INTEGER,
    time_zone   TEXT NOT NULL,
    missed      TEXT NOT NULL CHECK (missed IN ('skip', 'once', 'all')),
    starts_at   INTEGER,
    ends_at     INTEGER,
    is_active   INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    next_at     INTEGER,
    created_by  TEXT NOT NULL,
    version     INTEGER NOT NULL CHECK (version >= 1),
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, schedule_id),
    CHECK ((cron IS NULL) <> (at IS NULL)),
    CHECK (is_active = 1 OR next_at IS NULL)
) STRICT;
CREATE INDEX schedules_soonest ON schedules (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX schedules_due ON schedules (tenant_id, next_at) WHERE next_at IS NOT NULL;

-- What came of a time of a schedule: an event, a reason why there is none, or several that were missed and let go together.
CREATE TABLE schedule_runs (
    tenant_id    TEXT NOT NULL,
    schedule_id  TEXT NOT NULL,
    run_id       TEXT NOT NULL,
    outcome      TEXT NOT NULL CHECK (outcome IN ('raised', 'failed', 'skipped')),
    scheduled_at INTEGER NOT NULL,
    until_at     INTEGER,
    times        INTEGER NOT NULL CHECK (times >= 1),
    more         INTEGER NOT NULL CHECK (more IN (0, 1)),
    manual       INTEGER NOT NULL CHECK (manual IN (0, 1)),
    fired_at     INTEGER NOT NULL,
    event_id     TEXT,
    detail       TEXT NOT NULL,
    PRIMARY KEY (tenant_id, schedule_id, run_id),
    FOREIGN KEY (tenant_id, schedule_id) REFERENCES schedules (tenant_id, schedule_id) ON DELETE CASCADE,
    CHECK ((outcome = 'raised') = (event_id IS NOT NULL)),
    CHECK ((outcome = 'skipped') = (until_at IS NOT NULL)),
    CHECK (outcome = 'skipped' OR times = 1)
) STRICT, WITHOUT ROWID;
CREATE INDEX schedule_runs_by_age ON schedule_runs (tenant_id, fired_at);
