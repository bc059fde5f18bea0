//! Where do tasks stand? In `tasks`, and what is said about them in `task_comments`.

pub(crate) mod comment;
pub(crate) mod list;
pub(crate) mod privacy;
pub(crate) mod task;
