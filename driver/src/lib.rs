//! The driver of pleach.
