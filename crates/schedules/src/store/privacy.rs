//! What of schedules names people?

use db::Redaction;

/// Where schedules and their runs may name somebody.
pub const REDACTIONS: [Redaction; 2] = [
    Redaction {
        name: "schedules",
        window: "SELECT schedule_id AS id FROM schedules WHERE tenant_id = ?1 AND schedule_id > ?2 ORDER BY schedule_id
            LIMIT 1 OFFSET ?3",
        naming: "SELECT json_array(schedule_id, name, description, data) AS id FROM schedules
            WHERE tenant_id = ?1 AND schedule_id > ?2 AND schedule_id <= coalesce(?3, 'sch_~')
            AND (instr(lower(data), ?4) OR instr(lower(name), ?4) OR instr(lower(description), ?4))",
        write: "UPDATE schedules SET name = new.value ->> 1, description = new.value ->> 2, data = new.value ->> 3
            FROM json_each(?2) AS new WHERE schedules.tenant_id = ?1 AND schedules.schedule_id = new.value ->> 0",
    },
    Redaction {
        name: "schedule_runs",
        window: "SELECT schedule_id AS id FROM schedule_runs WHERE tenant_id = ?1 AND schedule_id > ?2 ORDER BY schedule_id
            LIMIT 1 OFFSET ?3",
        naming: "SELECT json_array(json_array(schedule_id, run_id), detail) AS id FROM schedule_runs
            WHERE tenant_id = ?1 AND schedule_id > ?2 AND schedule_id <= coalesce(?3, 'sch_~')
            AND instr(lower(detail), ?4)",
        write: "UPDATE schedule_runs SET detail = new.value ->> 1 FROM json_each(?2) AS new
            WHERE schedule_runs.tenant_id = ?1 AND schedule_runs.schedule_id = new.value ->> '$[0][0]'
            AND schedule_runs.run_id = new.value ->> '$[0][1]'",
    },
];
