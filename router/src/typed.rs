//! Routes as plain structs of their variables.

use std::any::TypeId;
use std::error::Error;
use std::fmt::{self, Display};
use std::str::FromStr;

/// A route as a struct of its variables, declared with its template by [`route!`](crate::route!).
///
/// [`Route::typed`](crate::Route::typed) mounts it, [`Tree::link`](crate::Tree::link) makes its URL, and
/// [`TypedRoute::from_vars`] gives a handler the struct back.
pub trait TypedRoute: Sized + 'static {
    /// The path template.
    const TEMPLATE: &'static str;

    /// The names of the fields, which are the variables of the template.
    const VARS: &'static [&'static str];

    /// Parses the struct from the variables that a match caught; `get` finds the text of one by its name.
    ///
    /// # Errors
    /// Names the first variable that is absent or that its field's type can't be parsed from. Whether the visitor sees 404 (no such page)
    /// or 400 is for the application to choose.
    fn from_vars<'v>(get: &dyn Fn(&str) -> Option<&'v str>) -> Result<Self, VarError>;

    /// Hands every variable to `each`, in the order of [`TypedRoute::VARS`].
    fn each_var(&self, each: &mut dyn FnMut(&'static str, &dyn Display));
}

/// A variable that did not parse as its field's type.
#[derive(Debug)]
pub struct VarError {
    name: &'static str,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl VarError {
    /// The name of the variable.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// True when the match caught no variable of that name: the struct is read on a route that it was not mounted on.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.source.is_none()
    }
}

impl Display for VarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            Some(_) => write!(f, "variable `{}` is ill-formed", self.name),
            None => write!(f, "variable `{}` is absent", self.name),
        }
    }
}

impl Error for VarError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Parses one field. Called by the code that [`route!`](crate::route!) writes.
#[doc(hidden)]
pub fn parse_var<T>(
    name: &'static str,
    get: &dyn Fn(&str) -> Option<&'_ str>,
) -> Result<T, VarError>
where
    T: FromStr<Err: Into<Box<dyn Error + Send + Sync>>>,
{
    let text = get(name).ok_or(VarError { name, source: None })?;
    text.parse().map_err(|error: T::Err| VarError {
        name,
        source: Some(error.into()),
    })
}

/// The identity of a typed route, kept by the route that it is mounted on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TypeKey {
    pub(crate) id: TypeId,
    pub(crate) name: &'static str,
}

impl TypeKey {
    pub(crate) fn of<R: TypedRoute>() -> Self {
        Self {
            id: TypeId::of::<R>(),
            name: std::any::type_name::<R>(),
        }
    }
}
