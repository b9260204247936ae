//! Finds nodes that need each other. Conditions are taken as if all held: no option may make a cycle.

use std::collections::{BTreeMap, HashMap, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use super::code::Code;
use super::name::NodeName;
use super::node::Node;
use super::sink::Sink;
use super::source::Span;

type Needs<'a> = DiGraph<&'a NodeName, Span>;

/// Adds an error for every group of nodes that need each other: a shortest cycle of the group.
pub(super) fn check(nodes: &BTreeMap<NodeName, Node>, sink: &mut Sink) {
    let graph = needs(nodes);
    // Not by a search that recurses: a chain of nodes may be longer than the stack.
    for group in kosaraju_scc(&graph) {
        let first = group.iter().copied().min_by_key(|index| graph[*index]);
        // Most groups are one node, and to look for its way back would be to look at all that it needs.
        let first = first.filter(|first| group.len() > 1 || graph.contains_edge(*first, *first));
        if let Some(cycle) = first.and_then(|first| shortest(&graph, first)) {
            report(&graph, &cycle, sink);
        }
    }
}

fn needs(nodes: &BTreeMap<NodeName, Node>) -> Needs<'_> {
    let mut graph = Needs::new();
    let indices: BTreeMap<_, _> = nodes
        .keys()
        .map(|name| (name, graph.add_node(name)))
        .collect();
    for node in nodes.values() {
        for (_, reference) in node.may_need() {
            if let (Some(from), Some(to)) = (indices.get(&node.name), indices.get(&reference.node))
            {
                graph.add_edge(*from, *to, reference.span);
            }
        }
    }
    graph
}

/// The shortest way from a node back to itself: each step's start and place.
fn shortest(graph: &Needs<'_>, start: NodeIndex) -> Option<Vec<(NodeIndex, Span)>> {
    let mut came_from = HashMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(index) = queue.pop_front() {
        for edge in graph.edges(index) {
            if edge.target() == start {
                let mut cycle = vec![(index, *edge.weight())];
                let mut at = index;
                while at != start {
                    let step: (NodeIndex, Span) = *came_from.get(&at)?;
                    cycle.push(step);
                    at = step.0;
                }
                cycle.reverse();
                return Some(cycle);
            }
            came_from.entry(edge.target()).or_insert_with(|| {
                queue.push_back(edge.target());
                (index, *edge.weight())
            });
        }
    }
    None
}

fn report(graph: &Needs<'_>, cycle: &[(NodeIndex, Span)], sink: &mut Sink) {
    /// Of a longer cycle the beginning says enough.
    const SHOWN: usize = 16;
    let names: Vec<&str> = cycle.iter().map(|(at, _)| graph[*at].as_str()).collect();
    let (Some(first), Some((_, span))) = (names.first(), cycle.first()) else {
        return;
    };
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" -> … {more} more"),
    };
    let shown = names[..names.len().min(SHOWN)].join(" -> ");
    let message = format!("nodes need each other: {shown}{more} -> {first}");
    let after = names.iter().skip(1).chain([first]);
    let labels = names.iter().zip(after);
    let mut labels = labels.map(|(from, to)| format!("`{from}` needs `{to}`"));
    let label = labels.next().unwrap_or_default();
    let error = sink.finding(Code::Cycle, *span, message, label);
    let steps = cycle.iter().map(|(_, span)| *span).skip(1);
    let error = steps
        .zip(labels)
        .take(SHOWN - 1)
        .fold(error, |error, (span, label)| {
            error.related(sink.location(span), label)
        });
    sink.add(error);
}
