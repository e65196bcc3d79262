//! All views of all sources, compiled: what does not change between two reloads.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tera::{Kwargs, State, Tera, Value};

use crate::call::Call;
use crate::data::Data;
use crate::error::{Error, Kind};
use crate::fault::{Fault, Faults};
use crate::library::{ESCAPED, Library};
use crate::scan::position;
use crate::source::{Files, is_table};
use crate::table::Tables;
use crate::view::View;

/// A function of the application, by the name that templates call it by.
pub(crate) type Function = Arc<dyn Fn(&Call<'_>) -> Result<Value, String> + Send + Sync>;

/// One call of `url` in a template.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Link {
    /// Path of the template.
    pub template: String,
    /// Line of the call, from 1.
    pub line: usize,
    /// The route; `None` when an expression makes it, so that nothing can be said before it renders.
    pub route: Option<String>,
    /// Names of the other arguments, in the order in which they are written.
    pub vars: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Set {
    views: HashMap<String, Arc<View>>,
    library: Library,
}

impl Set {
    /// Compiles the files of all sources, of which later ones override earlier ones.
    pub(crate) fn compile(
        sources: &[Files],
        functions: &BTreeMap<Cow<'static, str>, Function>,
    ) -> Result<Self, Faults> {
        let mut tables = Tables::default();
        let mut templates = Files::new();
        for files in sources {
            for (path, text) in files {
                if is_table(path) {
                    tables.read(path, text);
                } else {
                    templates.insert(path.clone(), text.clone());
                }
            }
        }
        let (library, mut faults) = Library::new(templates);
        let resolved = tables.resolve(|path| library.templates.contains_key(path));
        faults.extend(tables.faults.drain(..));

        let engine = engine(functions);
        let mut views = HashMap::new();
        for (name, view) in &resolved {
            match View::compile(name, view, &library, &engine) {
                Ok(Some(view)) => drop(views.insert(name.clone(), Arc::new(view))),
                Ok(None) => {}
                Err(found) => faults.extend(found),
            }
        }
        for (name, target, table) in tables.aliases() {
            match views.get(target) {
                Some(view) => drop(views.insert(name.to_owned(), Arc::clone(view))),
                // A target that has a fault of its own has been reported.
                None if faults.is_empty() => {
                    let message =
                        format!("`{target}` is only a base of others and can't be rendered");
                    faults.insert(Fault::in_view(table, name, message));
                }
                None => {}
            }
        }
        if faults.is_empty() {
            Ok(Self { views, library })
        } else {
            Err(Faults::new(faults))
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.views.contains_key(name)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.views.keys().cloned().collect();
        names.sort_unstable();
        names
    }

    pub(crate) fn calls(&self, view: &str, function: &str) -> bool {
        self.views
            .get(view)
            .is_some_and(|view| view.calls(function))
    }

    pub(crate) fn render(&self, name: &str, data: &Data) -> Result<String, Error> {
        self.view(name)?
            .render(variables(name, data)?)
            .map_err(|error| Error::of_engine(&error, name, &self.library))
    }

    pub(crate) fn fragment(
        &self,
        name: &str,
        fragment: &str,
        data: &Data,
    ) -> Result<String, Error> {
        match self.view(name)?.fragment(fragment, variables(name, data)?) {
            Some(rendered) => {
                rendered.map_err(|error| Error::of_engine(&error, name, &self.library))
            }
            None => Err(Kind::UnknownFragment {
                view: name.to_owned(),
                fragment: fragment.to_owned(),
            }
            .into()),
        }
    }

    pub(crate) fn links(&self) -> Vec<Link> {
        let mut links = Vec::new();
        for (path, template) in &self.library.templates {
            links.extend(template.scan.links.iter().map(|link| Link {
                template: path.clone(),
                line: position(&template.text, link.offset).0,
                route: link.route.clone(),
                vars: link.vars.clone(),
            }));
        }
        links
    }

    fn view(&self, name: &str) -> Result<&View, Error> {
        let view = self.views.get(name).ok_or_else(|| Kind::UnknownView {
            view: name.to_owned(),
        })?;
        Ok(view)
    }
}

fn variables<'d>(view: &str, data: &'d Data) -> Result<&'d tera::Context, Error> {
    data.variables().map_err(|message| {
        Kind::Data {
            view: view.to_owned(),
            message: message.to_owned(),
        }
        .into()
    })
}

/// An engine without templates, for each view to begin with.
fn engine(functions: &BTreeMap<Cow<'static, str>, Function>) -> Tera {
    let mut engine = Tera::new();
    engine.autoescape_on(ESCAPED);
    for (name, function) in functions {
        let function = Arc::clone(function);
        engine.register_function(name.clone(), move |arguments: Kwargs, state: &State<'_>| {
            function(&Call::new(&arguments, state)).map_err(tera::Error::message)
        });
    }
    engine
}
