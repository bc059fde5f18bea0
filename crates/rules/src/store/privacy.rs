//! What of the rules names people?

use db::Redaction;

/// Where rules and their versions may name somebody.
pub const REDACTIONS: [Redaction; 3] = [
    Redaction {
        name: "rules",
        window: "SELECT rule_id AS id FROM rules WHERE tenant_id = ?1 AND rule_id > ?2 ORDER BY rule_id LIMIT 1 OFFSET ?3",
        naming: "SELECT json_array(rule_id, document) AS id FROM rules
            WHERE tenant_id = ?1 AND rule_id > ?2 AND rule_id <= coalesce(?3, 'rul_~') AND instr(lower(document), ?4)",
        write: "UPDATE rules SET document = new.value ->> 1
            FROM json_each(?2) AS new WHERE rules.tenant_id = ?1 AND rules.rule_id = new.value ->> 0",
    },
    Redaction {
        name: "rule_versions",
        window: "SELECT rule_id AS id FROM rule_versions WHERE tenant_id = ?1 AND rule_id > ?2 ORDER BY rule_id
            LIMIT 1 OFFSET ?3",
        naming: "SELECT json_array(json_array(rule_id, version), document, note) AS id FROM rule_versions
            WHERE tenant_id = ?1 AND rule_id > ?2 AND rule_id <= coalesce(?3, 'rul_~')
            AND (instr(lower(document), ?4) OR instr(lower(note), ?4))",
        write: "UPDATE rule_versions SET document = new.value ->> 1, note = new.value ->> 2 FROM json_each(?2) AS new
            WHERE rule_versions.tenant_id = ?1 AND rule_versions.rule_id = new.value ->> '$[0][0]'
            AND rule_versions.version = new.value ->> '$[0][1]'",
    },
    Redaction {
        name: "rule_shadows",
        window: "SELECT rule_id AS id FROM rule_shadows WHERE tenant_id = ?1 AND rule_id > ?2 ORDER BY rule_id
            LIMIT 1 OFFSET ?3",
        naming: "SELECT json_array(rule_id, document, note) AS id FROM rule_shadows
            WHERE tenant_id = ?1 AND rule_id > ?2 AND rule_id <= coalesce(?3, 'rul_~')
            AND (instr(lower(document), ?4) OR instr(lower(note), ?4))",
        write: "UPDATE rule_shadows SET document = new.value ->> 1, note = new.value ->> 2 FROM json_each(?2) AS new
            WHERE rule_shadows.tenant_id = ?1 AND rule_shadows.rule_id = new.value ->> 0",
    },
];

/// Where what was found out about rules may name somebody: it is looked through after the events that it was found in.
pub const FINDINGS_REDACTIONS: [Redaction; 2] = [
    Redaction {
    name: "backtests",
    window: "SELECT backtest_id AS id FROM backtests WHERE tenant_id = ?1 AND backtest_id > ?2 ORDER BY backtest_id
        LIMIT 1 OFFSET ?3",
    naming: "SELECT json_array(backtest_id, played, kept, report) AS id FROM backtests
        WHERE tenant_id = ?1 AND backtest_id > ?2 AND backtest_id <= coalesce(?3, 'bkt_~')
        AND (instr(lower(played), ?4) OR instr(lower(kept), ?4) OR instr(lower(report), ?4))",
    write: "UPDATE backtests SET played = new.value ->> 1, kept = new.value ->> 2, report = new.value ->> 3
        FROM json_each(?2) AS new WHERE backtests.tenant_id = ?1 AND backtests.backtest_id = new.value ->> 0",
    },
    Redaction {
        name: "rule_shadow_counts",
        window: "SELECT rule_id AS id FROM rule_shadow_counts WHERE tenant_id = ?1 AND rule_id > ?2 ORDER BY rule_id
            LIMIT 1 OFFSET ?3",
        naming: "SELECT json_array(rule_id, latest) AS id FROM rule_shadow_counts
            WHERE tenant_id = ?1 AND rule_id > ?2 AND rule_id <= coalesce(?3, 'rul_~') AND instr(lower(latest), ?4)",
        write: "UPDATE rule_shadow_counts SET latest = new.value ->> 1 FROM json_each(?2) AS new
            WHERE rule_shadow_counts.tenant_id = ?1 AND rule_shadow_counts.rule_id = new.value ->> 0",
    },
];
