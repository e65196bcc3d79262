//! A page on its way: a view with what it shows.

use http::StatusCode;
use pleach_views::Data;
use serde::Serialize;

use crate::context::Context;
use crate::error::Result;
use crate::response::{Html, IntoResponse, Response};

/// A view and its variables, made by [`Context::view`]; it renders when it is returned.
///
/// The base adds variables whose names begin with `z_`: see [`BaseApp::render`](crate::BaseApp::render).
#[must_use]
#[derive(Debug)]
pub struct View {
    name: &'static str,
    data: Data,
    status: StatusCode,
}

impl View {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            data: Data::new(),
            status: StatusCode::OK,
        }
    }

    /// Gives the templates a variable. It is serialised here, once.
    pub fn with<T: Serialize + ?Sized>(mut self, name: &'static str, value: &T) -> Self {
        self.data.insert(name, value);
        self
    }

    /// Sets the status. Default: 200.
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    #[cfg(feature = "mail")]
    pub(crate) fn into_parts(self) -> (&'static str, Data) {
        let Self {
            name,
            data,
            status: _,
        } = self;
        (name, data)
    }

    /// Renders one fragment (a block or component) of the view alone, as a live patch wants it.
    ///
    /// # Errors
    /// When the view has no such fragment or the template fails.
    pub fn fragment(self, cx: &Context, fragment: &str) -> Result<String> {
        cx.app().render_fragment(cx, self.name, fragment, self.data)
    }
}

impl IntoResponse for View {
    fn into_response(self, cx: &Context) -> Result<Response> {
        let html = cx.app().render(cx, self.name, self.data)?;
        (self.status, Html(html)).into_response(cx)
    }
}
