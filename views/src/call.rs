//! What a function of the application sees when a template calls it.

use std::fmt;

use tera::{Kwargs, State, Value};

/// The variable that holds what the base knows of the request: whatever [`Call::request`] should find.
///
/// It reaches templates as any variable does, and components too, which otherwise see nothing but their arguments.
pub const REQUEST: &str = "z_cx";

/// One call out of a template, such as `url(route="game", id=game.id)`.
///
/// A function gets all that it may know of the render through this, so that it needs no global and no thread-local
/// state, and one engine serves all requests at once.
pub struct Call<'a> {
    arguments: &'a Kwargs,
    state: &'a State<'a>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(arguments: &'a Kwargs, state: &'a State<'a>) -> Self {
        Self { arguments, state }
    }

    /// Iterates over all arguments, in no particular order.
    pub fn arguments(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.arguments
            .iter()
            .filter_map(|(name, value)| Some((name.as_str()?, value)))
    }

    /// Looks an argument up.
    pub fn argument(&self, name: &str) -> Option<&Value> {
        self.arguments()
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// Looks up a string argument that the function can't do without.
    ///
    /// # Errors
    /// A sentence for the author of the template when the argument is absent or no string.
    pub fn text(&self, name: &str) -> Result<&str, String> {
        match self.argument(name) {
            Some(value) => value
                .as_str()
                .ok_or_else(|| format!("argument `{name}` must be a string")),
            None => Err(format!("argument `{name}` is missing")),
        }
    }

    /// Looks up a variable as the calling template would: loop and `set` variables first, then the render's [`Data`].
    ///
    /// Inside a component only its own parameters and [`REQUEST`] are visible.
    ///
    /// [`Data`]: crate::Data
    pub fn variable(&self, name: &str) -> Option<Value> {
        self.state.get::<Value>(name).ok().flatten()
    }

    /// Looks up the value of [`REQUEST`], from anywhere, also from inside a component.
    pub fn request(&self) -> Option<Value> {
        self.variable(REQUEST).filter(|value| !value.is_none())
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.arguments()).finish()
    }
}
