//! The views of pleach.
