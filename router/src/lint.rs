//! Finds handlers that can never run, because an earlier route takes all that they could match.

use std::sync::Arc;

use crate::condition::Condition;
use crate::core::{Core, FullPath};
use crate::error::FaultKind;
use crate::key::Key;
use crate::methods::methods_text;
use crate::pattern::{Pattern, Piece};
use crate::tail::{End, Step, Tail};
use crate::tree::RouteId;
use crate::trie::{NONE, Next, Node, Target};

const ROOT: Next = Next {
    tail: NONE,
    index: 0,
};

/// Reports every handler that is out of reach, with the route that is in its way.
///
/// Only what is certain is reported: two earlier routes that together leave nothing over are not, nor are regexes compared with each other.
pub(crate) fn unreachable(core: &Core) -> Vec<(RouteId, FaultKind)> {
    let mut faults = Vec::new();
    for (order, id) in core.targets.iter().enumerate() {
        let node = core.node(*id);
        let mut takers = Vec::new();
        cover(core, ROOT, &node.path, 0, &mut takers);
        takers.retain(|taker| {
            (taker.order as usize) < order
                && covers_all(&core.node(taker.route).conditions, &node.conditions)
        });
        takers.sort_by_key(|taker| taker.order);
        for (handler, method) in node.handlers.iter().enumerate() {
            if let Some(by) = first_in_the_way(core, &takers, *id, handler) {
                let by = core.node(by);
                faults.push((
                    *id,
                    FaultKind::Unreachable {
                        methods: methods_text([method.as_ref()].into_iter()),
                        pattern: node.path.shown(),
                        by: by.title(),
                        by_pattern: by.path.shown(),
                    },
                ));
            }
        }
    }
    faults
}

/// The first of `takers` that takes a method of the handler, if together they take all its methods.
fn first_in_the_way(
    core: &Core,
    takers: &[&Target],
    id: RouteId,
    handler: usize,
) -> Option<RouteId> {
    let (methods, any) = core.node(id).dispatch.methods_of(handler);
    let takes =
        |taker: &&&Target, method| core.node(taker.route).dispatch.handler(method).is_some();
    let mut in_the_way = Vec::new();
    for method in methods {
        in_the_way.push(takers.iter().find(|taker| takes(taker, method))?);
    }
    if any {
        in_the_way.push(
            takers
                .iter()
                .find(|taker| core.node(taker.route).dispatch.takes_any())?,
        );
    }
    in_the_way
        .into_iter()
        .min_by_key(|taker| taker.order)
        .map(|taker| taker.route)
}

/// True if a request that satisfies all of `others` satisfies all of `conditions`.
fn covers_all(conditions: &[Arc<Condition>], others: &[Arc<Condition>]) -> bool {
    conditions
        .iter()
        .all(|condition| others.iter().any(|other| condition.covers(other)))
}

/// Collects the targets in what follows a segment whose paths cover all that `path` matches, of which `depth` segments lead there.
fn cover<'c>(
    core: &'c Core,
    next: Next,
    path: &FullPath,
    depth: usize,
    takers: &mut Vec<&'c Target>,
) {
    if next.tail == NONE {
        cover_below(
            core,
            &core.trie.nodes[next.index as usize],
            path,
            depth,
            takers,
        );
    } else if tail_covers(&core.trie.tails[next.tail as usize], path, depth) {
        takers.extend(core.trie.targets_from(next.index));
    }
}

fn cover_below<'c>(
    core: &'c Core,
    node: &'c Node,
    path: &FullPath,
    depth: usize,
    takers: &mut Vec<&'c Target>,
) {
    let trie = &core.trie;
    let lead = trie
        .leads
        .get(node.lead as usize)
        .map_or("", String::as_str);
    let depth = depth + lead.matches('/').count();
    let led = lead
        .split_terminator('/')
        .rev()
        .zip(path.segments.iter().take(depth).rev());
    if path.segments.len() < depth
        || !led
            .clone()
            .all(|(text, piece)| piece.pattern == Pattern::Literal(text.into()))
    {
        return;
    }
    takers.extend(trie.opens(node));
    let Some(piece) = path.segments.get(depth) else {
        match path.end() {
            End::Exact => takers.extend(trie.ends(node)),
            End::Rest => takers.extend(trie.rests(node)),
            End::Open => {}
        }
        return;
    };
    takers.extend(trie.rests(node));
    if let Pattern::Literal(text) = &piece.pattern {
        let next = trie.literal(node, Key::of(text.as_bytes()), text.as_bytes(), 0);
        if !next.is_nothing() {
            cover(core, next, path, depth + 1, takers);
        }
    }
    for branch in trie
        .branches(node)
        .iter()
        .filter(|branch| branch.pattern.covers(&piece.pattern))
    {
        cover(core, branch.next, path, depth + 1, takers);
    }
    if !node.any.is_nothing() && Pattern::Any.covers(&piece.pattern) {
        cover(core, node.any, path, depth + 1, takers);
    }
}

/// True if the tail takes whatever the segments of `path` from `depth` on match.
fn tail_covers(tail: &Tail, path: &FullPath, depth: usize) -> bool {
    let pieces = &path.segments[depth..];
    let covers = |step: &Step, piece: &Piece| match step {
        Step::Any => Pattern::Any.covers(&piece.pattern),
        Step::Literal(_, text) => Pattern::Literal(Arc::clone(text)).covers(&piece.pattern),
        Step::Pattern(pattern) => pattern.covers(&piece.pattern),
    };
    let steps_cover = pieces.len() >= tail.steps.len()
        && tail
            .steps
            .iter()
            .zip(pieces)
            .all(|(step, piece)| covers(step, piece));
    let left = pieces.len().saturating_sub(tail.steps.len());
    steps_cover
        && match tail.end {
            End::Exact => left == 0 && path.end() == End::Exact,
            End::Rest => left > 0 || path.end() == End::Rest,
            End::Open => true,
        }
}
