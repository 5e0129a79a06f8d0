//! The integration tests: one binary, a file per subject, and a kit in `support`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod keeper;
mod support;
