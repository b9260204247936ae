//! A graph without its packages, in the notations that others draw.

use std::fmt::Write;

use pwb_engine::{Graph, StepId};
use serde_json::json;

/// What of a graph is drawn.
pub struct Drawing<'a> {
    graph: &'a Graph,
    nodes: Vec<(StepId, &'static str)>,
    edges: Vec<(StepId, StepId)>,
}

impl<'a> Drawing<'a> {
    pub fn new(graph: &'a Graph, packages: bool) -> Drawing<'a> {
        let drawn = |step: &StepId| packages || !graph.steps[*step].work.is_package();
        let kind = |step: StepId| graph.steps[step].work.kind();
        let steps = graph.steps.node_indices().filter(drawn);
        let edges = graph.steps.edge_indices();
        Drawing {
            graph,
            nodes: steps.map(|step| (step, kind(step))).collect(),
            edges: edges
                .filter_map(|edge| graph.steps.edge_endpoints(edge))
                .filter(|(from, to)| drawn(from) && drawn(to))
                .collect(),
        }
    }

    /// For Graphviz.
    pub fn dot(&self) -> String {
        let mut text = "digraph {\n    rankdir=LR;\n    node [shape=box];\n".to_owned();
        for (step, kind) in &self.nodes {
            let (index, name) = (step.index(), self.graph.name(*step));
            // A String takes all that is written.
            let _ = writeln!(text, "    n{index} [label=\"{name}\\n{kind}\"];");
        }
        for (from, to) in &self.edges {
            let _ = writeln!(text, "    n{} -> n{};", from.index(), to.index());
        }
        text + "}"
    }

    /// For Mermaid, as many sites draw it within Markdown.
    pub fn mermaid(&self) -> String {
        let mut text = "flowchart LR".to_owned();
        for (step, kind) in &self.nodes {
            let (index, name) = (step.index(), self.graph.name(*step));
            let _ = write!(text, "\n    n{index}[\"{name} ({kind})\"]");
        }
        for (from, to) in &self.edges {
            let _ = write!(text, "\n    n{} --> n{}", from.index(), to.index());
        }
        text
    }

    /// Nodes and edges as JSON.
    pub fn json(&self) -> String {
        let name = |step: &StepId| self.graph.name(*step);
        let nodes = self.nodes.iter();
        let nodes: Vec<_> = nodes
            .map(|(step, kind)| json!({"name": name(step), "kind": kind}))
            .collect();
        let edges = self.edges.iter();
        let edges: Vec<_> = edges
            .map(|(from, to)| json!({"from": name(from), "to": name(to)}))
            .collect();
        json!({"nodes": nodes, "edges": edges}).to_string()
    }
}
