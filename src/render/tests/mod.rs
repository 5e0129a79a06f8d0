//! Tests of the whole: golden blocks and pages, what is never on a page, what stays small.

mod blocks;
pub mod fixture;
mod folds;
mod hostile;
mod pages;
pub(super) mod strict;
