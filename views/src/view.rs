//! One view, compiled: an engine that holds the templates which this view reaches, and nothing else.
//!
//! Every view has an engine of its own because the same layout means something else in each: its `{% include "nav" %}`
//! is another file here than there. A part's name becomes a one-line template that passes on to the part's file, so
//! that the engine does the rest and its messages name real files.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tera::Tera;

use crate::fault::Fault;
use crate::library::{ESCAPED, Library, is_template};
use crate::scan::Reference;
use crate::table::{CONTENT, MAIN, Resolved};

/// How many templates may stand in a chain of `extends` and `include`. The engine's stack grows with it.
const MAX_CHAIN: usize = 32;

#[derive(Debug)]
pub(crate) struct View {
    engine: Tera,
    /// The template that renders the whole page.
    start: String,
    fragments: HashMap<String, Fragment>,
    functions: BTreeSet<String>,
}

#[derive(Debug)]
enum Fragment {
    /// A template that is this block alone.
    Alone(String),
    /// A block that can't be understood without its page, as it calls `super()` or holds blocks that are overridden
    /// elsewhere. The engine renders the template and keeps only the block.
    Within(String),
    Component {
        parameters: Vec<String>,
        escaped: bool,
    },
}

/// The way through the templates of a view.
struct Walk<'l> {
    library: &'l Library,
    view: &'l str,
    resolved: &'l Resolved,
    /// Templates in the order in which they are reached, with the length of the longest chain below each.
    heights: BTreeMap<&'l str, usize>,
    order: Vec<&'l str>,
    /// Part names that are referred to.
    parts: BTreeSet<&'l str>,
    faults: Vec<Fault>,
}

impl View {
    /// Compiles a view with the functions that `functions` holds; `None` for a base that only others complete.
    pub(crate) fn compile(
        name: &str,
        resolved: &Resolved,
        library: &Library,
        functions: &Tera,
    ) -> Result<Option<Self>, Vec<Fault>> {
        let mut walk = Walk {
            library,
            view: name,
            resolved,
            heights: BTreeMap::new(),
            order: Vec::new(),
            parts: BTreeSet::new(),
            faults: Vec::new(),
        };
        let compiled = walk.start().and_then(|start| {
            walk.enter(start, &mut Vec::new());
            walk.enter_components();
            walk.check_content(start);
            if walk.faults.is_empty() {
                walk.compile(start, functions)
            } else {
                None
            }
        });
        match compiled {
            Some(view) => Ok(Some(view)),
            None if resolved.is_base => Ok(None),
            None => Err(walk.faults),
        }
    }

    pub(crate) fn calls(&self, function: &str) -> bool {
        self.functions.contains(function)
    }

    pub(crate) fn render(&self, variables: &tera::Context) -> tera::TeraResult<String> {
        self.engine.render(&self.start, variables)
    }

    /// Renders a block or component; `None` if the view has none of that name.
    pub(crate) fn fragment(
        &self,
        name: &str,
        variables: &tera::Context,
    ) -> Option<tera::TeraResult<String>> {
        Some(match self.fragments.get(name)? {
            Fragment::Alone(template) => self.engine.render(template, variables),
            Fragment::Within(template) => self.engine.render_block(template, name, variables),
            Fragment::Component {
                parameters,
                escaped,
            } => {
                // The engine refuses arguments that the component does not know.
                let mut arguments = tera::Context::new();
                for parameter in parameters {
                    if let Some(value) = variables.get(parameter) {
                        arguments.insert_value(parameter.clone(), value.clone());
                    }
                }
                self.engine
                    .render_component_with_implicits(name, &arguments, variables, None, *escaped)
            }
        })
    }
}

impl<'l> Walk<'l> {
    /// The template to render: a content that extends something lays itself out, any other is laid out by `main`.
    fn start(&mut self) -> Option<&'l str> {
        let (main, content) = (self.part(MAIN), self.part(CONTENT));
        let extends =
            content.and_then(|path| self.library.templates.get(path)?.scan.extends.as_ref());
        let start = if extends.is_some() {
            content
        } else {
            main.or(content)
        };
        if start.is_none() {
            self.table_fault(format!("there is no template `{}`", self.content_by_name()));
        }
        start
    }

    fn part(&self, name: &str) -> Option<&'l str> {
        self.resolved.parts.get(name).map(String::as_str)
    }

    fn content_by_name(&self) -> String {
        format!("{}.html", self.view.replace('.', "/"))
    }

    fn table_fault(&mut self, message: String) {
        self.faults.push(Fault::in_file(
            &self.resolved.table,
            format!("view `{}`: {message}", self.view),
        ));
    }

    fn fault(&mut self, path: &str, reference: &Reference, message: String) {
        let template = &self.library.templates[path];
        self.faults.push(template.fault(
            path,
            reference.offset,
            format!("view `{}`: {message}", self.view),
        ));
    }

    /// Visits a template and all that it extends and includes; returns the longest chain from here on.
    fn enter(&mut self, path: &'l str, chain: &mut Vec<&'l str>) -> usize {
        if let Some(height) = self.heights.get(path) {
            return *height;
        }
        let Some(template) = self.library.templates.get(path) else {
            return 0;
        };
        chain.push(path);
        self.order.push(path);
        let mut height = 0;
        let scan = &template.scan;
        let extends = scan.extends.iter().map(|reference| (reference, true));
        let includes = scan.includes.iter().map(|reference| (reference, false));
        for (reference, is_extends) in extends.chain(includes) {
            let Some(next) = self.follow(path, reference, is_extends) else {
                continue;
            };
            if let Some(from) = chain.iter().position(|passed| *passed == next) {
                let circle = [&chain[from..], &[next]].concat().join(" → ");
                self.fault(
                    path,
                    reference,
                    format!("`{next}` contains itself: {circle}"),
                );
                continue;
            }
            let below = if chain.len() < MAX_CHAIN {
                self.enter(next, chain)
            } else {
                MAX_CHAIN
            };
            if chain.len() + below > MAX_CHAIN {
                self.fault(
                    path,
                    reference,
                    format!("more than {MAX_CHAIN} templates in a chain"),
                );
                continue;
            }
            height = height.max(below);
        }
        chain.pop();
        self.heights.insert(path, height + 1);
        height + 1
    }

    /// Finds the template that a reference means in this view.
    fn follow(
        &mut self,
        path: &str,
        reference: &'l Reference,
        is_extends: bool,
    ) -> Option<&'l str> {
        let name = reference.name.as_str();
        if let Some((path, _)) = self.library.templates.get_key_value(name) {
            return Some(path);
        }
        if is_template(name) {
            self.faults
                .push(self.library.templates[path].missing(path, reference));
            return None;
        }
        let part = self.part(name);
        if part.is_some() && is_extends != (name == MAIN) {
            self.fault(
                path,
                reference,
                "`main` can only be extended, other parts only be included".to_owned(),
            );
            return None;
        }
        if part.is_none() {
            let message = match name {
                CONTENT => format!("there is no template `{}`", self.content_by_name()),
                name => format!("it has no part `{name}`"),
            };
            self.fault(path, reference, message);
        }
        self.parts.insert(name);
        part
    }

    /// Visits the templates that define the components called so far, and those that are called in these.
    fn enter_components(&mut self) {
        let mut next = 0;
        while let Some(path) = self.order.get(next) {
            next += 1;
            for component in &self.library.templates[*path].scan.component_calls {
                if let Some(path) = self.library.components.get(component) {
                    self.enter(path, &mut Vec::new());
                }
            }
        }
    }

    /// A layout that forgets the content would make every page look alike, without a word.
    fn check_content(&mut self, start: &str) {
        if let Some(content) = self.part(CONTENT) {
            if !self.order.contains(&content) {
                self.table_fault(format!(
                    "`{content}` is shown nowhere: let it extend \"main\", or `{start}` include \"content\""
                ));
            }
        }
    }

    fn compile(&mut self, start: &str, functions: &Tera) -> Option<View> {
        let library = self.library;
        let mut texts = BTreeMap::new();
        for path in &self.order {
            texts.insert(
                (*path).to_owned(),
                library.templates[*path].compiled().into_owned(),
            );
        }
        for part in &self.parts {
            let verb = if *part == MAIN { "extends" } else { "include" };
            texts.insert(
                (*part).to_owned(),
                format!("{{% {verb} \"{}\" %}}", self.resolved.parts[*part]),
            );
        }
        let mut fragments = HashMap::new();
        for root in self.roots(start) {
            self.add_blocks(root, &mut fragments, &mut texts);
        }
        let mut engine = functions.clone();
        if let Err(error) = engine.add_raw_templates(texts) {
            self.faults.extend(Fault::of_engine(&error, start, library));
            return None;
        }
        let mut called = BTreeSet::new();
        for path in &self.order {
            let scan = &library.templates[*path].scan;
            called.extend(scan.function_calls.iter().cloned());
            let escaped = ESCAPED.iter().any(|suffix| path.ends_with(suffix));
            for component in &scan.components {
                let Some(definition) = engine.get_component_definition(&component.name) else {
                    continue;
                };
                let parameters = definition
                    .args()
                    .iter()
                    .map(|argument| argument.name().to_owned())
                    .collect();
                fragments
                    .entry(component.name.clone())
                    .or_insert(Fragment::Component {
                        parameters,
                        escaped,
                    });
            }
        }
        Some(View {
            engine,
            start: start.to_owned(),
            fragments,
            functions: called,
        })
    }

    /// Templates whose blocks are rendered, the content first: the start and whatever is included.
    fn roots(&self, start: &'l str) -> Vec<&'l str> {
        let mut roots: Vec<&str> = self.part(CONTENT).into_iter().chain([start]).collect();
        for path in &self.order {
            for include in &self.library.templates[*path].scan.includes {
                roots.push(self.part(&include.name).unwrap_or(&include.name));
            }
        }
        roots
    }

    /// Adds the blocks of a template and of those it extends, as they are when that template is rendered.
    fn add_blocks(
        &self,
        root: &'l str,
        fragments: &mut HashMap<String, Fragment>,
        texts: &mut BTreeMap<String, String>,
    ) {
        let mut overridden: BTreeSet<&str> = BTreeSet::new();
        let mut next = Some(root);
        while let Some(path) = next {
            let template = &self.library.templates[path];
            let blocks = &template.scan.blocks;
            for block in blocks {
                if fragments.contains_key(&block.name) {
                    continue;
                }
                let holds_overridden = blocks.iter().any(|inner| {
                    block.range.contains(&inner.range.start)
                        && inner.name != block.name
                        && overridden.contains(inner.name.as_str())
                });
                let fragment = if block.calls_super || holds_overridden {
                    Fragment::Within(root.to_owned())
                } else {
                    let (name, text) = template.fragment(path, block);
                    texts.insert(name.clone(), text);
                    Fragment::Alone(name)
                };
                fragments.insert(block.name.clone(), fragment);
            }
            overridden.extend(blocks.iter().map(|block| block.name.as_str()));
            next = template
                .scan
                .extends
                .as_ref()
                .map(|parent| self.part(&parent.name).unwrap_or(&parent.name));
        }
    }
}
