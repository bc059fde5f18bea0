//! What of endpoints names people? What somebody wrote about them and for them, and what receivers answered.

use db::Redaction;

/// Where endpoints, and attempts to reach them, may name somebody.
///
/// An address that does stays as it is, and so does who lets us in: changed, they would lead nowhere. A filter that names somebody names their
/// pseudonym from then on, like the events that it is about: it takes those of before as it did, and the person's next ones no more, for
/// a condition that goes on asking for somebody would remember them. The endpoint's version grows with it, so that nobody
/// writes back what they looked at before.
pub const REDACTIONS: [Redaction; 2] = [
    Redaction {
        name: "webhook_endpoints",
        window: "SELECT endpoint_id AS id FROM webhook_endpoints WHERE tenant_id = ?1 AND endpoint_id > ?2 ORDER BY endpoint_id
            LIMIT 1 OFFSET ?3",
        naming: "SELECT json_array(endpoint_id, description, customer, filter, body, headers, tags, metadata) AS id
            FROM webhook_endpoints WHERE tenant_id = ?1 AND endpoint_id > ?2 AND endpoint_id <= coalesce(?3, 'end_~')
            AND (instr(lower(description), ?4) OR instr(lower(customer), ?4) OR instr(lower(filter), ?4) OR instr(lower(body), ?4)
                OR instr(lower(headers), ?4) OR instr(lower(tags), ?4) OR instr(lower(metadata), ?4))",
        write: "UPDATE webhook_endpoints SET description = new.value ->> 1, customer = new.value ->> 2, filter = new.value ->> 3,
            body = new.value ->> 4, headers = new.value ->> 5, tags = new.value ->> 6, metadata = new.value ->> 7,
            version = version + 1
            FROM json_each(?2) AS new
            WHERE webhook_endpoints.tenant_id = ?1 AND webhook_endpoints.endpoint_id = new.value ->> 0",
    },
    Redaction {
        name: "webhook_attempts",
        window: "SELECT job_id AS id FROM webhook_attempts WHERE tenant_id = ?1 AND job_id > ?2 ORDER BY job_id LIMIT 1 OFFSET ?3",
        naming: "SELECT json_array(json_array(job_id, number), answer, answer_type) AS id FROM webhook_attempts
            WHERE tenant_id = ?1 AND job_id > ?2 AND job_id <= coalesce(?3, 'job_~')
            AND (instr(lower(answer), ?4) OR instr(lower(answer_type), ?4))",
        write: "UPDATE webhook_attempts SET answer = new.value ->> 1, answer_type = new.value ->> 2 FROM json_each(?2) AS new
            WHERE webhook_attempts.tenant_id = ?1 AND webhook_attempts.job_id = new.value ->> '$[0][0]'
            AND webhook_attempts.number = new.value ->> '$[0][1]'",
    },
];
