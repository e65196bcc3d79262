//! The events of Datastar 1.0 and how each is written.
//!
//! The `datastar` crate has these types too. They are not used: the texts of its modes are private to it, it allocates a
//! `String` for every line, it splits at LF only and checks no selector; a test holds our encoder to its output instead.

use super::{
    encode::{Encoded, Lines},
    error::{Error, Kind},
};
use serde::Serialize;
use std::{fmt::Display, time::Duration};

/// One event for a page: what to do, with an id to resume after and perhaps a delay before reconnecting.
///
/// Built from [`PatchElements`], [`PatchSignals`] or [`ExecuteScript`], and sent as it is or [encoded](Event::encode).
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    action: Action,
    id: Option<String>,
    retry: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq)]
enum Action {
    Elements(PatchElements),
    Signals(PatchSignals),
    Script(ExecuteScript),
}

impl Event {
    /// Sends the page to another page of this site: patches the signal `_redirect`, which the client follows.
    ///
    /// # Errors
    /// [`Error::is_invalid_event`] unless `path` begins with one `/` and holds no backslash and no control character. A
    /// browser reads `//host` and `/\host` as another site, and drops tabs and line ends before it looks.
    pub fn redirect(path: &str) -> Result<Self, Error> {
        let same_site = path.starts_with('/') && !path.starts_with("//");
        if !same_site || path.chars().any(|char| char == '\\' || char.is_control()) {
            return Err(Error::new(Kind::Redirect));
        }
        Ok(PatchSignals::new(&serde_json::json!({ "_redirect": path })).into())
    }

    /// Sets the id that a client resumes after, commonly an [`EventId`](super::EventId). Default: none.
    pub fn id(self, id: impl Display) -> Self {
        Self {
            id: Some(id.to_string()),
            ..self
        }
    }

    /// Sets how long the client waits before it reconnects, in whole milliseconds. Default: the client's own, one second.
    pub fn retry(self, retry: Duration) -> Self {
        Self {
            retry: Some(retry),
            ..self
        }
    }

    /// Writes the event as bytes that any number of streams can be sent.
    ///
    /// # Errors
    /// [`Error::is_invalid_event`] when the id or a selector holds CR, LF or NUL, or a script would end its own element.
    pub fn encode(&self) -> Result<Encoded, Error> {
        let begin = |name, size| Lines::begin(name, self.id.as_deref(), self.retry, size);
        match &self.action {
            Action::Elements(patch) => {
                let mut lines = begin("datastar-patch-elements", patch.elements.len())?;
                patch.write(&mut lines)?;
                Ok(lines.end())
            }
            Action::Signals(patch) => {
                let mut lines = begin("datastar-patch-signals", patch.signals.len())?;
                patch.write(&mut lines);
                Ok(lines.end())
            }
            Action::Script(script) => {
                let mut lines = begin("datastar-patch-elements", script.script.len())?;
                script.write(&mut lines)?;
                Ok(lines.end())
            }
        }
    }
}

impl TryFrom<Event> for Encoded {
    type Error = Error;

    fn try_from(event: Event) -> Result<Self, Error> {
        event.encode()
    }
}

impl TryFrom<&Event> for Encoded {
    type Error = Error;

    fn try_from(event: &Event) -> Result<Self, Error> {
        event.encode()
    }
}

/// How the elements of a [`PatchElements`] meet those of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// Morphs the target into the element: what has the same place or id stays, with its focus and state.
    #[default]
    Outer,
    /// Morphs what is inside the target.
    Inner,
    /// Puts the elements in place of the target, whose state is lost.
    Replace,
    /// Inserts the elements before the target's first child.
    Prepend,
    /// Inserts the elements after the target's last child.
    Append,
    /// Inserts the elements before the target.
    Before,
    /// Inserts the elements after the target.
    After,
    /// Takes the target out of the page.
    Remove,
}

impl Mode {
    /// All modes.
    pub const ALL: [Self; 8] = [
        Self::Outer,
        Self::Inner,
        Self::Replace,
        Self::Prepend,
        Self::Append,
        Self::Before,
        Self::After,
        Self::Remove,
    ];

    /// Returns the mode as it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outer => "outer",
            Self::Inner => "inner",
            Self::Replace => "replace",
            Self::Prepend => "prepend",
            Self::Append => "append",
            Self::Before => "before",
            Self::After => "after",
            Self::Remove => "remove",
        }
    }
}

/// The namespace in which the elements of a [`PatchElements`] are parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Namespace {
    /// Ordinary elements.
    #[default]
    Html,
    /// Parts of a drawing, to be patched into an `svg` element.
    Svg,
    /// Parts of a formula, to be patched into a `math` element.
    MathMl,
}

impl Namespace {
    /// All namespaces.
    pub const ALL: [Self; 3] = [Self::Html, Self::Svg, Self::MathMl];

    /// Returns the namespace as it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Svg => "svg",
            Self::MathMl => "mathml",
        }
    }
}

/// Patches elements into the page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PatchElements {
    elements: String,
    selector: Option<String>,
    mode: Mode,
    namespace: Namespace,
    use_view_transition: bool,
    view_transition_selector: Option<String>,
}

impl PatchElements {
    /// Patches whole elements. Without a [selector](Self::selector) each is patched where the page has its id.
    pub fn new(elements: impl Into<String>) -> Self {
        Self {
            elements: elements.into(),
            ..Self::default()
        }
    }

    /// Takes whatever matches `selector` out of the page.
    pub fn remove(selector: impl Into<String>) -> Self {
        Self {
            selector: Some(selector.into()),
            mode: Mode::Remove,
            ..Self::default()
        }
    }

    /// Sets the CSS selector of the target. Default: the id of each element.
    pub fn selector(self, selector: impl Into<String>) -> Self {
        Self {
            selector: Some(selector.into()),
            ..self
        }
    }

    /// Sets how the elements meet the target. Default: [`Mode::Outer`].
    pub fn mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// Sets the namespace in which the elements are parsed. Default: [`Namespace::Html`].
    pub fn namespace(self, namespace: Namespace) -> Self {
        Self { namespace, ..self }
    }

    /// Sets whether the change is animated by a view transition where the browser has them. Default: false.
    pub fn use_view_transition(self, use_view_transition: bool) -> Self {
        Self {
            use_view_transition,
            ..self
        }
    }

    /// Sets the element that the view transition is confined to. Sent only with a view transition. Default: the page.
    pub fn view_transition_selector(self, selector: impl Into<String>) -> Self {
        Self {
            view_transition_selector: Some(selector.into()),
            ..self
        }
    }

    /// Sets the id of the event: [`Event::id`].
    pub fn id(self, id: impl Display) -> Event {
        Event::from(self).id(id)
    }

    fn write(&self, lines: &mut Lines) -> Result<(), Error> {
        if let Some(selector) = &self.selector {
            lines.field("selector", selector)?;
        }
        if self.mode != Mode::default() {
            lines.field("mode", self.mode.as_str())?;
        }
        if self.use_view_transition {
            lines.field("useViewTransition", "true")?;
            if let Some(selector) = &self.view_transition_selector {
                lines.field("viewTransitionSelector", selector)?;
            }
        }
        if self.namespace != Namespace::default() {
            lines.field("namespace", self.namespace.as_str())?;
        }
        if !self.elements.is_empty() {
            lines.text("elements", &self.elements);
        }
        Ok(())
    }
}

impl From<PatchElements> for Event {
    fn from(patch: PatchElements) -> Self {
        Self {
            action: Action::Elements(patch),
            id: None,
            retry: None,
        }
    }
}

impl TryFrom<PatchElements> for Encoded {
    type Error = Error;

    fn try_from(patch: PatchElements) -> Result<Self, Error> {
        Event::from(patch).encode()
    }
}

/// Patches the page's signals by a JSON merge patch (RFC 7386): `null` takes a signal away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchSignals {
    signals: String,
    only_if_missing: bool,
}

impl PatchSignals {
    /// Patches the signals that `signals` holds, a JSON object.
    pub fn new(signals: &serde_json::Value) -> Self {
        Self {
            signals: signals.to_string(),
            only_if_missing: false,
        }
    }

    /// Patches the signals that `signals` serialises to, which should be a JSON object.
    ///
    /// # Errors
    /// What serde says, when `signals` cannot be written as JSON.
    pub fn serialize(signals: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self {
            signals: serde_json::to_string(signals)?,
            only_if_missing: false,
        })
    }

    /// Patches signals that are JSON already. The text is not checked; it may have several lines.
    pub fn raw(signals: impl Into<String>) -> Self {
        Self {
            signals: signals.into(),
            only_if_missing: false,
        }
    }

    /// Sets whether signals that the page already has keep their value. Default: false.
    pub fn only_if_missing(self, only_if_missing: bool) -> Self {
        Self {
            only_if_missing,
            ..self
        }
    }

    /// Sets the id of the event: [`Event::id`].
    pub fn id(self, id: impl Display) -> Event {
        Event::from(self).id(id)
    }

    fn write(&self, lines: &mut Lines) {
        if self.only_if_missing {
            lines.text("onlyIfMissing", "true");
        }
        lines.text("signals", &self.signals);
    }
}

impl From<PatchSignals> for Event {
    fn from(patch: PatchSignals) -> Self {
        Self {
            action: Action::Signals(patch),
            id: None,
            retry: None,
        }
    }
}

impl TryFrom<PatchSignals> for Encoded {
    type Error = Error;

    fn try_from(patch: PatchSignals) -> Result<Self, Error> {
        Event::from(patch).encode()
    }
}

/// Runs a script in pages that load the Datastar bundle. [`CLIENT_JS`](super::CLIENT_JS) never runs one.
///
/// On the wire it is a `script` element appended to the body. Under a Content-Security-Policy that lists nonces, give it
/// the [nonce](Self::nonce) of the page that shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecuteScript {
    script: String,
    auto_remove: bool,
    attributes: Vec<(String, String)>,
}

impl ExecuteScript {
    /// Runs `script`.
    pub fn new(script: impl Into<String>) -> Self {
        Self {
            script: script.into(),
            auto_remove: true,
            attributes: Vec::new(),
        }
    }

    /// Sets whether the element goes away once it has run. Default: true.
    pub fn auto_remove(self, auto_remove: bool) -> Self {
        Self {
            auto_remove,
            ..self
        }
    }

    /// Adds an attribute of the element. The value is escaped.
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.push((name.into(), value.into()));
        self
    }

    /// Adds the attribute `nonce`, by which a Content-Security-Policy admits the script.
    pub fn nonce(self, nonce: impl Into<String>) -> Self {
        self.attribute("nonce", nonce)
    }

    /// Sets the id of the event: [`Event::id`].
    pub fn id(self, id: impl Display) -> Event {
        Event::from(self).id(id)
    }

    fn write(&self, lines: &mut Lines) -> Result<(), Error> {
        lines.field("selector", "body")?;
        lines.field("mode", Mode::Append.as_str())?;
        lines.text("elements", &self.element()?);
        Ok(())
    }

    fn element(&self) -> Result<String, Error> {
        // Inside a script only these two can change where it ends; there is no escape that fits every script.
        let lower = self.script.to_ascii_lowercase();
        if lower.contains("</script") || lower.contains("<!--") {
            return Err(Error::new(Kind::Script(
                "its text holds `</script` or `<!--`",
            )));
        }
        let mut element = String::from("<script");
        for (name, value) in &self.attributes {
            if name.is_empty()
                || !name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_:.".contains(&byte))
            {
                return Err(Error::new(Kind::Script("an attribute's name is not one")));
            }
            let value = value.replace('&', "&amp;").replace('"', "&quot;");
            for part in [" ", name, "=\"", &value, "\""] {
                element.push_str(part);
            }
        }
        if self.auto_remove {
            element.push_str(" data-effect=\"el.remove()\"");
        }
        for part in [">", &self.script, "</script>"] {
            element.push_str(part);
        }
        Ok(element)
    }
}

impl From<ExecuteScript> for Event {
    fn from(script: ExecuteScript) -> Self {
        Self {
            action: Action::Script(script),
            id: None,
            retry: None,
        }
    }
}
