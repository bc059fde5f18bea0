//! Which routes lead to types of records, and to what is left of their limits?

use super::App;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;

/// All of them.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
}
