//! ringside-sim
