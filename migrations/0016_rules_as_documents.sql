-- A tenant's own triggers. The schema of a trigger's data is versioned: a version keeps what it said and outlives it, because
-- events point at the trigger. Triggers of record types come and go with these.
CREATE TABLE modules (
    tenant_id   TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    module_type TEXT NOT NULL,
    name        TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, module_type)
) STRICT, WITHOUT ROWID;

CREATE TABLE triggers (
    tenant_id     TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    trigger_id    TEXT NOT NULL,
    module_type   TEXT NOT NULL,
    origin        TEXT NOT NULL CHECK (origin IN ('own', 'record')),
    description   TEXT NOT NULL,
    schema        TEXT NOT NULL CHECK (json_type(schema) = 'object'),
    sample        TEXT NOT NULL CHECK (json_type(sample) = 'object'),
    record_type   TEXT,
    record_field  TEXT,
    record_schema TEXT CHECK (record_schema IS NULL OR json_valid(record_schema)),
    version       INTEGER NOT NULL CHECK (version >= 1),
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, trigger_id),
    CHECK ((record_type IS NULL) = (record_field IS NULL))
) STRICT;

CREATE TABLE trigger_versions (
    tenant_id   TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    trigger_id  TEXT NOT NULL,
    version     INTEGER NOT NULL CHECK (version >= 1),
    change      TEXT NOT NULL CHECK (change IN ('created', 'changed', 'deleted')),
    document    TEXT NOT NULL CHECK (json_type(document) = 'object'),
    note        TEXT,
    changed_by  TEXT NOT NULL,
    changed_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, trigger_id, version)
) STRICT;

-- Rules are kept as the document that a version is, with the columns beside it by which they are found.
CREATE TABLE rules_rebuilt (
    tenant_id   TEXT NOT NULL,
    rule_id     TEXT NOT NULL,
    key         TEXT NOT NULL,
    module_type TEXT NOT NULL,
    trigger_id  TEXT NOT NULL,
    is_active   INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    document    TEXT NOT NULL CHECK (json_type(document) = 'object'),
    version     INTEGER NOT NULL CHECK (version >= 1),
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, rule_id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)
) STRICT;
INSERT INTO rules_rebuilt (tenant_id, rule_id, key, module_type, trigger_id, is_active, document, version, created_at, updated_at)
    SELECT tenant_id, rule_id, rule_id, module_type, trigger_id, is_active, json_object('name', name, 'key', rule_id,
        'description', description, 'labels', json_array(), 'module_type', module_type, 'trigger_id', trigger_id,
        'conditions', json(conditions), 'actions', json(actions), 'is_active', json(iif(is_active, 'true', 'false')),
        'priority', priority, 'stop_on_match', json(iif(stop_on_match, 'true', 'false'))), version, created_at, updated_at
    FROM rules;
DROP TABLE rules;
ALTER TABLE rules_rebuilt RENAME TO rules;
-- Counts a tenant's rules without reading them, and finds those of a trigger.
CREATE INDEX rules_by_trigger ON rules (tenant_id, trigger_id);
CREATE UNIQUE INDEX rules_by_key ON rules (tenant_id, key);

CREATE TABLE rule_versions_rebuilt (
    tenant_id  TEXT NOT NULL,
    rule_id    TEXT NOT NULL,
    version    INTEGER NOT NULL CHECK (version >= 1),
    change     TEXT NOT NULL CHECK (change IN
        ('created', 'changed', 'enabled', 'disabled', 'rolled_back', 'promoted', 'imported', 'deleted')),
    document   TEXT NOT NULL CHECK (json_type(document) = 'object'),
    note       TEXT,
    changed_by TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, rule_id, version),
    CHECK (version > 1 OR change IN ('created', 'imported'))
) STRICT;
INSERT INTO rule_versions_rebuilt (tenant_id, rule_id, version, change, document, note, changed_by, changed_at)
    SELECT tenant_id, rule_id, version, change, json_set(document, '$.key', rule_id, '$.labels', json_array()), NULL, changed_by,
        changed_at FROM rule_versions;
DROP TABLE rule_versions;
ALTER TABLE rule_versions_rebuilt RENAME TO rule_versions;

-- What rules remember from one event to the next, by key: when conditions held, when the rule fired. A mark is useless once it is
-- older than the span that it counts for.
CREATE TABLE rule_marks (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    rule_id   TEXT NOT NULL,
    mark      TEXT NOT NULL CHECK (mark IN ('held', 'fired')),
    key       TEXT NOT NULL,
    at        INTEGER NOT NULL,
    event_id  TEXT NOT NULL,
    until     INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, rule_id, mark, key, at, event_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX rule_marks_by_end ON rule_marks (tenant_id, until);

-- Rules that wait, by key: for events to stop coming (debounce), or for one to stay away (absence).
CREATE TABLE rule_waits (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    rule_id   TEXT NOT NULL,
    key       TEXT NOT NULL,
    event_id  TEXT NOT NULL,
    first_at  INTEGER NOT NULL,
    due_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, rule_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX rule_waits_by_end ON rule_waits (tenant_id, due_at);

-- The record that an event was about, as it stood when the event was decided.
ALTER TABLE events ADD COLUMN record TEXT CHECK (record IS NULL OR json_valid(record));
