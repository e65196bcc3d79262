//! The values that a template shows.

use std::borrow::Cow;

use serde::Serialize;
use tera::Value;

/// Named values for one render.
///
/// Each value is serialised once, straight into the engine's own [`Value`]: going through `serde_json::Value` costs more
/// than twice the time of rendering a page. A value that can't be serialised (a map with struct keys, say) does not
/// panic: the render that gets this data reports it, with the variable's name.
///
/// Cloning shares strings, lists and maps, it does not copy them.
///
/// ```
/// # use pleach_views::{Data, data};
/// let players = ["Ada", "Grace"];
/// let data = data! { players, turn => "Ada" };
/// assert_eq!(data, Data::new().with("players", &players).with("turn", "Ada"));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Data {
    variables: tera::Context,
    /// The first value that could not be serialised, and why.
    fault: Option<String>,
}

impl Data {
    /// Makes data without values.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes data out of a struct or map with string keys: each field becomes a variable.
    pub fn from_fields<T: Serialize + ?Sized>(fields: &T) -> Self {
        match tera::Context::from_serialize(fields) {
            Ok(variables) => Self {
                variables,
                fault: None,
            },
            Err(error) => Self {
                variables: tera::Context::new(),
                fault: Some(error.to_string()),
            },
        }
    }

    /// Adds a value, or replaces the one of that name.
    #[must_use]
    pub fn with<T: Serialize + ?Sized>(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: &T,
    ) -> Self {
        self.insert(name, value);
        self
    }

    /// Adds a value, or replaces the one of that name.
    pub fn insert<T: Serialize + ?Sized>(&mut self, name: impl Into<Cow<'static, str>>, value: &T) {
        let name = name.into();
        match Value::try_from_serializable(value) {
            Ok(value) => self.variables.insert_value(name, value),
            Err(error) => {
                self.fault = Some(format!("variable `{name}` can't be serialised: {error}"))
            }
        }
    }

    /// Adds a ready value without serialising it again: the way to share one large value among many renders.
    pub fn insert_value(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Value>) {
        self.variables.insert_value(name, value.into());
    }

    /// Adds all values of `other`; where both have a name, the value of `other` stays.
    pub fn extend(&mut self, other: Self) {
        let Self { variables, fault } = other;
        self.variables.extend(variables);
        self.fault = fault.or(self.fault.take());
    }

    /// Looks a value up.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.variables.get(name)
    }

    /// The variables, if all could be serialised.
    pub(crate) fn variables(&self) -> Result<&tera::Context, &str> {
        self.fault.as_deref().map_or(Ok(&self.variables), Err)
    }
}

/// Makes [`Data`] from names and values: `data! { game, turn => "Ada" }`.
///
/// A bare name takes the local variable of that name. Values are borrowed, never moved.
#[macro_export]
macro_rules! data {
    (@add $data:ident,) => {};
    (@add $data:ident, $name:ident => $value:expr $(, $($rest:tt)*)?) => {
        $data.insert(stringify!($name), &$value);
        $crate::data!(@add $data, $($($rest)*)?);
    };
    (@add $data:ident, $name:ident $(, $($rest:tt)*)?) => {
        $data.insert(stringify!($name), &$name);
        $crate::data!(@add $data, $($($rest)*)?);
    };
    () => { $crate::Data::new() };
    ($($entries:tt)+) => {{
        let mut data = $crate::Data::new();
        $crate::data!(@add data, $($entries)+);
        data
    }};
}
