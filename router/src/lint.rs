//! Finds handlers that can never run, because an earlier route takes all that they could match.

use std::sync::Arc;

use crate::condition::Condition;
use crate::core::{Core, FullPath};
use crate::error::FaultKind;
use crate::key::Key;
use crate::methods::methods_text;
use crate::pattern::Pattern;
use crate::tree::RouteId;
use crate::trie::Target;

/// Reports every handler that is out of reach, with the route that is in its way.
///
/// Only what is certain is reported: two earlier routes that together leave nothing over are not, nor are regexes compared with each other.
pub(crate) fn unreachable(core: &Core) -> Vec<(RouteId, FaultKind)> {
    let mut faults = Vec::new();
    for (order, id) in core.targets.iter().enumerate() {
        let node = core.node(*id);
        let mut takers = Vec::new();
        cover(core, 0, &node.path, 0, &mut takers);
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

/// Collects the targets below a node of the trie whose paths cover all that `path` matches, of which `depth` segments lead to the node.
fn cover<'c>(
    core: &'c Core,
    index: u32,
    path: &FullPath,
    depth: usize,
    takers: &mut Vec<&'c Target>,
) {
    let trie = &core.trie;
    let node = &trie.nodes[index as usize];
    takers.extend(trie.opens(node));
    let Some(piece) = path.segments.get(depth) else {
        match (&path.rest, path.exact) {
            (Some(_), _) => takers.extend(trie.rests(node)),
            (None, true) => takers.extend(trie.ends(node)),
            (None, false) => {}
        }
        return;
    };
    takers.extend(trie.rests(node));
    if let Pattern::Literal(text) = &piece.pattern
        && let Some(child) = trie.literal(node, Key::of(text.as_bytes()), text.as_bytes())
    {
        cover(core, child, path, depth + 1, takers);
    }
    for branch in trie
        .branches(node)
        .iter()
        .filter(|branch| branch.pattern.covers(&piece.pattern))
    {
        cover(core, branch.child, path, depth + 1, takers);
    }
    if let Some(any) = node.any()
        && Pattern::Any.covers(&piece.pattern)
    {
        cover(core, any, path, depth + 1, takers);
    }
}
