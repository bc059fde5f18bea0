-- A tenant's own roles, scopes, platform administrators.

-- Two roles whose names differ only in case would be taken for each other.
ALTER TABLE roles ADD COLUMN description TEXT;
ALTER TABLE roles ADD COLUMN version INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1);
ALTER TABLE roles ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE roles SET updated_at = created_at;
CREATE UNIQUE INDEX roles_by_name ON roles (tenant_id, lower(name));

-- A binding holds for the whole tenant (*), for a module or for one resource.
CREATE TABLE role_bindings_rebuilt (
    tenant_id  TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    role_id    TEXT NOT NULL,
    scope      TEXT NOT NULL DEFAULT '*' CHECK (scope = '*' OR scope GLOB 'module:?*' OR scope GLOB 'resource:?*'),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id, role_id, scope),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, user_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, role_id) REFERENCES roles (tenant_id, role_id)
) STRICT, WITHOUT ROWID;
INSERT INTO role_bindings_rebuilt (tenant_id, user_id, role_id, scope, created_at)
    SELECT tenant_id, user_id, role_id, scope, created_at FROM role_bindings;
DROP TABLE role_bindings;
ALTER TABLE role_bindings_rebuilt RENAME TO role_bindings;
CREATE INDEX role_bindings_by_role ON role_bindings (tenant_id, role_id);

-- So does a key.
ALTER TABLE api_keys ADD COLUMN scope TEXT NOT NULL DEFAULT '*'
    CHECK (scope = '*' OR scope GLOB 'module:?*' OR scope GLOB 'resource:?*');

-- active -> suspended -> active | deleting; deleting is the end. A tenant that is being deleted stays suspended for all who
-- ask whether it may come in, so the column `state` keeps its two values.
ALTER TABLE tenants ADD COLUMN suspended_reason TEXT CHECK (suspended_reason IS NULL OR state = 'suspended');
ALTER TABLE tenants ADD COLUMN deleting_at INTEGER CHECK (deleting_at IS NULL OR state = 'suspended');

-- Since when nobody but the owner of the user's address can know the password: it was chosen with a letter to the address in
-- hand. Null where somebody else may have set it (crates/auth/src/switching.rs).
ALTER TABLE users ADD COLUMN address_proved_at INTEGER;
