-- Tasks: what somebody has to do, and what is said about it.
-- draft -> assigned -> in_progress -> completed, and cancelled from any that has not ended; what has ended can be reopened.
-- due_at is when it becomes overdue: of a day (due_date) when that is over in the tenant's zone. Priority: 1 low to 4 urgent.
-- The assignee is a user's id, or the address of somebody who is no user.
CREATE TABLE tasks (
    tenant_id   TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    task_id     TEXT NOT NULL,
    title       TEXT NOT NULL,
    description TEXT,
    priority    INTEGER NOT NULL CHECK (priority BETWEEN 1 AND 4),
    due_at      INTEGER,
    due_date    TEXT,
    labels      TEXT NOT NULL CHECK (json_type(labels) = 'array'),
    about_type  TEXT,
    about_id    TEXT,
    state       TEXT NOT NULL CHECK (state IN ('draft', 'assigned', 'in_progress', 'completed', 'cancelled')),
    assignee    TEXT,
    created_by  TEXT NOT NULL,
    event_id    TEXT,
    rule_id     TEXT,
    job_id      TEXT,
    ended_at    INTEGER,
    ended_by    TEXT,
    overdue_at  INTEGER,
    comments    INTEGER NOT NULL CHECK (comments >= 0),
    version     INTEGER NOT NULL CHECK (version >= 1),
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, task_id),
    CHECK (due_date IS NULL OR due_at IS NOT NULL),
    CHECK ((about_type IS NULL) = (about_id IS NULL)),
    CHECK (state <> 'draft' OR assignee IS NULL),
    CHECK (state NOT IN ('assigned', 'in_progress') OR assignee IS NOT NULL),
    CHECK ((state IN ('completed', 'cancelled')) = (ended_at IS NOT NULL)),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
) STRICT;

-- A job makes one task, however often it runs.
CREATE UNIQUE INDEX tasks_by_job ON tasks (tenant_id, job_id) WHERE job_id IS NOT NULL;
CREATE INDEX tasks_by_event ON tasks (tenant_id, event_id, task_id) WHERE event_id IS NOT NULL;
-- Lists, in the order in which they are shown; the expressions are those of crates/tasks/src/store/list.rs.
CREATE INDEX tasks_open ON tasks (tenant_id, coalesce(due_at, 9007199254740991), task_id) WHERE ended_at IS NULL;
CREATE INDEX tasks_open_by_priority ON tasks
    (tenant_id, (4 - priority) * 18014398509481984 + coalesce(due_at, 9007199254740991), task_id) WHERE ended_at IS NULL;
CREATE INDEX tasks_by_due ON tasks (tenant_id, coalesce(due_at, 9007199254740991), task_id);
CREATE INDEX tasks_by_creation ON tasks (tenant_id, created_at, task_id);
CREATE INDEX tasks_by_change ON tasks (tenant_id, updated_at, task_id);
CREATE INDEX tasks_by_assignee ON tasks (tenant_id, assignee, task_id) WHERE assignee IS NOT NULL;
CREATE INDEX tasks_by_thing ON tasks (tenant_id, about_id, task_id) WHERE about_id IS NOT NULL;
-- What is to be told of by the tick, of all tenants and of each; and what goes when its time is over.
CREATE INDEX tasks_passing ON tasks (due_at) WHERE ended_at IS NULL AND overdue_at IS NULL;
CREATE INDEX tasks_overdue ON tasks (tenant_id, due_at) WHERE ended_at IS NULL AND overdue_at IS NULL;
CREATE INDEX tasks_ended ON tasks (tenant_id, ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE task_comments (
    tenant_id  TEXT NOT NULL,
    task_id    TEXT NOT NULL,
    comment_id TEXT NOT NULL,
    author     TEXT NOT NULL,
    text       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    edited_at  INTEGER,
    PRIMARY KEY (tenant_id, task_id, comment_id),
    FOREIGN KEY (tenant_id, task_id) REFERENCES tasks (tenant_id, task_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX task_comments_by_author ON task_comments (tenant_id, author, comment_id);
