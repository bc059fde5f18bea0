-- Links by which a tenant's customers manage endpoints of their own. Of the token in the link only the SHA-256 is kept; a link that
-- was ended is deleted. event_types: what the customer may choose among; filter: conditions that every endpoint made by it carries.
CREATE TABLE webhook_portal_links (
    tenant_id   TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    link_id     TEXT NOT NULL,
    token_hash  BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    customer    TEXT NOT NULL CHECK (length(customer) BETWEEN 1 AND 200),
    event_types TEXT NOT NULL CHECK (json_type(event_types) = 'array'),
    filter      TEXT CHECK (json_type(filter) = 'array'),
    return_url  TEXT,
    created_by  TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL CHECK (expires_at > created_at),
    PRIMARY KEY (tenant_id, link_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_portal_links_by_customer ON webhook_portal_links (tenant_id, customer, expires_at);
CREATE INDEX webhook_portal_links_by_expiry ON webhook_portal_links (tenant_id, expires_at);
