//! How does Spin reach the records area?
