//! The bench server in process: every route answers what CONTRACT §7 says, and what a request allocates.

mod allocations;
mod answers;
mod asked;
mod streams;
