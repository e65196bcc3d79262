//! A tree-routed server application foundation.
