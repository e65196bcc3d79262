//! What an open event stream costs.
