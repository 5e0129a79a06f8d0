//! Sessions of all agents that are told in a dialect: what is read of the fixtures, what survives when they
//! are mutilated, and what is found in real files.

mod corpus;
mod corpus_small;
mod fields;
mod fixtures;
mod inputs;
mod mutations;
mod retold;
mod retyped;
mod traps;
mod unknown;
