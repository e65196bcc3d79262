//! Mail, against a real SMTP server among others.

mod messages;
mod outbox;
mod server;
mod smtp;
mod transports;
