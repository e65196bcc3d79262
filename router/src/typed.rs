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
pub fn parse_var<'v, T>(
    name: &'static str,
    get: &dyn Fn(&str) -> Option<&'v str>,
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

/// Declares a [`TypedRoute`]: a struct of the variables of a path template.
///
/// Fields are parsed with [`FromStr`] and written with [`Display`]. A template that does not parse, or whose variables are not exactly the
/// fields, does not compile.
///
/// ```
/// use pleach_router::{Route, Tree, route};
///
/// route! {
///     /// The board of a game.
///     #[derive(Clone, PartialEq)]
///     pub struct GamePage = "/game/{id}/{cell:[0-8]}" { id: String, cell: u8 }
/// }
/// route! {
///     /// The lobby.
///     pub struct Dashboard = "/dashboard";
/// }
///
/// let tree = Tree::<&str>::build(
///     Route::root()
///         .child(Route::new("dashboard").typed::<Dashboard>().get("lobby"))
///         .child(Route::new("game").typed::<GamePage>().get("board")),
/// )
/// .unwrap();
/// assert_eq!(tree.link(&Dashboard).relative().unwrap(), "/dashboard");
/// assert_eq!(tree.link(&GamePage { id: "a/b".into(), cell: 8 }).relative().unwrap(), "/game/a%2Fb/8");
/// assert!(tree.link(&GamePage { id: "x".into(), cell: 9 }).relative().unwrap_err().is_ill_formed());
/// ```
///
/// A variable that the struct lacks does not compile:
/// ```compile_fail
/// pleach_router::route! { pub struct GamePage = "/game/{id}/{cell}" { id: String } }
/// ```
///
/// Neither does a field that the template lacks:
/// ```compile_fail
/// pleach_router::route! { pub struct GamePage = "/game/{id}" { id: String, cell: u8 } }
/// ```
///
/// Nor a template that is broken:
/// ```compile_fail
/// pleach_router::route! { pub struct GamePage = "/game/{id" { id: String } }
/// ```
///
/// Nor one that has variables where there is no struct to hold them:
/// ```compile_fail
/// pleach_router::route! { pub struct Dashboard = "/dashboard/{page}"; }
/// ```
///
/// Nor a link that misses a variable:
/// ```compile_fail
/// pleach_router::route! { pub struct GamePage = "/game/{id}" { id: String } }
/// let link = GamePage {};
/// ```
#[macro_export]
macro_rules! route {
    ($(#[$meta:meta])* $vis:vis struct $name:ident = $template:literal;) => {
        $(#[$meta])*
        #[derive(Debug)]
        $vis struct $name;
        $crate::route!(@impl $name, $template, {});
    };
    ($(#[$meta:meta])* $vis:vis struct $name:ident = $template:literal {
        $($(#[$field_meta:meta])* $field:ident: $type:ty),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Debug)]
        $vis struct $name {
            $($(#[$field_meta])* #[doc = concat!("The variable `", stringify!($field), "`.")] pub $field: $type,)*
        }
        $crate::route!(@impl $name, $template, { $($field)* });
    };
    (@impl $name:ident, $template:literal, { $($field:ident)* }) => {
        const _: () = $crate::check_template($template, &[$(stringify!($field)),*]);

        impl $crate::TypedRoute for $name {
            const TEMPLATE: &'static str = $template;
            const VARS: &'static [&'static str] = &[$(stringify!($field)),*];

            fn from_vars<'v>(_get: &dyn Fn(&str) -> Option<&'v str>) -> Result<Self, $crate::VarError> {
                Ok(Self { $($field: $crate::parse_var(stringify!($field), _get)?),* })
            }

            fn each_var(&self, _each: &mut dyn FnMut(&'static str, &dyn ::std::fmt::Display)) {
                $(_each(stringify!($field), &self.$field);)*
            }
        }
    };
}

/// Panics, when a typed route is compiled, unless the template parses and has exactly these variables. A const function can do no more than
/// walk bytes, so this reads just as much of a template as it takes to find the variables; the rest is checked when the tree is built.
#[doc(hidden)]
pub const fn check_template(template: &str, fields: &[&str]) {
    let text = template.as_bytes();
    let mut seen = 0_u64;
    let mut at = 0;
    while at < text.len() {
        let doubled = at + 1 < text.len() && text[at + 1] == text[at];
        match text[at] {
            b'{' | b'}' if doubled => at += 2,
            b'}' => panic!("the template has a closing brace that was never opened"),
            b'{' => {
                let mut start = at + 1;
                if start < text.len() && text[start] == b'*' {
                    start += 1;
                }
                let mut end = start;
                while end < text.len() && text[end] != b'}' && text[end] != b':' {
                    end += 1;
                }
                let field = field_at(text, start, end, fields);
                assert!(
                    field < fields.len(),
                    "the template names a variable that the struct lacks"
                );
                assert!(
                    seen & 1 << field == 0,
                    "the template names a variable twice"
                );
                seen |= 1 << field;
                at = variable_end(text, end);
            }
            _ => at += 1,
        }
    }
    assert!(
        seen.count_ones() as usize == fields.len(),
        "the struct has a field that the template lacks"
    );
}

/// The index of the field that is called as the template says between `start` and `end`, or how many fields there are.
const fn field_at(text: &[u8], start: usize, end: usize, fields: &[&str]) -> usize {
    let mut i = 0;
    while i < fields.len() {
        let field = fields[i].as_bytes();
        let mut same = 0;
        while same < field.len() && same < end - start && field[same] == text[start + same] {
            same += 1;
        }
        if same == field.len() && same == end - start {
            return i;
        }
        i += 1;
    }
    i
}

/// The place after the brace that closes a variable; braces of its regex are counted, escaped ones are not.
const fn variable_end(text: &[u8], mut at: usize) -> usize {
    let mut depth = 0;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 1,
            b'{' => depth += 1,
            b'}' if depth == 0 => return at + 1,
            b'}' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    panic!("the template has a brace that is never closed")
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
