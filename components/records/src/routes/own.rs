//! Which routes lead to records of any type?

use super::App;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;

/// All of them.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
}
