//! Views: named sets of [Tera] templates that inherit from each other, with fragments for live pages.
//!
//! # Views and parts
//!
//! A view has parts, each a template: `main` lays the page out, `content` is what it is about, and there may be any
//! others. A table, `views.toml` (or `views.json` of the same shape), says which:
//!
//! ```toml
//! site      = { main = "layout.html", nav = "nav.html" }
//! landing   = { parent = "site" }
//! game      = { parent = "site", nav = "game/nav.html" }
//! error     = { parent = "site" }
//! notfound  = { alias = "error" }
//! apperror  = {}
//!
//! [game.print]                  # the view `game.print`, a child of `game`
//! main = "print.html"
//! ```
//!
//! - A child inherits its parent's parts and overrides some. Its parent is the table around it, unless it names another
//!   as `parent`.
//! - `content` is, if not said or inherited, the view's name with dots as slashes and `.html`: `game/print.html`.
//! - `alias` takes all of another view under a second name.
//! - A view that others inherit from and that has no content, like `site`, is only a base and can't be rendered.
//!
//! In a template, the name of a part stands for its file in the view at hand. So a layout can show the parts, and a page
//! can fill the blocks of whatever lays it out:
//!
//! ```html
//! <!-- layout.html -->                          <!-- game.html -->
//! <title>{% block title %}{% endblock %}        {% extends "main" %}
//! </title>                                      {% block title %}{{ game.name }}{% endblock %}
//! {% include "nav" %}                           {% block body %}
//! {% block body %}{% endblock %}                  {% block board %}…{% endblock %}
//!                                               {% endblock %}
//! ```
//!
//! or, where no block is needed, a layout says `{% include "content" %}` and the page is plain. A page that extends
//! `main`, or any layout by its path, is rendered itself; any other is what `main` includes. `main` can only be extended
//! by that name, other parts only be included. Everything else in a template is plain Tera.
//!
//! # Fragments
//!
//! [`Views::fragment`] renders one block or component of a view alone, from the same file as the page: `board` above,
//! for a patch of a live page.
//!
//! # Functions
//!
//! [`Builder::function`] adds functions of the application. This crate knows nothing of routes or requests: what a
//! function should know of the request at hand is put into the [`Data`] of the render as the variable [`REQUEST`],
//! and found by [`Call::request`] wherever the call stands. One function has a meaning here: what templates give to
//! `url(route="…")` is listed by [`Views::links`] to be checked before the first request.
//!
//! # Files
//!
//! `.html`, `.htm`, `.xml` and `.svg` are templates in which values are escaped (`& < > " '`: enough for text and quoted
//! attributes); in `.txt` they are not, except where a page includes it. Other files, and hidden ones, are left alone.
//! Sources share one space of paths, where later sources override earlier ones: a library keeps its templates in a
//! folder of its own name, and an application replaces what it likes.
//!
//! ```
//! use pleach_views::{Call, Source, Views, data};
//!
//! let views = Views::builder()
//!     .source(Source::embedded(&[           // or embed!("$CARGO_MANIFEST_DIR/views")
//!         ("views.toml", r#"game = { main = "layout.html" }"#),
//!         ("layout.html", "<main>{% block body %}{% endblock %}</main>"),
//!         ("game.html", r#"{% extends "main" %}
//!             {% block body %}<a href="{{ url(route='lobby') }}">{% block turn %}{{ turn }}'s turn{% endblock %}</a>{% endblock %}"#),
//!     ]))
//!     .function("url", |call: &Call<'_>| Ok::<_, String>(format!("/{}", call.text("route")?)))
//!     .build()?;
//!
//! let data = data! { turn => "Ada" };
//! assert_eq!(views.render("game", &data)?, "<main><a href=\"/lobby\">Ada's turn</a></main>");
//! assert_eq!(views.fragment("game", "turn", &data)?, "Ada's turn");
//! assert_eq!(views.links()[0].route.as_deref(), Some("lobby"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is absent on purpose
//!
//! No async, no HTTP, no router. No globals and no thread-local state: one engine serves all requests at once, and two
//! applications fit in a process. No engine type in the interface but [`Value`], which functions take and give; wrapping
//! it would mean to serialise everything twice.
//!
//! [Tera]: https://keats.github.io/tera/

mod call;
mod data;
mod error;
mod fault;
mod library;
mod reach;
mod reload;
mod scan;
mod set;
mod source;
mod table;
mod view;
mod views;

pub use call::{Call, REQUEST};
pub use data::Data;
pub use error::Error;
pub use fault::{Fault, Faults, Place};
pub use set::Link;
pub use source::Source;
pub use tera::Value;
pub use views::{Builder, Views};

#[doc(hidden)]
pub use include_dir as __include_dir;
