//! The question that the official tests of Datastar's SDKs ask a server.

use super::{Event, ExecuteScript, Mode, Namespace, PatchElements, PatchSignals};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;
use std::{fmt, time::Duration};

/// Returns the events that a request of the official SDK tests asks for, to be sent back as they are.
///
/// `request` is the JSON that came in the query `datastar` or as the body:
/// `{"events":[{"type":"patchElements"|"patchSignals"|"executeScript",…}]}`.
///
/// # Errors
/// What serde says of a request that is not of this form.
pub fn events_from_test_request(request: &str) -> Result<Vec<Event>, serde_json::Error> {
    let request: Request = serde_json::from_str(request)?;
    Ok(request.events.into_iter().map(Asked::into_event).collect())
}

#[derive(Deserialize)]
struct Request {
    events: Vec<Asked>,
}

#[derive(Deserialize)]
struct Asked {
    #[serde(rename = "eventId")]
    id: Option<String>,
    #[serde(rename = "retryDuration")]
    retry_ms: Option<u64>,
    #[serde(flatten)]
    action: Action,
}

#[derive(Deserialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
enum Action {
    PatchElements {
        #[serde(default)]
        elements: String,
        selector: Option<String>,
        mode: Option<String>,
        namespace: Option<String>,
        #[serde(default)]
        use_view_transition: bool,
        view_transition_selector: Option<String>,
    },
    PatchSignals {
        #[serde(default)]
        signals: Value,
        #[serde(rename = "signals-raw")]
        raw: Option<String>,
        #[serde(default)]
        only_if_missing: bool,
    },
    ExecuteScript {
        script: String,
        auto_remove: Option<bool>,
        #[serde(default)]
        attributes: Attributes,
    },
}

impl Asked {
    fn into_event(self) -> Event {
        let mut event = self.action.into_event();
        if let Some(id) = self.id {
            event = event.id(id);
        }
        // The SDKs leave out the delay that a client assumes anyway. Source: Datastar SDK ADR, retryDuration.
        match self.retry_ms {
            None | Some(1000) => event,
            Some(retry_ms) => event.retry(Duration::from_millis(retry_ms)),
        }
    }
}

impl Action {
    fn into_event(self) -> Event {
        match self {
            Self::PatchElements {
                elements,
                selector,
                mode,
                namespace,
                use_view_transition,
                view_transition_selector,
            } => {
                let mut patch = PatchElements::new(elements)
                    .mode(named(Mode::ALL, Mode::as_str, mode))
                    .namespace(named(Namespace::ALL, Namespace::as_str, namespace))
                    .use_view_transition(use_view_transition);
                if let Some(selector) = selector {
                    patch = patch.selector(selector);
                }
                if let Some(selector) = view_transition_selector {
                    patch = patch.view_transition_selector(selector);
                }
                patch.into()
            }
            Self::PatchSignals {
                signals,
                raw,
                only_if_missing,
            } => {
                let patch = raw.map_or_else(|| PatchSignals::new(&signals), PatchSignals::raw);
                patch.only_if_missing(only_if_missing).into()
            }
            Self::ExecuteScript {
                script,
                auto_remove,
                attributes,
            } => {
                let script = ExecuteScript::new(script).auto_remove(auto_remove.unwrap_or(true));
                attributes
                    .0
                    .into_iter()
                    .fold(script, |script, (name, value)| {
                        script.attribute(name, value)
                    })
                    .into()
            }
        }
    }
}

/// The one of `all` that is called `name`; the default for none and for unknown names.
fn named<T: Copy + Default, const N: usize>(
    all: [T; N],
    as_str: fn(T) -> &'static str,
    name: Option<String>,
) -> T {
    all.into_iter()
        .find(|one| name.as_deref() == Some(as_str(*one)))
        .unwrap_or_default()
}

/// The attributes of a script in the order in which they were asked for.
#[derive(Default)]
struct Attributes(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Attributes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of attributes")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Attributes, A::Error> {
                let mut attributes = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    let value = value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned);
                    attributes.push((name, value));
                }
                Ok(Attributes(attributes))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}
