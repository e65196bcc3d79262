//! What operators see: log lines and metrics.
//!
//! Two applications in one process must not meet here: metrics belong to an application, and the subscriber of log lines, which is
//! global by nature, is installed by the entry point of a program alone ([`log::install`]).

pub(crate) mod log;
mod metrics;
mod request;

pub(crate) use metrics::{Gauge, Gauges, Metrics};
pub(crate) use request::{current_request_id, lend_request_id, with_request_id};
