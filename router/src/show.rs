//! The printed tree.

use std::fmt;

use crate::methods::methods_text;
use crate::tree::{RouteRef, Tree};

/// One line for each route, indented by its depth: name, pattern, methods and matchers.
///
/// ```
/// use pleach_router::{Route, Tree};
///
/// let show = Route::new("show").path("/{id}").get("show").delete("delete");
/// let game = Route::new("game").prefix("/game").host("{team}.example.com").child(show);
/// let tree: Tree<&str> = Tree::build(Route::root().child(game)).unwrap();
/// assert_eq!(tree.to_string(), "\
/// (root)
///   game         /game/**    prefix /game, host {team}.example.com
///     game.show  /game/{id}  GET, DELETE  path /{id}
/// ");
/// ```
impl<H> fmt::Display for Tree<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self
            .routes()
            .map(|route| "  ".repeat(route.depth()) + &route.title())
            .collect();
        let patterns: Vec<String> = self.routes().map(RouteRef::pattern).collect();
        let width = |texts: &[String]| {
            texts
                .iter()
                .map(|text| text.chars().count())
                .max()
                .unwrap_or_default()
        };
        let (name_width, pattern_width) = (width(&names), width(&patterns));
        for ((route, name), pattern) in self.routes().zip(&names).zip(&patterns) {
            // A route that says nothing about the path has none to show, unless it handles all paths.
            let bare = pattern == "/**" && route.handlers().next().is_none();
            let pattern = if bare { "" } else { pattern };
            let methods = methods_text(route.handlers().map(|(method, _)| method));
            let matchers = route.matchers().collect::<Vec<_>>().join(", ");
            let columns = [
                format!("{name:name_width$}"),
                format!("{pattern:pattern_width$}"),
                methods,
                matchers,
            ];
            let line = columns
                .into_iter()
                .filter(|column| !column.is_empty())
                .collect::<Vec<_>>()
                .join("  ");
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
