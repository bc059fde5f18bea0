//! Whose rows may a query see? A [`Scope`] puts its tenant into `?1` of every statement; [`AllTenants`] is the one
//! named type for work over tenants.

use crate::{Connection, DbError, Decode, Rows, Value};
use kernel::TenantId;

/// Queries on one tenant's rows: the tenant is `?1`, the caller's parameters follow from `?2`.
pub struct Scope<'a> {
    connection: &'a mut dyn Connection,
    tenant: &'a TenantId,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(connection: &'a mut dyn Connection, tenant: &'a TenantId) -> Self {
        Self { connection, tenant }
    }

    /// The tenant that is bound.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        self.tenant
    }

    async fn run(
        &mut self,
        sql: &str,
        parameters: impl IntoIterator<Item = Value> + Send,
    ) -> Result<Rows, DbError> {
        debug_assert!(sql.contains("?1"), "a tenant's statement must use ?1: {sql}");
        let mut all = vec![Value::from(self.tenant)];
        all.extend(parameters);
        self.connection.run(sql, all).await
    }

    /// All rows.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn all<T: Decode>(
        &mut self,
        sql: &str,
        parameters: impl IntoIterator<Item = Value> + Send,
    ) -> Result<Vec<T>, DbError> {
        self.run(sql, parameters).await?.decode()
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn one<T: Decode>(
        &mut self,
        sql: &str,
        parameters: impl IntoIterator<Item = Value> + Send,
    ) -> Result<Option<T>, DbError> {
        Ok(self.all(sql, parameters).await?.into_iter().next())
    }

    /// Runs a statement for its effect and tells how many rows it returned (with `RETURNING`, how many it touched).
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn run_for_effect(
        &mut self,
        sql: &str,
        parameters: impl IntoIterator<Item = Value> + Send,
    ) -> Result<usize, DbError> {
        Ok(self.run(sql, parameters).await?.len())
    }
}

/// Queries over the rows of all tenants. Nothing is bound.
pub struct AllTenants<'a> {
    connection: &'a mut dyn Connection,
}

impl<'a> AllTenants<'a> {
    pub(crate) fn new(connection: &'a mut dyn Connection) -> Self {
        Self { connection }
    }

    /// All rows.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn all<T: Decode>(
        &mut self,
        sql: &str,
        parameters: impl IntoIterator<Item = Value> + Send,
    ) -> Result<Vec<T>, DbError> {
        self.connection.run(sql, parameters.into_iter().collect()).await?.decode()
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn one<T: Decode>(
        &mut self,
        sql: &str,
        parameters: impl IntoIterator<Item = Value> + Send,
    ) -> Result<Option<T>, DbError> {
        Ok(self.all(sql, parameters).await?.into_iter().next())
    }

    /// Runs a statement for its effect and tells how many rows it returned (with `RETURNING`, how many it touched).
    ///
    /// # Errors
    /// [`DbError`].
    pub async fn run_for_effect(
        &mut self,
        sql: &str,
        parameters: impl IntoIterator<Item = Value> + Send,
    ) -> Result<usize, DbError> {
        Ok(self.connection.run(sql, parameters.into_iter().collect()).await?.len())
    }
}
