//! Studies: what a run of one is, and what the formulas say that it should cost.

pub mod predict;
