//! One view, compiled: an engine that holds the templates which this view reaches, and nothing else.
//!
//! Every view has an engine of its own because the same layout means something else in each: its `{% include "nav" %}`
//! is another file here than there. A part's name becomes a one-line template that passes on to the part's file, so
//! that the engine does the rest and its messages name real files.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::resume_unwind;
use std::thread;

use tera::{Context, Tera, TeraResult};

use crate::fault::Fault;
use crate::library::{Library, is_escaped};
use crate::reach::{MAX_DEPTH, Reach};
use crate::table::{MAIN, Resolved};

#[derive(Debug)]
pub(crate) struct View {
    engine: Tera,
    start: String,
    fragments: HashMap<String, Fragment>,
    /// Names of all functions that are called.
    functions: BTreeSet<String>,
    /// Whether templates contain each other many levels deep, or may, as components can call themselves.
    is_deep: bool,
}

#[derive(Debug)]
enum Fragment {
    /// A template that is this block alone.
    Alone { template: String },
    /// A block that can't be understood without its page, as it calls `super()` or holds blocks that are overridden
    /// elsewhere. The engine renders the template and keeps only the block.
    Within { template: String },
    Component {
        parameters: Vec<String>,
        is_escaped: bool,
    },
}

type Fragments = HashMap<String, Fragment>;
type Texts = BTreeMap<String, String>;

impl View {
    /// Compiles a view with the functions that `functions` holds; `None` for a base that only others complete.
    pub(crate) fn compile(
        name: &str,
        resolved: &Resolved,
        library: &Library,
        functions: &Tera,
    ) -> Result<Option<Self>, Vec<Fault>> {
        let faults = match Reach::of(name, resolved, library) {
            Err(fault) => vec![fault],
            Ok(reach) if reach.is_broken => reach.faults,
            Ok(mut reach) => match Self::of_reach(&reach, resolved, functions.clone()) {
                Ok(view) if reach.faults.is_empty() => return Ok(Some(view)),
                Ok(_) => reach.faults,
                Err(error) => {
                    reach
                        .faults
                        .extend(Fault::of_engine(&error, reach.start, library));
                    reach.faults
                }
            },
        };
        // What a base lacks its children have, or say that they lack it too.
        if resolved.is_base {
            Ok(None)
        } else {
            Err(faults)
        }
    }

    fn of_reach(reach: &Reach<'_>, resolved: &Resolved, mut engine: Tera) -> TeraResult<Self> {
        let mut texts = Texts::new();
        for path in &reach.templates {
            texts.insert(
                (*path).to_owned(),
                reach.template(path).compiled().into_owned(),
            );
        }
        for part in &reach.parts {
            let verb = if *part == MAIN { "extends" } else { "include" };
            let text = format!("{{% {verb} \"{}\" %}}", resolved.parts[*part]);
            texts.insert((*part).to_owned(), text);
        }
        // What is missing has been reported. With something in its place, the engine can go on to find more.
        texts.extend(
            reach
                .missing
                .iter()
                .map(|name| ((*name).to_owned(), String::new())),
        );

        let mut fragments = Fragments::new();
        for root in reach.roots() {
            add_blocks(root, reach, &mut fragments, &mut texts);
        }
        engine.add_raw_templates(texts)?;

        let mut functions = BTreeSet::new();
        let mut is_deep = reach.height() > MAX_DEPTH / 6;
        for path in &reach.templates {
            let scan = &reach.template(path).scan;
            functions.extend(scan.function_calls.iter().cloned());
            is_deep |= !scan.components.is_empty();
            for component in &scan.components {
                let definition = engine.get_component_definition(&component.name);
                let parameters = definition.iter().flat_map(|definition| definition.args());
                let parameters = parameters
                    .map(|parameter| parameter.name().to_owned())
                    .collect();
                let fragment = Fragment::Component {
                    parameters,
                    is_escaped: is_escaped(path),
                };
                fragments.entry(component.name.clone()).or_insert(fragment);
            }
        }
        Ok(Self {
            engine,
            start: reach.start.to_owned(),
            fragments,
            functions,
            is_deep,
        })
    }

    /// Whether a template of the view calls the function.
    pub(crate) fn calls(&self, function: &str) -> bool {
        self.functions.contains(function)
    }

    pub(crate) fn render(&self, variables: &Context) -> TeraResult<String> {
        self.with_room(|| self.engine.render(&self.start, variables))
    }

    /// Renders a block or component; `None` if the view has none of that name.
    pub(crate) fn fragment(&self, name: &str, variables: &Context) -> Option<TeraResult<String>> {
        let fragment = self.fragments.get(name)?;
        Some(self.with_room(|| match fragment {
            Fragment::Alone { template } => self.engine.render(template, variables),
            Fragment::Within { template } => self.engine.render_block(template, name, variables),
            Fragment::Component {
                parameters,
                is_escaped,
            } => {
                // The engine refuses arguments that the component does not know.
                let mut arguments = Context::new();
                for parameter in parameters {
                    if let Some(value) = variables.get(parameter) {
                        arguments.insert_value(parameter.clone(), value.clone());
                    }
                }
                let body = None;
                self.engine.render_component_with_implicits(
                    name,
                    &arguments,
                    variables,
                    body,
                    *is_escaped,
                )
            }
        }))
    }

    /// Renders where the stack is large enough.
    ///
    /// The engine recurses once for every template, block and component inside another, and lets components go 20 deep
    /// before it calls them endless. Optimised that takes 16 KB a level, which fits any stack. Unoptimised it takes
    /// 100 KB, and an endless component would end the process instead of the render.
    fn with_room(&self, render: impl FnOnce() -> TeraResult<String> + Send) -> TeraResult<String> {
        const STACK_BYTES: usize = 64 << 20;
        if !(self.is_deep && cfg!(debug_assertions)) {
            return render();
        }
        thread::scope(|scope| {
            let thread = thread::Builder::new()
                .stack_size(STACK_BYTES)
                .spawn_scoped(scope, render)?;
            thread.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }
}

/// Adds the blocks of a template and of those it extends, as they show when that template is rendered.
fn add_blocks(root: &str, reach: &Reach<'_>, fragments: &mut Fragments, texts: &mut Texts) {
    let mut overridden: BTreeSet<&str> = BTreeSet::new();
    let mut next = Some(root);
    while let Some(path) = next {
        let template = reach.template(path);
        let blocks = &template.scan.blocks;
        for block in blocks {
            if fragments.contains_key(&block.name) {
                continue;
            }
            let inside = blocks.iter().filter(|other| block.contains(other));
            let holds_overridden = inside
                .map(|inner| inner.name.as_str())
                .any(|name| overridden.contains(name));
            let fragment = if block.calls_super || holds_overridden {
                Fragment::Within {
                    template: root.to_owned(),
                }
            } else {
                let (template, text) = template.fragment(path, block);
                texts.insert(template.clone(), text);
                Fragment::Alone { template }
            };
            fragments.insert(block.name.clone(), fragment);
        }
        overridden.extend(blocks.iter().map(|block| block.name.as_str()));
        let parent = template.scan.extends.as_ref();
        next = parent.and_then(|parent| reach.target(&parent.name));
    }
}
