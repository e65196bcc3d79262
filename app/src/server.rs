//! wip
mod runtime;
pub(crate) use runtime::Layout;
