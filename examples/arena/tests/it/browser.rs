//! A real browser at play.
