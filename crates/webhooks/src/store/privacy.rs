//! What of endpoints names people? The description may.

use db::Redaction;

/// Where endpoints may name somebody. An address that does stays as it is: changed, it would lead nowhere.
pub const REDACTIONS: [Redaction; 1] = [Redaction {
    name: "webhook_endpoints",
    window: "SELECT endpoint_id AS id FROM webhook_endpoints WHERE tenant_id = ?1 AND endpoint_id > ?2 ORDER BY endpoint_id
        LIMIT 1 OFFSET ?3",
    naming: "SELECT json_array(endpoint_id, description) AS id FROM webhook_endpoints
        WHERE tenant_id = ?1 AND endpoint_id > ?2 AND endpoint_id <= coalesce(?3, 'end_~')
        AND instr(lower(description), ?4)",
    write: "UPDATE webhook_endpoints SET description = new.value ->> 1 FROM json_each(?2) AS new
        WHERE webhook_endpoints.tenant_id = ?1 AND webhook_endpoints.endpoint_id = new.value ->> 0",
}];
