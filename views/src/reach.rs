//! Which templates a view reaches from its start, and whether they fit together.

use std::collections::{BTreeMap, BTreeSet};

use crate::fault::Fault;
use crate::library::{Library, Template, is_template};
use crate::scan::Reference;
use crate::table::{CONTENT, MAIN, Resolved, content_by_name};

/// How many templates, and blocks in them, may stand inside each other: the engine recurses along them.
pub(crate) const MAX_DEPTH: usize = 48;

/// The templates of one view, and the faults that were found on the way through them.
pub(crate) struct Reach<'l> {
    library: &'l Library,
    view: &'l str,
    resolved: &'l Resolved,
    /// The template that renders the whole page.
    pub(crate) start: &'l str,
    /// All templates, in the order in which they are reached.
    pub(crate) templates: Vec<&'l str>,
    /// The parts that they name.
    pub(crate) parts: BTreeSet<&'l str>,
    /// What they include that does not exist.
    pub(crate) missing: BTreeSet<&'l str>,
    /// How many levels there are from a template on.
    heights: BTreeMap<&'l str, usize>,
    /// Whether the engine could not even look at the templates.
    pub(crate) is_broken: bool,
    pub(crate) faults: Vec<Fault>,
}

#[derive(Clone, Copy, PartialEq)]
enum Tie {
    Extends,
    Includes,
}

impl<'l> Reach<'l> {
    /// Walks from the view's start; fails when it has none.
    pub(crate) fn of(
        view: &'l str,
        resolved: &'l Resolved,
        library: &'l Library,
    ) -> Result<Self, Fault> {
        let part = |name| resolved.parts.get(name).map(String::as_str);
        let content = part(CONTENT);
        // A content that extends something lays itself out; any other is laid out by `main`.
        let lays_itself_out = |path: &&str| library.templates[*path].scan.extends.is_some();
        let start = content.filter(lays_itself_out).or(part(MAIN)).or(content);
        let start = start.ok_or_else(|| {
            let message = format!("there is no template `{}`", content_by_name(view));
            Fault::in_view(&resolved.table, view, message)
        })?;
        let mut reach = Self {
            library,
            view,
            resolved,
            start,
            templates: Vec::new(),
            parts: BTreeSet::new(),
            missing: BTreeSet::new(),
            heights: BTreeMap::new(),
            is_broken: false,
            faults: Vec::new(),
        };
        reach.enter(start, &mut Vec::new(), 0);
        reach.enter_components();
        reach.check_content();
        Ok(reach)
    }

    /// The template that `extends` or `include` means by a name in this view, if it exists.
    pub(crate) fn target(&self, name: &str) -> Option<&'l str> {
        let path = self.resolved.parts.get(name).map_or(name, String::as_str);
        self.library
            .templates
            .get_key_value(path)
            .map(|(path, _)| path.as_str())
    }

    pub(crate) fn template(&self, path: &str) -> &'l Template {
        &self.library.templates[path]
    }

    /// Templates whose blocks show on the page by themselves: content, start and whatever is included.
    pub(crate) fn roots(&self) -> Vec<&'l str> {
        let mut roots: Vec<&str> = self
            .target(CONTENT)
            .into_iter()
            .chain([self.start])
            .collect();
        for path in &self.templates {
            let includes = &self.template(path).scan.includes;
            roots.extend(
                includes
                    .iter()
                    .filter_map(|include| self.target(&include.name)),
            );
        }
        roots
    }

    /// How many levels of templates and blocks there are.
    pub(crate) fn height(&self) -> usize {
        self.heights.values().copied().max().unwrap_or(0)
    }

    /// Visits a template and all that it extends and includes, below a chain of templates that take `above` levels;
    /// returns the levels from here on.
    fn enter(&mut self, path: &'l str, chain: &mut Vec<&'l str>, above: usize) -> usize {
        if let Some(height) = self.heights.get(path) {
            return *height;
        }
        chain.push(path);
        self.templates.push(path);
        let scan = &self.template(path).scan;
        let here = above + 1 + scan.block_depth;
        let mut height = here - above;
        let extends = scan
            .extends
            .iter()
            .map(|reference| (reference, Tie::Extends));
        let includes = scan
            .includes
            .iter()
            .map(|reference| (reference, Tie::Includes));
        for (reference, tie) in extends.chain(includes) {
            let Some(next) = self.follow(path, reference, tie) else {
                continue;
            };
            let circle = chain.iter().position(|passed| *passed == next);
            let below = match circle {
                None if here < MAX_DEPTH => self.enter(next, chain, here),
                _ => MAX_DEPTH,
            };
            if here + below <= MAX_DEPTH {
                height = height.max(here - above + below);
                continue;
            }
            let message = match circle {
                Some(from) => {
                    let circle = [&chain[from..], &[next]].concat().join(" → ");
                    format!("`{next}` contains itself: {circle}")
                }
                None => format!("more than {MAX_DEPTH} templates and blocks inside each other"),
            };
            self.fault(path, reference, message);
            self.is_broken = true;
        }
        chain.pop();
        self.heights.insert(path, height);
        height
    }

    /// Finds the template that a reference means.
    fn follow(&mut self, path: &str, reference: &'l Reference, tie: Tie) -> Option<&'l str> {
        let name = reference.name.as_str();
        let target = self.target(name);
        if target.is_none() {
            match name {
                CONTENT => {
                    let message = format!("there is no template `{}`", content_by_name(self.view));
                    self.fault(path, reference, message);
                }
                name if is_template(name) => {
                    self.faults
                        .push(self.template(path).missing(path, reference));
                }
                name => self.fault(path, reference, format!("it has no part `{name}`")),
            }
            self.missing.insert(name);
            self.is_broken |= tie == Tie::Extends;
        } else if self.resolved.parts.contains_key(name) {
            if (name == MAIN) != (tie == Tie::Extends) {
                let message = "`main` can only be extended, other parts only be included";
                self.fault(path, reference, message.to_owned());
                self.is_broken = true;
                return None;
            }
            self.parts.insert(name);
        }
        target
    }

    /// Visits the templates that define the components called so far, and those that are called in these.
    fn enter_components(&mut self) {
        let mut next = 0;
        while let Some(path) = self.templates.get(next) {
            next += 1;
            for component in &self.template(path).scan.component_calls {
                if let Some(path) = self.library.components.get(component) {
                    self.enter(path, &mut Vec::new(), 0);
                }
            }
        }
    }

    /// A layout that forgets the content would make all its pages look alike, without a word.
    fn check_content(&mut self) {
        let Some(content) = self.target(CONTENT) else {
            return;
        };
        if !self.templates.contains(&content) {
            let start = self.start;
            let message = format!(
                "`{content}` is shown nowhere: let it extend \"main\", or `{start}` include \"content\""
            );
            self.faults
                .push(Fault::in_view(&self.resolved.table, self.view, message));
        }
    }

    fn fault(&mut self, path: &str, reference: &Reference, message: String) {
        let message = format!("view `{}`: {message}", self.view);
        self.faults
            .push(self.template(path).fault(path, reference.offset, message));
    }
}
