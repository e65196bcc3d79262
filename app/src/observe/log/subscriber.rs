//! Turns events into lines.

use std::time::SystemTime;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

use super::Format;
use super::format::Line;
use super::writer::Writer;
use crate::observe::current_request_id;

/// The layer that writes a line per event.
pub(super) struct Lines {
    format: Format,
    writer: Writer,
}

impl Lines {
    pub(super) fn new(format: Format, writer: Writer) -> Self {
        Self { format, writer }
    }
}

/// The fields of an event or a span, in the order in which they were given.
#[derive(Clone, Default)]
pub(super) struct Fields(Vec<(&'static str, FieldValue)>);

/// The value of a field.
#[derive(Clone)]
pub(super) enum FieldValue {
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
}

impl Fields {
    /// Returns the text of the event itself.
    pub(super) fn message(&self) -> Option<&str> {
        self.0.iter().find_map(|(name, value)| match value {
            FieldValue::Text(text) if *name == "message" => Some(text.as_str()),
            _ => None,
        })
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&'static str, &FieldValue)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    /// Iterates over all but the message.
    pub(super) fn others(&self) -> impl Iterator<Item = (&'static str, &FieldValue)> {
        self.all().filter(|(name, _)| *name != "message")
    }

    fn put(&mut self, field: &Field, value: FieldValue) {
        match self.0.iter_mut().find(|(name, _)| *name == field.name()) {
            Some((_, old)) => *old = value,
            None => self.0.push((field.name(), value)),
        }
    }
}

impl Visit for Fields {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, FieldValue::Bool(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, FieldValue::Signed(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, FieldValue::Unsigned(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, FieldValue::Float(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, FieldValue::Text(value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.put(field, FieldValue::Text(format!("{value:?}")));
    }
}

impl<S> Layer<S> for Lines
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let spans = context
            .event_scope(event)
            .into_iter()
            .flat_map(Scope::from_root);
        let line = Line {
            time: SystemTime::now(),
            level: *event.metadata().level(),
            target: event.metadata().target(),
            request_id: current_request_id(),
            fields,
            spans: spans
                .map(|span| {
                    (
                        span.name(),
                        span.extensions()
                            .get::<Fields>()
                            .cloned()
                            .unwrap_or_default(),
                    )
                })
                .collect(),
        };
        self.writer.write(line.render(self.format).into_bytes());
    }
}
