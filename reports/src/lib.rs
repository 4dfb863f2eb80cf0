//! ringside-reports
