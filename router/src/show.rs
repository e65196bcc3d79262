//! The printed tree.

use std::fmt;

use crate::methods::methods_text;
use crate::tree::{RouteRef, Tree};

/// One line for each route, indented by its depth: name, methods, pattern, what handles it, and the conditions that the pattern does not
/// show.
///
/// ```
/// use pleach_router::{Route, Tree};
///
/// let show = Route::new("show").path("/{id}").get("games::show").delete("games::delete");
/// let game = Route::new("game").prefix("/game").host("{team}.example.com").child(show);
/// let tree: Tree<&str> = Tree::build(Route::root().child(game)).unwrap();
/// assert_eq!(tree.to_string(), "\
/// (root)
///   game                      /game/**                                host {team}.example.com
///     game.show  GET, DELETE  /game/{id}  games::show, games::delete
/// ");
/// ```
impl<H: fmt::Display> fmt::Display for Tree<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<[String; COLUMNS]> = self.routes().map(columns).collect();
        let widths: [usize; COLUMNS] = std::array::from_fn(|column| {
            let width = |line: &[String; COLUMNS]| line[column].chars().count();
            lines.iter().map(width).max().unwrap_or_default()
        });
        for line in &lines {
            let mut text = String::new();
            for (column, width) in line.iter().zip(widths).filter(|(_, width)| *width > 0) {
                text.push_str(&format!("{column:width$}  "));
            }
            writeln!(f, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

const COLUMNS: usize = 5;

fn columns<H: fmt::Display>(route: RouteRef<'_, H>) -> [String; COLUMNS] {
    let name = "  ".repeat(route.depth()) + &route.title();
    let methods = methods_text(route.handlers().map(|(method, _)| method));
    let mut handlers: Vec<String> = Vec::new();
    for (_, handler) in route.handlers() {
        let handler = handler.to_string();
        if !handlers.contains(&handler) {
            handlers.push(handler);
        }
    }
    // A route that says nothing about the path has no pattern to show, unless it handles all paths.
    let pattern = route.pattern();
    let is_bare = pattern == "/**" && handlers.is_empty();
    let conditions: Vec<String> = route
        .matchers()
        .filter(|matcher| !matcher.starts_with("path ") && !matcher.starts_with("prefix "))
        .collect();
    [
        name,
        methods,
        if is_bare { String::new() } else { pattern },
        handlers.join(", "),
        conditions.join(", "),
    ]
}
