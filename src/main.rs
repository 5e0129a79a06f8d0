//! The `panko` executable: parse, tracing, dispatch, exit code, and nothing else.

fn main() {}
