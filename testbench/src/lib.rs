//! ringside
