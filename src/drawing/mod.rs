//! A graph, or a part of it, in the notations that others draw, and as a picture.

mod layout;
mod svg;

pub use layout::layout;
pub use svg::curve;

use std::collections::HashMap;
use std::fmt::Write;

use pwb_engine::recipe::Use;
use pwb_engine::{Graph, Plan, StepId};
use serde_json::{Value, json};

/// What of a graph is drawn.
pub struct Drawing<'a> {
    graph: &'a Graph,
    steps: Vec<StepId>,
    /// Between places in `steps`, from what is needed to what needs it.
    edges: Vec<(usize, usize)>,
}

impl<'a> Drawing<'a> {
    /// The whole graph, with or without the packages of roots.
    pub fn new(graph: &'a Graph, packages: bool) -> Drawing<'a> {
        let drawn = |step: &StepId| packages || !graph.steps[*step].is_package();
        Drawing::of(graph, graph.steps.node_indices().filter(drawn).collect())
    }

    /// These steps, and the edges among them.
    pub fn of(graph: &'a Graph, steps: Vec<StepId>) -> Drawing<'a> {
        let places = steps.iter().enumerate();
        let places: HashMap<StepId, usize> = places.map(|(place, step)| (*step, place)).collect();
        let edges = graph.steps.edge_indices();
        let edges = edges.filter_map(|edge| graph.steps.edge_endpoints(edge));
        let between = |(from, to)| Some((*places.get(&from)?, *places.get(&to)?));
        Drawing {
            graph,
            edges: edges.filter_map(between).collect(),
            steps,
        }
    }

    fn name(&self, place: usize) -> &str {
        self.graph.name(self.steps[place])
    }

    /// Number, name and kind of each.
    fn nodes(&self) -> impl Iterator<Item = (usize, &str, &'static str)> {
        let kind = |step: StepId| self.graph.steps[step].work.kind();
        let steps = self.steps.iter();
        steps.map(move |&step| (step.index(), self.graph.name(step), kind(step)))
    }

    /// The numbers of each two.
    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        let number = |place: usize| self.steps[place].index();
        let edges = self.edges.iter();
        edges.map(move |&(from, to)| (number(from), number(to)))
    }

    /// For Graphviz.
    pub fn dot(&self) -> String {
        let mut text = "digraph {\n    rankdir=LR;\n    node [shape=box];\n".to_owned();
        for (number, name, kind) in self.nodes() {
            // A String takes all that is written.
            let _ = writeln!(text, "    n{number} [label=\"{name}\\n{kind}\"];");
        }
        for (from, to) in self.pairs() {
            let _ = writeln!(text, "    n{from} -> n{to};");
        }
        text + "}"
    }

    /// For Mermaid, as many sites draw it within Markdown.
    pub fn mermaid(&self) -> String {
        let mut text = "flowchart LR".to_owned();
        for (number, name, kind) in self.nodes() {
            let _ = write!(text, "\n    n{number}[\"{name} ({kind})\"]");
        }
        for (from, to) in self.pairs() {
            let _ = write!(text, "\n    n{from} --> n{to}");
        }
        text
    }

    /// Nodes and edges as JSON.
    pub fn json(&self) -> Value {
        let nodes = self.nodes();
        let nodes: Vec<Value> = nodes
            .map(|(_, name, kind)| json!({"name": name, "kind": kind}))
            .collect();
        let edges = self.edges.iter();
        let edges: Vec<Value> = edges
            .map(|(from, to)| json!({"from": self.name(*from), "to": self.name(*to)}))
            .collect();
        json!({"nodes": nodes, "edges": edges})
    }

    /// A picture, layer by layer down to what is made of all; with a plan it says of each node whether it is in the store.
    pub fn svg(&self, plan: Option<&Plan>) -> String {
        svg::draw(self, plan)
    }
}

/// What one step uses another one as: `root`, `layer`, `input /src`.
pub fn uses(graph: &Graph, user: StepId, used: StepId) -> Vec<String> {
    let uses = graph.steps[user].uses().into_iter();
    let uses = uses.filter(|(_, input)| input.step == used);
    let named = |(usage, _)| match usage {
        Use::Layer => "layer".to_owned(),
        Use::Root => "root".to_owned(),
        Use::Input(mount) => format!("input {mount}"),
    };
    uses.map(named).collect()
}
