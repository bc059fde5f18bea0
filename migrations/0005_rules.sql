-- Rules and their versions. Conditions and actions are kept as the JSON that was written; a version keeps the whole rule
-- as it was after a change, and outlives the rule, because events and jobs point at it.
CREATE TABLE rules (
    tenant_id     TEXT NOT NULL,
    rule_id       TEXT NOT NULL,
    name          TEXT NOT NULL,
    description   TEXT,
    module_type   TEXT NOT NULL,
    trigger_id    TEXT NOT NULL,
    conditions    TEXT NOT NULL CHECK (json_type(conditions) = 'array'),
    actions       TEXT NOT NULL CHECK (json_type(actions) = 'array'),
    is_active     INTEGER NOT NULL CHECK (is_active IN (0, 1)),
    priority      INTEGER NOT NULL,
    stop_on_match INTEGER NOT NULL CHECK (stop_on_match IN (0, 1)),
    version       INTEGER NOT NULL CHECK (version >= 1),
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, rule_id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (tenant_id)
) STRICT;

-- Counts a tenant's rules without reading them, and finds those of a trigger.
CREATE INDEX rules_by_trigger ON rules (tenant_id, trigger_id);

CREATE TABLE rule_versions (
    tenant_id  TEXT NOT NULL,
    rule_id    TEXT NOT NULL,
    version    INTEGER NOT NULL CHECK (version >= 1),
    change     TEXT NOT NULL
        CHECK (change IN ('created', 'changed', 'enabled', 'disabled', 'rolled_back', 'deleted')),
    document   TEXT NOT NULL CHECK (json_type(document) = 'object'),
    changed_by TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, rule_id, version),
    CHECK ((change = 'created') = (version = 1))
) STRICT;
