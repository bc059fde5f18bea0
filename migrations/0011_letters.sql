-- Letters, single-use links, invitations, passwords' history.

-- A letter: waiting → queued → sent | failed | expired; failed → queued (its job was tried again) | expired; waiting →
-- expired. Its content is sealed, because it may carry a link that opens something; it is erased when it was sent or has
-- expired. The row is written in the transaction of what it tells of.
CREATE TABLE letters (
    tenant_id  TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    letter_id  TEXT NOT NULL,
    purpose    TEXT NOT NULL CHECK (purpose IN ('invitation', 'password_reset', 'email_verification', 'security_notice')),
    notice     TEXT,
    user_id    TEXT,
    recipient  TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'queued', 'sent', 'failed', 'expired')),
    content    BLOB,
    trace      TEXT NOT NULL,
    job_id     TEXT,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at   INTEGER,
    PRIMARY KEY (tenant_id, letter_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, user_id) ON DELETE CASCADE,
    CHECK ((purpose = 'security_notice') = (notice IS NOT NULL)),
    CHECK ((state IN ('sent', 'expired')) = (content IS NULL)),
    CHECK ((state IN ('sent', 'failed', 'expired')) = (ended_at IS NOT NULL)),
    CHECK (state = 'waiting' OR state = 'expired' OR job_id IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX letters_waiting ON letters (created_at) WHERE state = 'waiting';
CREATE INDEX letters_with_content ON letters (expires_at) WHERE content IS NOT NULL;
CREATE INDEX letters_by_user ON letters (tenant_id, user_id) WHERE user_id IS NOT NULL;

-- Who was asked to join, and with which roles. That a link came by mail proves the address; a link that the inviter was
-- shown does not.
-- pending → accepted | revoked.
CREATE TABLE invitations (
    tenant_id     TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    invitation_id TEXT NOT NULL,
    email         TEXT NOT NULL,
    name          TEXT,
    role_ids      TEXT NOT NULL CHECK (json_valid(role_ids)),
    state         TEXT NOT NULL CHECK (state IN ('pending', 'accepted', 'revoked')),
    user_id       TEXT,
    sent_by       TEXT NOT NULL CHECK (sent_by IN ('mail', 'link')),
    invited_by    TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    ended_at      INTEGER,
    PRIMARY KEY (tenant_id, invitation_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, user_id) ON DELETE CASCADE,
    CHECK ((state = 'pending') = (ended_at IS NULL)),
    CHECK (state <> 'accepted' OR user_id IS NOT NULL)
) STRICT, WITHOUT ROWID;
-- One pending invitation for an address.
CREATE UNIQUE INDEX invitations_pending ON invitations (tenant_id, email) WHERE state = 'pending';
CREATE INDEX invitations_by_user ON invitations (tenant_id, user_id) WHERE user_id IS NOT NULL;

-- A single-use link: open → used | superseded | revoked. Only the SHA-256 of its secret stands here. At most one of a
-- purpose is open for a person or an invitation: a newer one supersedes it.
CREATE TABLE tickets (
    tenant_id     TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    ticket_id     TEXT NOT NULL,
    purpose       TEXT NOT NULL CHECK (purpose IN ('invitation', 'password_reset', 'email_verification')),
    state         TEXT NOT NULL CHECK (state IN ('open', 'used', 'superseded', 'revoked')),
    hash          BLOB NOT NULL CHECK (length(hash) = 32),
    invitation_id TEXT,
    user_id       TEXT,
    email         TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    ended_at      INTEGER,
    PRIMARY KEY (tenant_id, ticket_id),
    FOREIGN KEY (tenant_id, invitation_id) REFERENCES invitations (tenant_id, invitation_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, user_id) ON DELETE CASCADE,
    CHECK ((purpose = 'invitation') = (invitation_id IS NOT NULL)),
    CHECK ((purpose = 'invitation') = (user_id IS NULL)),
    CHECK ((state = 'open') = (ended_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX tickets_open_invitation ON tickets (tenant_id, invitation_id) WHERE state = 'open' AND invitation_id IS NOT NULL;
CREATE UNIQUE INDEX tickets_open_user ON tickets (tenant_id, user_id, purpose) WHERE state = 'open' AND user_id IS NOT NULL;
CREATE INDEX tickets_by_end ON tickets (expires_at);

-- Earlier passwords of a user, as they were hashed then, so that they do not come back.
CREATE TABLE password_history (
    tenant_id   TEXT NOT NULL,
    user_id     TEXT NOT NULL,
    number      INTEGER NOT NULL CHECK (number >= 1),
    hash        TEXT NOT NULL,
    retired_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id, number),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, user_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- When the person showed that the address is theirs; null while they have not.
ALTER TABLE users ADD COLUMN email_verified_at INTEGER;
