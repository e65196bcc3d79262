//! Views with what the base knows: the request, URLs, assets, flash messages.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Uri;
use pleach_router::Tree;
use pleach_views::{Call, Data, REQUEST, Source, Value, Views};
use serde::Serialize;

use crate::app::BaseApp;
use crate::assets::Assets;
use crate::context::Context;
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};

/// The views of an application that brings none of its own.
pub(crate) fn default_views() -> Source {
    Source::embedded(&[
        ("views.toml", include_str!("default_views/views.toml")),
        ("layout.html", include_str!("default_views/layout.html")),
        ("problem.html", include_str!("default_views/problem.html")),
        ("apperror.html", include_str!("default_views/apperror.html")),
    ])
}

/// The style sheet of [`default_views`].
pub(crate) const DEFAULT_STYLE: &[u8] = include_bytes!("default_views/pleach.css");

/// Compiles the views and gives their templates the functions of the base.
pub(crate) fn build_views(
    sources: Vec<Source>,
    reload: bool,
    tree: &Arc<Tree<Endpoint>>,
    assets: &Arc<Assets>,
) -> std::result::Result<Views, pleach_views::Faults> {
    let (tree, assets) = (Arc::clone(tree), Arc::clone(assets));
    let mut builder = Views::builder().reload(reload);
    for source in sources {
        builder = builder.source(source);
    }
    builder
        .function("url", move |call| url(&tree, call))
        .function("asset", move |call| asset(&assets, call))
        .function("flash", |call| {
            Ok::<_, String>(call.variable(FLASH).unwrap_or_else(Value::none))
        })
        .function("cx", |call| {
            Ok::<_, String>(call.request().unwrap_or_else(Value::none))
        })
        .build()
}

/// The variable that holds the flash messages of a page.
pub(crate) const FLASH: &str = "z_flash";

/// `url(route="game", id=42)`: the URL of a route, seen from the route at hand; `absolute=true` adds scheme and host.
fn url(tree: &Tree<Endpoint>, call: &Call<'_>) -> std::result::Result<String, String> {
    let request = call.request().unwrap_or_else(Value::none);
    let from = request
        .get_from_path("route_name")
        .and_then(Value::as_str)
        .and_then(|name| tree.id(name));
    let mut url = tree.url_from(from, call.text("route")?);
    let mut absolute = is_absolute(&request);
    for (name, value) in call.arguments() {
        match name {
            "route" => {}
            "absolute" => absolute = value.as_bool().unwrap_or_default(),
            _ => url = url.var(name, value),
        }
    }
    let vars = request.get_from_path("vars").and_then(Value::as_map);
    if let Some(from) = from {
        url = url.inherit_from(from, |name| {
            vars?
                .iter()
                .find(|(key, _)| key.as_str() == Some(name))?
                .1
                .as_str()
        });
    }
    let made = if absolute {
        url.absolute(base(&request)?)
    } else {
        url.relative()
    };
    made.map_err(|error| error.to_string())
}

/// Whether links are absolute unless they say otherwise, as in a mail.
fn is_absolute(request: &Value) -> bool {
    request
        .get_from_path("absolute")
        .and_then(Value::as_bool)
        .unwrap_or_default()
}

fn base(request: &Value) -> std::result::Result<&str, String> {
    request
        .get_from_path("base")
        .and_then(Value::as_str)
        .ok_or_else(|| "an absolute URL needs a request".to_owned())
}

/// `asset(path="game.css")`: the URL of a static file, with the fingerprint of its content.
fn asset(assets: &Assets, call: &Call<'_>) -> std::result::Result<String, String> {
    let path = call.text("path")?;
    let url = assets
        .url(path)
        .ok_or_else(|| format!("there is no asset `{path}`"))?;
    let request = call.request().unwrap_or_else(Value::none);
    if is_absolute(&request) {
        Ok(format!("{}{url}", base(&request)?))
    } else {
        Ok(url.to_owned())
    }
}

/// What templates know of a request.
#[derive(Serialize)]
struct RequestView<'a> {
    request_id: String,
    path: &'a str,
    route_name: Option<&'a str>,
    /// Scheme and host.
    base: String,
    /// Whether links have scheme and host where they don't say.
    absolute: bool,
    vars: BTreeMap<&'a str, &'a str>,
}

impl BaseApp {
    /// Renders a view for a request.
    ///
    /// Templates see the given data and, from the base, `z_app`, `z_tier` and `z_cx` with `request_id`, `path`, `route_name` and `base`
    /// (scheme and host). `flash()` gives the messages that were set for this page with [`Session::flash`](crate::Session::flash).
    ///
    /// # Errors
    /// 500 when there is no such view or a template fails.
    pub fn render(&self, cx: &Context, view: &str, data: Data) -> Result<String> {
        Ok(self.0.views.render(view, &self.dress(cx, data, None))?)
    }

    /// Renders one block or component of a view, as a live patch wants it.
    ///
    /// # Errors
    /// 500 when there is no such fragment or a template fails.
    pub fn render_fragment(
        &self,
        cx: &Context,
        view: &str,
        fragment: &str,
        data: Data,
    ) -> Result<String> {
        let data = self.dress(cx, data, None);
        Ok(self.0.views.fragment(view, fragment, &data)?)
    }

    /// Renders a view that depends on nothing, from templates that are known to be whole.
    pub(crate) fn render_alone(&self, view: &str, data: &Data) -> Result<String> {
        self.0
            .views
            .last_good()
            .render(view, data)
            .map_err(Error::from)
    }

    #[cfg(feature = "mail")]
    pub(crate) fn has_view(&self, view: &str) -> bool {
        self.0.views.has(view)
    }

    /// Renders a view for readers elsewhere: its links lead to the public URL, whatever host this request named.
    #[cfg(feature = "mail")]
    pub(crate) fn render_elsewhere(&self, cx: &Context, view: &str, data: Data) -> Result<String> {
        let url = self.0.public_url.as_ref().ok_or_else(|| {
            Error::internal("mail has links to the public URL, and the application was given none")
        })?;
        Ok(self
            .0
            .views
            .render(view, &self.dress(cx, data, Some(url)))?)
    }

    /// Adds what the base knows. For readers `elsewhere` links are absolute, and begin with that URL.
    fn dress(&self, cx: &Context, data: Data, elsewhere: Option<&Uri>) -> Data {
        let base = match elsewhere {
            None => format!("{}://{}", cx.scheme(), cx.host()),
            Some(url) => url.to_string().trim_end_matches('/').to_owned(),
        };
        let Shared(mut dressed) = cx.get().unwrap_or_default();
        dressed.extend(data);
        let request = RequestView {
            request_id: cx.request_id().to_string(),
            path: cx.path(),
            route_name: cx.route_name(),
            base,
            absolute: elsewhere.is_some(),
            vars: cx.vars().into_iter().collect(),
        };
        dressed.insert(REQUEST, &request);
        dressed.insert("z_app", self.name());
        dressed.insert("z_tier", self.tier().as_str());
        dressed
    }
}

/// What every view of a request is given.
#[derive(Clone, Default)]
struct Shared(Data);

impl Context {
    /// Gives every view that is rendered for this request from now on a variable, error pages among them: who is logged in,
    /// for the layout's sake. A view's own variable of that name wins.
    pub fn share<T: Serialize + ?Sized>(&self, name: &'static str, value: &T) {
        let Shared(mut data) = self.get().unwrap_or_default();
        data.insert(name, value);
        self.insert(Shared(data));
    }
}
