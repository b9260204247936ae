//! Finds nodes that need each other. Conditions are taken as if all held: no option may make a cycle.

use std::collections::{BTreeMap, HashMap, VecDeque};

use petgraph::algo::tarjan_scc;
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
    for group in tarjan_scc(&graph) {
        let first = group.iter().copied().min_by_key(|index| graph[*index]);
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
    let mut names: Vec<_> = cycle
        .iter()
        .map(|(index, _)| graph[*index].as_str())
        .collect();
    names.extend(names.first().copied());
    let labels = names.windows(2).map(|pair| match pair {
        [from, to] => format!("`{from}` needs `{to}`"),
        _ => String::new(),
    });
    let mut steps = cycle.iter().map(|(_, span)| *span).zip(labels);
    let Some((span, label)) = steps.next() else {
        return;
    };
    let message = format!("nodes need each other: {}", names.join(" -> "));
    let error = sink.finding(Code::Cycle, span, message, label);
    let error = steps.fold(error, |error, (span, label)| {
        error.related(sink.location(span), label)
    });
    sink.add(error);
}
