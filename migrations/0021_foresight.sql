-- What a rule would have said: a backtest takes stored events once more, in steps, and keeps where it stands. What takes part is
-- fixed when it begins; the report is kept for some days.
CREATE TABLE backtests (
    tenant_id    TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    backtest_id  TEXT NOT NULL,
    rule_id      TEXT,
    module_type  TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('counting', 'running', 'done', 'failed')),
    played       TEXT NOT NULL CHECK (json_type(played) = 'object'),
    against      INTEGER CHECK (against >= 1),
    since        INTEGER NOT NULL,
    until        INTEGER NOT NULL,
    most         INTEGER NOT NULL CHECK (most >= 1),
    total        INTEGER CHECK (total >= 0),
    looked       INTEGER NOT NULL DEFAULT 0 CHECK (looked >= 0),
    after        TEXT NOT NULL DEFAULT '',
    kept         TEXT CHECK (kept IS NULL OR json_valid(kept)),
    report       TEXT CHECK (report IS NULL OR json_valid(report)),
    reason       TEXT,
    requested_by TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    ended_at     INTEGER,
    PRIMARY KEY (tenant_id, backtest_id),
    CHECK ((state IN ('counting', 'running')) = (ended_at IS NULL)),
    CHECK ((state = 'done') = (report IS NOT NULL)),
    CHECK ((state = 'failed') = (reason IS NOT NULL)),
    CHECK (state <> 'running' OR total IS NOT NULL),
    CHECK (kept IS NULL OR ended_at IS NULL)
) STRICT;
CREATE INDEX backtests_under_way ON backtests (tenant_id) WHERE ended_at IS NULL;

-- A version that runs beside a rule on live events, and is carried out never. It remembers under an id of its own.
CREATE TABLE rule_shadows (
    tenant_id    TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    rule_id      TEXT NOT NULL,
    shadow_id    TEXT NOT NULL,
    document     TEXT NOT NULL CHECK (json_type(document) = 'object'),
    version      INTEGER NOT NULL CHECK (version >= 1),
    note         TEXT,
    requested_by TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, rule_id),
    FOREIGN KEY (tenant_id, rule_id) REFERENCES rules (tenant_id, rule_id) ON DELETE CASCADE
) STRICT;

-- How shadows stood to their rules since then; latest are the last events at which they differed, the newest first.
CREATE TABLE rule_shadow_counts (
    tenant_id   TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    rule_id     TEXT NOT NULL,
    since       INTEGER NOT NULL,
    events      INTEGER NOT NULL DEFAULT 0,
    both        INTEGER NOT NULL DEFAULT 0,
    only_live   INTEGER NOT NULL DEFAULT 0,
    only_shadow INTEGER NOT NULL DEFAULT 0,
    differ      INTEGER NOT NULL DEFAULT 0,
    failed      INTEGER NOT NULL DEFAULT 0,
    latest      TEXT NOT NULL DEFAULT '[]' CHECK (json_type(latest) = 'array'),
    PRIMARY KEY (tenant_id, rule_id),
    FOREIGN KEY (tenant_id, rule_id) REFERENCES rule_shadows (tenant_id, rule_id) ON DELETE CASCADE,
    CHECK (events >= both + only_live + only_shadow)
) STRICT, WITHOUT ROWID;
