//! Grows the trie from the paths of all routes that handle something.

use std::collections::HashMap;
use std::sync::Arc;

use crate::core::{FullPath, Node as RouteNode};
use crate::key::Key;
use crate::pattern::Pattern;
use crate::tail::{End, Step, Tail};
use crate::tree::RouteId;
use crate::trie::{Branch, Literal, NONE, Next, Node, Target, Trie};

/// Makes the trie of `targets`, which are given in the order of the walk.
pub(crate) fn grow(nodes: &[RouteNode], targets: &[RouteId]) -> Trie {
    let mut root = Growing::default();
    for (order, id) in targets.iter().enumerate() {
        let node = &nodes[id.index()];
        let target = Target {
            order: order as u32,
            route: *id,
            first_handler: node.first_handler as u32,
            handlers: node.dispatch.near(),
            conditional: !node.conditions.is_empty(),
            last: false,
        };
        root.insert(&node.path, target);
    }
    let mut freezer = Freezer::default();
    freezer.node(root);
    freezer.trie
}

/// A node that still grows.
#[derive(Default)]
struct Growing {
    literals: Vec<(Arc<str>, Growing)>,
    /// Places in `literals`.
    by_text: HashMap<Arc<str>, usize>,
    branches: Vec<(Pattern, Growing)>,
    any: Option<Box<Growing>>,
    /// Targets by how their path ends, each list in order.
    targets: [Vec<Target>; 3],
}

/// The places of [`Growing::targets`].
const ENDS: [End; 3] = [End::Exact, End::Open, End::Rest];

impl Growing {
    fn insert(&mut self, path: &FullPath, target: Target) {
        let node = path
            .segments
            .iter()
            .fold(self, |node, piece| node.child(&piece.pattern));
        let end = path.end();
        let place = ENDS
            .iter()
            .position(|known| *known == end)
            .unwrap_or_default();
        node.targets[place].push(target);
    }

    fn child(&mut self, pattern: &Pattern) -> &mut Growing {
        match pattern {
            Pattern::Any => self.any.get_or_insert_default(),
            Pattern::Literal(text) => {
                let place = *self
                    .by_text
                    .entry(Arc::clone(text))
                    .or_insert(self.literals.len());
                if place == self.literals.len() {
                    self.literals.push((Arc::clone(text), Growing::default()));
                }
                &mut self.literals[place].1
            }
            Pattern::Mixed(_) => {
                let known = self.branches.iter().position(|(known, _)| known == pattern);
                let place = known.unwrap_or(self.branches.len());
                if known.is_none() {
                    self.branches.push((pattern.clone(), Growing::default()));
                }
                &mut self.branches[place].1
            }
        }
    }

    /// The lowest order at or below this node.
    fn order(&self) -> u32 {
        let own = self
            .targets
            .iter()
            .filter_map(|targets| targets.first())
            .map(|target| target.order);
        let literals = self.literals.iter().map(|(_, child)| child.order());
        let branches = self.branches.iter().map(|(_, child)| child.order());
        own.chain(literals)
            .chain(branches)
            .chain(self.any.iter().map(|child| child.order()))
            .min()
            .unwrap_or(NONE)
    }

    /// Takes the node apart into steps and targets, if only one path goes on from it.
    #[expect(
        clippy::result_large_err,
        reason = "at build only, and the error is the node given back"
    )]
    fn into_tail(mut self) -> Result<(Vec<Step>, End, Vec<Target>), Self> {
        let places: Vec<usize> = (0..self.targets.len())
            .filter(|place| !self.targets[*place].is_empty())
            .collect();
        let children = self.literals.len() + self.branches.len() + usize::from(self.any.is_some());
        match (places.as_slice(), children) {
            ([place], 0) => Ok((
                Vec::new(),
                ENDS[*place],
                std::mem::take(&mut self.targets[*place]),
            )),
            ([], 1) => {
                let literal = self
                    .literals
                    .pop()
                    .map(|(text, child)| (Step::Literal(Key::of(text.as_bytes()), text), child));
                let branch = self
                    .branches
                    .pop()
                    .map(|(pattern, child)| (Step::Pattern(pattern), child));
                let any = self.any.take().map(|child| (Step::Any, *child));
                let (step, child) = literal.or(branch).or(any).expect("there is one child");
                match child.into_tail() {
                    Ok((mut steps, end, targets)) => {
                        steps.insert(0, step);
                        Ok((steps, end, targets))
                    }
                    Err(child) => {
                        match step {
                            Step::Literal(_, text) => self.literals.push((text, child)),
                            Step::Pattern(pattern) => self.branches.push((pattern, child)),
                            Step::Any => self.any = Some(Box::new(child)),
                        }
                        Err(self)
                    }
                }
            }
            _ => Err(self),
        }
    }
}

impl Growing {
    /// Takes off the literals that nothing branches off from: the text of a lead, and the node after it.
    fn into_lead(mut self) -> (Option<String>, Self) {
        let mut lead = String::new();
        while let Some((text, child)) = self.literals.pop() {
            let alone = self.literals.is_empty() && self.branches.is_empty() && self.any.is_none();
            let [exact, open, _] = &child.targets;
            // A lead ends in a slash, which a path that ends with the child does not have.
            if !alone
                || !self.targets.iter().all(Vec::is_empty)
                || !exact.is_empty()
                || !open.is_empty()
            {
                self.literals.push((text, child));
                break;
            }
            lead.push_str(&text);
            lead.push('/');
            self = child;
        }
        ((!lead.is_empty()).then_some(lead), self)
    }
}

/// Lays a grown node down, and all below it.
#[derive(Default)]
struct Freezer {
    trie: Trie,
}

impl Freezer {
    fn next(&mut self, child: Growing) -> Next {
        match child.into_tail() {
            Ok((steps, end, targets)) => {
                let index = self.targets(targets);
                let tail = Tail { steps, end };
                let known = self.trie.tails.iter().position(|known| *known == tail);
                let place = known.unwrap_or(self.trie.tails.len());
                if known.is_none() {
                    self.trie.tails.push(tail);
                }
                Next {
                    tail: place as u32,
                    index,
                }
            }
            Err(child) => Next {
                tail: NONE,
                index: self.node(child),
            },
        }
    }

    fn targets(&mut self, mut targets: Vec<Target>) -> u32 {
        let first = self.trie.targets.len();
        if let Some(last) = targets.last_mut() {
            last.last = true;
        }
        self.trie.targets.extend(targets);
        first as u32
    }

    fn node(&mut self, node: Growing) -> u32 {
        let (lead, node) = node.into_lead();
        let Growing {
            literals,
            by_text: _,
            branches,
            any,
            targets,
        } = node;
        let index = self.trie.nodes.len();
        let [ends, opens, rests] = targets.each_ref().map(|targets| targets.len() as u32);
        let first_target = self.trie.targets.len() as u32;
        let (first_branch, count) = (self.trie.branches.len(), branches.len());
        let any_order = any.as_ref().map_or(NONE, |any| any.order());
        let late_orders = targets[1..]
            .iter()
            .filter_map(|targets| targets.first())
            .map(|target| target.order);
        let other_orders = late_orders.chain(branches.iter().map(|(_, child)| child.order()));
        let leads = &mut self.trie.leads;
        let place = leads.len() as u32;
        leads.extend(lead);
        let lead = if leads.len() as u32 > place {
            place
        } else {
            NONE
        };
        self.trie.nodes.push(Node {
            lead,
            table: 0,
            last_place: 0,
            shift: 0,
            plain: opens + rests == 0 && count == 0,
            any: Next::NOTHING,
            any_order,
            other_order: other_orders.fold(any_order, u32::min),
            first_branch: first_branch as u32,
            branches: count as u32,
            first_target,
            ends,
            opens,
            rests,
        });
        targets.into_iter().for_each(|targets| {
            self.targets(targets);
        });
        let mut children = Vec::new();
        for (pattern, child) in branches {
            self.trie.branches.push(Branch {
                pattern,
                next: Next::NOTHING,
                order: child.order(),
            });
            children.push(child);
        }
        let (table, places) = self.literals(literals);
        for (i, child) in children.into_iter().enumerate() {
            self.trie.branches[first_branch + i].next = self.next(child);
        }
        let any = any.map_or(Next::NOTHING, |any| self.next(*any));
        let node = &mut self.trie.nodes[index];
        (node.table, node.last_place, node.shift) =
            (table as u32, places as u32 - 1, shift_for(places));
        node.any = any;
        index as u32
    }

    /// Makes the table of literal children, and returns where it begins and how many places it has: two to some power, of which a quarter to a half
    /// is taken. The first two places of all are for nodes without literals.
    fn literals(&mut self, literals: Vec<(Arc<str>, Growing)>) -> (usize, usize) {
        if self.trie.tables.is_empty() {
            self.trie.tables = vec![Literal::ABSENT; 2];
        }
        if literals.is_empty() {
            return (0, 2);
        }
        let (first, count) = (
            self.trie.tables.len(),
            (2 * literals.len()).next_power_of_two(),
        );
        self.trie.tables.resize(first + count, Literal::ABSENT);
        for (text, child) in literals {
            let key = Key::of(text.as_bytes());
            let text = if key.is_whole() {
                NONE
            } else {
                self.trie.texts.push(text);
                self.trie.texts.len() as u32 - 1
            };
            let literal = Literal {
                key,
                text,
                next: self.next(child),
            };
            let table = &mut self.trie.tables[first..first + count];
            let place = (key.hash() >> shift_for(count)) as usize;
            let free = (place..count)
                .chain(0..place)
                .find(|place| table[*place].next.is_nothing());
            table[free.expect("a table is at most half full")] = literal;
        }
        (first, count)
    }
}

/// How many bits of a hash to shift out, so that it is a place in a table of `count`.
fn shift_for(count: usize) -> u8 {
    64 - count.trailing_zeros() as u8
}
