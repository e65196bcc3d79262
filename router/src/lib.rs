//! The route tree of pleach.
