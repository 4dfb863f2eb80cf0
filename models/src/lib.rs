//! ringside-models
