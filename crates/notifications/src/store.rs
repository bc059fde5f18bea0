//! What do the tables of this area hold, and by which statements?

pub(crate) mod channel;
pub(crate) mod delivery;
pub(crate) mod inbox;
pub(crate) mod message;
pub(crate) mod privacy;

#[cfg(test)]
mod tests {
    use super::*;
    use db::{DbError, Decode, Row, Value, native::Native};
    use futures::executor::block_on;
    use kernel::TenantId;

    struct Detail(String);
    impl Decode for Detail {
        fn decode(row: &mut Row<'_>) -> Result<Self, DbError> {
            row.get("detail").map(Self)
        }
    }

    /// No statement walks through a whole table, and none sorts beyond what it was handed in JSON or one message's ways.
    #[test]
    fn every_statement_finds_its_rows_by_an_index() {
        let db = Native::memory().unwrap();
        let tenant: TenantId = "acme-corp".parse().unwrap();
        let statements = channel::STATEMENTS
            .iter()
            .chain(&message::STATEMENTS)
            .chain(&delivery::STATEMENTS)
            .chain(&inbox::STATEMENTS)
            .chain(&privacy::STATEMENTS);
        block_on(async {
            let mut lease = db.read().await.unwrap();
            for sql in statements {
                let parameters = (2..=11).filter(|place| sql.contains(&format!("?{place}"))).count();
                let mut scope = lease.scope(&tenant).unwrap();
                let plan: Vec<Detail> = scope
                    .all(&format!("EXPLAIN QUERY PLAN {sql}"), vec![Value::Null; parameters])
                    .await
                    .unwrap();
                for Detail(step) in plan {
                    let ours = ["SCAN c", "SCAN d", "SCAN m", "SCAN i", "SCAN other"]
                        .iter()
                        .any(|scan| step.starts_with(scan));
                    assert!(!ours || step.contains("VIRTUAL TABLE"), "{step}\n{sql}");
                    let sorts = step.contains("TEMP B-TREE");
                    assert!(!sorts || sql.contains("json_each") || sql.contains("DISTINCT"), "{step}\n{sql}");
                }
            }
        });
    }
}
